package interact_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/credential"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/provider/web"
)

var steps = []string{"/login", "/login/account", "/login/unit", "/consent", "/refused"}

// S16, S36: an interaction is worth something in its own browser, while it
// lasts, and nowhere else.
func TestInteractionOutOfPlace(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		victim, thief := h.browser(), h.browser()
		thief.in("18722223333", "natural_person")
		advanced := func(change func(*authflow.Pending)) string {
			id := victim.begin(request("gaoqi"))
			pd := h.pending(id)
			change(&pd)
			must(t, h.db.Advance(t.Context(), pd))
			return id
		}
		expired := victim.begin(request("gaoqi"))
		h.wait(11 * time.Minute)
		finished := victim.begin(request("gaoqi"))
		g, err := token.NewGrant("gaoqi", h.now())
		must(t, err)
		g.Account, g.CodeExp, g.ExpiresAt = "zhang", h.now().Add(time.Minute), h.now().Add(time.Hour)
		if ok, err := h.db.OpenGrant(t.Context(), g, token.Consume{Interaction: authflow.Key(finished)}, audit.Event{}); err != nil || !ok {
			t.Fatal(ok, err)
		}
		for _, row := range []struct {
			name, id string
			by       *browser
			status   int
			post     int // what a form gets
		}{
			{"unknown", strings.Repeat("A", 43), victim, 410, 410},
			{"none", "", victim, 410, 410},
			{"another browser's", victim.begin(request("gaoqi")), thief, 403, 403},
			{"expired", expired, victim, 410, 410},
			{"request to sign out", victim.begin(url.Values{"client_id": {"gaoqi"}, "state": {"x"}}), victim, 410, 410},
			{"declined", advanced(func(pd *authflow.Pending) { pd.Declined = "cancelled" }), victim, 410, 303},
			{"of an unknown client", victim.begin(request("nobody")), victim, 400, 400},
		} {
			for _, path := range steps {
				if row.id == "" && path == "/login" {
					continue
				}
				t.Run(row.name+path, func(t *testing.T) {
					row.by.id()
					if p := row.by.get(path + "?interaction=" + row.id); p.status != row.status || strings.Contains(p.body, `name="password"`) {
						t.Errorf("GET gives %d", p.status)
					}
					before := row.by.cookie(web.SessionCookie)
					p := row.by.post(path, url.Values{
						"interaction": {row.id}, "form_token": {h.h.Web.FormToken(row.by.id())}, "username": {"zhangsan"}, "password": {password},
						"decision": {"allow"}, "org": {"self"}, "account": {"current"}, "session": {"x"},
					})
					if p.status != row.post {
						t.Errorf("POST gives %d", p.status)
					}
					if row.by.cookie(web.SessionCookie) != before {
						t.Error("a session began")
					}
				})
			}
		}
		for _, path := range steps {
			if p := victim.get(path + "?interaction=" + finished); p.status != 410 {
				t.Errorf("finished%s gives %d", path, p.status)
			}
			// S38: who sends a form twice gets the same answer as before, from the one who knows it.
			victim.post(path+"?interaction="+finished, url.Values{"form_token": {h.h.Web.FormToken(victim.id())}, "username": {"zhangsan"}, "password": {password}}).goes(t, returns(finished))
		}
		if h.who(victim) != "" {
			t.Error("a finished interaction signed somebody in")
		}
		one, two := victim.begin(request("gaoqi")), victim.begin(request("gaoqi"))
		if p := victim.post("/login?interaction="+one, url.Values{"interaction": {two}, "form_token": {h.h.Web.FormToken(victim.id())}}); p.status != 400 {
			t.Errorf("two ids give %d", p.status)
		}
	})
}

