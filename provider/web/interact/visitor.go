package interact

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/templates"
)

// visitor is the live session of a usable account that the browser brings, with
// what it allowed the client, or nil.
func (h *Handler) visitor(r *http.Request, clientID string) (*principal.Visit, error) {
	v, err := h.brought(r, clientID)
	if err != nil || v == nil || !h.present(v) {
		return nil, err
	}
	return v, nil
}

// lingering is the session that the browser brings and nobody ended, even if it
// has idled out or its account is frozen: it lets nobody in any more, but its
// grants may live, so that there is something to sign out of.
func (h *Handler) lingering(r *http.Request) (*principal.Visit, error) {
	v, err := h.brought(r, "")
	if err != nil || v == nil || !v.Session.EndedAt.IsZero() {
		return nil, err
	}
	return v, nil
}

// brought is the session that the browser brings, in whatever state it is.
func (h *Handler) brought(r *http.Request, clientID string) (*principal.Visit, error) {
	cookie, ok := h.Web.Cookie(r, web.SessionCookie)
	if !ok {
		return nil, nil
	}
	v, err := h.Principals.ByCookie(r.Context(), session.Key(cookie), clientID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// present tells whether a session still lets its account in.
func (h *Handler) present(v *principal.Visit) bool {
	return v.Session.Live(h.Sessions.Limits, h.Now()) && v.Principal.Account.Usable()
}

// nameOf is what the pages call an account: a unit by its name, which is
// public, a person by the masked verified name, else by the login name.
func nameOf(p principal.Principal) string {
	a := p.Account
	if a.Kind == account.LegalEntity && p.Unit != nil && p.Unit.Name != "" {
		return p.Unit.Name
	}
	if a.RealName.Verified() && a.Profile.Name != "" {
		if a.Kind == account.LegalEntity {
			return a.Profile.Name
		}
		return account.MaskName(a.Profile.Name)
	}
	return loginNameOf(a)
}

// loginNameOf is the login name, masked where it is a mobile number.
func loginNameOf(a account.Account) string {
	if _, err := account.ParseMobile(a.LoginName); err == nil {
		return account.MaskMobile(a.LoginName)
	}
	return a.LoginName
}

// lastUnitOf is the name of the unit chosen last in the session, if the
// account still acts for it.
func (h *Handler) lastUnitOf(v *principal.Visit) string {
	if v.Session.UnitID == "" {
		return ""
	}
	m, ok := v.Principal.ActsFor(v.Session.UnitID, h.Now())
	if !ok {
		return ""
	}
	return m.Unit.Name
}

// say gives a message in the page's language, for values that stand inside
// other data. The keys are those of a group of the catalogue.
func (h *Handler) say(r *http.Request, group, name string) string {
	key := group + "." + name
	if text := h.Web.Render.Say(web.Locale(r.Context()), templates.Text{Key: key}); text != key {
		return text
	}
	return name
}
