package interact

import (
	"net/http"

	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/templates"
)

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
	return h.Visitors.Brought(r, clientID)
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
