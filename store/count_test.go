package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/device"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// Every call outside a transaction costs what is written here: statements,
// BEGIN and COMMIT. A figure that grows is a regression; one that shrinks is
// written down.
func TestStatementsPerCall(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		seed(t, db)
		ctx := t.Context()
		ev := did(audit.ClaimsReleased)
		must(t, db.PutClient(ctx, relyingParty("rp"), did(audit.ClientCreated)))
		_, err := db.StartSession(ctx, visit("k0", "s0", "zhang"), "", ev)
		must(t, err)
		must(t, db.Park(ctx, parked("i1", "")))
		must(t, db.Park(ctx, parked("i9", "")))
		p := pushed("p1")
		must(t, db.Push(ctx, p))
		g := newGrant(t, "rp", "s0", "zhang")
		with := newGrant(t, "rp", "s0", "zhang")
		must(t, db.PutInitialToken(ctx, client.InitialToken{ID: "initial", Digest: "initial", MaxUses: 1, CreatedAt: clock, ExpiresAt: clock.Add(time.Hour)}, ev))
		keys := credential.Keys{Pair: "pair", Account: "account"}

		calls := []struct {
			name             string
			postgres, sqlite int64
			do               func(ctx context.Context) error
		}{
			{"Keys", 1, 1, func(ctx context.Context) error { _, err := db.Keys(ctx); return err }},
			{"Client", 1, 1, func(ctx context.Context) error { _, err := db.Client(ctx, "rp"); return err }},
			{"ClientsVersion", 1, 1, func(ctx context.Context) error { _, err := db.ClientsVersion(ctx); return err }},
			{"Starters", 1, 1, func(ctx context.Context) error { _, err := db.Starters(ctx); return err }},
			{"HasOrigin", 1, 1, func(ctx context.Context) error { _, err := db.HasOrigin(ctx, "https://rp.example"); return err }},
			{"Reserve", 1, 5, func(ctx context.Context) error {
				_, err := db.Reserve(ctx, keys, credential.Limits{}, clock)
				return err
			}},
			{"FindLogin", 1, 1, func(ctx context.Context) error { _, err := db.FindLogin(ctx, "zhang"); return err }},
			{"Refund", 1, 1, func(ctx context.Context) error { return db.Refund(ctx, keys, clock) }},
			{"Rehash", 1, 1, func(ctx context.Context) error { return db.Rehash(ctx, "zhang", 1, "$argon2id$new") }},
			{"StartSession", 1, 4, func(ctx context.Context) error {
				_, err := db.StartSession(ctx, visit("k1", "s1", "zhang"), "", ev)
				return err
			}},
			{"StartSession, the same account again", 1, 4, func(ctx context.Context) error {
				_, err := db.StartSession(ctx, visit("k2", "s2", "zhang"), "k1", ev)
				return err
			}},
			{"StartSession over another account's", 5, 11, func(ctx context.Context) error {
				_, err := db.StartSession(ctx, visit("k3", "s3", "firm"), "k2", ev)
				return err
			}},
			{"StartSession, proved", 1, 4, func(ctx context.Context) error {
				_, err := db.StartSession(ctx, provedVisit("k4", "s4"), "", ev)
				return err
			}},
			{"StartSession, proved, the same account again", 1, 4, func(ctx context.Context) error {
				_, err := db.StartSession(ctx, provedVisit("k5", "s5"), "k4", ev)
				return err
			}},
			{"TouchSession", 1, 1, func(ctx context.Context) error { return db.TouchSession(ctx, "k0", clock.Add(time.Minute)) }},
			{"ChooseUnit", 1, 1, func(ctx context.Context) error { return db.ChooseUnit(ctx, "k0", "u-firm") }},
			{"Park", 1, 1, func(ctx context.Context) error { return db.Park(ctx, parked("i2", "")) }},
			{"Park a pushed request", 1, 4, func(ctx context.Context) error { return db.Park(ctx, parked("i3", "p1")) }},
			{"Pending", 1, 1, func(ctx context.Context) error { _, err := db.Pending(ctx, "i1"); return err }},
			{"Advance", 1, 1, func(ctx context.Context) error { return db.Advance(ctx, parked("i1", "")) }},
			{"Push", 1, 1, func(ctx context.Context) error { return db.Push(ctx, pushed("p2")) }},
			{"Pushed", 1, 1, func(ctx context.Context) error { _, err := db.Pushed(ctx, "p1"); return err }},
			{"GiveConsent", 1, 4, func(ctx context.Context) error { return db.GiveConsent(ctx, allowed(), ev) }},
			{"ByCookie", 1, 1, func(ctx context.Context) error { _, err := db.ByCookie(ctx, "k0", "rp"); return err }},
			{"OpenGrant", 1, 4, func(ctx context.Context) error { return won(db.OpenGrant(ctx, g, token.Consume{}, ev)) }},
			{"OpenGrant with Consume", 1, 6, func(ctx context.Context) error {
				return won(db.OpenGrant(ctx, with, token.Consume{Interaction: "i3", Pushed: "p1"}, ev))
			}},
			{"ByGrant", 1, 1, func(ctx context.Context) error { _, err := db.ByGrant(ctx, g.ID); return err }},
			{"ByAccount", 1, 1, func(ctx context.Context) error { _, err := db.ByAccount(ctx, "zhang"); return err }},
			{"SpendCode", 1, 4, func(ctx context.Context) error { return won(db.SpendCode(ctx, g.ID, 1, clock, ev)) }},
			{"SpendCode, lost", 1, 3, func(ctx context.Context) error { return refused(db.SpendCode(ctx, g.ID, 1, clock, ev)) }},
			{"RotateRefresh", 1, 1, func(ctx context.Context) error { return won(db.RotateRefresh(ctx, g.ID, 1, clock)) }},
			{"Revoked", 1, 1, func(ctx context.Context) error { _, err := db.Revoked(ctx, g.ID); return err }},
			{"RevokeGrant", 1, 4, func(ctx context.Context) error { return db.RevokeGrant(ctx, g, ev) }},
			{"UseAssertion", 1, 1, func(ctx context.Context) error {
				return won(db.UseAssertion(ctx, "rp", "jti", clock.Add(time.Minute), clock))
			}},
			{"Finish", 1, 1, func(ctx context.Context) error { return won(db.Finish(ctx, "i9", "told")) }},
			{"OpenDevice", 1, 1, func(ctx context.Context) error { return won(db.OpenDevice(ctx, aDevice("d1"))) }},
			{"Device", 1, 1, func(ctx context.Context) error { _, err := db.Device(ctx, "user d1"); return err }},
			{"PollDevice", 1, 1, func(ctx context.Context) error { _, err := db.PollDevice(ctx, "d1", "rp", clock); return err }},
			{"AllowDevice", 6, 6, func(ctx context.Context) error {
				return won(db.AllowDevice(ctx, "d1", "i1", newGrant(t, "rp", "s0", "zhang"), clock.Add(time.Minute), ev))
			}},
			{"RefuseDevice, lost", 1, 3, func(ctx context.Context) error { return refused(db.RefuseDevice(ctx, "d1", ev)) }},
			{"CountTry", 1, 1, func(ctx context.Context) error {
				_, _, err := db.CountTry(ctx, "try", time.Minute, clock)
				return err
			}},
			{"SpeakFor", 1, 1, func(ctx context.Context) error { return db.SpeakFor(ctx, "rp", "sub", g.ID, clock.Add(time.Hour)) }},
			{"SpokenFor", 1, 1, func(ctx context.Context) error { _, err := db.SpokenFor(ctx, "rp", "sub", clock); return err }},
			{"EndSessions", 1, 6, func(ctx context.Context) error {
				_, err := db.EndSessions(ctx, session.Which{Key: "k0"}, clock, ev)
				return err
			}},
			{"InitialToken", 1, 1, func(ctx context.Context) error { _, err := db.InitialToken(ctx, "initial"); return err }},
			{"Register", 9, 9, func(ctx context.Context) error {
				return won(db.Register(ctx, relyingParty("self"), "", "initial", "access", clock, ev))
			}},
			{"Register, used up", 3, 3, func(ctx context.Context) error {
				return refused(db.Register(ctx, relyingParty("more"), "", "initial", "access", clock, ev))
			}},
			{"Registered", 2, 2, func(ctx context.Context) error { _, err := db.Registered(ctx, "self", "access"); return err }},
			{"Amend", 10, 10, func(ctx context.Context) error {
				r, err := db.Registered(context.WithoutCancel(t.Context()), "self", "access")
				if err != nil {
					return err
				}
				return won(db.Amend(ctx, r.Client, "", "access", "next", ev))
			}},
			{"Unregister", 7, 7, func(ctx context.Context) error { return won(db.Unregister(ctx, "self", "next", ev)) }},
			{"ClaimTasks", 1, 1, func(ctx context.Context) error { _, err := db.ClaimTasks(ctx, 5, clock, time.Minute); return err }},
		}
		for _, c := range calls {
			var n store.Counter
			if err := c.do(store.WithCounter(ctx, &n)); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			want := c.sqlite
			if db.Postgres() {
				want = c.postgres
			}
			if got := n.N.Load(); got != want {
				t.Errorf("%s: %d statements, want %d", c.name, got, want)
			}
		}
	})
}

func aDevice(key string) device.Request {
	return device.Request{Key: key, UserKey: "user " + key, Client: "rp", CreatedAt: clock, ExpiresAt: clock.Add(time.Hour), Interval: device.Interval}
}

// provedVisit is a session of the account as it was put.
func provedVisit(key, id string) session.Session {
	s := visit(key, id, "zhang")
	s.Proved = 1
	return s
}

var errLost, errWon = errors.New("lost"), errors.New("won, though it was done before")

// won turns a compare-and-swap that should have won into an error if it did not.
func won(ok bool, err error) error {
	if err == nil && !ok {
		return errLost
	}
	return err
}

func refused(ok bool, err error) error {
	if err == nil && ok {
		return errWon
	}
	return err
}
