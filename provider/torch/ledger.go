package torch

import (
	"context"
	"sync"
	"time"

	"kejitong/provider/account"
)

// Books is what the desk reads of imports.
type Books interface {
	// Batches lists them, the newest first.
	Batches(ctx context.Context, limit int) ([]Batch, error)
	// Batch gives one; fault.NotFound if there is none.
	Batch(ctx context.Context, id string) (Batch, error)
	// BatchPlan gives what was planned or done last; ok is false before that.
	BatchPlan(ctx context.Context, id string) (p Plan, ok bool, err error)
	// BadRows gives the first fields that could not be taken over, by row, and
	// BadCounts how many of each kind are kept.
	BadRows(ctx context.Context, batch string, limit int) ([]RowError, error)
	BadCounts(ctx context.Context, batch string) ([]BadCount, error)
	// CountUnwrapped counts the passwords that lie as they came.
	CountUnwrapped(ctx context.Context) (int64, error)
	// Entries gives up to limit records of a heap after a place, in the order of
	// batch and row.
	Entries(ctx context.Context, h Heap, after Place, limit int) ([]Entry, error)
	// EntriesOf gives the records of a key, whatever batch they came with.
	EntriesOf(ctx context.Context, kind RecordKind, key string) ([]Entry, error)
	// Entry gives one record; fault.NotFound if there is none.
	Entry(ctx context.Context, id string) (Entry, error)
}

// BadCount is how often a field could not be taken over for the same reason.
type BadCount struct {
	Field, Msg string
	N          int64
}

// Place is where a list of records goes on.
type Place struct {
	Batch string `json:"b"`
	Row   int    `json:"r"`
}

// Entry is a record with what became of it, and how those stand who have to do
// with it.
type Entry struct {
	ID        string
	Place     Place
	Record    Record // without its password; empty but for kind, row and a unit's key once erased
	Outcome   Code   // empty before the batch was brought over
	Suffixed  bool   // even HJ_ was taken
	DecidedAt time.Time
	Account   Party // made for it, or the one that goes on
	Holder    Party // who had the login name
	Rival     Party // who lost the unit
	Waits     bool  // grants wait for the person's real name
	Seen      bool  // the owner of the account came since, or set another password
}

// Party is an account that has to do with a record; ID is empty if there is none.
type Party struct {
	ID        account.ID
	LoginName string
	LoginKey  string
	Kind      account.Kind
	State     account.State
	RealName  string
	UnitID    string
}

func (p Party) gone() bool { return p.ID == "" || p.State == account.Closed }

// Snag is something that stays to be settled after an import.
type Snag string

// The snags.
const (
	SnagName      Snag = "name"      // somebody else has the login name
	SnagGrants    Snag = "grants"    // grants of a person's account wait for a real name
	SnagElsewhere Snag = "elsewhere" // verified on an account whose login name they forgot
	SnagThird     Snag = "third"     // verified on a third account
	SnagRival     Snag = "rival"     // an unverified legal account lost the unit
)

// Heap is a list of records with the same snags: an outcome, or the rivals.
type Heap string

// Rivals is the heap of those whose unit was taken from an unverified account.
const Rivals Heap = "rival"

// Heaps lists them.
func Heaps() []Heap {
	return []Heap{Heap(E3), Heap(E4), Heap(E5), Heap(I3), Heap(I4), Heap(I5), Heap(I6), Rivals}
}

// Snags is what an outcome leaves to be settled.
func (c Code) Snags() []Snag {
	switch c {
	case E3, I3:
		return []Snag{SnagName}
	case E4:
		return []Snag{SnagGrants}
	case E5:
		return []Snag{SnagName, SnagGrants}
	case I4:
		return []Snag{SnagElsewhere}
	case I5:
		return []Snag{SnagName, SnagElsewhere}
	case I6:
		return []Snag{SnagThird}
	}
	return nil
}

// Open is what is not settled yet.
func (e Entry) Open() (out []Snag) {
	if e.DecidedAt.IsZero() {
		return nil
	}
	for _, s := range e.Outcome.Snags() {
		if e.open(s) {
			out = append(out, s)
		}
	}
	if e.open(SnagRival) {
		out = append(out, SnagRival)
	}
	return out
}

