package admin

import (
	"context"
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Rights is what became of mandates and grants.
type Rights interface {
	// RightHistory gives up to limit lines of what became of the mandate or grant id,
	// or of all that an account holds or held; the newest first.
	RightHistory(ctx context.Context, id string, who account.ID, limit int) ([]entitlement.Change, error)
}

// othersShown is how many mandates, and grants, of others for a unit are shown.
const othersShown = 50

// showRights is GET /admin/accounts/{id}/rights.
func (h *Handler) showRights(w http.ResponseWriter, r *http.Request, v visit) {
	if who, ok := h.subject(w, r); ok {
		h.rightsPage(w, r, v, who, nil)
	}
}

func (h *Handler) rightsPage(w http.ResponseWriter, r *http.Request, v visit, who principal.Principal, wrong error) {
	ctx, id := r.Context(), who.Account.ID
	p := templates.DeskRights{Desk: h.frame(v, "accounts"), URL: "/admin/accounts/" + string(id), Called: visitor.Name(who), HeldBy: visitor.LoginName(who.Account), Reason: short(r.PostForm.Get("reason"))}
	code := http.StatusOK
	if wrong != nil {
		text, ok := blame(nil, wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, code = text, statusOf(wrong)
	} else if r.URL.Query().Get("done") == "decreed" {
		p.Done = templates.T("desk.rights.did")
	}
	acts := v.operator.Role == operator.SecurityAdmin && !v.operator.Owns(id)
	mandates, grants, err := h.Catalogue.Store.RightsOf(ctx, id)
	if err == nil {
		p.Own, err = h.rightLines(ctx, mandates, grants, acts, "")
	}
	if err == nil && who.Account.UnitID != "" {
		if mandates, grants, err = h.Catalogue.Store.RightsFor(ctx, who.Account.UnitID, othersShown); err == nil {
			p.Others, err = h.rightLines(ctx, mandates, grants, acts, id)
		}
	}
	if err == nil {
		p.History, err = h.rightHistory(ctx, id)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, code, p)
}

// rightLines are mandates and grants as the page shows them; those of the account
// but are left out, and the holders of the others named.
func (h *Handler) rightLines(ctx context.Context, mandates []entitlement.Mandate, grants []entitlement.Grant, acts bool, but account.ID) (out []templates.DeskRight, err error) {
	now, units, holders := h.Now(), map[string]string{"": ""}, map[account.ID]string{}
	add := func(l templates.DeskRight, who account.ID, unitID string, can func(entitlement.Deed) bool) error {
		if but != "" && who == but {
			return nil
		}
		if _, known := units[unitID]; !known {
			if units[unitID], err = h.Catalogue.Store.UnitName(ctx, unitID); err != nil {
				return err
			}
		}
		if _, known := holders[who]; but != "" && !known {
			found, err := h.Principals.ByAccount(ctx, who)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			holders[who] = visitor.Name(found)
		}
		if l.Unit = units[unitID]; but != "" {
			l.Holder, l.HolderURL = holders[who], "/admin/accounts/"+string(who)
		}
		for _, d := range []entitlement.Deed{entitlement.Suspend, entitlement.Resume, entitlement.Revoke} {
			if acts && can(d) {
				l.Deeds = append(l.Deeds, string(d))
			}
		}
		out = append(out, l)
		return nil
	}
	for _, m := range mandates {
		l := templates.DeskRight{ID: m.ID, Kind: "mandate", Relation: string(m.Relation), State: string(m.State), Source: string(m.Source), From: m.From, Until: m.Until}
		if err := add(l, m.Account, m.Unit.ID, func(d entitlement.Deed) bool { _, err := m.After(d, now); return err == nil }); err != nil {
			return nil, err
		}
	}
	for _, g := range grants {
		l := templates.DeskRight{ID: g.ID, Kind: "grant", System: string(g.System), Actions: g.Actions, State: string(g.Standing(now)), Source: string(g.Source), From: g.From, Until: g.Until}
		if err := add(l, g.Account, g.UnitID, func(d entitlement.Deed) bool { _, err := g.After(d, now); return err == nil }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (h *Handler) rightHistory(ctx context.Context, id account.ID) (out []templates.DeskRightStep, err error) {
	lines, err := h.Rights.RightHistory(ctx, "", id, remembered)
	if err != nil {
		return nil, err
	}
	names, err := h.names(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range lines {
		out = append(out, templates.DeskRightStep{At: c.At, Kind: c.Kind, What: c.What, From: string(c.From), To: string(c.To), By: called(names, c.Actor), Reason: c.Reason})
	}
	return out, nil
}

// decree is POST /admin/accounts/{id}/rights: every token asks for what it rests on,
// so it takes effect with the commit, on every replica (S30, S62).
func (h *Handler) decree(w http.ResponseWriter, r *http.Request, v visit) {
	who, ok := h.subject(w, r)
	if !ok {
		return
	}
	f := r.PostForm
	err := error(&fault.Error{Kind: fault.Refused, Msg: operator.MsgOwnCase})
	if !v.operator.Owns(who.Account.ID) {
		err = h.Catalogue.Decree(r.Context(), entitlement.Order{
			Mandate: f.Get("kind") == "mandate", ID: f.Get("right"), Account: who.Account.ID, UnitID: who.Account.UnitID,
			Deed: entitlement.Deed(f.Get("deed")), Reason: f.Get("reason"),
		}, v.operator.ID)
	}
	if err != nil {
		h.rightsPage(w, r, v, who, err)
		return
	}
	h.Outbox.Wake() // systems are owed a logout, people a message
	see(w, "/admin/accounts/"+string(who.Account.ID)+"/rights?done=decreed")
}
