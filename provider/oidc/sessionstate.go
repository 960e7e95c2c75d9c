package oidc

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/principal"
	"kejitong/provider/web"
)

// checkSessionPath serves the OP iframe of Session Management 1.0 §3.2.
const checkSessionPath = "/oauth2/session"

// watched is the browser state that an authorization request met.
type watched struct{ state string }

// watch notes the browser state that a's answer is made over, and corrects the
// browser's cookie if it says something else. v is nil if nobody is signed in.
func (p *Provider) watch(w http.ResponseWriter, r *http.Request, a *asked, v *principal.Visit) {
	if !p.Features.SessionManagement {
		return
	}
	state, life := "", time.Duration(0)
	if v != nil {
		cookie, _ := p.Web.Cookie(r, web.SessionCookie)
		state = p.Web.BrowserState(cookie)
		if !v.Session.Shared { // there it dies with the browser, as the session's does
			life = v.Session.ExpiresAt.Sub(p.Now())
		}
	}
	p.Web.KeepState(w, r, state, life)
	a.watched = &watched{state}
}

// sessionState is the session_state of an authorization response, "" if there
// is none: it goes with every successful authentication (Session Management 1.0
// §2), and with the failure of a silent one, so that a client which found
// nobody signed in can watch for somebody.
func (p *Provider) sessionState(a *asked, params url.Values) string {
	if a.watched == nil || !slices.Contains(a.scopes, "openid") || params.Has("error") && !a.asks("none") {
		return ""
	}
	u, err := url.Parse(a.redirect)
	if err != nil {
		return ""
	}
	origin := client.WebOrigin(u)
	if origin == "" { // a native application's own scheme: no page could ask
		return ""
	}
	salt, err := noise(16)
	if err != nil {
		return ""
	}
	return salted(a.client.ID, origin, a.watched.state, salt)
}

// salted is the digest that the frame's script computes as well (Session
// Management 1.0 §3.2).
func salted(clientID, origin, state, salt string) string {
	sum := sha256.Sum256([]byte(clientID + " " + origin + " " + state + " " + salt))
	return hex.EncodeToString(sum[:]) + "." + salt
}

//go:embed checksession.html
var checkSessionPage string

// checkSession is the page of the OP iframe. It holds no data: its script reads
// the state cookie when the page around asks.
type checkSession struct {
	body   []byte
	script string // its source expression in script-src (CSP3 §2.3.1)
}

func newCheckSession(cookie string) *checkSession {
	page := strings.ReplaceAll(checkSessionPage, "COOKIE_NAME", cookie)
	_, rest, _ := strings.Cut(page, "<script>")
	script, _, _ := strings.Cut(rest, "</script>")
	sum := sha256.Sum256([]byte(script))
	return &checkSession{[]byte(page), "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}
}

// serveCheckSession sends the page under a policy by which the asking origin
// may frame it. The address names no client, so the Referer says who asks: an
// origin of a registered redirect URI may, another may not. Pages that keep
// their Referer to themselves are let in if they come over TLS or from this
// very machine; the script answers an origin only about digests that were made
// for it, so that framing the page tells a stranger nothing.
func (p *Provider) serveCheckSession(w http.ResponseWriter, r *http.Request) {
	ancestors := "https: http://localhost:* http://127.0.0.1:*"
	if referer := r.Header.Get("Referer"); referer != "" {
		ancestors = "'none'"
		if u, err := url.Parse(referer); err == nil {
			if o := client.WebOrigin(u); p.Clients.AllowsOrigin(r.Context(), o) {
				ancestors = o
			}
		}
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; script-src "+p.checkSession.script+"; frame-ancestors "+ancestors)
	h.Del("X-Frame-Options") // it knows no origins
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Vary", "Referer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	if r.Method != http.MethodHead {
		_, _ = w.Write(p.checkSession.body) // the client hung up: nothing to do about it
	}
}
