package main

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// The rounds of a race over three processes, and within one on SQLite, where
// every write waits for the one before.
const (
	rounds       = 60
	roundsSQLite = 10
)

// contest is a provider at several addresses for whose codes and refresh tokens
// 64 clients race.
type contest struct {
	*rig
	addresses []string
	rounds    int
	b         *browser
}

func newContest(r *rig, rounds int, addresses ...string) contest {
	r.t.Helper()
	// ES256: the race is about the database, not about RSA.
	r.register("rp", client.Metadata{IDTokenSignedResponseAlg: "ES256"})
	return contest{r, addresses, rounds, r.browser()}
}

// all lets n racers, spread over the replicas, send the form at once.
func (c contest) all(n int, v map[string][]string) []answer {
	c.t.Helper()
	return race(c.t, n, func(i int) *http.Request {
		return formTo(c.t, c.addresses[i%len(c.addresses)]+"/oauth2/token", v, c.creds("rp"))
	})
}

// winners are the answers with tokens; every other must be invalid_grant, never
// a failure of the server.
func (c contest) winners(round int, answers []answer) []answer {
	c.t.Helper()
	var won []answer
	for _, a := range answers {
		switch {
		case a.status == http.StatusOK:
			won = append(won, a)
		case a.status != http.StatusBadRequest || a.err() != "invalid_grant":
			c.t.Fatalf("round %d: a loser got %s, want 400 invalid_grant", round, a)
		}
	}
	return won
}

// codes: of 64 that redeem one code one wins, and since it was shown to others
// his tokens are dead when the last of them has his answer (E1, S13).
func (c contest) codes() {
	c.t.Helper()
	for round := range c.rounds {
		a := request("rp", "openid")
		won := c.winners(round, c.all(racers, codeForm(a, c.code(c.b, "a", a))))
		if len(won) != 1 {
			c.t.Fatalf("round %d: %d redeemed one code, want 1", round, len(won))
		}
		c.wantDead("rp", won[0].body, "after 63 replays")
	}
}

// reuses: without grace one of 64 refreshes, and the family is dead (E2, S20).
func (c contest) reuses() {
	c.t.Helper()
	for round := range c.rounds {
		m := c.granted(c.b, "a", "rp", "openid")
		won := c.winners(round, c.all(racers, refreshForm(text(m, "refresh_token"))))
		if len(won) != 1 {
			c.t.Fatalf("round %d: %d refreshed with one token, want 1", round, len(won))
		}
		c.wantDead("rp", won[0].body, "after 63 reuses")
	}
}

// retries: within the grace everybody gets the same successor, and no family is
// lost, be they 64 or, as clients really are, two (E2).
func (c contest) retries(n, rounds int) {
	c.t.Helper()
	m := c.granted(c.b, "a", "rp", "openid")
	before := c.audited(audit.RefreshReused)
	for round := range rounds {
		won := c.winners(round, c.all(n, refreshForm(text(m, "refresh_token"))))
		successors := map[string]bool{}
		for _, a := range won {
			successors[text(a.body, "refresh_token")] = true
		}
		if len(won) != n || len(successors) != 1 {
			c.t.Fatalf("round %d: %d of %d got %d successors, want all of them the same one", round, len(won), n, len(successors))
		}
		m = won[0].body
	}
	c.wantAlive("rp", m, "after the retries")
	if n := c.audited(audit.RefreshReused) - before; n != 0 {
		c.t.Errorf("%d families lost", n)
	}
}

// noDeadlocks asks the server, which counts them when connections end.
func (c contest) noDeadlocks() {
	c.t.Helper()
	if n := c.ask(`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); n != 0 {
		c.t.Errorf("%d deadlocks", n)
	}
}

func grace(d time.Duration) func(*config.Config) {
	return func(c *config.Config) { c.Tokens.RefreshGrace = d }
}

// Three processes, one PostgreSQL.
func TestRacesOverThreeReplicas(t *testing.T) {
	over := func(t *testing.T, d time.Duration, run func(c contest)) {
		f := newFleet(t, 3, grace(d))
		c := newContest(f.rig, rounds, f.replicas[0].url, f.replicas[1].url, f.replicas[2].url)
		run(c)
		for _, p := range f.replicas {
			p.end(t)
		}
		c.noDeadlocks()
	}
	t.Run("with grace", func(t *testing.T) {
		over(t, 10*time.Second, func(c contest) {
			c.codes()
			c.retries(racers, rounds/4)
			c.retries(2, rounds)
		})
	})
	t.Run("without grace", func(t *testing.T) {
		over(t, 0, contest.reuses)
	})
}

// The embedded database, with one process as ever (E20).
func TestRacesOnSQLite(t *testing.T) {
	t.Run("with grace", func(t *testing.T) {
		r := newRig(t, storetest.SQLite(t), nil, nil)
		c := newContest(r, roundsSQLite, r.issuer)
		c.codes()
		c.retries(racers, 3)
		c.retries(2, roundsSQLite)
	})
	t.Run("without grace", func(t *testing.T) {
		r := newRig(t, storetest.SQLite(t), grace(0), nil)
		newContest(r, roundsSQLite, r.issuer).reuses()
	})
}

// careless is the store as fosite's own handlers suppose it: it reads, then
// writes, and does not look at how many rows the writing concerned.
type careless struct {
	*store.DB
	met *sync.WaitGroup
}

// meet lets all racers have read before one writes.
func (c careless) meet() {
	c.met.Done()
	done := make(chan struct{})
	go func() { c.met.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second): // somebody stayed away; the count of winners will say
	}
}

func (c careless) SpendCode(ctx context.Context, id string, gen int64, now time.Time, ev audit.Event) (bool, error) {
	h, err := c.ByGrant(ctx, id)
	if err != nil || h.Grant.CodeSpent {
		return false, err
	}
	c.meet()
	_, err = c.DB.SpendCode(ctx, id, gen, now, ev)
	return err == nil, err
}

func (c careless) RotateRefresh(ctx context.Context, id string, gen int64, now time.Time) (bool, error) {
	h, err := c.ByGrant(ctx, id)
	if err != nil || h.Grant.Generation != gen {
		return false, err
	}
	c.meet()
	_, err = c.DB.RotateRefresh(ctx, id, gen, now)
	return err == nil, err
}

func (c careless) UseAssertion(ctx context.Context, id, jti string, exp, now time.Time) (bool, error) {
	c.meet() // whoever reads before the meeting finds no such id
	_, err := c.DB.UseAssertion(ctx, id, jti, exp, now)
	return err == nil, err
}

var _ token.Store = careless{}

// The control: the same races, at a provider whose store is careless, have many
// winners. A race that carelessness survives would prove nothing.
func TestRacesSeeACarelessStore(t *testing.T) {
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			var met sync.WaitGroup
			r := newRig(t, o, grace(0), func(a *app) { a.grants = careless{a.db, &met} })
			c := newContest(r, 1, r.issuer)
			met.Add(1) // no race yet: the one who signs in meets nobody
			m := c.granted(c.b, "a", "rp", "openid")
			a := request("rp", "openid")
			code := c.code(c.b, "a", a)
			met.Add(racers)
			if won := c.winners(0, c.all(racers, codeForm(a, code))); len(won) < 2 {
				t.Errorf("%d redeemed one code at a careless store: the race sees nothing", len(won))
			}
			met.Add(racers)
			if won := c.winners(0, c.all(racers, refreshForm(text(m, "refresh_token")))); len(won) < 2 {
				t.Errorf("%d refreshed with one token at a careless store: the race sees nothing", len(won))
			}
		})
	}
}
