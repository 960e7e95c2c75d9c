package store_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// owed takes the sign-outs that are owed, as "client session account".
func owed(t *testing.T, db *store.DB) []string {
	t.Helper()
	tasks, err := db.ClaimTasks(t.Context(), 100, clock.Add(time.Hour), time.Minute)
	must(t, err)
	var out []string
	for _, task := range tasks {
		var l outbox.Logout
		must(t, json.Unmarshal([]byte(task.Payload), &l))
		if task.Kind != outbox.BackchannelLogout {
			t.Errorf("task %s", task.Kind)
		}
		out = append(out, l.Client+" "+l.Session+" "+l.Account)
		must(t, db.FinishTask(t.Context(), task.ID))
	}
	slices.Sort(out)
	return out
}

func start(t *testing.T, db *store.DB, s session.Session, replaced string) session.Session {
	t.Helper()
	s, err := db.StartSession(t.Context(), s, replaced, did(audit.SignInSucceeded))
	must(t, err)
	return s
}

func issue(t *testing.T, db *store.DB, client, sessionID string, offline bool) *token.Grant {
	t.Helper()
	g := newGrant(t, client, sessionID, "zhang")
	g.Offline, g.State = offline, token.Active
	must(t, won(db.OpenGrant(t.Context(), g, token.Consume{}, did(audit.ClaimsReleased))))
	return g
}

func stateOf(t *testing.T, db *store.DB, g *token.Grant) token.State {
	t.Helper()
	h, err := db.ByGrant(t.Context(), g.ID)
	must(t, err)
	return h.Grant.State
}

func TestEndingSessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		if _, err := db.EndSessions(ctx, session.Which{ExceptKey: "k1"}, clock, did(audit.SessionEnded)); !fault.Is(err, fault.Invalid) {
			t.Errorf("nothing selected: %v", err)
		}
		start(t, db, visit("k1", "s1", "zhang"), "")
		start(t, db, visit("k2", "s2", "zhang"), "")
		start(t, db, visit("k3", "s3", "firm"), "")
		online, twice, offline := issue(t, db, "a", "s1", false), issue(t, db, "a", "s1", false), issue(t, db, "b", "s1", true)
		kept, other := issue(t, db, "c", "s2", false), issue(t, db, "d", "s3", false)
		// What was revoked before leaves the browser nothing to tell; behind it,
		// the client is told all the same.
		must(t, db.RevokeGrant(ctx, issue(t, db, "gone", "s1", false), did(audit.TokenRevoked)))

		ended, err := db.EndSessions(ctx, session.Which{ID: "s1"}, clock, audit.Event{Kind: audit.SessionEnded})
		must(t, err)
		same(t, "ended", ended, []session.Ended{{ID: "s1", Account: "zhang", Clients: []string{"a", "b"}}})
		same(t, "owed", owed(t, db), []string{"a s1 zhang", "b s1 zhang", "gone s1 zhang"})
		for name, c := range map[string]struct {
			g    *token.Grant
			want token.State
		}{
			"of the session": {online, token.Revoked}, "another of the session": {twice, token.Revoked}, "offline": {offline, token.Active},
			"of another session": {kept, token.Active}, "of another account": {other, token.Active},
		} {
			if got := stateOf(t, db, c.g); got != c.want {
				t.Errorf("grant %s: state %d, want %d", name, got, c.want)
			}
		}
		rows, err := db.RecentAudit(ctx, 1)
		must(t, err)
		if e := rows[0].Event; e.Kind != audit.SessionEnded || e.Object != "s1" || e.Actor != "zhang" {
			t.Errorf("record %+v", e)
		}

		ended, err = db.EndSessions(ctx, session.Which{Key: "k1"}, clock, did(audit.SessionEnded))
		must(t, err)
		if len(ended) > 0 || len(owed(t, db)) > 0 {
			t.Errorf("ended a second time: %v", ended)
		}
		start(t, db, visit("k4", "s4", "zhang"), "")
		ended, err = db.EndSessions(ctx, session.Which{Account: "zhang", ExceptKey: "k4"}, clock, did(audit.SessionEnded))
		must(t, err)
		same(t, "all but one", ended, []session.Ended{{ID: "s2", Account: "zhang", Clients: []string{"c"}}})
		v, err := db.ByCookie(ctx, "k4", "")
		must(t, err)
		if !v.Session.EndedAt.IsZero() {
			t.Error("the exception was ended, too")
		}
		must(t, db.FreezeAccount(ctx, "zhang", clock, did(audit.AccountChanged)))
		v, err = db.ByCookie(ctx, "k4", "")
		must(t, err)
		if v.Session.EndedAt.IsZero() || v.Principal.Account.State != account.Frozen {
			t.Errorf("frozen: %+v", v.Session)
		}
	})
}

