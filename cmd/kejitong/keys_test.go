package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/provider/keys"
)

func TestRootKeyIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	run := func(args ...string) error {
		return dispatch(t.Context(), append([]string{"keys", "root"}, args...), &bytes.Buffer{})
	}
	if err := run(); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("without a file: %v", err)
	}
	if err := run("--out", filepath.Join(path, "below")); err == nil {
		t.Error("written into a folder that is none")
	}
	if err := run("--out", path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	first, err := os.ReadFile(path)
	if err != nil || len(strings.TrimSpace(string(first))) != 44 {
		t.Errorf("%d characters, %v", len(first), err)
	}
	if err := run("--out", path); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("a second time: %v", err)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(first, again) {
		t.Error("the root key was overwritten")
	}
}

// TestRotation: a signing key takes over only when relying parties had a day to
// learn it, or in an emergency.
func TestRotation(t *testing.T) {
	d := newDesk(t, "")
	state := func() map[keys.State]int {
		var list []keyReport
		d.tells(&list, "keys", "list")
		n := map[keys.State]int{}
		for _, k := range list {
			if k.Purpose == keys.Sign {
				n[k.State]++
			}
		}
		return n
	}
	if _, err := d.run("keys", "rotate"); err == nil {
		t.Error("rotated without saying what")
	}
	if _, err := d.run("keys", "rotate", "everything"); err == nil {
		t.Error("rotated something else")
	}
	if _, err := d.run("keys", "rotate", "signing"); err == nil || !strings.Contains(err.Error(), "--emergency") {
		t.Errorf("rotated to keys that nobody knows: %v", err)
	}
	if n := state(); n[keys.Active] != 4 || n[keys.Next] != 4 || n[keys.Retired] != 0 {
		t.Fatalf("a refusal changed something: %v", n)
	}
	out := d.does("keys", "rotate", "signing", "--emergency")
	if n := state(); n[keys.Active] != 4 || n[keys.Next] != 4 || n[keys.Retired] != 0 {
		t.Errorf("after an emergency %v: want the old keys gone, not retired", n)
	}
	d.inside(func(a *app) {
		rows, err := a.db.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range rows {
			if _, secret, _ := strings.Cut(k.Sealed, "."); strings.Contains(out, secret) {
				t.Errorf("the list shows the sealed key %s", k.Kid)
			}
		}
	})
}

func TestKeysRipenInADay(t *testing.T) {
	made := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	rows := []keys.Row{
		{Purpose: keys.Sign, State: keys.Next, CreatedAt: made.Add(-48 * time.Hour)}, {Purpose: keys.Sign, State: keys.Next, CreatedAt: made},
		{Purpose: keys.Sign, State: keys.Active, CreatedAt: made.Add(time.Hour)}, {Purpose: keys.TokenMAC, State: keys.Active, CreatedAt: made.Add(time.Hour)},
	}
	if got := ripe(rows); !got.Equal(made.Add(24 * time.Hour)) {
		t.Errorf("ripe at %v", got)
	}
}
