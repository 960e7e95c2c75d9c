// Package help is the platform's own manual: every flow as a page, the questions
// that are asked most, a check of the browser, and the policies. It needs nobody
// to be signed in and reads no database.
package help

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/web"
	"kejitong/templates"
)

// Handler serves the pages. Web and Now must be set before Mount.
type Handler struct {
	Web     *web.Kit
	Now     func() time.Time
	Kept    []templates.Kept // the table of the privacy policy
	Contact string           // who answers for personal information
}

// Mount adds the pages to r.
func (h *Handler) Mount(r *mux.Router) {
	page := func(path string, show http.HandlerFunc) {
		r.HandleFunc(path, show).Methods(http.MethodGet, http.MethodHead)
	}
	all := topics()
	page("/help", func(w http.ResponseWriter, r *http.Request) { h.show(w, r, templates.HelpHome{Topics: all}) })
	for i, t := range all {
		if i+1 < len(all) {
			t.Next = &all[i+1]
		}
		page("/help/"+t.ID, func(w http.ResponseWriter, r *http.Request) { h.show(w, r, t) })
	}
	page("/help/faq", func(w http.ResponseWriter, r *http.Request) { h.show(w, r, templates.HelpFAQ{Questions: questions()}) })
	page("/help/privacy", func(w http.ResponseWriter, r *http.Request) {
		h.show(w, r, templates.HelpPolicy{ID: "privacy", Parts: privacyParts, Kept: h.Kept, Contact: h.Contact})
	})
	page("/help/terms", func(w http.ResponseWriter, r *http.Request) {
		h.show(w, r, templates.HelpPolicy{ID: "terms", Parts: termsParts, Contact: h.Contact})
	})
	page("/help/check", h.check)
	r.Handle("/help/check", h.Web.Guard(http.HandlerFunc(h.checkForm))).Methods(http.MethodPost)
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, p templates.Page) {
	h.Web.Show(w, r, http.StatusOK, p)
}

// check is GET /help/check. The first visit sets the browser's cookie and comes
// back; whether the cookie came along shows whether cookies work, without script.
func (h *Handler) check(w http.ResponseWriter, r *http.Request) {
	_, brought := h.Web.Cookie(r, web.BrowserCookie)
	if !brought && r.URL.Query().Get("again") == "" {
		h.Web.Browser(w, r)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", "/help/check?again=1")
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	name, old := browserOf(r.UserAgent())
	p := templates.HelpCheck{
		Cookies: brought, Now: h.Now(), Protocol: r.Proto, Secure: h.Web.Secure(), Browser: name, Old: old,
	}
	if r.TLS != nil {
		p.TLS = tls.VersionName(r.TLS.Version)
	}
	h.show(w, r, p)
}

// checkForm is POST /help/check: that it arrives here at all shows that forms are
// sent with origin and token.
func (h *Handler) checkForm(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", "/help/check?again=1&form=1")
	w.WriteHeader(http.StatusSeeOther)
}
