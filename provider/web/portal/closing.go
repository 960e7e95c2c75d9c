package portal

import (
	"net/http"
	"strconv"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/holder"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/templates"
)

// closingPage tells what the closing means for this account (C25).
func (h *Holder) closingPage(r *http.Request, v *principal.Visit, step string) (templates.Closing, error) {
	who, now := v.Principal, h.Service.Now()
	p := templates.Closing{
		Step: step, Legal: who.Account.Kind == account.LegalEntity, To: number(who.Account),
		Days: int(h.Service.Limits.OrDefault().Cooling / (24 * time.Hour)),
	}
	for _, m := range who.Mandates {
		if m.Live(now) {
			p.Units = append(p.Units, m.Unit.Name)
		}
	}
	entries := map[string]bool{}
	for _, g := range who.Grants {
		if g.Live(now) {
			entries[string(g.System)] = true
		}
	}
	systems, err := h.Systems.Systems(r.Context())
	if err != nil {
		return p, err
	}
	for _, y := range systems {
		if entries[string(y.ID)] {
			p.Systems = append(p.Systems, y.Name(web.Locale(r.Context()) == templates.English))
		}
	}
	told, err := h.Privacy.View(r.Context(), who.Account.ID)
	if err != nil {
		return p, err
	}
	for _, d := range told {
		p.Clients = append(p.Clients, h.system(r, d.Client).Name)
	}
	if p.Legal && who.Unit != nil {
		p.Handlers, err = h.Service.Store.ActingFor(r.Context(), who.Unit.ID)
	}
	return p, err
}

// system is how a client is called; one that is gone is called by its id.
func (h *Holder) system(r *http.Request, id string) templates.System {
	c, err := h.Clients.Find(r.Context(), id)
	if err != nil {
		return templates.System{Name: id}
	}
	return templates.System{Name: c.Metadata.Name, Owner: c.Metadata.LegalName}
}

// showClosing is GET /me/close.
func (h *Holder) showClosing(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	h.closingAsk(w, r, v, templates.Text{}, templates.Text{})
}

func (h *Holder) closingAsk(w http.ResponseWriter, r *http.Request, v *principal.Visit, above, atCaptcha templates.Text) {
	p, err := h.closingPage(r, v, "ask")
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	var ok bool
	if p.Captcha, ok = h.captcha(w, r, challenge.StepUp); !ok {
		return
	}
	p.Error, p.Captcha.Error = above, atCaptcha
	h.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// askClosing is POST /me/close.
func (h *Holder) askClosing(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if again(r) {
		h.showClosing(w, r, v)
		return
	}
	_, err := h.Service.AskClosing(r.Context(), h.asker(w, r, v))
	if err == nil {
		see(w, "/me/close/code")
		return
	}
	field, text, shown := wrong(err)
	switch {
	case !shown:
		h.pages.Web.Fail(w, r, err)
	case field == "captcha":
		h.closingAsk(w, r, v, templates.Text{}, text)
	default:
		h.closingAsk(w, r, v, text, templates.Text{})
	}
}

// showClosingCode is GET /me/close/code.
func (h *Holder) showClosingCode(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	h.closingCode(w, r, v, nil)
}

func (h *Holder) closingCode(w http.ResponseWriter, r *http.Request, v *principal.Visit, why error) {
	f, err := h.Service.Waiting(r.Context(), v.Principal.Account.ID, holder.Closing)
	if fault.Is(err, fault.Gone) {
		see(w, "/me/close")
		return
	}
	var p templates.Closing
	if err == nil {
		p, err = h.closingPage(r, v, "code")
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	if f.Proved {
		p.To = ""
	}
	field, text, _ := wrong(why)
	switch field {
	case "code":
		p.CodeError = text
	case "sure":
		p.SureError = text
	default:
		p.Error = text
	}
	h.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// close is POST /me/close/code.
func (h *Holder) close(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if ticked(r, "cancel") {
		if err := h.Service.Stop(r.Context(), v.Principal.Account.ID, holder.Closing); err != nil {
			h.pages.Web.Fail(w, r, err)
			return
		}
		see(w, "/me")
		return
	}
	e, err := h.Service.Close(r.Context(), h.asker(w, r, v), r.PostForm.Get("code"), ticked(r, "sure"))
	switch {
	case err == nil:
		see(w, "/closed?until="+strconv.FormatInt(e.DueAt.Unix(), 10))
	case fault.Is(err, fault.Invalid):
		h.closingCode(w, r, v, err)
	case fault.Is(err, fault.Gone):
		see(w, "/me/close")
	default:
		h.pages.Web.Fail(w, r, err)
	}
}

// showClosed is GET /closed: what happens now. The session is over, so the day
// comes in the address; it tells nothing and decides nothing.
func (h *Holder) showClosed(w http.ResponseWriter, r *http.Request) {
	until, err := strconv.ParseInt(r.URL.Query().Get("until"), 10, 64)
	cooling := h.Service.Limits.OrDefault().Cooling
	due := time.Unix(until, 0)
	if now := h.Service.Now(); err != nil || due.Before(now) || due.After(now.Add(cooling)) {
		due = now.Add(cooling)
	}
	h.pages.Web.Show(w, r, http.StatusOK, templates.Closing{Step: "done", DueAt: due, Days: int(cooling / (24 * time.Hour))})
}
