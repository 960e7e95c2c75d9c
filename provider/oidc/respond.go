package oidc

import (
	"net/http"
	"net/url"

	"kejitong/provider/web"
	"kejitong/templates"
)

// respond sends an authorization response, good or bad, to the redirect URI
// that examine accepted. Every response names the issuer (RFC 9207) and carries
// the state as it came, or none if none came.
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, a *asked, params url.Values) {
	params.Set("iss", p.Issuer)
	if s := a.form.Get("state"); s != "" {
		params.Set("state", s)
	}
	if s := p.sessionState(a, params); s != "" {
		params.Set("session_state", s)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	if a.mode == "form_post" {
		p.Web.Show(w, r, http.StatusOK, templates.FormPost{Action: a.redirect, Params: params}, web.FormAction(web.RedirectSources(a.redirect)...))
		return
	}
	// 303 also after a GET: no code must ever be posted on (RFC 9700 §4.12).
	w.Header().Set("Location", web.WithParams(a.redirect, params))
	w.WriteHeader(http.StatusSeeOther)
}
