package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kejitong/provider/keys"
)

// TestRootKeyRotates walks the runbook of docs/operate.md: a new key, both good,
// the configuration changed, confirmed, and the old one is told from the new one.
func TestRootKeyRotates(t *testing.T) {
	d := newDesk(t, "")
	d.does("account", "add", "--kind", "natural_person", "--login", "zhangsan", "--password-file", d.file("password", "Correct-horse-7"))
	next, root := filepath.Join(d.dir, "next.key"), filepath.Join(d.dir, "root.key")
	d.makes("keys", "root", "--out", next)
	for _, c := range []struct {
		name, holds string
		args        []string
	}{
		{"nothing", "--confirm", nil},
		{"two things", "--confirm", []string{"--confirm", "--abandon"}},
		{"a file and a confirmation", "--confirm", []string{"--to", next, "--confirm"}},
		{"no file", "cannot be read", []string{"--to", filepath.Join(d.dir, "nowhere")}},
		{"a weak key", "not random", []string{"--to", d.file("zero.key", strings.Repeat("00", 32))}},
		{"the key in force", "in force", []string{"--to", root}},
		{"a confirmation of nothing", "no change", []string{"--confirm"}},
		{"nothing to take back", "no change", []string{"--abandon"}},
	} {
		if _, err := d.run(append([]string{"keys", "rotate", "root"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.holds) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var report rootReport
	d.tells(&report, "keys", "rotate", "root", "--to", next)
	if report.InForce == "" || report.Former == "" || report.InForce == report.Former {
		t.Fatalf("%+v", report)
	}
	if _, err := d.run("keys", "rotate", "root", "--confirm"); err == nil || !strings.Contains(err.Error(), report.InForce) {
		t.Errorf("confirmed before the configuration has the new key: %v", err)
	}
	d.finds("root key", verdictWarning, "restart")
	first, err := os.ReadFile(root)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(next)
	if err != nil {
		t.Fatal(err)
	}
	d.file("root.key", string(second))
	former := report.Former
	d.finds("root key", verdictWarning, "--confirm")
	report = rootReport{}
	d.tells(&report, "keys", "rotate", "root", "--confirm")
	if report.Former != "" {
		t.Errorf("%+v", report)
	}
	d.finds("root key", verdictOK, "in force since")
	d.inside(func(a *app) {
		if found, err := findAccount(t.Context(), a, "zhangsan"); err != nil || found.LoginName != "zhangsan" {
			t.Errorf("%+v, %v", found, err)
		}
	})
	d.file("root.key", string(first))
	_, err = d.run("keys", "list")
	if err == nil || !strings.Contains(err.Error(), former) || !strings.Contains(err.Error(), report.InForce) || !strings.Contains(err.Error(), keys.ErrRoot.Error()) {
		t.Errorf("with the old root key: %v", err)
	}
}