func (e Entry) open(s Snag) bool {
	switch s {
	case SnagName:
		return !e.Holder.gone() && equalKey(e.Holder.LoginKey, e.Record.Key)
	case SnagGrants:
		return e.Waits && !e.Account.gone()
	case SnagElsewhere:
		return !e.Account.gone() && !e.Seen
	case SnagThird:
		return !e.Account.gone() && e.Account.RealName != account.StatusVerified
	case SnagRival:
		return !e.Rival.gone() && e.Rival.UnitID == "" && e.Account.RealName != account.StatusVerified
	}
	return false
}

// equalKey compares a login name's key with a key of the former platform.
func equalKey(login, key string) bool {
	k, err := account.NormaliseLogin(key)
	return err == nil && k == login
}

// Wrapping is how far the background has come with the passwords.
type Wrapping struct {
	All, Left int64
	Rate      float64       // a second; 0 as long as nobody knows
	Takes     time.Duration // at that rate; 0 likewise
}

// Done is how many of All need no wrapping any more.
func (w Wrapping) Done() int64 { return max(w.All-w.Left, 0) }

// Ledger shows the desk what was imported. What costs more the more was imported
// is asked once a minute for everybody.
type Ledger struct {
	Books Books
	Now   func() time.Time

	mu    sync.Mutex
	count []counted // of the passwords to wrap, the oldest first
}

type counted struct {
	left int64
	at   time.Time
}

const (
	countSoon = 5 * time.Second  // counts are no closer than that
	countBack = 15 * time.Minute // and the rate is of no longer a time
	entryStep = 100              // records that are read at once
	entryMost = 1000             // and at most, for one page
)

// Wrapping tells how far the passwords of the batches are; the rate is that
// between two looks at them.
func (l *Ledger) Wrapping(ctx context.Context, batches []Batch) (w Wrapping, err error) {
	for _, b := range batches {
		if b.State == Committed {
			w.All += b.Passwords
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	if n := len(l.count); n == 0 || now.Sub(l.count[n-1].at) >= countSoon {
		left, err := l.Books.CountUnwrapped(ctx)
		if err != nil {
			return w, err
		}
		if n > 0 && left > l.count[n-1].left { // another batch came
			l.count = nil
		}
		l.count = append(l.count, counted{left, now})
	}
	for len(l.count) > 2 && now.Sub(l.count[0].at) > countBack {
		l.count = l.count[1:]
	}
	first, last := l.count[0], l.count[len(l.count)-1]
	w.Left = last.left
	if took := last.at.Sub(first.at).Seconds(); took > 0 && first.left > last.left {
		w.Rate = float64(first.left-last.left) / took
		w.Takes = time.Duration(float64(last.left) / w.Rate * float64(time.Second))
	}
	return w, nil
}

// Unsettled gives up to limit records of a heap with something open, after a
// place, and the place where to go on: zero at the end.
func (l *Ledger) Unsettled(ctx context.Context, h Heap, after Place, limit int) (out []Entry, next Place, err error) {
	for read := 0; read < entryMost; read += entryStep {
		some, err := l.Books.Entries(ctx, h, after, entryStep)
		if err != nil {
			return nil, Place{}, err
		}
		for _, e := range some {
			after = e.Place
			if len(e.Open()) == 0 {
				continue
			}
			if out = append(out, e); len(out) == limit {
				return out, after, nil
			}
		}
		if len(some) < entryStep {
			return out, Place{}, nil
		}
	}
	return out, after, nil
}

// Find gives the records of a USCC or a mobile number. Errors: fault.Invalid if
// it is neither.
func (l *Ledger) Find(ctx context.Context, text string) ([]Entry, error) {
	if m, err := account.ParseMobile(text); err == nil {
		return l.Books.EntriesOf(ctx, PersonRecord, string(m))
	}
	u, err := account.ParseUSCC(text)
	if err != nil {
		return nil, err
	}
	return l.Books.EntriesOf(ctx, UnitRecord, string(u))
}
