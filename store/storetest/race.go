package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/device"
	"kejitong/provider/keys"
	"kejitong/provider/token"
	"kejitong/store"
)

// racers is how many goroutines race, over connections of that many.
const (
	racers      = 64
	connections = 16
)

// racing is what may happen once; the store does it guarded, careless without.
type racing interface {
	SpendCode(ctx context.Context, id string, gen int64, now time.Time, ev audit.Event) (bool, error)
	RotateRefresh(ctx context.Context, id string, gen int64, now time.Time) (bool, error)
	OpenGrant(ctx context.Context, g *token.Grant, use token.Consume, ev audit.Event) (bool, error)
	Finish(ctx context.Context, key, why string) (bool, error)
	UseAssertion(ctx context.Context, client, jti string, exp, now time.Time) (bool, error)
	Reserve(ctx context.Context, k credential.Keys, l credential.Limits, now time.Time) (credential.Standing, error)
	PutClient(ctx context.Context, c *client.Client, ev audit.Event) error
	PollDevice(ctx context.Context, key, client string, now time.Time) (device.Request, error)
	AllowDevice(ctx context.Context, key, interaction string, g *token.Grant, until time.Time, ev audit.Event) (bool, error)
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error)
	Register(ctx context.Context, c *client.Client, statement, initial, access string, now time.Time, ev audit.Event) (bool, error)
	Amend(ctx context.Context, c *client.Client, statement, access, next string, ev audit.Event) (bool, error)
}

// contest is one race: how often it is run, how many may win, and what prepares
// one object and gives what every racer tries.
type contest struct {
	name    string
	rounds  int
	winners int
	prepare func(t *testing.T, s racing) func(i int) (bool, error)
}

