package interact_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/templates"
)

const chosen = "Own-Teapot-42-lamp"

// reset does what an operator does: the password is one that must be changed.
func (h *house) reset(id account.ID) {
	h.t.Helper()
	hash, err := h.hasher.Hash(h.t.Context(), password)
	must(h.t, err)
	must(h.t, h.db.SetPassword(h.t.Context(), id, hash, false, audit.Event{Kind: audit.PasswordChanged, Actor: "operator"}))
}

// owes signs in with the reset password and gives the page for a new one.
func (b *browser) owes(path, username string) *page {
	b.t.Helper()
	p := b.signIn(path, username)
	to := p.header.Get("Location")
	if p.status != http.StatusSeeOther || !strings.HasPrefix(to, "/login/password?") || b.h.who(b) != "" {
		b.t.Fatalf("%d to %q, signed in as %q", p.status, to, b.h.who(b))
	}
	p = b.get(to)
	if p.status != http.StatusOK || !strings.Contains(p.body, `name="new_password"`) {
		b.t.Fatalf("no page for a new password: %d", p.status)
	}
	return p
}

func (b *browser) choose(p *page, one, two string) *page {
	b.t.Helper()
	return b.press(p, "", "", "new_password", one, "new_password_again", two)
}

// A password that somebody else chose opens nothing but the page for another.
func TestPasswordOfSomebodyElse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		t.Run("not good enough", func(t *testing.T) {
			h.reset("zhang")
			b := h.browser()
			p := b.owes("/login", "zhangsan")
			for _, row := range []struct{ name, one, two, says string }{
				{"empty", "", "", "密码太短，至少 8 个字符。"},
				{"short", "Ab1-", "Ab1-", "密码太短，至少 8 个字符。"},
				{"typed differently", chosen, chosen + "x", "两次输入的密码不一致"},
				{"one class", "gjwmxqpvlrtz", "gjwmxqpvlrtz", "须有大写字母"},
				{"the login name", "Zhangsan-7!x", "Zhangsan-7!x", "不能包含登录名、姓名"},
				{"the mobile", "Pw-18711111111", "Pw-18711111111", "不能包含登录名、姓名"},
				{"everybody's", "P@ssw0rd", "P@ssw0rd", "太常见"},
				{"the present one", password, password, "新密码不能与现在的密码相同"},
			} {
				got := b.choose(p, row.one, row.two)
				if got.status != http.StatusOK || !strings.Contains(got.body, row.says) || h.who(b) != "" {
					t.Errorf("%s: %d", row.name, got.status)
				}
				if row.one != "" && strings.Contains(got.body, row.one) {
					t.Errorf("%s: the page repeats the password", row.name)
				}
			}
			b.owes("/login?other=1", "zhangsan") // and still it is owed
		})
		t.Run("a unit's code", func(t *testing.T) {
			h.reset("firm")
			b := h.browser()
			if got := b.choose(b.owes("/login?window=legal_entity", uscc), "Pw-"+uscc, "Pw-"+uscc); h.who(b) != "" || !strings.Contains(got.body, "统一社会信用代码") {
				t.Errorf("got %d", got.status)
			}
		})
		t.Run("out of place", func(t *testing.T) {
			h.reset("zhang")
			b, thief := h.browser(), h.browser()
			id := b.begin(request("gaoqi"))
			p := b.owes("/login?interaction="+id, "zhangsan")
			proof := p.forms[0].fields.Get("proof")
			fields := url.Values{"proof": {proof}, "new_password": {chosen}, "new_password_again": {chosen}, "account": {"current"}}
			for _, row := range []struct {
				name, path string
				by         *browser
				status     int
			}{
				{"another browser", "/login/password", thief, 403},
				{"another interaction", "/login/password?interaction=" + b.begin(request("gaoqi")), b, 410},
				{"no interaction", "/login/password", b, 410},
				{"as the proof of the wrong window", "/login?interaction=" + id, b, 410},
				{"as an interaction", "/consent?interaction=" + proof, b, 410},
			} {
				fields.Set("form_token", h.h.Web.FormToken(row.by.id()))
				if got := row.by.post(row.path, fields); got.status != row.status || h.who(row.by) != "" {
					t.Errorf("%s: %d, signed in as %q", row.name, got.status, h.who(row.by))
				}
				if strings.HasPrefix(row.path, "/login/") {
					join := "?"
					if strings.Contains(row.path, "?") {
						join = "&"
					}
					if got := row.by.get(row.path + join + "proof=" + proof); got.status != row.status || strings.Contains(got.body, "new_password") {
						t.Errorf("%s: GET gives %d", row.name, got.status)
					}
				}
			}
			other := h.browser()
			legal := other.signIn("/login", uscc) // the proof of the wrong window is none of this kind
			if len(legal.forms) > 0 {
				got := other.post("/login/password", url.Values{"proof": {legal.forms[0].fields.Get("proof")}, "new_password": {chosen},
					"new_password_again": {chosen}, "form_token": {h.h.Web.FormToken(other.id())}})
				if got.status != http.StatusGone || h.who(other) != "" {
					t.Errorf("a proof of the wrong window: %d", got.status)
				}
			}
			for _, nothing := range []string{"", id, strings.Repeat("A", 43)} {
				if got := b.get("/login/password?proof=" + nothing); got.status != http.StatusGone {
					t.Errorf("proof %q: %d", nothing, got.status)
				}
			}
		})
		for name, meanwhile := range map[string]func(){
			"late":        func() { h.wait(10 * time.Minute) },
			"reset again": func() { h.reset("zhang") },
			"frozen": func() {
				must(t, h.db.SetAccountState(t.Context(), "zhang", account.Frozen, audit.Event{Kind: audit.AccountChanged}))
			},
			"set from another browser": func() { b := h.browser(); b.choose(b.owes("/login", "zhangsan"), chosen, chosen).goes(t, "/") },
		} {
			t.Run(name, func(t *testing.T) {
				h.reset("zhang")
				b := h.browser()
				p := b.owes("/login", "zhangsan")
				meanwhile()
				for _, got := range []*page{b.get(p.path), b.choose(p, "Another-Lamp-5!", "Another-Lamp-5!")} {
					if got.status != http.StatusGone || h.who(b) != "" {
						t.Errorf("got %d", got.status)
					}
				}
				must(t, h.db.SetAccountState(t.Context(), "zhang", account.Active, audit.Event{Kind: audit.AccountChanged}))
			})
		}
		t.Run("cancelled", func(t *testing.T) {
			h.reset("zhang")
			b := h.browser()
			id := b.begin(request("gaoqi"))
			b.press(b.owes("/login?interaction="+id, "zhangsan"), "cancel", "yes").goes(t, returns(id))
			if h.pending(id).Declined != "cancelled" || h.who(b) != "" {
				t.Errorf("interaction %+v", h.pending(id))
			}
		})
		t.Run("eight at once", func(t *testing.T) {
			h.reset("zhang")
			b := h.browser()
			p := b.owes("/login", "zhangsan")
			fields := url.Values{"new_password": {chosen}, "new_password_again": {chosen}}
			for k, v := range p.forms[0].fields {
				if k != "new_password" && k != "new_password_again" {
					fields[k] = v
				}
			}
			before := len(h.trail(audit.SignInSucceeded))
			var wg sync.WaitGroup
			answers := make([]*page, 8)
			for i := range answers {
				wg.Go(func() { answers[i] = b.post(p.path, fields) })
			}
			wg.Wait()
			won := 0
			for _, a := range answers {
				switch a.status {
				case http.StatusSeeOther:
					won++
				case http.StatusGone:
				default:
					t.Errorf("got %d", a.status)
				}
			}
			if won != 1 || len(h.trail(audit.SignInSucceeded)) != before+1 {
				t.Errorf("%d of 8 signed in", won)
			}
		})
		t.Run("set", func(t *testing.T) {
			h.reset("firm")
			b := h.browser()
			id := b.begin(request("gaoqi"))
			offer := b.signIn("/login?interaction="+id+"&window=natural_person", uscc, "shared_computer", "yes") // through the wrong window, too
			p := b.press(offer, "account", "current")
			if !strings.HasPrefix(p.header.Get("Location"), "/login/password?") || h.who(b) != "" {
				t.Fatalf("%d to %q", p.status, p.header.Get("Location"))
			}
			before, signedIn := len(h.trail(audit.PasswordChanged)), len(h.trail(audit.SignInSucceeded))
			b.choose(b.get(p.header.Get("Location")), chosen, chosen).goes(t, returns(id))
			v := h.visit(b)
			if v.Session.Account != "firm" || !v.Session.Shared || h.pending(id).Session != v.Session.ID {
				t.Errorf("session %+v", v.Session)
			}
			rows := h.trail(audit.PasswordChanged)
			if len(rows) != before+1 || rows[before].Actor != "firm" || rows[before].Object != "firm" || rows[before].Client != "gaoqi" {
				t.Errorf("trail %+v", rows)
			}
			if len(h.trail(audit.SignInSucceeded)) != signedIn+1 {
				t.Error("the sign-in is not in the trail")
			}
			if !v.Principal.Account.PasswordChangedAt.Equal(h.now()) {
				t.Errorf("changed at %v", v.Principal.Account.PasswordChangedAt)
			}
			again := h.browser()
			if p := again.signIn("/login?window=legal_entity", uscc); p.status != http.StatusOK {
				t.Errorf("the operator's password still works: %d", p.status)
			}
			again.signIn("/login?window=legal_entity", uscc, "password", chosen).goes(t, "/")
		})
		if strings.Contains(h.log.String(), chosen) {
			t.Error("the log tells the password")
		}
	})
}

// Every refusal of a new password has words in both languages.
func TestRefusedPasswordsAreExplained(t *testing.T) {
	h := lone(t)
	for _, key := range credential.Messages() {
		if !strings.HasPrefix(key, "password.") && key != credential.MsgUnchanged {
			continue
		}
		for _, tag := range h.h.Web.Render.Languages() {
			if said := h.h.Web.Render.Say(tag, templates.Text{Key: key}); said == key {
				t.Errorf("%s is not said in %s", key, tag)
			}
		}
	}
}
