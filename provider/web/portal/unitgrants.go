package portal

import (
	"context"
	"net/http"
	"slices"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// UnitGrants is where a verified unit sees what others hold for it, and confirms
// or revokes it (G1). All fields must be set.
type UnitGrants struct {
	Rights     Rights
	Handlers   Ender
	Principals principal.Reader
	Systems    interface {
		Systems(ctx context.Context) ([]entitlement.System, error)
	}
	Outbox Waker

	pages Pages
}

// Rights is what units decide about; *entitlement.Service is it.
type Rights interface {
	Held(ctx context.Context, by account.ID, unitID string) ([]entitlement.Holding, error)
	Confirm(ctx context.Context, by account.ID, unitID string, which entitlement.Which) error
	Revoke(ctx context.Context, by account.ID, unitID string, which entitlement.Which) error
}

// Ender takes a unit from a person, with all that was offered in the meantime;
// *mandate.Service is it.
type Ender interface {
	EndFor(ctx context.Context, by account.ID, unitID string, person account.ID) error
}

// unitGrantsPath is where it stands.
const unitGrantsPath = "/me/unit/grants"

// Mount adds the page. Deciding takes a fresh sign-in (S63).
func (u *UnitGrants) Mount(p Pages) {
	u.pages = p
	p.In(unitGrantsPath, u.show, nil)
	p.Fresh(unitGrantsPath, nil, u.decide)
}

// Links are what 我的信息 offers to the account of a verified unit.
func (u *UnitGrants) Links(v *principal.Visit) []templates.Link {
	if unitID(v) == "" || !v.Principal.Account.RealName.Verified() {
		return nil
	}
	return []templates.Link{{URL: unitGrantsPath, Text: templates.T("unitgrants.title"), Hint: templates.T("unitgrants.link_hint")}}
}

// unitID is the unit that the account itself is, "" for a person.
func unitID(v *principal.Visit) string {
	if v.Principal.Account.Kind != account.LegalEntity || v.Principal.Unit == nil {
		return ""
	}
	return v.Principal.Unit.ID
}

// show is GET /me/unit/grants.
func (u *UnitGrants) show(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	p := templates.UnitGrants{}
	switch r.URL.Query().Get("done") {
	case "confirmed":
		p.Notice = templates.T("unitgrants.done.confirmed")
	case "revoked":
		p.Notice = templates.T("unitgrants.done.revoked")
	case "late":
		p.Error = templates.T("unitgrants.late")
	}
	held, err := u.Rights.Held(r.Context(), v.Principal.Account.ID, unitID(v))
	if err == nil {
		p.Unit = v.Principal.Unit.Name
		p.Holders, err = u.holders(r, held)
	}
	if err != nil {
		u.pages.Web.Fail(w, r, err)
		return
	}
	u.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// holders are the holdings as the page shows them; people by their masked names
// (C29).
func (u *UnitGrants) holders(r *http.Request, held []entitlement.Holding) ([]templates.UnitHolder, error) {
	systems, err := u.Systems.Systems(r.Context())
	if err != nil {
		return nil, err
	}
	var out []templates.UnitHolder
	for _, h := range held {
		who, err := u.Principals.ByAccount(r.Context(), h.Account)
		if err != nil {
			return nil, err
		}
		line := templates.UnitHolder{Person: visitor.Name(who), Migrated: h.Migrated()}
		for _, m := range h.Mandates {
			line.Right, line.Relation, line.State, line.Source, line.Until = m.ID, string(m.Relation), string(m.State), string(m.Source), m.Until
		}
		for _, g := range h.Grants {
			if line.Right == "" {
				line.Right = g.ID
			}
			shown := templates.HeldGrant{
				ID: g.ID, System: string(g.System), Actions: g.Actions, State: string(g.State), Source: string(g.Source), Until: g.Until,
				Migrated: g.State == entitlement.Active && g.Source == entitlement.TorchMigration,
			}
			if i := slices.IndexFunc(systems, func(y entitlement.System) bool { return y.ID == g.System }); i >= 0 {
				shown.System = systems[i].Name(web.Locale(r.Context()) == templates.English)
			}
			line.Grants = append(line.Grants, shown)
		}
		out = append(out, line)
	}
	return out, nil
}

// decide is POST /me/unit/grants: right names a mandate or grant of the holder;
// all says that everything of the holder is meant.
func (u *UnitGrants) decide(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, by, unit, right := r.Context(), v.Principal.Account.ID, unitID(v), r.PostForm.Get("right")
	held, err := u.Rights.Held(ctx, by, unit)
	if err != nil {
		u.pages.Web.Fail(w, r, err)
		return
	}
	which, found := chosen(held, right, ticked(r, "all"))
	done := "confirmed"
	if r.PostForm.Get("do") == "revoke" {
		done = "revoked"
	}
	switch {
	case !found:
	case done == "confirmed":
		err = u.Rights.Confirm(ctx, by, unit, which)
	case which.Grant == "": // the same as at /me/handlers
		err = u.Handlers.EndFor(ctx, by, unit, which.Holder)
	default:
		err = u.Rights.Revoke(ctx, by, unit, which)
	}
	switch {
	case !found, fault.Is(err, fault.Conflict):
		see(w, unitGrantsPath+"?done=late") // the list says what is so
	case err != nil:
		u.pages.Web.Fail(w, r, err)
	default:
		u.Outbox.Wake()
		see(w, unitGrantsPath+"?done="+done)
	}
}

// chosen finds the holder of the mandate or grant.
func chosen(held []entitlement.Holding, right string, all bool) (entitlement.Which, bool) {
	for _, h := range held {
		if slices.ContainsFunc(h.Grants, func(g entitlement.Grant) bool { return g.ID == right }) {
			if all {
				right = ""
			}
			return entitlement.Which{Holder: h.Account, Grant: right}, true
		}
		if all && slices.ContainsFunc(h.Mandates, func(m entitlement.Mandate) bool { return m.ID == right }) {
			return entitlement.Which{Holder: h.Account}, true
		}
	}
	return entitlement.Which{}, false
}