// Run runs the races on a database of the given kind: of any number of racers
// exactly so many may win. Each race runs first against a variant of the store
// that reads, then writes, without the guard, and must see it fail: a race
// that careless code survives proves nothing.
func Run(t *testing.T, options func(testing.TB) store.Options) {
	o := options(t)
	o.MaxOpen = connections
	db, _ := Ready(t, o)
	now := time.Now().UTC().Truncate(time.Millisecond)
	limits := credential.Limits{PairLimit: 5, AccountLimit: 10}
	ev := audit.Event{Kind: audit.ClaimsReleased, Actor: "race"}

	races := []contest{
		{"one code spent by many", 100, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			g := open(t, db, now)
			return func(int) (bool, error) { return s.SpendCode(t.Context(), g.ID, 1, now, ev) }
		}},
		{"one code spent by many while its grant is active (hybrid)", 20, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			g := fresh(t, now)
			g.State = token.Active
			if ok, err := db.OpenGrant(t.Context(), g, token.Consume{}, ev); err != nil || !ok {
				t.Fatalf("open grant: %v %v", ok, err)
			}
			return func(int) (bool, error) { return s.SpendCode(t.Context(), g.ID, 1, now, ev) }
		}},
		{"one refresh token rotated by many", 20, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			g := open(t, db, now)
			if ok, err := db.SpendCode(t.Context(), g.ID, 1, now, ev); err != nil || !ok {
				t.Fatalf("spend: %v %v", ok, err)
			}
			return func(int) (bool, error) { return s.RotateRefresh(t.Context(), g.ID, 1, now) }
		}},
		{"many codes issued for one interaction", 20, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			id := park(t, db, now)
			grants := make([]*token.Grant, racers)
			for i := range grants {
				grants[i] = fresh(t, now)
			}
			return func(i int) (bool, error) {
				return s.OpenGrant(t.Context(), grants[i], token.Consume{Interaction: id, Pushed: "pushed " + id}, ev)
			}
		}},
		{"one parting taken by many", 20, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			id := park(t, db, now)
			return func(int) (bool, error) { return s.Finish(t.Context(), id, "told") }
		}},
		{"one assertion used by many", 20, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			jti := unique(t)
			return func(int) (bool, error) {
				return s.UseAssertion(t.Context(), "rp", jti, now.Add(time.Minute), now)
			}
		}},
		{"one address guesses one account", 10, limits.PairLimit, func(t *testing.T, s racing) func(int) (bool, error) {
			k := credential.Keys{Pair: unique(t), Account: unique(t)}
			return func(int) (bool, error) { return allowed(s.Reserve(t.Context(), k, limits, now)) }
		}},
		{"many addresses guess one account", 10, limits.AccountLimit, func(t *testing.T, s racing) func(int) (bool, error) {
			acct := unique(t)
			spendFirst(t, db, acct, limits, now)
			return func(i int) (bool, error) {
				return allowed(s.Reserve(t.Context(), credential.Keys{Pair: pairOf(acct, i), Account: acct}, limits, now))
			}
		}},
		{"one address guesses an account that has none left", 10, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			acct := unique(t)
			for i := range limits.AccountLimit {
				if ok, err := allowed(db.Reserve(t.Context(), credential.Keys{Pair: pairOf(acct, i), Account: acct}, limits, now)); err != nil || !ok {
					t.Fatalf("guess %d: %v %v", i, ok, err)
				}
			}
			k := credential.Keys{Pair: unique(t), Account: acct}
			return func(int) (bool, error) { return allowed(s.Reserve(t.Context(), k, limits, now)) }
		}},
		{"one device polls many times at once", 20, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			key := openDevice(t, db, now)
			return func(int) (bool, error) {
				r, err := s.PollDevice(t.Context(), key, "rp", now)
				return !r.Hasty, err
			}
		}},
		{"one device allowed by many", 20, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			key := openDevice(t, db, now)
			ids, grants := make([]string, racers), make([]*token.Grant, racers)
			for i := range grants {
				ids[i], grants[i] = park(t, db, now), fresh(t, now)
			}
			return func(i int) (bool, error) { return s.AllowDevice(t.Context(), key, ids[i], grants[i], now, ev) }
		}},
		{"one address tries many codes", 20, 10, func(t *testing.T, s racing) func(int) (bool, error) {
			key := unique(t)
			return func(int) (bool, error) {
				n, _, err := s.CountTry(t.Context(), key, time.Minute, now)
				return n <= 10, err
			}
		}},
		{"many clients changed at once get versions of their own", 3, racers, func(t *testing.T, s racing) func(int) (bool, error) {
			var mu sync.Mutex
			seen := map[int64]bool{}
			name := unique(t)
			return func(i int) (bool, error) {
				c := &client.Client{ID: fmt.Sprintf("%s-%d", name, i), State: client.Active}
				err := s.PutClient(t.Context(), c, ev)
				mu.Lock()
				defer mu.Unlock()
				first := !seen[c.Version]
				seen[c.Version] = true
				return first, err
			}
		}},
	}
	races = append(races, registrationRaces(db, now)...)
	for _, r := range races {
		t.Run(r.name, func(t *testing.T) {
			if got := race(t, r.prepare(t, unguarded(t, o))); got == r.winners {
				t.Fatalf("control: careless code has %d winners, too: this race proves nothing", got)
			}
			for round := range r.rounds {
				if got := race(t, r.prepare(t, db)); got != r.winners {
					t.Fatalf("round %d: %d winners, want %d", round, got, r.winners)
				}
			}
		})
	}
	runChallenges(t, db, o, now)
	t.Run("several processes make the first keys", func(t *testing.T) { raceKeys(t, options) })
	if db.Postgres() {
		for _, held := range []string{"pair", "account"} {
			t.Run("the first guesses of all on the same "+held, func(t *testing.T) { raceFirstGuesses(t, db, o, held, limits, now) })
		}
		var deadlocks int
		if err := beside(t, o).Get(&deadlocks, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); err != nil || deadlocks > 0 {
			t.Errorf("%d deadlocks in the races, %v: the order of locks is broken", deadlocks, err)
		}
	}
}

// race lets all racers try at once and gives the number of winners.
func race(t *testing.T, try func(i int) (bool, error)) int {
	t.Helper()
	start := make(chan struct{})
	wins := make([]bool, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			<-start
			won, err := try(i)
			if err != nil {
				t.Errorf("racer %d: %v", i, err)
			}
			wins[i] = won && err == nil
		})
	}
	close(start)
	wg.Wait()
	n := 0
	for _, w := range wins {
		if w {
			n++
		}
	}
	return n
}

func raceKeys(t *testing.T, options func(testing.TB) store.Options) {
	sets := func(t *testing.T, db *store.DB, others ...*store.DB) int {
		t.Helper()
		all := append([]*store.DB{db}, others...)
		race(t, func(i int) (bool, error) {
			var rows []keys.Row
			for _, p := range []keys.Purpose{keys.TokenMAC, keys.Personal, keys.Sign} {
				rows = append(rows, keys.Row{Kid: fmt.Sprintf("%d-%s", i, p), Purpose: p, State: keys.Active, Number: i + 1})
			}
			return true, all[i%len(all)].AddKeys(t.Context(), rows, audit.Event{Kind: audit.KeyRotated})
		})
		rows, err := db.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		makers := map[int]bool{}
		for _, r := range rows {
			makers[r.Number] = true
		}
		return len(makers)
	}
	o := options(t)
	db := Open(t, o)
	Exec(t, o, "DROP INDEX keys_state_key")
	if got := sets(t, db); got == 1 {
		t.Fatal("control: without the unique index one set won, too: this race proves nothing")
	}
	o = options(t)
	db = Open(t, o)
	var others []*store.DB
	if db.Postgres() { // SQLite has one process
		others = append(others, Open(t, o), Open(t, o), Open(t, o))
	}
	if got := sets(t, db, others...); got != 1 {
		t.Errorf("%d sets of keys, want 1", got)
	}
}

