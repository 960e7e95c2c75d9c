package web

import "net/http"

// browserBytes is the entropy of a browser id; browserText its length as text.
const (
	browserBytes = 18
	browserText  = 24
)

// Browser is the random id of the browser, 144 bits, from its cookie. If the
// cookie is absent or not of our making, a new one is set; within one request
// the id stays the same. Parked requests and form tokens are bound to it: it
// proves that two requests came from one browser, never who sits there.
func (k *Kit) Browser(w http.ResponseWriter, r *http.Request) string {
	v := visitOf(r.Context())
	if v != nil && v.browser != "" {
		return v.browser
	}
	id, ok := k.knownBrowser(r)
	if !ok {
		return k.NewBrowser(w, r)
	}
	if v != nil {
		v.browser = id
	}
	return id
}

// NewBrowser gives the browser another id, so that one planted or left behind
// by a former user is worth nothing. Form tokens and parked requests of the
// old id die with it.
func (k *Kit) NewBrowser(w http.ResponseWriter, r *http.Request) string {
	id := random(browserBytes)
	if v := visitOf(r.Context()); v != nil {
		v.browser = id
	}
	k.SetCookie(w, BrowserCookie, id, 0)
	return id
}

// knownBrowser is the id that the request brought, if it has our shape.
func (k *Kit) knownBrowser(r *http.Request) (string, bool) {
	id, ok := k.Cookie(r, BrowserCookie)
	if !ok || len(id) != browserText {
		return "", false
	}
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return "", false
		}
	}
	return id, true
}
