package interact_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/web"
)

// R17, settlement 29: the proof of the wrong window.
func TestProofOfTheWrongWindow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		offer := func(b *browser) (*page, string) {
			id := b.begin(request("gaoqi"))
			p := b.signIn("/login?interaction="+id+"&window=natural_person", uscc)
			if p.status != http.StatusOK || h.who(b) != "" || len(p.forms) == 0 || p.forms[0].fields.Get("proof") == "" {
				t.Fatalf("no offer: %d", p.status)
			}
			return p, id
		}
		redeem := func(b *browser, p *page) *page { return b.press(p, "account", "current") }

		t.Run("in another browser", func(t *testing.T) {
			b, thief := h.browser(), h.browser()
			p, _ := offer(b)
			fields := p.forms[0].fields
			for _, path := range []string{p.path, "/login"} {
				fields := url.Values{"proof": fields["proof"], "account": {"current"}, "form_token": {h.h.Web.FormToken(thief.id())}}
				if got := thief.post(path, fields); got.status == http.StatusSeeOther || h.who(thief) != "" {
					t.Errorf("%s: %d", path, got.status)
				}
			}
		})
		t.Run("in another interaction", func(t *testing.T) {
			b := h.browser()
			p, _ := offer(b)
			other := b.begin(request("gaoqi"))
			for _, path := range []string{"/login?interaction=" + other, "/login"} {
				got := b.post(path, url.Values{"proof": p.forms[0].fields["proof"], "account": {"current"}, "form_token": {h.h.Web.FormToken(b.id())}})
				if got.status != http.StatusGone || h.who(b) != "" {
					t.Errorf("%s: %d", path, got.status)
				}
			}
		})
		t.Run("a parked request as a proof", func(t *testing.T) {
			b := h.browser()
			id := b.begin(request("gaoqi", "account", "firm", "amr", "pwd", "interaction", ""))
			for _, proof := range []string{id, "", strings.Repeat("A", 43)} {
				got := b.post("/login", url.Values{"proof": {proof}, "account": {"current"}, "form_token": {h.h.Web.FormToken(b.id())}})
				if got.status != http.StatusGone || h.who(b) != "" {
					t.Errorf("%d, signed in as %q", got.status, h.who(b))
				}
			}
		})
		t.Run("a proof as an interaction", func(t *testing.T) {
			b := h.browser()
			p, _ := offer(b)
			if got := b.get("/login?interaction=" + p.forms[0].fields.Get("proof")); got.status != http.StatusGone {
				t.Errorf("got %d", got.status)
			}
		})
		t.Run("late", func(t *testing.T) {
			b := h.browser()
			p, _ := offer(b)
			h.wait(2 * time.Minute)
			if got := redeem(b, p); got.status != http.StatusGone || h.who(b) != "" || !strings.Contains(got.body, `name="password"`) {
				t.Errorf("got %d", got.status)
			}
		})
		t.Run("account frozen meanwhile", func(t *testing.T) {
			b := h.browser()
			p, _ := offer(b)
			must(t, h.db.SetAccountState(t.Context(), "firm", account.Frozen, audit.Event{Kind: audit.AccountChanged}))
			if got := redeem(b, p); got.status != http.StatusGone || h.who(b) != "" {
				t.Errorf("got %d", got.status)
			}
			must(t, h.db.SetAccountState(t.Context(), "firm", account.Active, audit.Event{Kind: audit.AccountChanged}))
		})
		t.Run("password changed meanwhile", func(t *testing.T) {
			b := h.browser()
			p, _ := offer(b)
			hash, err := h.hasher.Hash(t.Context(), password)
			must(t, err)
			h.wait(time.Second)
			must(t, h.db.SetPassword(t.Context(), "firm", hash, true, audit.Event{Kind: audit.PasswordChanged}))
			if got := redeem(b, p); got.status != http.StatusGone || h.who(b) != "" {
				t.Errorf("got %d", got.status)
			}
		})
		t.Run("password reset by an operator meanwhile", func(t *testing.T) {
			b := h.browser()
			p, _ := offer(b)
			hash, err := h.hasher.Hash(t.Context(), password)
			must(t, err)
			h.wait(time.Second)
			must(t, h.db.SetPassword(t.Context(), "firm", hash, false, audit.Event{Kind: audit.PasswordChanged}))
			if got := redeem(b, p); got.status != http.StatusGone || h.who(b) != "" {
				t.Errorf("got %d", got.status)
			}
			must(t, h.db.SetPassword(t.Context(), "firm", hash, true, audit.Event{Kind: audit.PasswordChanged}))
		})
		t.Run("twice", func(t *testing.T) {
			b := h.browser()
			p, id := offer(b)
			before := len(h.trail(audit.SignInSucceeded))
			redeem(b, p).goes(t, returns(id))
			mine := b.cookie(web.SessionCookie)
			redeem(b, p).goes(t, returns(id))
			if h.who(b) != "firm" || b.cookie(web.SessionCookie) != mine || len(h.trail(audit.SignInSucceeded)) != before+1 {
				t.Error("the second click signed in again")
			}
		})
		t.Run("sixteen at once", func(t *testing.T) {
			b := h.browser()
			p, id := offer(b)
			before := len(h.trail(audit.SignInSucceeded))
			fields := url.Values{"account": {"current"}}
			for k, v := range p.forms[0].fields {
				fields[k] = v
			}
			var wg sync.WaitGroup
			answers := make([]*page, 16)
			for i := range answers {
				wg.Go(func() { answers[i] = b.post(p.path, fields) })
			}
			wg.Wait()
			won := 0
			for _, a := range answers {
				a.goes(t, returns(id))
				if slices.ContainsFunc(a.header.Values("Set-Cookie"), func(c string) bool { return strings.HasPrefix(c, web.SessionCookie+"=") }) {
					won++
				}
			}
			if won != 1 || len(h.trail(audit.SignInSucceeded)) != before+1 {
				t.Errorf("%d of 16 signed in", won)
			}
		})
		if f := h.trail(audit.SignInFailed, audit.SignInThrottled); len(f) > 0 {
			t.Errorf("the wrong window counted as a failure: %+v", f)
		}
	})
}
