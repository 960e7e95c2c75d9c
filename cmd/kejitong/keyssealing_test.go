package main

import (
	"testing"
	"time"

	"kejitong/provider/keys"
)

// TestSealingKeysRotate: after the command everything at rest is sealed under new
// keys, the old ones open nothing any more, and people still sign in.
func TestSealingKeysRotate(t *testing.T) {
	d := newDesk(t, "")
	d.does("account", "add", "--kind", "natural_person", "--login", "zhangsan", "--password-file", d.file("password", "Correct-horse-7"))
	d.inside(func(a *app) { // announced before, so that the command need not wait
		a.ring.Now = func() time.Time { return now().Add(-2 * keys.KnownFor) }
		if _, err := a.ring.Announce(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
	})
	var list []keyReport
	d.tells(&list, "keys", "rotate", "sealing")
	retired, sealed := 0, int64(0)
	for _, k := range list {
		switch k.State {
		case keys.Active:
			sealed += k.Sealed
		case keys.Retired:
			retired++
			if k.Sealed != 0 {
				t.Errorf("%s key %s still has %d values", k.Purpose, k.Kid, k.Sealed)
			}
		}
	}
	if retired != len(keys.Sealing()) || sealed < 2 {
		t.Errorf("%d keys retired, %d values sealed: %+v", retired, sealed, list)
	}
	d.inside(func(a *app) {
		found, err := findAccount(t.Context(), a, "zhangsan")
		if err != nil {
			t.Fatal(err)
		}
		login, err := a.db.FindLogin(t.Context(), found.LoginKey)
		if err != nil {
			t.Fatal(err)
		}
		if ok, _, err := a.hasher.Verify(t.Context(), login.Password, "Correct-horse-7"); err != nil || !ok {
			t.Errorf("the password: %v, %v", ok, err)
		}
		// What nothing needs goes when every process has had time to notice.
		a.ring.Now = func() time.Time { return now().Add(2 * keys.KeptFor) }
		if err := a.reseal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a.ring.Snapshot().Replaced() {
			t.Error("the old keys are still there")
		}
	})
}
