package interact

import (
	"net/http"
	"net/url"
	"slices"

	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/parting"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// farewell is a visit to the sign-out page, with the relying party that sent
// the browser here if one did.
type farewell struct {
	asks   *templates.System
	name   string
	client string // its id, for the audit trail
	target string // where to go afterwards, "" for our own page
	onward parting.Onward
}

// leaving runs next with what a relying party asked for, if the request names
// it.
func (h *Handler) leaving(next func(http.ResponseWriter, *http.Request, farewell)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := interactionID(r)
		if err != nil {
			h.stop(w, r, err)
			return
		}
		if id == "" {
			next(w, r, farewell{})
			return
		}
		pd, form, err := h.parked(w, r, authflow.Key(id))
		if err == nil && (form.Get("response_type") != "" || over(pd)) {
			err = errGone // a parked authorization request says nothing about signing out
		}
		if err != nil {
			h.stop(w, r, err)
			return
		}
		f, err := h.farewell(r, pd, form)
		if err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		next(w, r.WithContext(web.WithLocale(r.Context(), web.ParseLocales(form.Get("ui_locales"))...)), f)
	})
}

// farewell reads where to go afterwards. The address was checked when the
// request was parked; it is held against the registration once more, since an
// open redirect is too dear a price for one mistake elsewhere.
func (h *Handler) farewell(r *http.Request, pd authflow.Pending, form url.Values) (farewell, error) {
	if pd.Client == "" {
		return farewell{onward: parting.Onward{Locales: form.Get("ui_locales")}}, nil
	}
	c, err := h.Clients.Find(r.Context(), pd.Client)
	if fault.Is(err, fault.NotFound) {
		return farewell{}, nil
	}
	if err != nil {
		return farewell{}, err
	}
	s := &step{client: c, form: url.Values{}}
	f := farewell{asks: s.asks(), client: c.ID}
	f.name = f.asks.Name
	f.onward = parting.Onward{Client: c.ID, URI: form.Get("post_logout_redirect_uri"), State: form.Get("state"), Locales: form.Get("ui_locales")}
	f.target = afterLogout(c, f.onward)
	return f, nil
}

// afterLogout is the registered address with the state and nothing else (OpenID
// Connect RP-Initiated Logout §3).
func afterLogout(c *client.Client, to parting.Onward) string {
	if to.URI == "" || !slices.Contains(c.Metadata.PostLogoutRedirectURIs, to.URI) {
		return ""
	}
	if to.State != "" {
		return web.WithParams(to.URI, url.Values{"state": {to.State}})
	}
	return to.URI
}

// showSignOut is GET /logout. Whoever comes back to a session that has idled out
// may be somebody else, and is not told whose it was.
func (h *Handler) showSignOut(w http.ResponseWriter, r *http.Request, f farewell) {
	v, err := h.lingering(r)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if v == nil {
		h.Web.Show(w, r, http.StatusOK, templates.SignedOut{ContinueURL: f.target, ContinueName: f.name})
		return
	}
	var opts []web.Option
	if f.target != "" {
		opts = append(opts, web.FormAction(web.RedirectSources(f.target)...))
	}
	p := templates.SignOut{Asks: f.asks, CancelURL: "/"}
	if h.Visitors.Present(v) {
		p.Person = visitor.Name(v.Principal)
	}
	h.Web.Show(w, r, http.StatusOK, p, opts...)
}

// signOut is POST /logout. Only this browser's own session ends. The next user
// of the browser gets another browser id, so that nothing is carried over
// (S35).
func (h *Handler) signOut(w http.ResponseWriter, r *http.Request, f farewell) {
	if r.PostForm.Get("logout") != "yes" {
		see(w, "/")
		return
	}
	var ended []session.Ended
	if cookie, ok := h.Web.Cookie(r, web.SessionCookie); ok {
		ctx := r.Context()
		ev := audit.From(ctx, audit.Event{Kind: audit.SessionEnded, Client: f.client, Detail: "sign_out"})
		var err error
		if ended, err = h.Sessions.Store.EndSessions(ctx, session.Which{Key: session.Key(cookie)}, h.Now(), ev); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		h.Outbox.Wake()
	}
	h.Web.EndSession(w)
	h.Web.NewBrowser(w, r)
	target := f.target
	if target == "" {
		target = f.onward.Done()
	}
	for _, e := range ended {
		target = h.parting(w, r, e, f.onward, target)
	}
	see(w, target)
}

// showSignedOut is GET /logout/done.
func (h *Handler) showSignedOut(w http.ResponseWriter, r *http.Request) {
	ctx := web.WithLocale(r.Context(), web.ParseLocales(r.URL.Query().Get("ui_locales"))...)
	h.Web.Show(w, r.WithContext(ctx), http.StatusOK, templates.SignedOut{})
}
