package credential_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
)

const right = "Gr8-Teapot!"

// fakeStore is credential.Store in memory, for the Service's logic alone; the
// atomicity of real stores is tested where they are.
type fakeStore struct {
	mu       sync.Mutex
	logins   map[string]credential.Login
	tallies  map[string]credential.Tally
	careless bool // never counts
	hasher   *credential.Hasher
	calls    []string // with the number of computations done before
	err      map[string]error
}

func (f *fakeStore) enter(call string) error {
	f.calls = append(f.calls, fmt.Sprintf("%s@%d", call, f.hasher.Computations()))
	return f.err[call]
}

func (f *fakeStore) Reserve(_ context.Context, k credential.Keys, l credential.Limits, now time.Time) (credential.Standing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("reserve"); err != nil || f.careless {
		return credential.Standing{PairFailures: 1, AccountFailures: 1}, err
	}
	pair, acct, s := credential.Count(f.tallies[k.Pair], f.tallies[k.Account], l, now)
	f.tallies[k.Pair], f.tallies[k.Account] = pair, acct
	return s, nil
}

func (f *fakeStore) Refund(_ context.Context, k credential.Keys, _ time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tallies, k.Pair)
	delete(f.tallies, k.Account)
	return f.enter("refund")
}

func (f *fakeStore) Return(_ context.Context, k credential.Keys, _ time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range []string{k.Pair, k.Account} {
		if t, ok := f.tallies[key]; ok && t.Failures > 0 {
			t.Failures--
			f.tallies[key] = t
		}
	}
	return f.enter("return")
}

func (f *fakeStore) FindLogin(_ context.Context, key string) (credential.Login, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("find"); err != nil {
		return credential.Login{}, err
	}
	l, ok := f.logins[key]
	if !ok {
		return credential.Login{}, fault.New(fault.NotFound, "no such login")
	}
	return l, nil
}

func (f *fakeStore) Rehash(_ context.Context, id account.ID, version int64, phc string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, l := range f.logins {
		if l.AccountID == id && l.Version == version {
			l.Password = phc
			f.logins[key] = l
		}
	}
	return f.enter("rehash")
}

func (f *fakeStore) ChangePassword(_ context.Context, id account.ID, version int64, phc string, _ audit.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, l := range f.logins {
		if l.AccountID == id && l.Version == version {
			l.Password, l.Version, l.MustChange = phc, version+1, false
			f.logins[key] = l
			return f.enter("change")
		}
	}
	return fault.New(fault.Unproven, "changed meanwhile")
}

// desk is a Service with a clock that only sleeping moves.
type desk struct {
	*credential.Service
	store *fakeStore
	mu    sync.Mutex
	now   time.Time
	slept time.Duration
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	h := tiny()
	hash := func(h *credential.Hasher) string {
		phc, err := h.Hash(t.Context(), right)
		if err != nil {
			t.Fatal(err)
		}
		return phc
	}
	const person, legal = account.NaturalPerson, account.LegalEntity
	d := &desk{now: time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)}
	d.store = &fakeStore{hasher: h, tallies: map[string]credential.Tally{}, err: map[string]error{}, logins: map[string]credential.Login{
		"18711111111":        {AccountID: "person", Kind: person, State: account.Active, Password: hash(tiny()), Version: 7},
		"91110108ma01et88xl": {AccountID: "unit", Kind: legal, State: account.Active, Password: hash(tiny())},
		"frozen":             {AccountID: "frozen", Kind: person, State: account.Frozen, Password: hash(tiny())},
		"closed":             {AccountID: "closed", Kind: person, State: account.Closed, Password: hash(tiny())},
		"nopassword":         {AccountID: "nopassword", Kind: person, State: account.Active},
		"badhash":            {AccountID: "badhash", Kind: person, State: account.Active, Password: "$argon2id$v=19$m=4194304,t=1,p=1$AAAA$AAAA"},
		"oldcost":            {AccountID: "oldcost", Kind: person, State: account.Active, Password: hash(&credential.Hasher{MemoryKiB: 16, Time: 1}), Version: 3},
		"temporary":          {AccountID: "temporary", Kind: person, State: account.Active, Password: hash(tiny()), MustChange: true},
	}}
	d.Service = &credential.Service{
		Store: d.store, Hasher: h, Key: []byte(strings.Repeat("k", 32)),
		Now: func() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now },
		Sleep: func(_ context.Context, w time.Duration) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.now, d.slept = d.now.Add(w), d.slept+w
		},
	}
	return d
}

func (d *desk) try(t *testing.T, user, password string) (credential.Proof, error) {
	t.Helper()
	return d.Verify(t.Context(), user, password, account.NaturalPerson, "192.0.2.1")
}

