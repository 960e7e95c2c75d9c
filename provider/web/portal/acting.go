package portal

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/templates"
)

// act is POST /me/acting: a code to the one who was chosen, and then that code.
func (h *Handlers) act(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	t, ok := h.turn(w, r, v)
	if !ok {
		return
	}
	f, person := r.PostForm, account.ID(r.PostForm.Get("actor"))
	switch {
	case again(r) || f.Get("again") != "" || person == "":
		h.acting(w, r, v, t, templates.ActingHandler{})
		return
	case f.Get("code") == "":
		p := templates.ActingHandler{Chosen: string(person)}
		if _, err := h.Service.AskActor(r.Context(), t, person); err != nil {
			field, text, shown := wrong(err)
			if !shown {
				h.pages.Web.Fail(w, r, err)
				return
			}
			if !fault.Is(err, fault.Throttled) { // a code may be under way
				p.Chosen = ""
			}
			if field == "captcha" {
				p.Captcha.Error = text
			} else {
				p.Error = text
			}
		}
		h.Outbox.Wake()
		h.acting(w, r, v, t, p)
		return
	}
	m, err := h.Service.ProveActor(r.Context(), t, person, f.Get("code"))
	if field, text, shown := wrong(err); err != nil && shown {
		p := templates.ActingHandler{Chosen: string(person)}
		if p.CodeWhy = text; field != "code" {
			p.Chosen, p.CodeWhy, p.Error = "", templates.Text{}, text
		}
		h.acting(w, r, v, t, p)
		return
	}
	if err == nil {
		cookie, _ := h.pages.Web.Cookie(r, web.SessionCookie)
		ev := audit.From(r.Context(), audit.Event{Kind: audit.HandlerActing, Actor: string(person), Object: v.Session.ID, Detail: "sms"})
		err = h.begin(w, r, session.Acting{Cookie: cookie, Session: v.Session, Version: v.Principal.Account.Version, Actor: person, Until: m.Until}, ev)
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	next := "/me/acting"
	if path, ok := web.SamePath(r.URL.Query().Get("next")); ok {
		next = path
	}
	see(w, next)
}

// begin gives the browser the session's new cookie.
func (h *Handlers) begin(w http.ResponseWriter, r *http.Request, a session.Acting, ev audit.Event) error {
	sn, cookie, err := h.Sessions.Act(r.Context(), a, ev)
	if err != nil {
		return err
	}
	life := sn.ExpiresAt.Sub(h.Now())
	if sn.Shared {
		life = 0
	}
	h.pages.Web.StartSession(w, cookie, life)
	return nil
}