// raceFirstGuesses lets as many guesses as there are connections begin before
// any counter exists: they all wait for a row that is then taken back, and go
// on with a view of the table from before. Rows that do not exist cannot be
// locked; only the conditions of the upserts count here.
func raceFirstGuesses(t *testing.T, db *store.DB, o store.Options, held string, limits credential.Limits, now time.Time) {
	plain := beside(t, o)
	tx, err := plain.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	acct := unique(t)
	pair := func(i int) string { return pairOf(acct, i) }
	key, want := acct, limits.AccountLimit
	if held == "pair" {
		pair = func(int) string { return "pair " + acct }
		key, want = pair(0), limits.PairLimit
	}
	if held == "account" {
		spendFirst(t, db, acct, limits, now)
	}
	if _, err := tx.Exec(`INSERT INTO throttle (key, n, last_at, expires_at) VALUES ($1, 0, 0, 0)`, key); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	got := 0
	wg.Go(func() {
		got = race(t, func(i int) (bool, error) {
			return allowed(db.Reserve(t.Context(), credential.Keys{Pair: pair(i), Account: acct}, limits, now))
		})
	})
	for waiting := 0; waiting < connections; {
		err := plain.Get(&waiting, `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if got != want {
		t.Errorf("%d guesses allowed, want %d", got, want)
	}
	var n int
	if err := plain.Get(&n, `SELECT n FROM throttle WHERE key = $1`, key); err != nil || n != want {
		t.Errorf("the counter stands at %d, want %d, %v: refused guesses were counted", n, want, err)
	}
}

func allowed(s credential.Standing, err error) (bool, error) {
	return s.Allowed(credential.Limits{PairLimit: 5, AccountLimit: 10}), err
}

func unique(t *testing.T) string {
	t.Helper()
	id, _, err := authflow.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func fresh(t *testing.T, now time.Time) *token.Grant {
	t.Helper()
	g, err := token.NewGrant("rp", now)
	if err != nil {
		t.Fatal(err)
	}
	g.Account, g.CodeExp, g.ExpiresAt = account.ID("somebody"), now.Add(time.Minute), now.Add(time.Hour)
	return g
}

func open(t *testing.T, db *store.DB, now time.Time) *token.Grant {
	t.Helper()
	g := fresh(t, now)
	if ok, err := db.OpenGrant(t.Context(), g, token.Consume{}, audit.Event{Kind: audit.ClaimsReleased}); err != nil || !ok {
		t.Fatalf("open grant: %v %v", ok, err)
	}
	return g
}

// openDevice makes a pending device request and gives its key.
func openDevice(t *testing.T, db *store.DB, now time.Time) string {
	t.Helper()
	key := unique(t)
	ok, err := db.OpenDevice(t.Context(), device.Request{
		Key: key, UserKey: unique(t), Client: "rp", CreatedAt: now, ExpiresAt: now.Add(time.Hour), Interval: device.Interval,
	})
	if err != nil || !ok {
		t.Fatalf("open device: %v %v", ok, err)
	}
	return key
}

func park(t *testing.T, db *store.DB, now time.Time) string {
	t.Helper()
	id := unique(t)
	err := db.Push(t.Context(), authflow.Pushed{Key: "pushed " + id, Client: "rp", ExpiresAt: now.Add(time.Minute)})
	if err == nil {
		err = db.Park(t.Context(), authflow.Pending{Key: id, Client: "rp", Pushed: "pushed " + id, CreatedAt: now, ExpiresAt: now.Add(time.Hour)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func pairOf(acct string, i int) string { return fmt.Sprintf("pair %s %d", acct, i) }

// spendFirst takes from each racer's pair the one guess that it has against any
// account.
func spendFirst(t *testing.T, db *store.DB, acct string, limits credential.Limits, now time.Time) {
	t.Helper()
	for i := range racers {
		k := credential.Keys{Pair: pairOf(acct, i), Account: fmt.Sprintf("another %s %d", acct, i)}
		if ok, err := allowed(db.Reserve(t.Context(), k, limits, now)); err != nil || !ok {
			t.Fatalf("first guess: %v %v", ok, err)
		}
	}
}
