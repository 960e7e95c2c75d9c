package interact_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/notify"
	"kejitong/provider/web"
)

// bySMS asks for a code for name and types it, or the one given.
func (b *browser) bySMS(name, code string) *page {
	b.t.Helper()
	p := b.askCode(name)
	if code == "" {
		code = b.h.lastTold().Code
	}
	return b.press(p, "", "", "code", code)
}

func (b *browser) askCode(name string) *page {
	b.t.Helper()
	return b.press(b.get("/login/sms"), "", "", "username", name, "captcha", "always")
}

func (h *house) lastTold() notify.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.told) == 0 {
		h.t.Fatal("nobody was told anything")
	}
	return h.told[len(h.told)-1]
}

// A code to the verified number signs a natural person in, by login name or by
// the number, and the session says how.
func TestSignInBySMS(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, name := range []string{"zhangsan", "ＺhangSan", "18711111111", "+86 187 1111 1111"} {
			b := h.browser()
			id := b.begin(request("gaoqi"))
			p := b.press(b.get("/login/sms?interaction="+id), "", "", "username", name, "captcha", "always")
			m := h.lastTold()
			if m.To != "+8618711111111" || m.Channel != notify.SMS || m.Purpose != "code_sign_in" || strings.Contains(p.body, m.Code) {
				t.Fatalf("%s: told %+v", name, m)
			}
			b.press(p, "", "", "code", m.Code).goes(t, returns(id))
			if v := h.visit(b); v.Session.Account != "zhang" || !slices.Equal(v.Session.AMR, []string{"sms"}) {
				t.Errorf("%s: session %+v", name, v.Session)
			}
			h.wait(3 * time.Hour)
		}
		rows := h.trail(audit.SignInSucceeded)
		if last := rows[len(rows)-1]; last.Detail != "sms" || last.Actor != "zhang" {
			t.Errorf("the trail says %+v", last)
		}
	})
}

// S49: for whom no code goes out the same pages come, and no code is right.
func TestNoCodeLooksLikeACode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		twin := account.Account{
			ID: "twin", Kind: account.LegalEntity, State: account.Active, LoginName: "legal_twin", LoginKey: "legal_twin",
			Profile: account.Profile{Phone: "+8618733334444", PhoneVerified: true},
		}
		must(t, h.db.PutAccount(t.Context(), twin, "", audit.Event{Kind: audit.AccountCreated}))
		first := h.browser()
		want := bare(first, first.askCode("zhangsan"), "zhangsan")
		var wrong string
		for i, name := range []string{"nobody_here", "18799998888", "18722223333", "frozen_one", uscc, "legal_twin", "18733334444", "", "a\u200bb"} {
			b := h.browser()
			p := b.askCode(name)
			if m := h.lastTold(); m.Channel != notify.Nobody || m.To != "" || m.Code != "" {
				t.Errorf("%q: told %+v", name, m)
			}
			if got := bare(b, p, name); got != want {
				t.Errorf("%q looks different:\n%s\n%s", name, want, got)
			}
			p = b.press(p, "", "", "code", "123456")
			if p.status != http.StatusOK || b.cookie(web.SessionCookie) != "" || !strings.Contains(p.body, "code-why") {
				t.Errorf("%q: %d", name, p.status)
			}
			got := bare(b, p, name)
			if i == 0 {
				wrong = got
			} else if got != wrong {
				t.Errorf("%q: a wrong code looks different", name)
			}
		}
		b := h.browser()
		h.wait(time.Minute)
		if p := b.bySMS("zhangsan", "x23456"); bare(b, p, "zhangsan") != wrong {
			t.Error("a wrong code for somebody looks different")
		}
	})
}