func TestFailuresLookAlike(t *testing.T) {
	const fresh, locked, exhausted = 0, 5, 100
	for _, c := range []struct {
		name, user, password string
		before               int // guesses counted before
		reason               credential.Reason
		computations         uint64
	}{
		{"unknown", "nobody", right, fresh, credential.Unknown, 1},
		{"wrong", "18711111111", "wrong", fresh, credential.Mismatch, 1},
		{"empty password", "18711111111", "", fresh, credential.Mismatch, 1},
		{"unknown, empty password", "nobody", "", fresh, credential.Unknown, 1},
		{"empty name", "", right, fresh, credential.Unknown, 1},
		{"name of zero width", "187\u200b11111111", right, fresh, credential.Unknown, 1},
		{"frozen, right password", "frozen", right, fresh, credential.Frozen, 1},
		{"frozen, wrong password", "frozen", "wrong", fresh, credential.Frozen, 1},
		{"closed, right password", "closed", right, fresh, credential.Closed, 1},
		{"no password set", "nopassword", "", fresh, credential.NoPassword, 1},
		{"stored hash asks for 4 GiB", "badhash", right, fresh, credential.BadHash, 1},
		{"wrong password of the other kind", "91110108MA01ET88XL", "wrong", fresh, credential.Mismatch, 1},
		{"locked, right password", "18711111111", right, locked, credential.PairLocked, 0},
		{"locked, unknown", "nobody", right, locked, credential.PairLocked, 0},
		{"exhausted, right password", "18711111111", right, exhausted, credential.AccountExhausted, 0},
		{"exhausted, unknown", "nobody", right, exhausted, credential.AccountExhausted, 0},
		{"overlong, known", "18711111111", strings.Repeat("a", 257), fresh, credential.Mismatch, 0},
		{"overlong, unknown", "nobody", strings.Repeat("a", 257), fresh, credential.Unknown, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			keys := d.Keys(c.user, "192.0.2.1")
			switch c.before {
			case locked:
				d.store.tallies[keys.Pair] = credential.Tally{Failures: 5, LastAt: d.now}
			case exhausted:
				d.store.tallies[keys.Account] = credential.Tally{Failures: 100, LastAt: d.now}
				d.store.tallies[keys.Pair] = credential.Tally{Failures: 1, LastAt: d.now}
			}
			proof, err := d.try(t, c.user, c.password)
			if err == nil || proof.AccountID != "" {
				t.Fatalf("proved %+v", proof)
			}
			var f *credential.Failure
			if !errors.As(err, &f) || f.Reason != c.reason || f.Throttled() != (c.before != fresh) {
				t.Fatalf("got %#v, want reason %s", err, c.reason)
			}
			var shown *fault.Error
			if !errors.As(err, &shown) || *shown != (fault.Error{Kind: fault.Unproven, Msg: credential.MsgMismatch}) || err.Error() != credential.MsgMismatch {
				t.Errorf("shows %+v and says %q, unlike other failures", shown, err)
			}
			if d.slept != 400*time.Millisecond {
				t.Errorf("answered after %v, want the floor", d.slept)
			}
			if n := d.Hasher.Computations(); n != c.computations {
				t.Errorf("%d computations, want %d", n, c.computations)
			}
			if slices.ContainsFunc(d.store.calls, func(s string) bool {
				return strings.HasPrefix(s, "refund") || strings.HasPrefix(s, "rehash")
			}) {
				t.Errorf("a failure was refunded: %v", d.store.calls)
			}
		})
	}
}

func TestSlowWorkCountsTowardsTheFloor(t *testing.T) {
	d := newDesk(t)
	ticks := 0
	d.Now = func() time.Time { ticks++; return d.now.Add(time.Duration(ticks) * 150 * time.Millisecond) }
	if _, err := d.try(t, "18711111111", "wrong"); err == nil {
		t.Fatal("proved")
	}
	if d.slept != 100*time.Millisecond { // asked at 150, 300 and 450 ms
		t.Errorf("slept %v", d.slept)
	}
}

func TestGuessIsReservedBeforeHashing(t *testing.T) {
	d := newDesk(t)
	if _, err := d.try(t, "18711111111", right); err != nil {
		t.Fatal(err)
	}
	if want := []string{"reserve@0", "find@0", "refund@1"}; !slices.Equal(d.store.calls, want) {
		t.Errorf("got %v, want %v", d.store.calls, want)
	}
	d = newDesk(t)
	d.store.err["reserve"] = errors.New("database is down")
	if _, err := d.try(t, "18711111111", right); err == nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("unreserved guess: %v", err)
	}
	if n := d.Hasher.Computations(); n != 0 {
		t.Errorf("%d computations without a reservation", n)
	}
}

// verified counts how many of n parallel wrong guesses were held against the
// hash, and whether the right password still passes afterwards.
func verified(t *testing.T, d *desk, n int) (hashed uint64, open bool) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			d.Verify(t.Context(), "18711111111", fmt.Sprintf("wrong %d", i), account.NaturalPerson, "192.0.2.1")
		})
	}
	wg.Wait()
	hashed = d.Hasher.Computations()
	_, err := d.try(t, "18711111111", right)
	return hashed, err == nil
}

func TestParallelGuesses(t *testing.T) {
	careless := newDesk(t)
	careless.store.careless = true
	if hashed, open := verified(t, careless, 64); hashed != 64 || !open {
		t.Fatalf("negative control: a store that never counts let %d of 64 through (open %v); this test cannot see a broken throttle", hashed, open)
	}
	if hashed, open := verified(t, newDesk(t), 64); hashed != 5 || open {
		t.Fatalf("%d of 64 guesses verified (open %v), want exactly 5 and the pair locked", hashed, open)
	}
}

