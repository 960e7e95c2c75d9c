package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/client"
)

// A parked sign-out request must not pass for a pushed authorization request:
// that would carry unauthenticated parameters past a client's duty to push
// (RFC 9126 §5, require_pushed_authorization_requests).
func TestAParkedSignOutIsNoPushedRequest(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("pusher", client.Metadata{
			RedirectURIs: []string{democb}, GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"}, Scope: "openid",
			TokenEndpointAuthMethod: "client_secret_basic", FirstParty: true, RequirePushedAuthRequests: true,
		})
		b := r.browser()
		r.tokens(b, "b", "openid")
		a := newAttempt("openid")
		a.params.Set("client_id", "pusher")
		if e := callback(t, b.get(r.authorizeURL(a))).Get("error"); e != "invalid_request" {
			t.Errorf("a request that was not pushed: %q, want invalid_request", e)
		}
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		post, err := http.NewRequest(http.MethodPost, r.issuer+"/oauth2/logout", strings.NewReader(a.params.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		loc, err := b.do(post).Location()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"", "pusher"} {
			p := b.get(r.issuer + "/oauth2/authorize?" + url.Values{"client_id": {id}, "request_uri": {"urn:ietf:params:oauth:request_uri:" + loc.Query().Get("request")}}.Encode())
			if p.StatusCode != http.StatusBadRequest || p.Header.Get("Location") != "" {
				t.Errorf("client_id %q with a parked sign-out: %d to %q, want a page", id, p.StatusCode, p.Header.Get("Location"))
			}
		}
	})
}

// Whoever signs out after half an hour elsewhere means it: the idle session's
// tokens die, too (settlement of idle and end: idle closes the door, ending
// ends what is inside).
func TestSigningOutOfAnIdleSession(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		m := r.tokens(b, "b", "openid org")
		r.clock.move(40 * time.Minute)
		m = r.refresh("demo-code", text(m, "refresh_token")).body
		if status, _ := r.userinfo(text(m, "access_token")); status != http.StatusOK {
			t.Fatalf("the tokens of an idle session: %d, want them alive", status)
		}
		p := b.get(r.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(m, "id_token")}}.Encode())
		if p.Request.URL.Path != "/logout/done" {
			t.Fatalf("sign-out led to %s", p.Request.URL)
		}
		if status, _ := r.userinfo(text(m, "access_token")); status != http.StatusUnauthorized {
			t.Errorf("after signing out of an idle session the access token answers %d", status)
		}
	})
}

// A client that names no scope still learns who somebody is; nobody may be
// named to a third party unasked.
func TestNoScopeIsNoWayAroundConsent(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("third", client.Metadata{
			RedirectURIs: []string{democb}, GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"}, Scope: "openid profile",
			TokenEndpointAuthMethod: "client_secret_basic", Purpose: "a third party's",
		})
		b := r.browser()
		r.tokens(b, "a", "openid")
		for _, scope := range []string{"", "unheard-of"} {
			a := newAttempt(scope)
			a.params.Set("client_id", "third")
			if p := b.get(r.authorizeURL(a)); p.Request.URL.Path != "/consent" {
				t.Errorf("scope %q led to %s, want the consent page", scope, p.Request.URL)
			}
			a.params.Set("prompt", "none")
			if e := callback(t, b.get(r.authorizeURL(a))).Get("error"); e != "consent_required" {
				t.Errorf("scope %q with prompt=none: %q, want consent_required", scope, e)
			}
		}
	})
}

// What a client requires of an account holds for as long as its tokens live
// (R40), and a scope taken from a client is gone at once.
func TestRequirementsHoldAfterTheDoor(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		meta := client.Metadata{
			RedirectURIs: []string{democb}, GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
			Scope: "openid profile", TokenEndpointAuthMethod: "client_secret_basic", FirstParty: true, RequiredLevel: "L2",
		}
		r.register("strict", meta)
		b := r.browser()
		a := newAttempt("openid profile")
		a.params.Set("client_id", "strict")
		m := r.redeem(a, r.code(b, "a", a))
		if _, info := r.userinfo(text(m, "access_token")); info["name"] == nil {
			t.Fatalf("userinfo %v: want the verified name", info)
		}
		meta.Scope = "openid"
		r.register("strict", meta)
		time.Sleep(client.MaxAge) // by when every process knows
		if _, info := r.userinfo(text(m, "access_token")); info["name"] != nil || info["sub"] == nil {
			t.Errorf("userinfo %v after the scope was taken: want the subject alone", info)
		}
		r.exec("UPDATE accounts SET realname_status = ? WHERE login_key = ?", "rejected", "zhangsan")
		if got := r.refresh("strict", text(m, "refresh_token")); got.status != http.StatusBadRequest || text(got.body, "error") != "invalid_grant" {
			t.Errorf("refresh of somebody who is no longer verified: %d %v", got.status, got.body)
		}
		if status, _ := r.userinfo(text(m, "access_token")); status != http.StatusUnauthorized {
			t.Errorf("userinfo of somebody who is no longer verified: %d", status)
		}
	})
}

// A finished interaction is repeated for the one who finished it and for nobody
// who comes to the browser later.
func TestAFinishedInteractionBelongsToItsSession(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		a := newAttempt("openid offline_access")
		p := b.get(r.authorizeURL(a))
		resume := r.issuer + "/oauth2/authorize?" + url.Values{"interaction": {p.Request.URL.Query().Get("interaction")}}.Encode()
		code := callback(t, b.signIn(r.stage, p, "b")).Get("code")
		if again := callback(t, b.get(resume)).Get("code"); again != code || code == "" {
			t.Fatalf("a second submit got %q, want the code of the first", again)
		}
		r.exec("UPDATE sessions SET ended_at = ? WHERE ended_at = 0", time.Now().UnixMilli())
		if p := b.get(resume); p.StatusCode != http.StatusGone || p.Header.Get("Location") != "" {
			t.Errorf("after the session ended: %d to %q, want the page that says it is over", p.StatusCode, p.Header.Get("Location"))
		}
		if status, m := r.exchange(a, code); status != http.StatusBadRequest || text(m, "error") != "invalid_grant" {
			t.Errorf("the code of an ended session: %d %v, want invalid_grant even with offline_access", status, m)
		}
	})
}

// max_age counts seconds up to any number, and a sign-in inside an interaction
// excuses it only while it is fresh.
func TestMaxAgeAtItsEnds(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		r.tokens(b, "b", "openid")
		a := newAttempt("openid")
		a.params.Set("prompt", "none")
		for _, age := range []string{"9223372037", "9223372036854775807"} {
			a.params.Set("max_age", age)
			if q := callback(t, b.get(r.authorizeURL(a))); q.Get("code") == "" {
				t.Errorf("max_age=%s: %v, want a code", age, q)
			}
		}
	})
}

// A missing parameter is a malformed request, not a bad grant (RFC 6749 §5.2).
func TestMissingParametersAreNamed(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		for _, grant := range []string{"authorization_code", "refresh_token"} {
			if status, m := r.post("/oauth2/token", "demo-code", url.Values{"grant_type": {grant}}); status != http.StatusBadRequest || text(m, "error") != "invalid_request" {
				t.Errorf("%s without its parameter: %d %v", grant, status, m)
			}
		}
	})
}
