package store_test

import (
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

func TestLifeOfAGrant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		ev := did(audit.ClaimsReleased)
		g := newGrant(t, "rp", "", "zhang")
		must(t, won(db.OpenGrant(ctx, g, token.Consume{}, ev)))

		must(t, refused(db.RotateRefresh(ctx, g.ID, 0, clock))) // its code is not spent
		must(t, refused(db.SpendCode(ctx, "no such grant", 1, clock, ev)))
		must(t, won(db.SpendCode(ctx, g.ID, 1, clock.Add(time.Second), ev)))
		must(t, refused(db.SpendCode(ctx, g.ID, 1, clock, ev)))
		must(t, refused(db.RotateRefresh(ctx, g.ID, 2, clock)))
		must(t, won(db.RotateRefresh(ctx, g.ID, 1, clock.Add(time.Minute))))
		must(t, refused(db.RotateRefresh(ctx, g.ID, 1, clock)))
		h, err := db.ByGrant(ctx, g.ID)
		must(t, err)
		want := *g
		want.State, want.CodeSpent, want.Generation, want.RotatedAt = token.Active, true, 2, clock.Add(time.Minute)
		same(t, "after a refresh", h.Grant, want)

		events := func() int {
			rows, err := db.RecentAudit(ctx, 1000)
			must(t, err)
			return len(rows)
		}
		before := events()
		must(t, db.RevokeGrant(ctx, g, did(audit.TokenRevoked)))
		must(t, db.RevokeGrant(ctx, g, did(audit.TokenRevoked)))
		if events() != before+1 {
			t.Errorf("%d events for one revocation", events()-before)
		}
		must(t, refused(db.RotateRefresh(ctx, g.ID, 2, clock)))
		if stateOf(t, db, g) != token.Revoked {
			t.Error("not revoked")
		}

		dead := newGrant(t, "rp", "", "zhang")
		must(t, won(db.OpenGrant(ctx, dead, token.Consume{}, ev)))
		must(t, db.RevokeGrant(ctx, dead, did(audit.CodeBurned)))
		must(t, refused(db.SpendCode(ctx, dead.ID, 1, clock, ev)))

		hybrid := newGrant(t, "rp", "", "zhang")
		hybrid.State = token.Active // its access token lives before its code is spent
		must(t, won(db.OpenGrant(ctx, hybrid, token.Consume{}, ev)))
		must(t, won(db.SpendCode(ctx, hybrid.ID, 0, clock, ev)))
		must(t, refused(db.SpendCode(ctx, hybrid.ID, 0, clock, ev)))

		machine := newGrant(t, "rp", "", "")
		if gone, err := db.Revoked(ctx, machine.ID); err != nil || gone {
			t.Errorf("revoked before: %v %v", gone, err)
		}
		must(t, db.RevokeGrant(ctx, machine, did(audit.TokenRevoked)))
		if gone, err := db.Revoked(ctx, machine.ID); err != nil || !gone {
			t.Errorf("revoked after: %v %v", gone, err)
		}
		if _, err := db.ByGrant(ctx, machine.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a grant of nobody has a holder: %v", err)
		}
		if err := won(db.OpenGrant(ctx, g, token.Consume{}, ev)); !fault.Is(err, fault.Conflict) {
			t.Errorf("the same grant again: %v", err)
		}
		silent, before := newGrant(t, "rp", "", "zhang"), events()
		must(t, won(db.OpenGrant(ctx, silent, token.Consume{}, audit.Event{})))
		if events() != before {
			t.Error("an event without a kind was recorded")
		}
	})
}

func TestConsumingRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		ev := did(audit.ClaimsReleased)
		issue := func(interaction, pushed string) (*token.Grant, bool) {
			g := newGrant(t, "rp", "", "zhang")
			ok, err := db.OpenGrant(ctx, g, token.Consume{Interaction: interaction, Pushed: pushed}, ev)
			must(t, err)
			_, err = db.ByGrant(ctx, g.ID)
			if ok == fault.Is(err, fault.NotFound) {
				t.Errorf("told %v, stored %v", ok, err == nil)
			}
			return g, ok
		}
		must(t, db.Push(ctx, pushed("p1")))
		must(t, db.Park(ctx, parked("i1", "p1")))
		must(t, db.Park(ctx, parked("i2", "p1")))
		must(t, db.Park(ctx, parked("i3", "")))
		p, err := db.Pushed(ctx, "p1")
		must(t, err)
		same(t, "pushed, visited", p, authflow.Pushed{Key: "p1", Client: "rp", Form: "scope=openid", ExpiresAt: clock.Add(time.Hour), Visited: true})

		if _, ok := issue("no such interaction", ""); ok {
			t.Error("issued for nothing")
		}
		if _, ok := issue("", "no such request"); ok {
			t.Error("issued for no pushed request")
		}
		step := parked("i1", "p1")
		step.SignedInAt, step.Session, step.Selected, step.Unit, step.Consented, step.Declined = clock, "s1", true, "self", true, "no"
		must(t, db.Advance(ctx, step))
		got, err := db.Pending(ctx, "i1")
		must(t, err)
		same(t, "advanced", got, step)
		g, ok := issue("i1", "p1")
		if !ok {
			t.Fatal("not issued")
		}
		if got, err = db.Pending(ctx, "i1"); err != nil || got.GrantID != g.ID {
			t.Errorf("interaction ended with %q, %v", got.GrantID, err)
		}
		if err := db.Advance(ctx, step); !fault.Is(err, fault.Gone) {
			t.Errorf("advanced after the end: %v", err)
		}
		if _, ok := issue("i1", "p1"); ok {
			t.Error("issued twice for one interaction")
		}
		if _, ok := issue("i2", "p1"); ok {
			t.Error("issued twice for one pushed request")
		}
		if _, ok := issue("i3", ""); !ok {
			t.Error("not issued without a pushed request")
		}
		for name, err := range map[string]error{
			"interaction": func() error { _, err := db.Pending(ctx, "none"); return err }(),
			"pushed":      func() error { _, err := db.Pushed(ctx, "none"); return err }(),
		} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("no %s: %v", name, err)
			}
		}
	})
}

func TestAssertionsAreUsedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		use := func(client, jti string, now time.Time) (bool, error) {
			return db.UseAssertion(ctx, client, jti, now.Add(time.Minute), now)
		}
		must(t, won(use("rp", "j1", clock)))
		must(t, refused(use("rp", "j1", clock.Add(time.Minute-time.Millisecond))))
		must(t, won(use("another", "j1", clock)))
		must(t, won(use("rp", "j1\x00", clock)))
		must(t, won(use("rp", "j1", clock.Add(time.Minute)))) // the first one is void by then
		must(t, refused(use("rp", "j1", clock.Add(90*time.Second))))
	})
}

func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		seed(t, db)
		ctx := t.Context()
		ev := did(audit.ClaimsReleased)
		start(t, db, visit("k1", "s1", "zhang"), "")
		g := newGrant(t, "rp", "", "zhang")
		must(t, won(db.OpenGrant(ctx, g, token.Consume{}, ev)))
		must(t, won(db.SpendCode(ctx, g.ID, 1, clock, ev)))
		endless := newGrant(t, "rp", "", "")
		endless.ExpiresAt = time.Time{}
		must(t, db.RevokeGrant(ctx, endless, ev))
		must(t, db.Park(ctx, parked("i1", "")))
		must(t, db.Push(ctx, pushed("p1")))
		must(t, won(db.UseAssertion(ctx, "rp", "j", clock.Add(time.Minute), clock)))
		_, err := db.Reserve(ctx, credential.Keys{Pair: "pair", Account: "account"}, credential.Limits{}, clock)
		must(t, err)

		for _, c := range []struct {
			name   string
			before time.Time
			limit  int
			want   int
		}{
			{"nothing has expired", clock, 10, 0},
			{"the short-lived, one of each kind", clock.Add(16 * time.Minute), 1, 3}, // pushed, assertion, pair
			{"the rest", clock.Add(25 * time.Hour), 10, 4},                           // grant, interaction, session, account's tally
			{"once more", clock.Add(25 * time.Hour), 10, 0},
		} {
			if n, err := db.SweepExpired(ctx, c.before, c.limit); err != nil || n != c.want {
				t.Errorf("%s: %d rows, %v, want %d", c.name, n, err, c.want)
			}
		}
		if gone, err := db.Revoked(ctx, endless.ID); err != nil || !gone {
			t.Errorf("the sweep brought a revoked token back: %v", err)
		}
	})
}
