package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/session"
	"kejitong/store"
	"kejitong/store/storetest"
)

// notice is one request that a receiver of logout tokens got.
type notice struct {
	path   string
	form   url.Values
	method string
	kind   string
	answer chan int // the status to answer; the receiver waits for it
	gone   <-chan struct{}
}

// receiver is the back-channel endpoint of relying parties.
type receiver struct {
	*httptest.Server
	notices chan notice
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	rc := &receiver{notices: make(chan notice, 64)}
	over := make(chan struct{})
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if err := q.ParseForm(); err != nil {
			t.Errorf("notice: %v", err)
		}
		n := notice{q.URL.Path, q.PostForm, q.Method, q.Header.Get("Content-Type"), make(chan int, 1), q.Context().Done()}
		rc.notices <- n
		select {
		case status := <-n.answer:
			w.WriteHeader(status)
		case <-q.Context().Done():
		case <-over:
		}
	}))
	t.Cleanup(func() { close(over); rc.Close() })
	return rc
}

// next waits for a notice.
func (rc *receiver) next(t testing.TB) notice {
	t.Helper()
	select {
	case n := <-rc.notices:
		return n
	case <-time.After(20 * time.Second):
		t.Fatal("no logout token came")
		return notice{}
	}
}

// none fails if a notice came.
func (rc *receiver) none(t testing.TB, why string) {
	t.Helper()
	select {
	case n := <-rc.notices:
		t.Errorf("%s: a logout token came to %s", why, n.path)
	default:
	}
}

func onReceivers(t *testing.T, fn func(t *testing.T, r *rig, rc *receiver)) {
	t.Helper()
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			rc := newReceiver(t)
			r := newRig(t, o, func(c *config.Config) { c.Clients.OutboundAllow = []string{strings.TrimPrefix(rc.URL, "http://")} }, nil)
			for _, id := range []string{"first", "second"} {
				r.register(id, client.Metadata{BackchannelLogoutURI: rc.URL + "/" + id, BackchannelSessionNeeded: true})
			}
			r.register("deaf", client.Metadata{})
			fn(t, r, rc)
		})
	}
}

// signOut leaves by RP-initiated logout.
func (b *browser) signOut(r *rig, idToken string) {
	b.t.Helper()
	p := b.get(r.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {idToken}}.Encode())
	if p.StatusCode != http.StatusOK || p.Request.URL.Path != "/logout/done" {
		b.t.Fatalf("sign-out ended at %s with %d", p.Request.URL.Path, p.StatusCode)
	}
}

// settled waits until the outbox holds n tasks, tried so often in all.
func (r *rig) settled(n, attempts int64) {
	r.t.Helper()
	const tasks, tried = `SELECT COUNT(*) FROM outbox`, `SELECT COALESCE(SUM(attempts), 0) FROM outbox`
	for deadline := time.Now().Add(20 * time.Second); r.ask(tasks) != n || r.ask(tried) != attempts; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%d tasks in the outbox, tried %d times, want %d and %d", r.ask(tasks), r.ask(tried), n, attempts)
		}
	}
}

