package oidc

import (
	"errors"
	"net/http"
	"net/url"

	"kejitong/provider/web"
	"kejitong/templates"
)

// respond sends an authorization response, good or bad, to the redirect URI
// that examine accepted, in the response mode of the request.
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, a *asked, params url.Values) {
	p.complete(a, params)
	if a.mode.signed {
		response, err := p.jarm(r.Context(), a, params)
		if errors.Is(err, errNoSealKey) { // never in the clear, hence to nobody
			p.refuseLocally(w, r, localError{"the client has no key to encrypt the response to"})
			return
		}
		if err != nil {
			p.Web.Fail(w, r, err)
			return
		}
		params = url.Values{"response": {response}} // JARM §2.3: nothing beside it
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	if a.mode.carrier == byForm {
		p.Web.Show(w, r, http.StatusOK, templates.FormPost{Action: a.redirect, Params: params}, web.FormAction(web.RedirectSources(a.redirect)...))
		return
	}
	target := web.WithParams(a.redirect, params)
	if a.mode.carrier == byFragment { // no registered URI has one (RFC 6749 §3.1.2)
		target = a.redirect + "#" + params.Encode()
	}
	// 303 also after a GET: no code must ever be posted on (RFC 9700 §4.12).
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// complete adds what every authorization response carries, whatever its mode:
// the issuer (RFC 9207), the state as it came, or none if none came (RFC 6749
// §4.1.2), and what lets the client watch the session.
func (p *Provider) complete(a *asked, params url.Values) {
	params.Set("iss", p.Issuer)
	if s := a.form.Get("state"); s != "" {
		params.Set("state", s)
	}
	if s := p.sessionState(a, params); s != "" {
		params.Set("session_state", s)
	}
}