// S37: login CSRF and its kin. None of these forms came from our pages.
func TestForgedForms(t *testing.T) {
	h := lone(t)
	b := h.browser()
	b.in("zhangsan", "natural_person")
	id := b.begin(request("gaoqi"))
	before := b.cookie(web.SessionCookie)
	good := h.h.Web.FormToken(b.id())
	for _, path := range append([]string{"/logout", "/login/password"}, steps...) {
		for _, row := range []struct {
			name, token string
			header      []string
		}{
			{"no token", "", nil},
			{"token of another browser", h.h.Web.FormToken(strings.Repeat("A", 24)), nil},
			{"from another site", good, []string{"Sec-Fetch-Site", "cross-site"}},
			{"from a sibling site", good, []string{"Sec-Fetch-Site", "same-site"}},
			{"origin null", good, []string{"Sec-Fetch-Site", "", "Origin", "null"}},
			{"another origin", good, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.test"}},
			{"plain text", good, []string{"Content-Type", "text/plain"}},
		} {
			fields := url.Values{
				"form_token": {row.token}, "username": {"18722223333"}, "password": {password}, "logout": {"yes"}, "decision": {"allow"},
				"org": {"u-firm"}, "account": {"current"}, "session": {h.visit(b).Session.ID}, "cancel": {"yes"},
			}
			target := path
			if path != "/logout" {
				target += "?interaction=" + id
			}
			if p := b.post(target, fields, row.header...); p.status != http.StatusForbidden {
				t.Errorf("%s %s: %d", path, row.name, p.status)
			}
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			req, err := http.NewRequest(method, h.url+path, nil)
			must(t, err)
			if p := b.do(req); p.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, p.status)
			}
		}
		b.get(path + "?interaction=" + id + "&cancel=yes&logout=yes&decision=allow&org=u-firm&account=current&username=zhangsan&password=x&form_token=" + good)
	}
	if b.cookie(web.SessionCookie) != before || h.who(b) != "zhang" {
		t.Error("the session changed")
	}
	if pd := h.pending(id); pd.Declined != "" || pd.Consented || pd.Unit != "" || pd.Selected || pd.Session != "" {
		t.Errorf("the interaction moved: %+v", pd)
	}
}

// S35: whatever id the browser brought is neither adopted nor alive afterwards.
func TestPlantedSession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, attacker := h.browser(), h.browser()
		attacker.in("18722223333", "natural_person")
		theirs := attacker.cookie(web.SessionCookie)
		for _, planted := range []string{strings.Repeat("A", 43), theirs} {
			b.plant(web.SessionCookie, planted)
			b.in("zhangsan", "natural_person")
			if got := b.cookie(web.SessionCookie); got == planted || len(got) != 43 {
				t.Fatalf("the planted id was adopted: %s", got)
			}
			if h.who(b) != "zhang" {
				t.Errorf("signed in as %s", h.who(b))
			}
		}
		if h.who(attacker) != "" {
			t.Error("the planted session lives on")
		}
		first := b.cookie(web.SessionCookie)
		b.in("zhangsan", "natural_person")
		if b.cookie(web.SessionCookie) == first {
			t.Error("signing in again kept the id")
		}
		if v, err := h.db.ByCookie(t.Context(), session.Key(first), ""); err == nil && v.Session.EndedAt.IsZero() {
			t.Error("the old id lives on")
		}
	})
}

// S48: who fails learns nothing from how.
func TestFailuresLookAlike(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		hash, err := h.hasher.Hash(t.Context(), password)
		must(t, err)
		a := account.Account{ID: "broken", Kind: account.NaturalPerson, State: account.Active, LoginName: "broken1", LoginKey: "broken1"}
		must(t, h.db.PutAccount(t.Context(), a, strings.Replace(hash, "argon2id", "argon9", 1), audit.Event{Kind: audit.AccountCreated}))
		a.ID, a.LoginName, a.LoginKey = "none", "no_password", "no_password"
		must(t, h.db.PutAccount(t.Context(), a, "", audit.Event{Kind: audit.AccountCreated}))
		for range 5 {
			h.browser().guess("/login", "18722223333", "wrong")
		}
		var first string
		for i, row := range []struct{ name, username, password, reason string }{
			{"unknown", "nobody_here", "x", "unknown"},
			{"wrong password", "zhangsan", "x", "mismatch"},
			{"empty password", "zhangsan", "", "mismatch"},
			{"wrong password of a unit", uscc, "x", "mismatch"},
			{"frozen, right password", "frozen_one", password, "frozen"},
			{"no password", "no_password", password, "no_password"},
			{"broken hash", "broken1", password, "bad_hash"},
			{"locked, right password", "18722223333", password, "pair_locked"},
			{"name of no shape", "a\u200bb", password, "unknown"},
			{"empty name", "", password, "unknown"},
		} {
			b := h.browser()
			p := b.guess("/login", row.username, row.password)
			if p.status != http.StatusOK || !strings.Contains(p.body, "登录名或密码错误") {
				t.Errorf("%s: %d", row.name, p.status)
			}
			if b.cookie(web.SessionCookie) != "" || len(p.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s sets cookies: %v", row.name, p.header.Values("Set-Cookie"))
			}
			got := bare(b, p, row.username)
			if i == 0 {
				first = got
			} else if got != first {
				t.Errorf("%s looks different:\n%s\n%s", row.name, first, got)
			}
			rows := h.trail(audit.SignInFailed, audit.SignInThrottled)
			last := rows[len(rows)-1]
			want := audit.SignInFailed
			if row.reason == "pair_locked" {
				want = audit.SignInThrottled
			}
			if last.Kind != want || last.Detail != row.reason || last.IP == "" || last.RequestID == "" {
				t.Errorf("%s: the trail says %+v", row.name, last)
			}
			if strings.Contains(last.Actor+last.Object+last.Detail, "nobody") {
				t.Errorf("a typed name is in the trail: %+v", last)
			}
		}
		if strings.Contains(h.log.String(), password) || strings.Contains(h.log.String(), "broken1") {
			t.Error("the log tells too much")
		}
	})
}