// Each system that took part in the session gets a logout token of its own, as
// OpenID Connect Back-Channel Logout §2.4 and §2.5 have it, again and again
// until it says yes, each time a fresh one.
func TestBackchannelLogout(t *testing.T) {
	onReceivers(t, func(t *testing.T, r *rig, rc *receiver) {
		b := r.browser()
		of := map[string]map[string]any{}
		for _, id := range []string{"first", "second", "deaf", "first"} { // one system twice
			of[id] = r.granted(b, "a", id, "openid")
		}
		r.granted(r.browser(), "a", "first", "openid") // another session, which stays
		b.signOut(r, text(of["first"], "id_token"))

		check := func(n notice) map[string]any {
			t.Helper()
			id := strings.TrimPrefix(n.path, "/")
			if n.method != http.MethodPost || n.kind != "application/x-www-form-urlencoded" || len(n.form) != 1 || len(n.form["logout_token"]) != 1 {
				t.Fatalf("%s %s to %s with %d parameters, want a form with logout_token alone", n.method, n.kind, n.path, len(n.form))
			}
			c := r.genuine(n.form.Get("logout_token"), "logout+jwt", jose.RS256)
			idt := claimsOf(t, text(of[id], "id_token"))
			want := map[string]any{
				"iss": r.name(), "aud": id, "sub": idt["sub"], "sid": idt["sid"], "iat": c["iat"], "exp": c["exp"], "jti": c["jti"],
				"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
			}
			if !reflect.DeepEqual(c, want) { // so there is no nonce
				t.Errorf("claims\n%v, want\n%v", c, want)
			}
			if s, _ := c["jti"].(string); len(s) < 16 {
				t.Errorf("jti %q", s)
			}
			if life := c["exp"].(float64) - c["iat"].(float64); life <= 0 || life > 120 {
				t.Errorf("it lives %v s, want 120 at most", life)
			}
			return c
		}
		told := map[string]map[string]any{}
		for range 2 {
			n := rc.next(t)
			told[n.path] = check(n)
			if n.path == "/first" {
				n.answer <- http.StatusInternalServerError
			} else {
				n.answer <- http.StatusOK
			}
		}
		if len(told) != 2 {
			t.Fatalf("told: %d systems, want both", len(told))
		}
		r.settled(1, 1) // the one that failed stays

		r.app.runner.Wake() // too early
		r.clock.move(time.Second)
		r.app.runner.Wake()
		rc.none(t, "before the pause was over")
		for attempt, status := range []int{http.StatusBadRequest, http.StatusFound, http.StatusTemporaryRedirect, http.StatusCreated, http.StatusAccepted, http.StatusNoContent} {
			r.clock.move(15 * time.Minute) // longer than any pause
			r.app.runner.Wake()
			n := rc.next(t)
			c := check(n)
			if n.path != "/first" || c["jti"] == told["/first"]["jti"] || c["iat"].(float64) <= told["/first"]["iat"].(float64) {
				t.Errorf("attempt %d to %s: the token is not a fresh one", attempt+2, n.path)
			}
			told["/first"] = c
			n.answer <- status
			if status != http.StatusNoContent {
				r.settled(1, int64(attempt+2))
			}
		}
		r.settled(0, 0)
		r.clock.move(time.Hour)
		r.app.runner.Wake()
		rc.none(t, "after it said yes")
	})
}

// What was promised when the session ended is kept by whoever runs afterwards,
// though the process that promised is gone, and what was ended by an operator
// is told like what the user ended.
func TestBackchannelLogoutSurvives(t *testing.T) {
	onReceivers(t, func(t *testing.T, r *rig, rc *receiver) {
		m := r.granted(r.browser(), "a", "first", "openid")
		_, err := r.app.db.EndSessions(t.Context(), session.Which{Account: r.person("a").Account.ID}, r.clock.now(), audit.Event{Kind: audit.SessionEnded, Actor: "operator"})
		if err != nil {
			t.Fatal(err)
		}
		r.wantDead("first", m, "ended by an operator")
		r.restart()
		n := rc.next(t)
		n.answer <- http.StatusOK
		if n.path != "/first" {
			t.Errorf("told: %s", n.path)
		}
		r.settled(0, 0)
	})
}

// A system that takes its time keeps nobody waiting: the user is signed out,
// and the other system told, before it answers (S40).
func TestSlowReceiverDelaysNobody(t *testing.T) {
	onReceivers(t, func(t *testing.T, r *rig, rc *receiver) {
		b := r.browser()
		first, second := r.granted(b, "a", "first", "openid"), r.granted(b, "a", "second", "openid")
		b.signOut(r, text(first, "id_token")) // comes back though nobody answers the provider
		r.wantDead("first", first, "signed out")
		r.wantDead("second", second, "signed out")
		waiting := []notice{rc.next(t), rc.next(t)}
		if waiting[0].path == waiting[1].path {
			t.Errorf("told: %s twice", waiting[0].path)
		}
		for _, n := range waiting {
			select {
			case <-n.gone:
				t.Errorf("%s: the provider gave up before the user was signed out: it waited", n.path)
			default:
			}
		}
		for _, n := range waiting {
			n.answer <- http.StatusOK
		}
		r.settled(0, 0)
	})
}
