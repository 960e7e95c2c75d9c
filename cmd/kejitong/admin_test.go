package main

import (
	"strings"
	"testing"

	"kejitong/provider/operator"
)

// C5: no operator ships; the command line makes them, and every deed stands in the
// trail without the secret.
func TestAdminCommands(t *testing.T) {
	d := newDesk(t, "")
	if out := d.does("admin", "list"); !strings.Contains(out, "no operators") {
		t.Errorf("got %q", out)
	}
	var made operatorReport
	d.tells(&made, "admin", "add", "--login", "zhaoliu", "--role", "reviewer")
	if made.State != operator.Invited || len(made.Secret) < 20 || made.URL != "http://localhost:8080/admin/enrol" {
		t.Errorf("got %+v", made)
	}
	var again operatorReport
	d.tells(&again, "admin", "reset", "--login", "ZhaoLiu")
	if again.Secret == "" || again.Secret == made.Secret {
		t.Errorf("got %+v", again)
	}
	d.does("admin", "role", "--login", "zhaoliu", "--role", "auditor")
	d.does("admin", "disable", "--login", "zhaoliu")
	if out := d.does("admin", "list"); !strings.Contains(out, "auditor") || !strings.Contains(out, "disabled") || strings.Contains(out, made.Secret) {
		t.Errorf("got %q", out)
	}
	d.inside(func(a *app) {
		rows, err := a.db.RecentAudit(t.Context(), 50)
		if err != nil {
			t.Fatal(err)
		}
		var deeds []string
		for _, row := range rows {
			if strings.HasPrefix(string(row.Kind), "operator.") {
				deeds = append(deeds, row.Detail)
			}
			if strings.Contains(row.Detail+row.Object+row.Actor, made.Secret) {
				t.Error("the trail tells the secret")
			}
		}
		if len(deeds) != 4 {
			t.Errorf("the trail tells of %q", deeds)
		}
	})
}
