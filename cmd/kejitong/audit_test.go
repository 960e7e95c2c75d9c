package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/store/storetest"
)

// An auditor's commands: the trail of a running service is sealed by itself,
// verified with the checkpoints, exported, and an edited row is found.
func TestAuditCommands(t *testing.T) {
	points := filepath.Join(t.TempDir(), "checkpoints")
	d := newDesk(t, "\naudit:\n  checkpoint_file: "+points+"\n")
	d.inside(func(a *app) {
		for _, agent := range []string{"=cmd|' /C calc'!A0", "Mozilla/5.0", "＋1", "line\nbreak"} {
			if err := a.db.Record(t.Context(), audit.Event{Kind: audit.SignInFailed, Actor: "a1", UserAgent: agent, IP: "192.0.2.1"}); err != nil {
				t.Fatal(err)
			}
		}
		a.extendTrail(t.Context())
		if err := a.noteTrail(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	var r audit.Report
	d.tells(&r, "audit", "verify", "--checkpoints", points)
	if len(r.Problems) > 0 || r.Rows < 4 || r.Blocks != 1 || r.Unsealed != 0 {
		t.Errorf("%+v", r)
	}
	if text, err := d.run("audit", "verify"); err != nil || !strings.Contains(text, "the trail is whole") || !strings.Contains(text, "1 checkpoints") {
		t.Errorf("%q %v", text, err)
	}

	text, err := d.run("audit", "export", "--kind", "sign_in.failed")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 5 || rows[0][9] != "user_agent" {
		t.Fatalf("%v %v", rows, err)
	}
	for i, want := range []string{"'=cmd|' /C calc'!A0", "Mozilla/5.0", "'＋1", "line\nbreak"} {
		if got := rows[i+1][9]; got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
	if text, err = d.run("audit", "export", "--format", "jsonl", "--until", time.Now().AddDate(0, 0, -2).Format(time.DateOnly)); err != nil || text != "" {
		t.Errorf("until the day before yesterday: %q %v", text, err)
	}
	out := filepath.Join(d.dir, "trail.csv")
	if _, err = d.run("audit", "export", "--out", out); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 200 {
		t.Errorf("%v %v", info, err)
	}
	for _, args := range [][]string{{"--out", out}, {"--since", "yesterday"}, {"--format", "xml"}} {
		if _, err := d.run(append([]string{"audit", "export"}, args...)...); err == nil {
			t.Errorf("%v: no refusal", args)
		}
	}

	var pruned struct {
		Removed int `json:"removed"`
	}
	d.tells(&pruned, "audit", "prune")
	if pruned.Removed != 0 {
		t.Errorf("%d rows of today were pruned", pruned.Removed)
	}

	storetest.Exec(t, d.o, "DROP TRIGGER audit_no_update")
	storetest.Exec(t, d.o, "UPDATE audit SET ip = '198.51.100.7' WHERE kind = 'sign_in.failed' AND user_agent = 'Mozilla/5.0'")
	text, err = d.run("audit", "verify")
	if err == nil || !strings.Contains(text, "PROBLEM: block 1") {
		t.Errorf("an edited row: %q %v", text, err)
	}
}

// A server seals what its own traffic writes, and what is left when it stops.
func TestServersSealTheTrail(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		b.get(r.issuer + "/login")
		r.stop()
		left := storetest.Count(t, r.options, "SELECT COUNT(*) FROM audit WHERE id > (SELECT top FROM audit_head)")
		if all := storetest.Count(t, r.options, "SELECT COUNT(*) FROM audit"); left != 0 || all == 0 {
			t.Errorf("%d of %d rows were left unsealed", left, all)
		}
	})
}
