package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// A team runs the real flow from the console: each check that a relying party owes
// passes, and neither the secret nor a token stands on a page.
func TestTryIt(t *testing.T) {
	team := &teamOf{person: "a", client: "mine"}
	r := newRig(t, storetest.SQLite(t), nil, func(a *app) { a.team = team })
	team.rig = r
	back := r.name() + "/console/try/callback"
	r.register("mine", client.Metadata{RedirectURIs: []string{callbackOf("mine"), back}, PostLogoutRedirectURIs: nil})
	r.register("bare", client.Metadata{})
	b, stranger := r.browser(), r.browser()
	r.granted(b, "a", "mine", "openid")
	r.granted(stranger, "b", "mine", "openid")
	at := func(b *browser) page { return b.get(r.issuer + "/console/clients/mine/try") }

	p := at(b)
	if p.StatusCode != http.StatusOK || strings.Count(p.body, "<details") != 9 || strings.Contains(p.body, r.secret("mine")) {
		t.Fatalf("%d, %d examples", p.StatusCode, strings.Count(p.body, "<details"))
	}
	if got := at(stranger); got.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger sees %d", got.StatusCode)
	}
	tried := b.submit(p, "scope", url.Values{"scope": {"openid profile"}})
	if tried.StatusCode != http.StatusOK || tried.Request.URL.Path != "/console/try/callback" {
		t.Fatalf("%d at %s\n%s", tried.StatusCode, tried.Request.URL, tried.body)
	}
	if other := stranger.get(tried.Request.URL.String()); other.StatusCode != http.StatusGone { // S36: another browser
		t.Errorf("another browser takes the trial up: %d", other.StatusCode)
	}
	wrong := b.submit(tried, "client_secret", url.Values{"client_secret": {"wrong"}})
	if !strings.Contains(wrong.body, "invalid_client") {
		t.Errorf("%d\n%s", wrong.StatusCode, wrong.body)
	}
	if got := r.reasons("mine"); len(got) != 1 || got[0].Kind != "client_secret" {
		t.Errorf("the log does not say why: %+v", got)
	}
	done := b.submit(tried, "client_secret", url.Values{"client_secret": {r.secret("mine")}})
	if done.StatusCode != http.StatusOK || strings.Contains(done.body, `badge warn"`) || strings.Count(done.body, `class="badge ok"`) < 10 {
		t.Errorf("%d: not all checks pass\n%s", done.StatusCode, done.body)
	}
	if strings.Contains(done.body, r.secret("mine")) || regexp.MustCompile(`[A-Za-z0-9_-]{100}`).MatchString(done.body) {
		t.Error("S71: the secret or a token stands on the page")
	}
	for name, state := range map[string]string{"none": "", "garbage": "a.b.c", "bent": tried.Request.URL.Query().Get("state") + "x"} {
		if got := b.get(back[:0] + r.issuer + "/console/try/callback?code=x&state=" + url.QueryEscape(state)); got.StatusCode != http.StatusGone {
			t.Errorf("state %s: %d", name, got.StatusCode)
		}
	}
}
