package store_test

import (
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// Signing out must cost the same however many grants there are: it finds the
// session's by their index.
func TestSigningOutReadsNoOtherGrants(t *testing.T) {
	scans := func(t *testing.T, sabotage string) int64 {
		o := storetest.Postgres(t)
		db, _ := storetest.Ready(t, o)
		storetest.Exec(t, o, `
INSERT INTO grants (id, client_id, account_id, actor_id, unit_id, session_id, offline, state, code_spent, created_at, code_exp, expires_at,
    rt_gen, rt_rotated_at, secret, data)
SELECT 'g' || i, 'rp', 'a' || i / 3, '', '', 's' || i / 2, i % 2 = 0, 1, TRUE, 0, 0, 0, 1, 0, '', '' FROM generate_series(1, 5000) i`)
		if sabotage != "" {
			storetest.Exec(t, o, sabotage)
		}
		storetest.Exec(t, o, `ANALYZE`)
		const scanned = `SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'grants'`
		before := storetest.Count(t, o, scanned) // making the indexes scanned it, too
		must(t, db.PutAccount(t.Context(), person("zhang", "zhang"), "", did(audit.AccountCreated)))
		for _, which := range []session.Which{{Key: "k0"}, {Account: "zhang"}} {
			s := visit("k0", "s-"+string(which.Account), "zhang")
			if which.Key == "" {
				s.Key = "k1"
			}
			_, err := db.StartSession(t.Context(), s, "", did(audit.SignInSucceeded))
			must(t, err)
			ended, err := db.EndSessions(t.Context(), which, clock, did(audit.SessionEnded))
			must(t, err)
			if len(ended) != 1 {
				t.Fatalf("%d sessions ended, want 1", len(ended))
			}
		}
		must(t, db.Close()) // the server counts a connection's deeds at its end
		for storetest.Count(t, o, `SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'sessions'`) < 2 {
			time.Sleep(20 * time.Millisecond)
		}
		return storetest.Count(t, o, scanned) - before
	}
	if scans(t, `DROP INDEX grants_session_id, grants_account_id`) == 0 {
		t.Error("control: no scan is seen without the indexes")
	}
	if n := scans(t, ""); n != 0 {
		t.Errorf("the table of grants was scanned %d times, want none", n)
	}
}

// What outlives its session ends when the account is signed out everywhere, as
// after a stolen password; only the session left out keeps what it has.
func TestSigningOutEverywhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		seed(t, db)
		ctx := t.Context()
		state := func(g *token.Grant) token.State {
			t.Helper()
			h, err := db.ByGrant(ctx, g.ID)
			must(t, err)
			return h.Grant.State
		}
		grant := func(session string, who account.ID, offline bool) *token.Grant {
			t.Helper()
			g := newGrant(t, "rp", session, who)
			g.Offline = offline
			must(t, won(db.OpenGrant(ctx, g, token.Consume{}, did(audit.CodeIssued))))
			return g
		}
		for _, s := range []session.Session{visit("k1", "s1", "zhang"), visit("k2", "s2", "zhang"), visit("k3", "s3", "firm")} {
			_, err := db.StartSession(ctx, s, "", did(audit.SignInSucceeded))
			must(t, err)
		}
		kept, lives, dies, swept, other := grant("s1", "zhang", true), grant("s1", "zhang", false), grant("s2", "zhang", true), grant("long gone", "zhang", true), grant("s3", "firm", true)
		expect := func(when string, want map[*token.Grant]token.State) {
			t.Helper()
			for g, s := range want {
				if got := state(g); got != s {
					t.Errorf("%s: the grant of session %s is in state %d, want %d", when, g.SessionID, got, s)
				}
			}
		}
		end := func(which session.Which) {
			t.Helper()
			_, err := db.EndSessions(ctx, which, clock, did(audit.SessionEnded))
			must(t, err)
		}
		end(session.Which{Key: "k2"})
		expect("one session", map[*token.Grant]token.State{kept: token.Issued, lives: token.Issued, dies: token.Issued, swept: token.Issued, other: token.Issued})
		end(session.Which{Account: "zhang", ExceptKey: "k1"})
		expect("all but one", map[*token.Grant]token.State{kept: token.Issued, lives: token.Issued, dies: token.Revoked, swept: token.Revoked, other: token.Issued})
		end(session.Which{Account: "zhang"})
		expect("all", map[*token.Grant]token.State{kept: token.Revoked, lives: token.Revoked, other: token.Issued})
	})
}
