package interact

import (
	"context"
	"net/http"
	"slices"

	"golang.org/x/text/language"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Choices remember which unit somebody chose at a system.
type Choices interface {
	// LastChosen gives the unit that the account chose last at the client, in
	// whatever session; "" if none.
	LastChosen(ctx context.Context, id account.ID, client string) (string, error)
}

// last is the unit that stands first at the chooser: the one chosen last at this
// system, else in this session.
func (h *Handler) last(ctx context.Context, s *step) (string, error) {
	if h.Chosen != nil {
		unit, err := h.Chosen.LastChosen(ctx, s.visit.Principal.Account.ID, s.client.ID)
		if err != nil || unit != "" {
			return unit, err
		}
	}
	return s.visit.Session.UnitID, nil
}

// showUnits is GET /login/unit: for which unit this time?
func (h *Handler) showUnits(w http.ResponseWriter, r *http.Request, s *step) {
	if s.visit == nil || s.visit.Principal.Account.Kind != account.NaturalPerson {
		h.back(w, s)
		return
	}
	now, who := h.Now(), s.visit.Principal
	names, err := h.systemNames(r)
	var last string
	if err == nil {
		last, err = h.last(r.Context(), s)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.ChooseUnit{
		Asks: s.asks(), Person: visitor.Name(who), AsMyself: principal.EntersAlone(s.client, who, now), Hidden: s.hidden(), Cancel: true,
	}
	m := s.client.Metadata
	for _, c := range principal.Choices(s.client, who, now) {
		u := unitOf(c)
		u.Last = c.Unit.ID == last
		for _, g := range entitlement.For(who.Grants, c.Unit.ID, m.BusinessSystems, m.AcceptMigrated, now) {
			if n := names[g.System]; n != "" && !slices.Contains(u.Entries, n) {
				u.Entries = append(u.Entries, n)
			}
		}
		p.Units = append(p.Units, u)
	}
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// chooseUnit is POST /login/unit. What is posted must be one of the choices as
// they are now.
func (h *Handler) chooseUnit(w http.ResponseWriter, r *http.Request, s *step) {
	if cancelled(r) {
		h.decline(w, r, s, gaveUp)
		return
	}
	if !s.drawnFor(r) || s.visit.Principal.Account.Kind != account.NaturalPerson {
		h.back(w, s)
		return
	}
	ctx, now, who, org := r.Context(), h.Now(), s.visit.Principal, r.PostForm.Get("org")
	may := slices.ContainsFunc(principal.Choices(s.client, who, now), func(m entitlement.Mandate) bool { return m.Unit.ID == org })
	unitID := org
	if org == principal.Alone {
		may, unitID = principal.EntersAlone(s.client, who, now), ""
	}
	if !may {
		h.Web.Fail(w, r, fault.New(fault.Refused, "this unit cannot be chosen"))
		return
	}
	err := h.Sessions.Store.ChooseUnit(ctx, s.visit.Session.Key, unitID)
	if fault.Is(err, fault.Gone) {
		h.back(w, s)
		return
	}
	if err == nil {
		err = h.Audit.Record(ctx, audit.From(ctx, audit.Event{Kind: audit.UnitChosen, Actor: string(who.Account.ID), Object: org, Client: s.client.ID}))
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	s.bind(s.visit.Session)
	s.pd.Unit = org
	h.advance(w, r, s)
}

// unitOf shows a unit as its person sees it.
func unitOf(m entitlement.Mandate) templates.Unit {
	return templates.Unit{ID: m.Unit.ID, Name: m.Unit.Name, USCC: string(m.Unit.USCC), Relation: string(m.Relation), Until: m.Until}
}

// systemNames are the systems' names in the page's language.
func (h *Handler) systemNames(r *http.Request) (map[entitlement.SystemID]string, error) {
	list, err := h.Systems.Systems(r.Context())
	if err != nil {
		return nil, err
	}
	tag, names := web.Locale(r.Context()), make(map[entitlement.SystemID]string, len(list))
	for _, y := range list {
		names[y.ID] = systemName(y, tag)
	}
	return names, nil
}

func systemName(y entitlement.System, tag language.Tag) string {
	if y.NameEN != "" && (tag == templates.English || y.NameZH == "") {
		return y.NameEN
	}
	if y.NameZH != "" {
		return y.NameZH
	}
	return string(y.ID)
}
