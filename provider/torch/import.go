package torch

import (
	"context"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// BatchState is where a batch stands in its life.
type BatchState string

// The states of a batch, in order. A staged one can be looked at and thrown away;
// a committed one can be taken back as long as nobody used what it made.
const (
	Staging   BatchState = "staging"
	Prepared  BatchState = "staged"
	Committed BatchState = "committed"
	Reverted  BatchState = "reverted"
)

// Batch is one file of accounts.
type Batch struct {
	ID          string // [A-Za-z0-9._-]{1,64}, chosen by the operator
	Digest      string // of the file, hex of SHA-256
	File        string // its name
	By          string // who brought it
	State       BatchState
	Staged, Bad int64 // rows taken and refused
	Passwords   int64 // of the former platform that came with it
	CreatedAt   time.Time
	CommittedAt time.Time
	RevertedAt  time.Time
	Look
}

// Rule is one row of a decision table in the form in which the database joins it.
type Rule struct {
	Kind    RecordKind
	Facts   int // bits T L M N or T P O V, T the highest
	Outcome Code
	Made
}

// Rules are both tables, made from the functions that are their home.
func Rules() []Rule {
	var out []Rule
	for n := range 16 {
		bit := func(i int) bool { return n>>i&1 == 1 }
		u := DecideUnit(UnitFacts{There: bit(3), LoginHere: bit(2), OtherName: bit(1), PersonHolds: bit(0)})
		p := DecidePerson(PersonFacts{There: bit(3), Held: bit(2), Own: bit(1), Verified: bit(0)})
		out = append(out, Rule{UnitRecord, n, u, u.Makes()}, Rule{PersonRecord, n, p, p.Makes()})
	}
	return out
}

// Sample is a record as a plan shows it.
type Sample struct {
	Row       int    `json:"row"`
	Outcome   Code   `json:"outcome"`
	Key       string `json:"key"`                  // USCC; of a person's number only what masking leaves
	LoginName string `json:"login_name,omitempty"` // of the account that would be made or that goes on, masked likewise
	Suffixed  bool   `json:"suffixed,omitempty"`   // even HJ_ was taken
	Rival     bool   `json:"rival,omitempty"`      // an unverified legal account here loses the unit
}

// Plan is what a batch does, or did.
type Plan struct {
	Outcomes map[Code]int64
	Known    int64 // keys that an earlier batch brought over: left alone
	Made     int64 // new accounts
	Grants   int64 // accounts made with pending grants for a unit
	Suffixed int64
	Rivals   int64
	Legacy   int64    // passwords that the wrapping job will have to wrap
	Samples  []Sample // some of each outcome, and conflicts
}

// Store keeps batches and records and brings them over.
type Store interface {
	// OpenBatch gives the batch, made new in state Staging if there is none;
	// fault.Conflict if there is one of another file.
	OpenBatch(ctx context.Context, b Batch) (Batch, error)
	// Batch gives one; fault.NotFound if there is none.
	Batch(ctx context.Context, id string) (Batch, error)
	// LastStaged gives the greatest row number staged in the batch, 0 if none.
	LastStaged(ctx context.Context, batch string) (int, error)
	// Stage stores records of a batch that is in state Staging and fields that could
	// not be taken over, all or none, and gives those whose key another row of the
	// batch has already: they are not stored, but noted as such.
	Stage(ctx context.Context, batch string, records []Record, bad []RowError, now time.Time) (twice []int, err error)
	// CloseStaging says that the file was read to its end, and had so many rows.
	CloseStaging(ctx context.Context, batch string, rows int64) (Batch, error)
	// Unstage forgets the records of a batch that is not committed; fault.Conflict if
	// it is.
	Unstage(ctx context.Context, batch string) (Batch, error)
	// Preview decides about a staged batch as things are and changes nothing but
	// the plan that the desk sees.
	Preview(ctx context.Context, batch string, rules []Rule, now time.Time) (Plan, error)
	// Commit decides and brings the batch over, all of it or nothing, with an audit
	// row for each account; fault.Conflict if it is not staged.
	Commit(ctx context.Context, batch string, rules []Rule, now time.Time, ev audit.Event) (Plan, error)
	// Revert takes a committed batch back: fault.Conflict, with the number of
	// accounts concerned as Msg, if any of those it made was used since.
	Revert(ctx context.Context, batch string, now time.Time, ev audit.Event) error
	// Batches lists them, the newest first.
	Batches(ctx context.Context, limit int) ([]Batch, error)
	// Unwrapped gives up to limit passwords that lie as they came, after the given
	// account id, ordered by it.
	Unwrapped(ctx context.Context, after string, limit int) ([]Unwrapped, error)
	// CountUnwrapped counts them.
	CountUnwrapped(ctx context.Context) (int64, error)
	// Wrap puts the wrapped form in place of the raw one, if that is still there.
	Wrap(ctx context.Context, u Unwrapped, wrapped string) error
}

// Unwrapped is a password that lies as it came.
type Unwrapped struct {
	Account string
	Stored  string // see Password.String
	Sealed  string // as it lies there, for compare-and-swap
}

// Rows reads a file: it calls each for every row, with its number and its fields by
// our names, and stops at the first error.
type Rows func(each func(n int, fields map[string]string) error) error

// BadKept is how many fields that cannot be taken over are kept of a batch, for
// the desk; what is reported is never bounded.
const BadKept = 10_000

// DefaultChunk is how many records are staged at once where nothing else is said.
const DefaultChunk = 5000

// Stager reads a file into a batch. It can be started again after it was killed:
// what is staged already is read past.
type Stager struct {
	Store    Store
	Now      func() time.Time
	Scheme   string                   // of passwords whose row does not name one
	Chunk    int                      // records staged at once
	Report   func(RowError)           // every field that cannot be taken over
	Progress func(read, staged int64) // after each chunk
}

// Stage reads rows to their end.
func (s *Stager) Stage(ctx context.Context, b Batch, rows Rows) (Batch, error) {
	if b.State != Staging {
		return b, nil
	}
	past, err := s.Store.LastStaged(ctx, b.ID)
	if err != nil {
		return b, err
	}
	var read, staged int64
	batch, bad, kept := make([]Record, 0, s.Chunk), []RowError(nil), 0
	flush := func() error {
		twice, err := s.Store.Stage(ctx, b.ID, batch, bad, s.Now())
		if err != nil {
			return err
		}
		for _, n := range twice {
			s.Report(RowError{n, ColumnKey, MsgTwice})
		}
		staged += int64(len(batch) - len(twice))
		batch, bad = batch[:0], bad[:0]
		s.Progress(read, staged)
		return nil
	}
	err = rows(func(n int, fields map[string]string) error {
		read++
		r, wrong := ReadRecord(n, fields, s.Scheme, s.Now())
		for _, e := range wrong {
			s.Report(e)
			if kept++; kept <= BadKept {
				bad = append(bad, e)
			}
		}
		switch {
		case len(wrong) > 0:
		case n <= past:
			staged++
		default:
			batch = append(batch, r)
		}
		if len(batch) == s.Chunk {
			return flush()
		}
		return nil
	})
	if err != nil {
		return b, err
	}
	if len(batch)+len(bad) > 0 {
		if err := flush(); err != nil {
			return b, err
		}
	}
	return s.Store.CloseStaging(ctx, b.ID, read)
}

// tries bounds how often a batch is brought over anew because somebody registered
// one of its login names meanwhile.
const tries = 5

// Commit brings a staged batch over.
func Commit(ctx context.Context, s Store, batch string, now func() time.Time, ev audit.Event) (Plan, error) {
	for n := 1; ; n++ {
		p, err := s.Commit(ctx, batch, Rules(), now(), ev)
		if fault.Is(err, fault.Conflict) && n < tries {
			b, again := s.Batch(ctx, batch)
			if again == nil && b.State == Prepared {
				continue
			}
		}
		return p, err
	}
}