func TestSigningInOverASession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()

		first := start(t, db, visit("k1", "s1", "zhang"), "")
		must(t, db.ChooseUnit(ctx, "k1", "u-firm"))
		g := issue(t, db, "a", "s1", false)

		// The same account proves itself again: a new cookie, the same session.
		next := visit("k2", "s2", "zhang")
		next.AuthTime, next.CreatedAt, next.SeenAt = clock.Add(time.Hour), clock.Add(time.Hour), clock.Add(time.Hour)
		got := start(t, db, next, "k1")
		want := next
		want.ID, want.CreatedAt, want.UnitID = first.ID, first.CreatedAt, "u-firm"
		same(t, "renewed", got, want)
		if _, err := db.ByCookie(ctx, "k1", ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("the old cookie: %v", err)
		}
		v, err := db.ByCookie(ctx, "k2", "")
		must(t, err)
		same(t, "stored", v.Session, want)
		if stateOf(t, db, g) != token.Active || len(owed(t, db)) > 0 {
			t.Error("re-authentication ended what the session had opened")
		}

		// Somebody else signs in on the same browser.
		got = start(t, db, visit("k3", "s3", "firm"), "k2")
		if got.ID != "s3" || stateOf(t, db, g) != token.Revoked {
			t.Errorf("session %s, grant %d", got.ID, stateOf(t, db, g))
		}
		same(t, "replaced", got.Replaced, &session.Ended{ID: "s1", Account: "zhang", Clients: []string{"a"}})
		same(t, "owed", owed(t, db), []string{"a s1 zhang"})

		// The same account again, over a session that has run out or was ended.
		late := visit("k4", "s4", "firm")
		late.CreatedAt = clock.Add(9 * time.Hour)
		if got = start(t, db, late, "k3"); got.ID != "s4" {
			t.Errorf("a session that ran out was renewed: %s", got.ID)
		}
		_, err = db.EndSessions(ctx, session.Which{Key: "k4"}, clock, did(audit.SessionEnded))
		must(t, err)
		if got = start(t, db, visit("k5", "s5", "firm"), "k4"); got.ID != "s5" {
			t.Errorf("an ended session was renewed: %s", got.ID)
		}
		if got = start(t, db, visit("k6", "s6", "firm"), "no such key"); got.ID != "s6" {
			t.Errorf("over nothing: %s", got.ID)
		}
	})
}

func TestTouchingASession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		start(t, db, visit("k1", "s1", "zhang"), "")
		seen := func() time.Time {
			v, err := db.ByCookie(ctx, "k1", "")
			must(t, err)
			return v.Session.SeenAt
		}
		must(t, db.TouchSession(ctx, "k1", clock.Add(time.Hour)))
		must(t, db.TouchSession(ctx, "k1", clock.Add(time.Minute))) // a slower process comes late
		if !seen().Equal(clock.Add(time.Hour)) {
			t.Errorf("seen at %v", seen())
		}
		_, err := db.EndSessions(ctx, session.Which{Key: "k1"}, clock, did(audit.SessionEnded))
		must(t, err)
		must(t, db.TouchSession(ctx, "k1", clock.Add(2*time.Hour)))
		if !seen().Equal(clock.Add(time.Hour)) {
			t.Error("an ended session was seen")
		}
	})
}
