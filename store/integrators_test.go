package store_test

import (
	"context"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/integrator"
	"kejitong/store"
	"kejitong/store/storetest"
)

// What stands below a project is found below that project alone (S79), a project
// changes once a version, and nothing of what was typed lies in the clear.
func TestProjects(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.WithoutCancel(t.Context())
		seed(t, db)
		p := integrator.Project{
			ID: "p1", Person: "zhang", LegalName: "张三", State: integrator.Testing, Sandbox: "sbx-1", CreatedAt: clock, Version: 1,
			Form: integrator.Form{Name: "系统", Purpose: "用途", Contacts: []string{"dev@example.com"}},
		}
		must(t, db.AddProject(ctx, p, integrator.Member{Project: "p1", Account: "zhang", Role: integrator.Owner, Since: clock}))
		got, err := db.ProjectByClient(ctx, "sbx-1")
		must(t, err)
		if got.LegalName != "张三" || got.Form.Contacts[0] != "dev@example.com" || got.Version != 1 {
			t.Errorf("read %+v", got)
		}
		for _, id := range []string{"", "sbx-2"} {
			if _, err := db.ProjectByClient(ctx, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("client %q: %v", id, err)
			}
		}
		must(t, won(db.SaveProject(ctx, got)))
		if ok, err := db.SaveProject(ctx, got); err != nil || ok {
			t.Errorf("saved over another's change: %v %v", ok, err)
		}
		must(t, db.AddTeamInvite(ctx, integrator.Invite{ID: "i1", Project: "p1", Login: "lisi", Role: integrator.Viewer, Until: clock.Add(1)}))
		for _, row := range []struct {
			login string
			late  bool
			want  int
		}{{"lisi", true, 0}, {"other", false, 0}, {"lisi", false, 1}} {
			at := clock
			if row.late {
				at = clock.Add(integrator.InviteLife)
			}
			if all, err := db.TeamInvitesFor(ctx, row.login, at.Add(-1)); err != nil || len(all) != row.want {
				t.Errorf("invitations for %+v: %v %v", row, all, err)
			}
		}
		if gone, err := db.DropTeamInvite(ctx, "p2", "i1"); err != nil || gone {
			t.Errorf("dropped below another project: %v %v", gone, err)
		}
		if _, err := db.RoleOf(ctx, "p2", "zhang"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a role in another project: %v", err)
		}
		proposal := integrator.Proposal{ID: "c1", Project: "p1", Client: "app-1", State: integrator.Open, At: clock, Edits: []integrator.Edit{{Member: "scope", After: []byte(`"openid"`)}}}
		must(t, db.AddProposal(ctx, proposal))
		proposal.ID = "c2"
		if err := db.AddProposal(ctx, proposal); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second open proposal: %v", err)
		}
		if ok, err := db.SettleClientProposal(ctx, "c1", integrator.Accepted, "", "op", clock); err != nil || !ok {
			t.Errorf("settle: %v %v", ok, err)
		}
		if ok, err := db.SettleClientProposal(ctx, "c1", integrator.Refused, "", "op", clock); err != nil || ok {
			t.Errorf("settled twice: %v %v", ok, err)
		}
		a, err := db.HeldAccount(ctx, "zhang")
		must(t, err)
		if a.Sandbox != "" {
			t.Errorf("sandbox %q", a.Sandbox)
		}
		a.Sandbox = "p1" // what an account is, it stays
		must(t, db.PutAccount(ctx, a, "", did(audit.AccountChanged)))
		if all, err := db.TestAccounts(ctx, "p1"); err != nil || len(all) != 0 {
			t.Errorf("a real account became a test account: %v %v", all, err)
		}
		test := account.Account{ID: account.NewID(), Kind: account.NaturalPerson, State: account.Active, LoginName: "t1", LoginKey: "t1", Sandbox: "p1", CreatedAt: clock}
		must(t, db.PutAccount(ctx, test, "", did(audit.AccountCreated)))
		if all, err := db.TestAccounts(ctx, "p1"); err != nil || len(all) != 1 || all[0].Sandbox != "p1" {
			t.Errorf("test accounts: %v %v", all, err)
		}
	})
}