func TestLockEndsAndSuccessClears(t *testing.T) {
	d := newDesk(t)
	for range 9 {
		d.try(t, "18711111111", "wrong")
	}
	if _, err := d.try(t, "18711111111", right); err == nil {
		t.Fatal("the lock does not hold")
	}
	if _, err := d.Verify(t.Context(), "１８７ 1111 1111", right, account.NaturalPerson, "::ffff:192.0.2.1"); err == nil {
		t.Fatal("another spelling of name and address passes the lock")
	}
	if _, err := d.Verify(t.Context(), "18711111111", right, account.NaturalPerson, "192.0.2.2"); err != nil {
		t.Fatalf("the owner elsewhere is locked out: %v", err)
	}
	d.now = d.now.Add(15 * time.Minute)
	if _, err := d.try(t, "18711111111", right); err != nil {
		t.Fatalf("the lock does not end: %v", err)
	}
	if len(d.store.tallies) != 0 {
		t.Errorf("success left %v", d.store.tallies)
	}
}

func TestWrongWindow(t *testing.T) {
	for _, c := range []struct {
		name, user, password string
		window, own          account.Kind
		told                 bool
	}{
		{"wrong password in the wrong window tells nothing", "91110108MA01ET88XL", "wrong", account.NaturalPerson, account.LegalEntity, false},
		{"unit in the persons' window", "91110108MA01ET88XL", right, account.NaturalPerson, account.LegalEntity, true},
		{"person in the units' window", "18711111111", right, account.LegalEntity, account.NaturalPerson, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			_, err := d.Verify(t.Context(), c.user, c.password, c.window, "192.0.2.1")
			var w *credential.WrongWindow
			if errors.As(err, &w) != c.told {
				t.Fatalf("got %v", err)
			}
			if !c.told {
				return
			}
			if w.Kind != c.own || w.AccountID == "" || w.Proof.AccountID != w.AccountID || !fault.Is(err, fault.Refused) {
				t.Errorf("got %+v", w)
			}
			if len(d.store.tallies) != 0 || d.slept != 0 {
				t.Errorf("counted as a failure: %v, slept %v", d.store.tallies, d.slept)
			}
		})
	}
}

func TestProof(t *testing.T) {
	d := newDesk(t)
	p, err := d.Verify(t.Context(), "+86 187 1111 1111", right, "", "192.0.2.1")
	if err != nil || p.AccountID != "person" || p.Kind != account.NaturalPerson || !slices.Equal(p.AMR, []string{"pwd"}) || !p.At.Equal(d.now) || p.MustChange {
		t.Errorf("got %+v, %v", p, err)
	}
	if p, err := d.try(t, "temporary", right); err != nil || !p.MustChange {
		t.Errorf("temporary password: %+v, %v", p, err)
	}
	if d.slept != 0 {
		t.Errorf("a success waited %v", d.slept)
	}
}

func TestHashOfAnOldCostIsReplaced(t *testing.T) {
	d := newDesk(t)
	old := d.store.logins["oldcost"].Password
	if _, err := d.try(t, "oldcost", "wrong"); err == nil || d.store.logins["oldcost"].Password != old {
		t.Fatal("a wrong password replaced the hash")
	}
	if _, err := d.try(t, "oldcost", right); err != nil {
		t.Fatal(err)
	}
	replaced := d.store.logins["oldcost"].Password
	if ok, again, err := d.Hasher.Verify(t.Context(), replaced, right); replaced == old || !ok || again || err != nil {
		t.Errorf("replaced %v, verifies %v, asks again %v, %v", replaced != old, ok, again, err)
	}
}

func TestOverloadCountsNobody(t *testing.T) {
	d := newDesk(t)
	d.Hasher = &credential.Hasher{MemoryKiB: 8, Time: 1, Concurrency: 1, Queue: -1}
	ticket, err := d.Hasher.Admit()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := d.try(t, "18711111111", right); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("got %v", err)
		}
	}
	if len(d.store.calls) != 0 {
		t.Errorf("the store was asked: %v", d.store.calls)
	}
	ticket.Release()
	if _, err := d.try(t, "18711111111", right); err != nil {
		t.Errorf("after the rush: %v", err)
	}
	if _, err := d.try(t, "18711111111", "wrong"); err == nil {
		t.Error("a place was kept")
	}
}

func TestBrokenStoreIsInternal(t *testing.T) {
	for _, call := range []string{"find", "refund", "rehash"} {
		d := newDesk(t)
		d.store.err[call] = errors.New("database is down")
		if p, err := d.try(t, "oldcost", right); err == nil || fault.KindOf(err) != fault.Internal || p.AccountID != "" {
			t.Errorf("%s: %+v, %v", call, p, err)
		}
	}
}

func TestShortKeyIsRefused(t *testing.T) {
	d := newDesk(t)
	d.Key = []byte("short")
	if _, err := d.try(t, "18711111111", right); err == nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
}
