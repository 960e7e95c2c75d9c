package interact

import (
	"log/slog"
	"net/http"
	"net/url"

	"kejitong/provider/authflow"
	"kejitong/provider/fault"
	"kejitong/provider/parting"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/templates"
)

// parting gives where the browser goes after a session ended: to the page that
// calls the clients concerned, or straight to target. The session is over in
// any case; if the page cannot be had, the clients hear of it through the back
// channel alone.
func (h *Handler) parting(w http.ResponseWriter, r *http.Request, ended session.Ended, to parting.Onward, target string) string {
	page, err := h.Parting.Begin(r.Context(), authflow.Key(h.Web.Browser(w, r)), ended, to)
	if err != nil {
		h.Log.LogAttrs(r.Context(), slog.LevelError, "front-channel logout not begun",
			slog.String("request_id", web.RequestID(r.Context())), slog.String("error", err.Error()))
	}
	if page == "" {
		return target
	}
	return page
}

// showParting is GET /logout/systems. Taken before, it only goes on.
func (h *Handler) showParting(w http.ResponseWriter, r *http.Request) {
	browser := authflow.Key(h.Web.Browser(w, r))
	p, err := h.Parting.Take(r.Context(), browser, r.URL.Query().Get("parting"))
	switch {
	case fault.Is(err, fault.Gone):
		see(w, parting.Onward{}.Done())
		return
	case fault.Is(err, fault.Refused):
		h.stop(w, r, errOtherBrowser)
		return
	case err != nil:
		h.Web.Fail(w, r, err)
		return
	}
	page := templates.Parting{Switched: p.Onward.Switched}
	if page.ContinueURL, page.ContinueName, err = h.onward(r, p.Onward); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if len(p.Frames) == 0 {
		see(w, page.ContinueURL)
		return
	}
	for _, f := range p.Frames { // Front-Channel Logout 1.0 §3: iss and sid, and nothing else
		page.Frames = append(page.Frames, web.WithParams(f.URI, url.Values{"iss": {h.Issuer}, "sid": {f.SID}}))
	}
	ctx := web.WithLocale(r.Context(), web.ParseLocales(p.Onward.Locales)...)
	h.Web.Show(w, r.WithContext(ctx), http.StatusOK, page)
}

// onward is the address that a parting leads to, and the name of its system. A
// client's address is held against the registration once more.
func (h *Handler) onward(r *http.Request, to parting.Onward) (target, name string, err error) {
	switch {
	case to.Interaction != "":
		return (&step{id: to.Interaction}).returns(), "", nil
	case to.Switched:
		return "/", "", nil
	case to.Client == "":
		return to.Done(), "", nil
	}
	c, err := h.Clients.Find(r.Context(), to.Client)
	if fault.Is(err, fault.NotFound) {
		return to.Done(), "", nil
	}
	if err != nil {
		return "", "", err
	}
	if target = afterLogout(c, to); target == "" {
		return to.Done(), "", nil
	}
	return target, (&step{client: c}).asks().Name, nil
}
