package main

import (
	"context"
	"errors"
	"image/color"
	"strings"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/realname"
	"kejitong/store/storetest"
)

// scanner is one that can be down.
type scanner struct{ says error }

func (s *scanner) Scan(context.Context, []byte) error { return s.says }

// S76 from the upload to the decision: the scanner is down, the applicant is told
// that the document waits and hands in; the reviewer sees that it waits, not the
// document, and cannot approve; once it passed, he can.
func TestDeskSeesNothingUnscanned(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	r.app.names.Papers = folders{r.app.papers}
	down := &scanner{errors.New("down")}
	r.app.papers.Scanner, r.app.papers.Hold = down, true
	c, b := r.papers("d"), r.browser()
	const path = "/me/realname/papers"
	p := r.walkIn(b, "d", path)
	f := findForm(t, p.body, "agree")
	file := func(field string) [3]string {
		return [3]string{field, "a.jpg", string(card(t, color.RGBA{180, 60, 60, 255}))}
	}
	p = b.attachTo(p, f, "save", true, file("id_front"), file("id_back"))
	p.wants(t, 200, path, "等待安全检查", "您不需要重新上传")
	p.lacks(t, "<img")
	p = b.attachTo(p, f, "submit", false)
	p.wants(t, 200, "/me/realname/status", "人工审核中")

	desk, at := r.atDesk("reviewer"), r.issuer+"/admin/cases/"+c.ID
	p = desk.submit(desk.get(at), "decision=claim", map[string][]string{"decision": {"claim"}})
	p.wants(t, 200, "/admin/cases/"+c.ID, "等待安全检查，暂不显示")
	p.lacks(t, "/papers/")
	held, err := r.app.papers.List(t.Context(), c.Folder)
	if err != nil || len(held) != 2 {
		t.Fatal(held, err)
	}
	for _, u := range []string{at + "/papers/" + held[0].ID + "?page=0", r.issuer + "/me/documents/" + held[0].ID} {
		for who, x := range map[string]*browser{"reviewer": desk, "owner": b} {
			if p := x.get(u); p.StatusCode == 200 && strings.HasPrefix(p.Header.Get("Content-Type"), "image/") {
				t.Errorf("%s sees what was not scanned at %s", who, u)
			}
		}
	}
	p = desk.submit(p, "decision=approve", map[string][]string{"decision": {"approve"}})
	if !strings.Contains(p.body, "等待安全检查，检查通过后才能作出结论") || r.person("d").Account.RealName.Verified() {
		t.Fatalf("approved without a look: %d\n%s", p.StatusCode, textOf(p.body))
	}

	r.app.rescanDocuments(t.Context())
	if r.audited(audit.DocumentQuarantined)+r.audited(audit.DocumentStored) != 0 {
		t.Error("settled by a scanner that is down")
	}
	down.says = nil
	r.app.rescanDocuments(t.Context())
	p = desk.get(at)
	p.wants(t, 200, "/admin/cases/"+c.ID, "/papers/")
	p.lacks(t, "等待安全检查")
	desk.submit(p, "decision=approve", map[string][]string{"decision": {"approve"}})
	if got, err := r.app.db.CaseByID(t.Context(), c.ID); err != nil || got.State != realname.Verified {
		t.Errorf("%s, %v", got.State, err)
	}
	if r.audited(audit.DocumentHeld) != 2 || r.audited(audit.DocumentStored) != 2 {
		t.Errorf("trail: %d held, %d stored", r.audited(audit.DocumentHeld), r.audited(audit.DocumentStored))
	}
}