var captchas = regexp.MustCompile(`(?s)\n<div class="field captcha">.*?\n</div>\n`)

// bare is a page and its headers without what differs from request to request.
func bare(b *browser, p *page, username string) string {
	h := p.header.Clone()
	id := h.Get("X-Request-Id")
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length"} {
		h.Del(name)
	}
	policy := h.Get("Content-Security-Policy")
	_, nonce, _ := strings.Cut(policy, "'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	body := p.body
	if username != "" {
		body = strings.Replace(body, `value="`+username+`"`, `value=""`, 1)
		// The cursor stands in the first empty field.
		body = strings.Replace(strings.Replace(body, `required aria-describedby="username-hint">`, `required aria-describedby="username-hint" autofocus>`, 1), `required autofocus data-show`, `required data-show`, 1)
	}
	body = captchas.ReplaceAllString(body, "\n\n") // tells how many failures there were, of any name: TestCaptchaIsOwed
	var out strings.Builder
	must(b.t, h.Write(&out))
	text := out.String() + body
	for _, changing := range []string{id, nonce, b.h.h.Web.FormToken(b.id())} {
		if changing == "" {
			b.t.Fatal("nothing to leave out")
		}
		text = strings.ReplaceAll(text, changing, "-")
	}
	return text
}

// A full queue is told as such: nothing was judged or counted.
func TestBusy(t *testing.T) {
	h := lone(t)
	full := &credential.Hasher{MemoryKiB: 8, Time: 1, Concurrency: 1, Queue: -1}
	ticket, err := full.Admit()
	must(t, err)
	defer ticket.Release()
	h.h.Credentials.Hasher = full
	b := h.browser()
	p := b.signIn("/login", "zhangsan")
	if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" || !strings.Contains(p.body, `value="zhangsan"`) || strings.Contains(p.body, "登录名或密码错误") {
		t.Errorf("got %d, Retry-After %q", p.status, p.header.Get("Retry-After"))
	}
	if len(h.trail(audit.SignInFailed, audit.SignInThrottled)) > 0 {
		t.Error("it was counted as a failure")
	}
}

// S38: what the form says about scopes, client or session changes nothing.
func TestEditedConsent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser()
		b.in("zhangsan", "natural_person")
		id := b.begin(request("gaoqi", "scope", "openid profile identity unknown_scope address"))
		p := b.get("/consent?interaction=" + id)
		fields := url.Values{
			"decision": {"allow"}, "scope": {"openid profile phone identity offline_access"}, "scopes": {"phone"}, "client_id": {"other"},
			"sensitive": {"phone", "org.legal_rep", "offline_access", "-profile"},
		}
		for k, v := range p.forms[0].fields {
			fields[k] = v
		}
		elsewhere := url.Values{}
		for k, v := range fields {
			elsewhere[k] = v
		}
		elsewhere.Set("session", "another")
		b.post(p.path, elsewhere).goes(t, returns(id))
		if h.pending(id).Consented || len(h.visit(b).Consent.Scopes) > 0 {
			t.Error("a form drawn for another session counted")
		}
		b.post(p.path, fields).goes(t, returns(id))
		got := h.visit(b).Consent.Scopes
		slices.Sort(got)
		if want := []string{consent.Refuse("identity"), "openid", "profile"}; !slices.Equal(got, want) {
			t.Errorf("consent is %v, want %v", got, want)
		}
		if pd := h.pending(id); !pd.Consented || pd.Session != h.visit(b).Session.ID {
			t.Errorf("interaction is %+v", pd)
		}
		if p := b.post("/consent?interaction="+id, url.Values{"form_token": fields["form_token"], "session": fields["session"], "decision": {"perhaps"}}); p.status != 303 {
			t.Errorf("got %d", p.status)
		}
	})
}

