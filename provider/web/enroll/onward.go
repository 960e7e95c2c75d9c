package enroll

import (
	"net/http"
	"net/url"

	"kejitong/provider/account"
	"kejitong/provider/authflow"
	"kejitong/provider/web"
	"kejitong/templates"
)

// onward is where a sign-in after the registration shall lead: the query of the
// sign-in page, taken from the address. Nothing in it is believed; the sign-in
// page judges it again.
func (h *Handler) onward(r *http.Request) string {
	q := r.URL.Query()
	if id := q.Get("interaction"); isID(id) {
		return url.Values{"interaction": {id}}.Encode()
	}
	if path, ok := web.SamePath(q.Get("next")); ok && path != "/" {
		return url.Values{"next": {path}}.Encode()
	}
	return ""
}

// isID tells whether s looks like the id of an interaction.
func isID(s string) bool {
	if len(s) < 20 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// login is the sign-in page with the window of a kind open.
func (h *Handler) login(k account.Kind, onward string) string {
	target := loginPath + "?window=" + string(k)
	if onward != "" {
		target += "&" + onward
	}
	return target
}

// with adds the onward query to a path of ours.
func with(path, onward string) string {
	if onward == "" {
		return path
	}
	return path + "?" + onward
}

// asked is the parked request that the address names, if this browser parked it.
func (h *Handler) asked(w http.ResponseWriter, r *http.Request) (url.Values, *templates.System) {
	id := r.URL.Query().Get("interaction")
	if !isID(id) {
		return nil, nil
	}
	pd, err := h.Flow.Pending(r.Context(), authflow.Key(id))
	if err != nil || authflow.Key(h.Web.Browser(w, r)) != pd.Browser || !h.Now().Before(pd.ExpiresAt) {
		return nil, nil // the sign-in page will say so
	}
	form, err := url.ParseQuery(pd.Form)
	if err != nil {
		return nil, nil
	}
	c, err := h.Clients.Find(r.Context(), pd.Client)
	if err != nil {
		return form, nil
	}
	s := &templates.System{Name: c.Metadata.Name, Owner: c.Metadata.LegalName}
	if s.Name == "" {
		s.Name = c.ID
	}
	return form, s
}

// spoken speaks the language of the request that led here (ui_locales).
func (h *Handler) spoken(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if form, _ := h.asked(w, r); form != nil {
			r = r.WithContext(web.WithLocale(r.Context(), web.ParseLocales(form.Get("ui_locales"))...))
		}
		next(w, r)
	})
}
