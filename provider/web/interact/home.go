package interact

import (
	"net/http"
	"slices"

	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// home is GET /: what this is, or what one has.
func (h *Handler) home(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	v, err := h.Visitors.Of(r, "")
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if v == nil {
		h.Web.Show(w, r, http.StatusOK, templates.Home{})
		return
	}
	if now := h.Now(); v.Session.Stale(now) {
		if err := h.Sessions.Store.TouchSession(ctx, v.Session.Key, now); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
	}
	systems, err := h.Systems.Systems(ctx)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	starters, err := h.Clients.Starters(ctx)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	a := v.Principal.Account
	p := &templates.Visitor{
		Name: visitor.Name(v.Principal), AccountType: string(a.Kind), LoginName: visitor.LoginName(a), Verified: a.RealName.Verified(), Level: a.RealName.Level,
		SignedInAt: v.Session.AuthTime, Access: h.access(r, v.Principal, systems, starters),
	}
	if n := len(v.Session.AMR); n > 0 {
		p.Factors = v.Session.AMR[n-1]
	}
	for _, m := range v.Principal.Units(h.Now()) {
		u := unitOf(m)
		u.Last = m.Unit.ID == v.Session.UnitID
		p.Units = append(p.Units, u)
	}
	h.Web.Show(w, r, http.StatusOK, templates.Home{Visitor: p}, web.As(p.Name, h.lastUnitOf(v)))
}

// access lists what the account may do now, in the catalogue's order: one card
// for each system and unit. Who enters by it is signed in at once if the system
// lets others start that (OpenID Connect Core §4).
func (h *Handler) access(r *http.Request, who principal.Principal, systems []entitlement.System, starters map[entitlement.SystemID]*client.Client) []templates.Access {
	now, tag := h.Now(), web.Locale(r.Context())
	var out []templates.Access
	for _, y := range systems {
		card := map[string]int{} // by unit id, the place in out
		entry := y.EntryURL
		if c := starters[y.ID]; c != nil {
			entry = c.LoginLink(h.Issuer, y.EntryURL)
		}
		for _, g := range who.Grants {
			if g.System != y.ID || !g.Live(now) {
				continue
			}
			unit := ""
			if g.UnitID != "" {
				m, ok := who.ActsFor(g.UnitID, now)
				if !ok {
					continue
				}
				unit = m.Unit.Name
			}
			i, seen := card[g.UnitID]
			if !seen {
				i = len(out)
				card[g.UnitID] = i
				out = append(out, templates.Access{
					System: templates.System{Name: systemName(y, tag), Owner: y.Owner}, Unit: unit, EntryURL: entry,
				})
			}
			add(&out[i], g)
		}
	}
	return out
}

// add shows a grant on its card: with the actions of several, until the first
// of them ends.
func add(card *templates.Access, g entitlement.Grant) {
	for _, action := range g.Actions {
		if !slices.Contains(card.Actions, action) {
			card.Actions = append(card.Actions, action)
		}
	}
	if !g.Until.IsZero() && (card.Until.IsZero() || g.Until.Before(card.Until)) {
		card.Until = g.Until
	}
	card.Migrated = card.Migrated || g.Source == entitlement.TorchMigration
}