// S48: asking for a code and typing a wrong one is as much work for a name or number
// that nobody has as for any other: statements, messages and rows of the trail. No
// password is computed for any.
func TestNoCodeIsAsMuchWorkAsACode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		add := func(id account.ID, kind account.Kind, login, phone string, s account.State) {
			a := account.Account{ID: id, Kind: kind, State: s, LoginName: login, LoginKey: login, Profile: account.Profile{Phone: phone, PhoneVerified: true}}
			must(t, h.db.PutAccount(t.Context(), a, "", audit.Event{Kind: audit.AccountCreated}))
		}
		add("own", account.NaturalPerson, "18700000001", "+8618700000001", account.Active) // login name and number
		add("one", account.NaturalPerson, "one_of_two", "+8618700000002", account.Active)
		add("two", account.NaturalPerson, "two_of_two", "+8618700000002", account.Active)
		add("cold", account.NaturalPerson, "cold_one", "+8618700000003", account.Frozen)
		add("shop", account.LegalEntity, "shop_one", "+8618700000004", account.Active)
		for i := range 9 {
			letter := string(rune('a' + i))
			add(account.ID("many"+letter), account.LegalEntity, "many_"+letter, "+8618700000005", account.Active)
		}
		type work struct{ statements, told, rows int64 }
		state := func() work {
			rows, err := h.db.RecentAudit(t.Context(), 1000)
			must(t, err)
			return work{h.asked.N.Load(), int64(len(h.told)), int64(len(rows))}
		}
		measured := func(fn func()) work {
			a := state()
			fn()
			b := state()
			return work{b.statements - a.statements, b.told - a.told, b.rows - a.rows}
		}
		for _, group := range [][]string{
			{"18711111111", "18799998888", "18722223333", "18700000001", "18700000002", "18700000003", "18700000004", "18700000005"},
			{"zhangsan", "nobody_here", "frozen_one", "one_of_two", "cold_one", "shop_one", uscc},
		} {
			var first [2]work
			for i, name := range group {
				h.wait(2 * time.Hour)
				b := h.browser()
				b.get("/login/sms")
				var p *page
				got := [2]work{measured(func() { p = b.askCode(name) }), measured(func() { b.press(p, "", "", "code", "x") })}
				if i == 0 {
					if first = got; got[0].told != 1 || got[0].statements < 5 || got[1].rows != 1 {
						t.Fatalf("%s: %+v", name, got)
					}
				}
				if got != first {
					t.Errorf("%s costs %+v, want %+v", name, got, first)
				}
			}
		}
		// A number that a code just went to by the login name, asked for itself.
		h.wait(2 * time.Hour)
		h.browser().askCode("zhangsan")
		used, never := measured(func() { h.browser().askCode("18711111111") }), measured(func() { h.browser().askCode("18799998888") })
		if used != never {
			t.Errorf("a number with a code under way costs %+v, another %+v", used, never)
		}
	})
}

// S54, S55: no SMS without a captcha; a code is good in the browser that asked for
// it, once, for five minutes and five guesses.
func TestSMSCodesAreNoWayRound(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser()
		if p := b.press(b.get("/login/sms"), "", "", "username", "zhangsan", "captcha", "00000"); !p.owes() || len(h.told) != 0 {
			t.Errorf("a code without a captcha: %d", p.status)
		}
		p := b.askCode("zhangsan")
		code := h.lastTold().Code
		if q := b.askCode("zhangsan"); !strings.Contains(q.body, "过于频繁") || len(h.told) != 1 {
			t.Error("a second code at once")
		}
		thief := h.browser()
		q := thief.askCode("18711111111") // quietly none: the number had one just now
		if len(h.told) != 2 || h.lastTold().Channel != notify.Nobody {
			t.Fatalf("told %+v", h.lastTold())
		}
		if q = thief.press(q, "", "", "code", code); q.status != http.StatusOK || thief.cookie(web.SessionCookie) != "" {
			t.Errorf("the code works in another browser: %d", q.status)
		}
		b.press(p, "", "", "code", code).goes(t, "/")
		b.press(p, "", "", "code", code, "username", "zhangsan")
		again := h.browser()
		again.plant(web.BrowserCookie, b.cookie(web.BrowserCookie))
		if q := again.press(p, "", "", "code", code); q.status != http.StatusOK || again.cookie(web.SessionCookie) != "" {
			t.Errorf("the code works twice: %d", q.status)
		}

		h.wait(time.Minute)
		c := h.browser()
		p = c.askCode("zhangsan")
		code = h.lastTold().Code
		for range challenge.CodeGuesses {
			c.press(p, "", "", "code", "x")
		}
		if q := c.press(p, "", "", "code", code); q.status != http.StatusOK || c.cookie(web.SessionCookie) != "" {
			t.Errorf("the code works after five wrong ones: %d", q.status)
		}

		h.wait(time.Minute)
		d := h.browser()
		p = d.askCode("zhangsan")
		h.wait(challenge.CodeLife)
		if q := d.press(p, "", "", "code", h.lastTold().Code); q.status != http.StatusOK || d.cookie(web.SessionCookie) != "" {
			t.Errorf("the code works after its time: %d", q.status)
		}
	})
}
