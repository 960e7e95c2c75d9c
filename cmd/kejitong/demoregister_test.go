package main

import (
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
)

// Everybody in the demonstration's registers has numbers that pass the checks, and
// stands there once.
func TestTheDemonstrationsRegisters(t *testing.T) {
	seen := map[string]bool{}
	once := func(what string) {
		t.Helper()
		if seen[what] {
			t.Errorf("%s twice", what)
		}
		seen[what] = true
	}
	person := func(p demoPerson) {
		t.Helper()
		if n, err := account.ParseResidentID(p.IDNumber, time.Now()); err != nil || string(n) != p.IDNumber || p.IDNumber[2:6] != "0000" {
			t.Errorf("%s: %v", p.IDNumber, err)
		}
		if _, err := account.ParseMobile(p.Mobile); err != nil {
			t.Errorf("%s: %v", p.Mobile, err)
		}
		if _, err := account.ParseName(p.Name); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		once(p.IDNumber)
		once(p.Mobile)
	}
	for _, p := range demoPersons() {
		person(p)
	}
	for _, e := range demoEntities() {
		u, err := account.ParseUSCC(e.USCC)
		if err != nil || u.Doubtful() || !strings.HasPrefix(u.Region()[2:], "0000") {
			t.Errorf("%s: %v, doubtful %v", e.USCC, err, u.Doubtful())
		}
		once(e.USCC)
		person(e.LegalRep)
	}
	if len(demoPersons()) < 5 || len(demoEntities()) < 5 {
		t.Error("too few")
	}
}
