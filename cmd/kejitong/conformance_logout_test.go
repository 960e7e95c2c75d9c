package main

import (
	"net/url"
	"strings"
	"testing"

	"kejitong/store/storetest"
)

// OpenID Connect RP-Initiated OP (oidcc-rp-initiated-logout-certification-test-plan).
func TestConformanceRPInitiatedLogout(t *testing.T) {
	modules := []module{
		{"oidcc-rp-initiated-logout-discovery-endpoint-verification", func(p *plan) {
			p.discovery()
			p.endpoint("end_session_endpoint") // and wrongType wants https
		}},
		{"oidcc-rp-initiated-logout", func(p *plan) {
			b, g := p.signedIn()
			state := strings.Repeat("s7_", 42) + "zz"
			p.comesBack(b, g, "state", state)
			p.signedOut(b)
		}},
		{"oidcc-rp-initiated-logout-no-state", func(p *plan) {
			b, g := p.signedIn()
			p.comesBack(b, g)
			p.signedOut(b)
		}},
		{"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", func(p *plan) {
			b, g := p.signedIn()
			p.goesNowhere(b, url.Values{"id_token_hint": {g.idToken}, "post_logout_redirect_uri": {"https://www.certification.openid.net/elsewhere"}, "state": {"x"}})
		}},
		{"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", func(p *plan) {
			b, g := p.signedIn()
			p.goesNowhere(b, url.Values{"id_token_hint": {g.idToken}, "post_logout_redirect_uri": {p.bye() + "?foo=bar"}, "state": {"x"}})
		}},
		{"oidcc-rp-initiated-logout-modified-id-token-hint", func(p *plan) {
			b, g := p.signedIn()
			p.goesNowhere(b, url.Values{"id_token_hint": {unsignedObject(claimsOf(p.t, g.idToken))}, "post_logout_redirect_uri": {p.bye()}, "state": {"x"}})
		}},
		{"oidcc-rp-initiated-logout-bad-id-token-hint", func(p *plan) {
			b, g := p.signedIn()
			forged := newSigner(p.t, "RS256", "").sign(p.t, claimsOf(p.t, g.idToken), nil)
			p.goesNowhere(b, url.Values{"id_token_hint": {forged}, "post_logout_redirect_uri": {p.bye()}, "state": {"x"}})
		}},
		{"oidcc-rp-initiated-logout-no-id-token-hint", func(p *plan) {
			b, _ := p.signedIn()
			p.goesNowhere(b, url.Values{"post_logout_redirect_uri": {p.bye()}, "state": {"x"}})
		}},
		{"oidcc-rp-initiated-logout-no-params", func(p *plan) {
			b, _ := p.signedIn()
			p.endsHere(b, url.Values{})
		}},
		{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri", func(p *plan) {
			b, g := p.signedIn()
			p.endsHere(b, url.Values{"id_token_hint": {g.idToken}, "state": {"x"}})
		}},
		{"oidcc-rp-initiated-logout-only-state", func(p *plan) {
			b, _ := p.signedIn()
			p.endsHere(b, url.Values{"state": {"x"}})
		}},
	}
	if len(modules) != 11 {
		t.Fatalf("%d modules, the plan has 11", len(modules))
	}
	play(t, storetest.Postgres(t), variant{response: "code", auth: "client_secret_basic"}, modules, nil)
}

// bye is the registered post_logout_redirect_uri.
func (p *plan) bye() string { return p.first.meta.PostLogoutRedirectURIs[0] }

func (p *plan) signedIn() (*browser, granted) {
	p.t.Helper()
	b := p.agent()
	_, g := p.flow(b, p.first)
	return b, g
}

// leave sends the browser to the end_session endpoint and agrees to whatever is
// asked; it gives the last page.
func (p *plan) leave(b *browser, q url.Values) page {
	p.t.Helper()
	at := b.get(p.endpoint("end_session_endpoint") + "?" + q.Encode())
	for range 4 {
		if at.StatusCode != 200 || !hasForm(p.t, at.body, "logout=yes") {
			return at
		}
		at = b.press(at, "logout=yes")
	}
	p.t.Fatalf("asked again and again:\n%s", at.body)
	return at
}

// comesBack: a genuine request ends at the registered URI with the state as sent
// and nothing else (RP-Initiated Logout §3).
func (p *plan) comesBack(b *browser, g granted, more ...string) {
	p.t.Helper()
	q := attempt{params: url.Values{"id_token_hint": {g.idToken}, "post_logout_redirect_uri": {p.bye()}}}.with(more...).params
	want := p.bye()
	if s := q.Get("state"); s != "" {
		want += "?" + url.Values{"state": {s}}.Encode()
	}
	if at := p.leave(b, q); target(at) != want {
		p.fail("ended at %d %q, want %q:\n%s", at.StatusCode, target(at), want, at.body)
	}
}

// target is where a page sends the browser, by Location or by a refresh.
func target(at page) string {
	if l := at.Header.Get("Location"); l != "" {
		return l
	}
	_, refresh, _ := strings.Cut(at.Header.Get("Refresh"), "url=")
	return refresh
}

// goesNowhere: the browser is never sent to another site; an error or a
// question is shown.
func (p *plan) goesNowhere(b *browser, q url.Values) {
	p.t.Helper()
	at := p.leave(b, q)
	if u, err := at.Location(); err == nil && u.Host != b.home.Host || strings.Contains(at.body, `="https://www.certification.openid.net`) || strings.Contains(at.body, `url=https`) {
		p.fail("sent to %q, or a page that leads there", target(at))
	}
}

// endsHere: the user ends on a page that says it is done, and is signed out.
func (p *plan) endsHere(b *browser, q url.Values) {
	p.t.Helper()
	if at := p.leave(b, q); at.StatusCode != 200 || at.Request.URL.Path != "/logout/done" {
		p.fail("ended at %s with %d", at.Request.URL, at.StatusCode)
	}
	p.signedOut(b)
}

// signedOut: the session is gone.
func (p *plan) signedOut(b *browser) {
	p.t.Helper()
	p.refused(p.visit(b, p.ask(p.first, "prompt", "none")), "login_required")
}
