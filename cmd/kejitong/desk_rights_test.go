package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// grantees gives two accounts of the demonstration that hold a grant, each with the
// first one that is active.
func (r *rig) grantees() (ids []account.ID, grants []entitlement.Grant) {
	r.t.Helper()
	for _, a := range r.cast.accounts {
		who, err := r.app.db.AccountByLogin(r.t.Context(), strings.ToLower(a.Username))
		if err != nil {
			continue
		}
		_, held, err := r.app.db.RightsOf(r.t.Context(), who.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, g := range held {
			if g.Live(r.clock.now()) && (len(grants) == 0 || g.UnitID != grants[0].UnitID) {
				ids, grants = append(ids, who.ID), append(grants, g)
				break
			}
		}
		if len(ids) == 2 {
			return ids, grants
		}
	}
	r.t.Fatal("nobody holds a grant")
	return nil, nil
}

// S30, S62, S78, S79: at the desk a right is found below its account alone, changed
// by security administrators alone, with a reason; what is done stands in its row,
// its history and the trail, and holder and unit are told. On both databases.
func TestDeskDecreesRights(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		sec, rev := r.atDesk("secadmin"), r.atDesk("reviewer")
		ids, grants := r.grantees()
		at := func(id account.ID) string { return r.issuer + "/admin/accounts/" + string(id) + "/rights" }
		form := func(id, deed, reason string) url.Values {
			return url.Values{"kind": {"grant"}, "right": {id}, "deed": {deed}, "reason": {reason}}
		}
		state := func() entitlement.State {
			g, err := r.app.db.Grant(t.Context(), grants[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			return g.State
		}
		for name, try := range map[string]struct {
			who  *browser
			at   string
			form url.Values
			code int
		}{
			"a reviewer":                {rev, at(ids[0]), form(grants[0].ID, "suspend", "核查"), http.StatusForbidden},
			"below another account":     {sec, at(ids[1]), form(grants[0].ID, "suspend", "核查"), http.StatusNotFound},
			"no such right":             {sec, at(ids[0]), form("kZ0aV5bW2c3d4e5f6g7h8g", "suspend", "核查"), http.StatusNotFound},
			"a grant as a mandate":      {sec, at(ids[0]), url.Values{"kind": {"mandate"}, "right": {grants[0].ID}, "deed": {"revoke"}, "reason": {"x"}}, http.StatusNotFound},
			"no reason":                 {sec, at(ids[0]), form(grants[0].ID, "suspend", " "), http.StatusOK},
			"resuming what rests not":   {sec, at(ids[0]), form(grants[0].ID, "resume", "核查"), http.StatusConflict},
			"making it the unit's word": {sec, at(ids[0]), form(grants[0].ID, "confirm", "核查"), http.StatusOK},
		} {
			if p := try.who.deskPost(try.at, try.form); p.StatusCode != try.code {
				t.Errorf("%s: %d, want %d", name, p.StatusCode, try.code)
			}
		}
		if s := state(); s != entitlement.Active {
			t.Fatalf("an attack made it %s", s)
		}
		told := r.ask(`SELECT COUNT(*) FROM messages`)
		if p := sec.deskPost(at(ids[0]), form(grants[0].ID, "suspend", "核查")); p.StatusCode != http.StatusSeeOther || state() != entitlement.Suspended {
			t.Fatalf("not suspended: %d %s\n%s", p.StatusCode, state(), p.body)
		}
		if n := r.ask(`SELECT COUNT(*) FROM audit WHERE kind = 'entitlement.changed' AND detail = 'suspend: 核查'`); n != 1 {
			t.Errorf("%d audit rows", n)
		}
		if r.ask(`SELECT COUNT(*) FROM messages`) == told {
			t.Error("nobody is told")
		}
		p := sec.get(at(ids[0]))
		if !strings.Contains(p.body, "已暂停") || !strings.Contains(p.body, "suspend: 核查") || !strings.Contains(p.body, `value="resume"`) {
			t.Errorf("the page does not show it:\n%s", p.body)
		}
		if p := sec.deskPost(at(ids[0]), form(grants[0].ID, "revoke", "核查属实")); p.StatusCode != http.StatusSeeOther || state() != entitlement.Revoked {
			t.Errorf("not revoked: %d %s", p.StatusCode, state())
		}
		if p := sec.deskPost(at(ids[0]), form(grants[0].ID, "resume", "x")); p.StatusCode != http.StatusConflict {
			t.Errorf("what is revoked comes back: %d", p.StatusCode)
		}
	})
}
