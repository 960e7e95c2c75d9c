package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
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

// OpenID Connect Front-Channel Logout OP
// (oidcc-frontchannel-rp-initiated-logout-certification-test-plan).
func TestConformanceFrontChannelLogout(t *testing.T) {
	play(t, storetest.SQLite(t), variant{response: "code", auth: "client_secret_basic"}, []module{
		{"oidcc-frontchannel-logout-discovery-endpoint-verification", func(p *plan) {
			p.discovery()
			p.promised("frontchannel_logout_supported", "frontchannel_logout_session_supported")
		}},
		{"oidcc-frontchannel-rp-initiated-logout", func(p *plan) {
			const uri = "https://www.certification.openid.net/test/a/kejitong/frontchannel_logout"
			p.first = p.party("front", suiteCallback, func(m *client.Metadata) { m.FrontchannelLogoutURI, m.FrontchannelSessionNeeded = uri, true })
			b, g := p.signedIn()
			sid := text(g.back, "sid")
			if sid == "" {
				p.t.Fatal("the ID token has no sid")
			}
			at := p.leave(b, url.Values{"id_token_hint": {g.idToken}, "post_logout_redirect_uri": {p.bye()}, "state": {"abc"}})
			frames := framesOf(p.t, at)
			if len(frames) != 1 {
				p.t.Fatalf("frames %q, want one:\n%s", frames, at.body)
			}
			// Front-Channel Logout 1.0 §3: iss and sid, and nothing else.
			address, query, _ := strings.Cut(frames[0], "?")
			if q, err := url.ParseQuery(query); err != nil || address != uri || len(q) != 2 || !slices.Equal(q["iss"], []string{p.issuer}) || !slices.Equal(q["sid"], []string{sid}) {
				p.fail("frame %s, want iss and sid %s at %s", frames[0], sid, uri)
			}
			if to := target(p.t, at); to != p.bye()+"?state=abc" {
				p.fail("goes on to %q", to)
			}
			p.signedOut(b)
		}},
	}, nil)
}

// OpenID Connect Back-Channel Logout OP
// (oidcc-backchannel-rp-initiated-logout-certification-test-plan). jose on Node.js
// reads the logout token as well.
func TestConformanceBackChannelLogout(t *testing.T) {
	rc := newReceiver(t)
	play(t, storetest.Postgres(t), variant{response: "code", auth: "client_secret_basic"}, []module{
		{"oidcc-backchannel-logout-discovery-endpoint-verification", func(p *plan) {
			p.discovery()
			p.promised("backchannel_logout_supported", "backchannel_logout_session_supported")
		}},
		{"oidcc-backchannel-rp-initiated-logout", func(p *plan) {
			p.first = p.party("back", suiteCallback, func(m *client.Metadata) { m.BackchannelLogoutURI, m.BackchannelSessionNeeded = rc.URL+"/logout", true })
			b, g := p.signedIn()
			p.comesBack(b, g, "state", "abc")
			n := rc.next(p.t)
			n.answer <- http.StatusOK
			raw := n.form.Get("logout_token")
			if n.method != http.MethodPost || n.kind != "application/x-www-form-urlencoded" || len(n.form) != 1 || raw == "" { // Back-Channel Logout 1.0 §2.5
				p.t.Fatalf("%s %s with %v", n.method, n.kind, n.form)
			}
			p.keyOf(raw)
			c := claimsOf(p.t, raw)
			events, _ := c["events"].(map[string]any)
			event, there := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
			if !there || len(events) != 1 || len(event) != 0 || c["nonce"] != nil { // §2.4
				p.fail("events %v, nonce %v", c["events"], c["nonce"])
			}
			if c["iss"] != p.issuer || c["aud"] != p.first.id || c["sub"] != g.back["sub"] || c["sid"] != g.back["sid"] || text(c, "sid") == "" || text(c, "jti") == "" || c["iat"] == nil {
				p.fail("logout token %v, ID token %v", c, g.back)
			}
			cmd := p.nodeScript("logouttoken.mjs")
			cmd.Args = append(cmd.Args, p.issuer, p.endpoint("jwks_uri"), p.first.id, raw)
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), text(c, "jti")) {
				p.fail("jose: %v\n%s", err, out)
			}
			p.signedOut(b)
		}},
	}, func(c *config.Config) {
		c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, strings.TrimPrefix(rc.URL, "http://"))
	})
}

// OpenID Connect Session Management OP
// (oidcc-session-management-certification-test-plan). The frame's script runs in
// TestCheckSessionInChromium; here its answer is computed from the specification.
func TestConformanceSessionManagement(t *testing.T) {
	play(t, storetest.SQLite(t), variant{response: "code", auth: "client_secret_basic"}, []module{
		{"oidcc-session-management-discovery-endpoint-verification", func(p *plan) {
			p.discovery()
			p.endpoint("check_session_iframe") // and wrongType wants https
		}},
		{"oidcc-session-management-rp-initiated-logout", func(p *plan) {
			b := p.agent()
			o, g := p.flow(b, p.first)
			const origin = "https://www.certification.openid.net"
			state := o.params.Get("session_state")
			at := b.get(p.endpoint("check_session_iframe"))
			if at.StatusCode != http.StatusOK || !strings.HasPrefix(at.Header.Get("Content-Type"), "text/html") || at.Header.Get("X-Frame-Options") != "" {
				p.fail("the frame: %d %v", at.StatusCode, at.Header)
			}
			if !fits(b, state, p.first.id, origin) { // Session Management 1.0 §3.2: unchanged
				p.fail("session_state %q is not over the browser's state", state)
			}
			p.comesBack(b, g, "state", "abc")
			if fits(b, state, p.first.id, origin) {
				p.fail("session_state has not changed")
			}
			p.signedOut(b)
		}},
	}, nil)
}

// promised: these members of the discovery document are true.
func (p *plan) promised(members ...string) {
	p.t.Helper()
	for _, m := range members {
		if p.doc[m] != true {
			p.fail("%s is %v", m, p.doc[m])
		}
	}
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
	if at := p.leave(b, q); target(p.t, at) != want {
		p.fail("ended at %d %q, want %q:\n%s", at.StatusCode, target(p.t, at), want, at.body)
	}
}

// target is where a page sends the browser, by Location or by itself.
func target(t testing.TB, at page) string {
	t.Helper()
	if l := at.Header.Get("Location"); l != "" {
		return l
	}
	return goesOn(t, at)
}

// goesNowhere: the browser is never sent to another site; an error or a
// question is shown.
func (p *plan) goesNowhere(b *browser, q url.Values) {
	p.t.Helper()
	at := p.leave(b, q)
	if u, err := at.Location(); err == nil && u.Host != b.home.Host || strings.Contains(at.body, `="https://www.certification.openid.net`) || strings.Contains(at.body, `url=https`) {
		p.fail("sent to %q, or a page that leads there", target(p.t, at))
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