// Nobody else's unit can be chosen, nor one that does not open the system.
func TestForeignUnit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.client("none", func(m *client.Metadata) { m.BusinessSystems = append(m.BusinessSystems[:0], "tech_sme") })
		b := h.browser()
		b.in("zhangsan", "natural_person")
		for _, row := range []struct{ name, client, org string }{
			{"another's", "gaoqi", "u-foreign"},
			{"unknown", "gaoqi", "u-nothing"},
			{"empty", "gaoqi", ""},
			{"self without entry of one's own", "gaoqi", "self"},
			{"own unit without a grant for the system", "none", "u-firm"},
		} {
			id := b.begin(request(row.client))
			p := b.post("/login/unit?interaction="+id, url.Values{"form_token": {h.h.Web.FormToken(b.id())}, "session": {h.visit(b).Session.ID}, "org": {row.org}})
			if p.status != http.StatusForbidden || h.pending(id).Unit != "" {
				t.Errorf("%s: %d, unit %q", row.name, p.status, h.pending(id).Unit)
			}
		}
		if h.visit(b).Session.UnitID != "" || len(h.trail(audit.UnitChosen)) > 0 {
			t.Error("a refused choice left traces")
		}
	})
}

// What was done under one session does not count for another.
func TestSwitchedSession(t *testing.T) {
	h := lone(t)
	b := h.browser()
	id := b.begin(request("gaoqi"))
	b.signIn("/login?interaction="+id, "zhangsan").goes(t, returns(id))
	consentPage := b.get("/consent?interaction=" + id)
	_, err := h.db.EndSessions(t.Context(), session.Which{Account: "zhang"}, h.now(), audit.Event{Kind: audit.SessionEnded})
	must(t, err)
	b.in("zhangsan", "natural_person")
	b.press(consentPage, "decision", "allow").goes(t, returns(id))
	if pd := h.pending(id); pd.Consented || len(h.visit(b).Consent.Scopes) > 0 {
		t.Error("a page of one session was answered in another")
	}
	b.press(b.get("/consent?interaction="+id), "decision", "allow").goes(t, returns(id))
	pd := h.pending(id)
	if !pd.Consented || pd.Session != h.visit(b).Session.ID || !pd.SignedInAt.IsZero() || pd.Selected {
		t.Errorf("progress of the first session still counts: %+v", pd)
	}
}

// S39: the sign-out page sends nobody to an address that is not registered.
func TestSignOutRedirects(t *testing.T) {
	h := lone(t)
	for _, row := range []struct {
		name string
		form url.Values
		want string
	}{
		{"unregistered", url.Values{"client_id": {"gaoqi"}, "post_logout_redirect_uri": {"https://evil.test/"}}, "/logout/done"},
		{"javascript", url.Values{"client_id": {"gaoqi"}, "post_logout_redirect_uri": {"javascript:alert(1)"}}, "/logout/done"},
		{"nobody's", url.Values{"post_logout_redirect_uri": {"https://rp.example/bye?a=1"}}, "/logout/done"},
		{"registered, with state", url.Values{"client_id": {"gaoqi"}, "post_logout_redirect_uri": {"https://rp.example/bye?a=1"}, "state": {"a&b=c\r\n"}}, "https://rp.example/bye?a=1&state=a%26b%3Dc%0D%0A"},
		{"registered", url.Values{"client_id": {"gaoqi"}, "post_logout_redirect_uri": {"https://rp.example/bye?a=1"}}, "https://rp.example/bye?a=1"},
	} {
		b := h.browser()
		b.in("zhangsan", "natural_person")
		p := b.get("/logout?interaction=" + b.begin(row.form))
		b.press(p, "logout", "yes").goes(t, row.want)
		if h.who(b) != "" {
			t.Errorf("%s: still signed in", row.name)
		}
	}
	b := h.browser()
	b.in("zhangsan", "natural_person")
	id := b.begin(request("gaoqi", "post_logout_redirect_uri", "https://rp.example/bye?a=1"))
	if p := b.get("/logout?interaction=" + id); p.status != http.StatusGone {
		t.Errorf("a parked authorization request: %d", p.status)
	}
	thief := h.browser()
	if p := thief.get("/logout?interaction=" + b.begin(url.Values{"client_id": {"gaoqi"}})); p.status != http.StatusForbidden {
		t.Errorf("another browser's: %d", p.status)
	}
}
