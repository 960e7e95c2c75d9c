package portal

import (
	"context"
	"errors"
	"net/http"

	"kejitong/provider/challenge"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/holder"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/templates"
)

// Holder is the part of the portal that changes contacts, closes the account and
// shows what is stored. All fields must be set.
type Holder struct {
	Service  *holder.Service
	Privacy  *holder.Privacy
	Captchas challenge.Captchas
	Clients  *client.Registry
	Systems  Catalogue
	Kept     []templates.Kept
	Contact  string // of the privacy officer, may be empty

	pages Pages
}

// Catalogue lists the business systems.
type Catalogue interface {
	Systems(ctx context.Context) ([]entitlement.System, error)
}

var _ Part = (*Holder)(nil)

// Mount implements Part. A change begins with a fresh sign-in; its later steps hold
// themselves by the errand that began.
func (h *Holder) Mount(p Pages) {
	h.pages = p
	for _, kind := range []holder.Kind{holder.Mobile, holder.Email} {
		c := &contact{Holder: h, kind: kind, path: "/me/" + string(kind)}
		p.Fresh(c.path, c.show, c.ask)
		p.In(c.path+"/code", c.showCode, c.confirm)
		p.In(c.path+"/done", c.showDone, nil)
	}
	p.Fresh("/me/close", h.showClosing, h.askClosing)
	p.In("/me/close/code", h.showClosingCode, h.close)
	p.Router.HandleFunc("/closed", h.showClosed).Methods(http.MethodGet, http.MethodHead)
	p.In("/me/privacy", h.showPrivacy, h.withdraw)
	p.Fresh("/me/privacy/export", h.showExport, h.export)
}

// Links implements Part.
func (h *Holder) Links(*principal.Visit) []templates.Link {
	return []templates.Link{
		{URL: "/me/mobile", Text: templates.T("contact.title.mobile"), Hint: templates.T("contact.link.mobile")},
		{URL: "/me/email", Text: templates.T("contact.title.email"), Hint: templates.T("contact.link.email")},
		{URL: "/me/privacy", Text: templates.T("privacy.title"), Hint: templates.T("privacy.link")},
		{URL: "/me/close", Text: templates.T("closing.title"), Hint: templates.T("closing.link")},
	}
}

// Urger is a part that may have something due, which stands before all else.
type Urger interface {
	Due(ctx context.Context, v *principal.Visit) ([]templates.Link, error)
}

var _ Urger = (*Holder)(nil)

// Due implements Urger: a number that may be somebody else's by now is to be proved
// anew.
func (h *Holder) Due(ctx context.Context, v *principal.Visit) ([]templates.Link, error) {
	doubted, err := h.Service.Store.NumberDoubted(ctx, v.Principal.Account.ID)
	if err != nil || !doubted {
		return nil, err
	}
	return []templates.Link{{URL: "/me/mobile", Text: templates.T("contact.prove"), Hint: templates.T("contact.prove_hint"), Main: true}}, nil
}

// asker is who asks, with the captcha that the form brought.
func (h *Holder) asker(w http.ResponseWriter, r *http.Request, v *principal.Visit) holder.Asker {
	ctx := r.Context()
	return holder.Asker{
		Account: v.Principal.Account.ID, Session: v.Session.Key, Browser: h.pages.Web.Browser(w, r), Address: web.ClientIP(ctx),
		Locale: web.Locale(ctx).String(), Captcha: r.PostForm.Get("captcha_id"), Answer: r.PostForm.Get("captcha"),
	}
}

// captcha draws a new one, or fails the request.
func (h *Holder) captcha(w http.ResponseWriter, r *http.Request, p challenge.Purpose) (templates.Captcha, bool) {
	c, err := h.Captchas.Draw(r.Context(), h.pages.Web.Browser(w, r), p)
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return templates.Captcha{}, false
	}
	return templates.Captcha{ID: c.ID}, true
}

// wrong gives the field and text of a fault that the form shows: what was typed
// wrongly, and what waits or is refused. false for everything else.
func wrong(err error) (field string, text templates.Text, ok bool) {
	var e *fault.Error
	if !errors.As(err, &e) {
		return "", templates.Text{}, false
	}
	switch e.Kind {
	case fault.Invalid, fault.Conflict, fault.Refused:
		return e.Field, templates.Text{Key: e.Msg}, e.Msg != ""
	case fault.Throttled:
		return "", templates.T("holder.too_many"), true
	}
	return "", templates.Text{}, false
}

// again tells whether the button for another captcha was pressed.
func again(r *http.Request) bool { return r.PostForm.Get("captcha_again") != "" }

func ticked(r *http.Request, name string) bool { return r.PostForm.Get(name) == "yes" }
