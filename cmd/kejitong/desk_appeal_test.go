package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/recovery"
	"kejitong/store/storetest"
)

// settles presses the form of the desk's page of an appeal that has the button.
func (b *browser) settles(u, decision string, more ...string) page {
	b.t.Helper()
	v := url.Values{"decision": {decision}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return b.submit(b.get(u), "decision="+decision, v)
}

// An appeal at the desk over HTTP: a reviewer takes it and says whom it concerns,
// two of them approve, the owner objects, two approve again, and nothing is left
// to decide (R30, S57, S58).
func TestDeskDecidesAnAppeal(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		who, old := r.account("a"), r.person("a").Account.Profile
		f := r.browser().filePerson(r, claimant{"", old.Name, old.IDNumber, "13911112222"})
		one, two := r.atDesk("reviewer"), r.atDesk("reviewer2")
		at := r.issuer + "/admin/appeals/" + r.appeal(f).ID
		state := func(want recovery.State) {
			t.Helper()
			if a := r.appeal(f); a.State != want {
				t.Fatalf("the appeal is %s, want %s", a.State, want)
			}
		}
		if p := one.get(r.issuer + "/admin/appeals?charge=nobody"); !strings.Contains(p.body, f.number) {
			t.Fatalf("the queue does not show it:\n%s", p.body)
		}
		if p := one.get(at); strings.Contains(p.body, old.IDNumber) {
			t.Error("nobody took it, and it is not masked (C29)")
		}
		p := one.settles(at, "claim")
		if !strings.Contains(p.body, old.IDNumber) {
			t.Fatalf("who is in charge does not see it:\n%s", p.body)
		}
		if p = one.get(r.issuer + "/admin/appeals?charge=nobody"); strings.Contains(p.body, f.number) {
			t.Error("somebody has it, and it is still among nobody's")
		}
		// A concern: another account, of the other kind, and the right one.
		if p = one.settles(at, "concern", "login_name", r.account("b").Username); r.appeal(f).Account != r.person("a").Account.ID {
			t.Errorf("a person's appeal concerns a unit: %d", p.StatusCode)
		}
		one.settles(at, "concern", "login_name", r.account("e").Username)
		if r.appeal(f).Account != r.person("e").Account.ID {
			t.Error("the concern was not noted")
		}
		one.settles(at, "concern", "login_name", who.Username)
		one.settles(at, "approve", "reason", "证件与登记一致")
		state(recovery.Seconding)
		if p = two.settles(at, "claim"); !strings.Contains(p.body, old.IDNumber) {
			t.Fatalf("the second reviewer cannot take it:\n%s", p.body)
		}
		two.settles(at, "approve", "reason", "复核一致")
		state(recovery.Approved)

		owner := r.browser()
		if !owner.signsIn(r, "natural_person", who.Username, who.Password) {
			t.Fatal("the owner does not sign in")
		}
		owner.press(owner.get(r.issuer+"/appeal/object"), "appeal", "reason", "不是我提交的")
		state(recovery.Contested)
		if p = one.get(at); !strings.Contains(p.body, "提出异议") {
			t.Errorf("the desk does not show the objection:\n%s", p.body)
		}
		// It begins anew: who approved last before does not decide alone.
		if r.appeal(f).Assignee != r.operatorID("reviewer2") {
			t.Fatal("the case is nobody's")
		}
		two.settles(at, "approve", "reason", "异议不成立")
		state(recovery.Seconding)
		if p = two.settles(at, "approve", "reason", "再来一次"); p.StatusCode == http.StatusOK && r.appeal(f).State == recovery.Approved {
			t.Fatal("one reviewer approved twice")
		}
		one.settles(at, "claim")
		one.settles(at, "reject", "reason", "无法确认本人")
		state(recovery.Rejected)
		if p = r.browser().progress(r, f); !strings.Contains(p.body, "无法确认本人") {
			t.Error("the reason is not told")
		}
		if shut, err := r.app.db.DocumentsClosed(context.WithoutCancel(t.Context()), r.appeal(f).ID); err != nil || !shut {
			t.Errorf("its documents stay open: %v", err)
		}
		if n := r.audited(audit.AppealApproved); n != 3 {
			t.Errorf("%d approvals in the trail", n)
		}
	})
}

func (r *rig) operatorID(login string) string {
	r.t.Helper()
	o, err := r.app.db.OperatorByLogin(context.WithoutCancel(r.t.Context()), login)
	if err != nil {
		r.t.Fatal(err)
	}
	return o.ID
}

// contest lets the owner object while a second reviewer approves, and tells how
// many of both succeeded.
func (r *rig) contest(s *recovery.Service, f filed) int {
	r.t.Helper()
	ctx := context.WithoutCancel(r.t.Context())
	a := r.appeal(f)
	return atOnce(r.t.(*testing.T), 8, func(i int) error {
		if i%2 == 0 {
			return s.Object(ctx, a.Account, a.ID, "不是我提交的")
		}
		return s.Approve(ctx, a.ID, a.Version, recovery.Reviewer{ID: fmt.Sprintf("second-%d", i)}, "一致")
	}, fault.Conflict)
}

// Of the owner who objects and the reviewers who approve at the same moment one is
// first: an objection is never written over by an approval that did not see it.
func TestOwnerAndDeskAtOnce(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		old := r.person("a").Account.Profile
		for round := range 3 {
			f := r.browser().filePerson(r, claimant{"", old.Name, old.IDNumber, fmt.Sprintf("1391111000%d", round)})
			a := r.appeal(f)
			if err := r.desk().Approve(t.Context(), a.ID, a.Version, recovery.Reviewer{ID: "first"}, "一致"); err != nil {
				t.Fatal(err)
			}
			r.contest(r.desk(), f)
			a = r.appeal(f)
			objections, approvals := 0, 0
			for _, turn := range a.History {
				switch turn.Deed {
				case recovery.Object:
					objections, approvals = objections+1, 0
				case recovery.Approve:
					approvals++
				}
			}
			want := map[bool]recovery.State{true: recovery.Contested, false: recovery.Approved}[objections == 1]
			if objections > 1 || a.Objected != (objections == 1) || a.State != want || a.State == recovery.Contested && (a.First != "" || approvals != 0) {
				t.Errorf("round %d: %d objections, %d approvals after, %s, first %q", round, objections, approvals, a.State, a.First)
			}
			if rows := r.ask(`SELECT COUNT(*) FROM audit WHERE kind = ? AND object = ?`, string(audit.AppealContested), a.ID); rows != int64(objections) {
				t.Errorf("round %d: %d rows of %d objections", round, rows, objections)
			}
		}
	})
}

// The control: a store that does not ask for the version lets both sides win.
func TestOwnerAndDeskSeeACarelessStore(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	old := r.person("a").Account.Profile
	for round := range 10 {
		f := r.browser().filePerson(r, claimant{"", old.Name, old.IDNumber, fmt.Sprintf("1391111000%d", round)})
		a := r.appeal(f)
		if err := r.desk().Approve(t.Context(), a.ID, a.Version, recovery.Reviewer{ID: "first"}, "一致"); err != nil {
			t.Fatal(err)
		}
		s := r.desk()
		s.Store = carelessAppeals{s.Store}
		if r.contest(s, f) > 1 {
			return
		}
	}
	t.Error("a careless store goes unnoticed")
}
