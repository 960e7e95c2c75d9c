package main

import (
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/keys"
)

// TestDigestKeysRotate: after the command and what a server does in the hours after
// it, everything is found under the new keys and nothing is left under the old ones;
// the doctor tells how far it is.
func TestDigestKeysRotate(t *testing.T) {
	d := newDesk(t, "")
	d.does("account", "add", "--kind", "natural_person", "--login", "zhangsan", "--password-file", d.file("password", "Correct-horse-7"))
	d.inside(func(a *app) { // announced before, so that the command need not wait
		found, err := findAccount(t.Context(), a, "zhangsan")
		if err != nil {
			t.Fatal(err)
		}
		found.Profile.Phone, found.Profile.PhoneVerified = "+8613900000001", true
		if err := a.db.PutAccount(t.Context(), found, "", deed("account.changed", string(found.ID), "")); err != nil {
			t.Fatal(err)
		}
		a.ring.Now = func() time.Time { return now().Add(-2 * keys.KnownFor) }
		if _, err := a.ring.AnnounceDigests(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
	})
	d.finds("digest keys", verdictOK, "under way")
	var list []keyReport
	d.tells(&list, "keys", "rotate", "digests")
	for _, k := range list {
		if k.Purpose == keys.Blind && k.Digests != 1 { // under both keys, until every server has had its time
			t.Errorf("%+v", k)
		}
	}
	if _, err := d.run("keys", "rotate", "digests"); err == nil || !strings.Contains(err.Error(), "before has not come to its end") {
		t.Errorf("a second rotation meanwhile: %v", err)
	}
	d.inside(func(a *app) {
		for _, later := range []time.Duration{2 * keys.KeptFor, 3 * keys.KeptFor} {
			a.ring.Now = func() time.Time { return now().Add(later) }
			if err := a.turnDigests(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if ids, err := a.db.AccountsBy(t.Context(), account.ByPhone, "+8613900000001"); err != nil || len(ids) != 1 {
			t.Errorf("found %v, %v", ids, err)
		}
	})
	list = nil
	d.tells(&list, "keys", "list")
	for _, k := range list {
		if (k.Purpose == keys.Blind || k.Purpose == keys.Rights) && k.State != keys.Active {
			t.Errorf("left: %+v", k)
		}
	}
	d.finds("digest keys", verdictOK, "in use since")
}

func TestDoctorTellsTheAgesOfKeys(t *testing.T) {
	key := func(p keys.Purpose, s keys.State, age time.Duration) keys.Row {
		at := now().Add(-age)
		return keys.Row{Purpose: p, State: s, CreatedAt: at, ActivatedAt: at, RetiredAt: at}
	}
	const day = 24 * time.Hour
	for _, c := range []struct {
		name, check, holds string
		want               verdict
		rows               []keys.Row
	}{
		{"old sealing key", "sealing keys", "kejitong keys rotate sealing", verdictWarning, []keys.Row{key(keys.Personal, keys.Active, 500*day), key(keys.Pepper, keys.Active, day)}},
		{"young sealing keys", "sealing keys", "in use since", verdictOK, []keys.Row{key(keys.Personal, keys.Active, day)}},
		{"old key that no command rotates", "sealing keys", "in use since", verdictOK, []keys.Row{key(keys.Pairwise, keys.Active, 500*day), key(keys.Personal, keys.Active, day)}},
		{"a rotation that stands still", "sealing keys", "pii retired", verdictWarning, []keys.Row{key(keys.Personal, keys.Active, day), key(keys.Personal, keys.Retired, day)}},
		{"old digest key", "digest keys", "kejitong keys rotate digests", verdictWarning, []keys.Row{key(keys.Blind, keys.Active, 500*day)}},
		{"a rotation that goes on", "digest keys", "blind next", verdictOK, []keys.Row{key(keys.Blind, keys.Active, 500*day), key(keys.Blind, keys.Next, time.Minute)}},
		{"one that was never finished", "digest keys", "blind next, rights spent", verdictWarning, []keys.Row{key(keys.Blind, keys.Next, day), key(keys.Rights, keys.Spent, day)}},
	} {
		var e examination
		e.ages(c.rows)
		for _, f := range e.findings {
			if f.Check == c.check && (f.Verdict != c.want || !strings.Contains(f.Detail+f.Remedy, c.holds)) {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
	}
}
