package interact

import (
	"net/http"
	"slices"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// unconfirmed is the unit that the request would speak for, with the systems for
// which its data are still to be confirmed; none if nothing is owed.
func (h *Handler) unconfirmed(s *step) (*entitlement.Mandate, []entitlement.SystemID) {
	if s.visit == nil {
		return nil, nil
	}
	unit := h.standing(s)
	if unit == nil {
		return nil, nil
	}
	return unit, principal.Unconfirmed(s.client, s.visit.Principal, s.visit.Entered, unit.Unit.ID, h.Now())
}

// showEntry is GET /login/entry: are these data of the unit right? It is asked
// before a system is entered the first time, and again when the data have changed
// (R36).
func (h *Handler) showEntry(w http.ResponseWriter, r *http.Request, s *step) {
	unit, systems := h.unconfirmed(s)
	if len(systems) == 0 {
		h.back(w, s)
		return
	}
	names, err := h.systemNames(r)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	who, u := s.visit.Principal, unit.Unit
	hidden := s.hidden()
	hidden["version"] = entitlement.DataVersion(u)
	p := templates.Entry{Asks: s.asks(), Person: visitor.Name(who), Unit: unitOf(*unit), VerifiedAt: u.RealName.VerifiedAt, Hidden: hidden}
	for _, id := range systems {
		p.Systems = append(p.Systems, names[id])
	}
	add := func(label, value string) {
		if value != "" {
			p.Facts = append(p.Facts, templates.Fact{Label: label, Value: value})
		}
	}
	add("name", u.Name)
	add("uscc", string(u.USCC))
	add("type", h.say(r, "realname.type", u.Type))
	add("region", u.Region)
	if who.Account.Kind == account.LegalEntity {
		if l := who.Account.Profile.LegalRep; l != nil {
			add("legal_rep", account.MaskName(l.Name)+" "+maskID(l.IDNumber))
		}
		if c := who.Account.Profile.Contact; c != nil {
			add("contact", account.MaskName(c.Name)+" "+maskPhone(c.Phone))
		}
		p.FixURL = "/me/unit/change"
	}
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// confirmEntry is POST /login/entry. What was drawn must be what is: data that
// changed meanwhile are shown again.
func (h *Handler) confirmEntry(w http.ResponseWriter, r *http.Request, s *step) {
	if cancelled(r) {
		h.decline(w, r, s, gaveUp)
		return
	}
	unit, systems := h.unconfirmed(s)
	if !s.drawnFor(r) || len(systems) == 0 || r.PostForm.Get("decision") != "allow" || r.PostForm.Get("version") != entitlement.DataVersion(unit.Unit) {
		h.back(w, s)
		return
	}
	ctx, who := r.Context(), s.visit.Principal.Account.ID
	entries, codes := make([]entitlement.Entry, len(systems)), make([]string, len(systems))
	for i, id := range systems {
		entries[i] = entitlement.Entry{UnitID: unit.Unit.ID, System: id, Version: entitlement.DataVersion(unit.Unit)}
		codes[i] = string(id)
	}
	slices.Sort(codes)
	err := h.Entries.ConfirmEntries(ctx, who, entries, h.Now(), audit.From(ctx, audit.Event{
		Kind: audit.EntryConfirmed, Actor: string(who), Object: unit.Unit.ID, Client: s.client.ID, Detail: strings.Join(codes, " "),
	}))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.back(w, s)
}
