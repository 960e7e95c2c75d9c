package relyingparty

import (
	"net/http"
	"net/url"
)

// logout ends the session here first, then asks the provider to end its own
// (OIDC RP-Initiated Logout 1.0).
func (v *server) logout(w http.ResponseWriter, r *http.Request) {
	one, ok := v.current(r)
	if !ok {
		http.Redirect(w, r, v.BaseURL+"/signed-out", http.StatusSeeOther)
		return
	}
	state := secret()
	v.sessions.end(one.hash, state)
	v.Log.InfoContext(r.Context(), "signed out", "client", v.ClientID)
	p, err := v.discovery.find(r.Context())
	if err != nil {
		v.refuse(w, r, signedOutHereOnly(err))
		return
	}
	end, err := url.Parse(p.meta.EndSession)
	if err != nil || end.Host == "" {
		v.refuse(w, r, signedOutHereOnly(err))
		return
	}
	q := end.Query()
	q.Set("id_token_hint", one.idToken)
	q.Set("client_id", v.ClientID)
	q.Set("post_logout_redirect_uri", v.BaseURL+"/signed-out")
	q.Set("state", state)
	end.RawQuery = q.Encode()
	http.Redirect(w, r, end.String(), http.StatusSeeOther)
}

// signedOut is where the provider sends the browser back to. Anybody may link
// to it, so it says no more than this system knows itself.
func (v *server) signedOut(w http.ResponseWriter, r *http.Request) {
	key := v.sessionKey(r)
	confirmed := v.sessions.arrived(key, r.URL.Query().Get("state"))
	_, still := v.current(r)
	v.render(w, r, http.StatusOK, "signedout", map[string]any{"Confirmed": confirmed, "Still": still})
}
