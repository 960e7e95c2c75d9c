package torch_test

import (
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/torch"
)

// The decision tables of the migration, written down row by row from the manual
// and the rules that fill its gaps, before the code.
func TestDecideUnit(t *testing.T) {
	const E0a, E0b, E1, E2, E3, E4, E5, E6 = torch.E0a, torch.E0b, torch.E1, torch.E2, torch.E3, torch.E4, torch.E5, torch.E6
	for i, row := range []struct {
		t, l, m, n bool
		want       torch.Code
	}{
		{false, false, false, false, E0a},
		{false, false, false, true, E6},
		{false, false, true, false, E0b},
		{false, false, true, true, E0b},
		{false, true, false, false, E0b},
		{false, true, false, true, E0b},
		{false, true, true, false, E0b},
		{false, true, true, true, E0b},
		{true, false, false, false, E1},
		{true, false, false, true, E3},
		{true, false, true, false, E4},
		{true, false, true, true, E5},
		{true, true, false, false, E2},
		{true, true, false, true, E2},
		{true, true, true, false, E2},
		{true, true, true, true, E2},
	} {
		if n := bits(row.t, row.l, row.m, row.n); n != i {
			t.Fatalf("row %d is number %d", i, n)
		}
		if got := torch.DecideUnit(torch.UnitFacts{There: row.t, LoginHere: row.l, OtherName: row.m, PersonHolds: row.n}); got != row.want {
			t.Errorf("T%t L%t M%t N%t is %s, want %s", row.t, row.l, row.m, row.n, got, row.want)
		}
	}
}

func TestDecidePerson(t *testing.T) {
	const I0, I1, I2, I3, I4, I5, I6 = torch.I0, torch.I1, torch.I2, torch.I3, torch.I4, torch.I5, torch.I6
	for i, row := range []struct {
		t, p, o, v bool
		want       torch.Code
	}{
		{false, false, false, false, I0},
		{false, false, false, true, I0},
		{false, false, true, false, I0},
		{false, false, true, true, I0},
		{false, true, false, false, I0},
		{false, true, false, true, I0},
		{false, true, true, false, I0},
		{false, true, true, true, I0},
		{true, false, false, false, I1},
		{true, false, false, true, I4},
		{true, false, true, false, I1}, // nobody holds the name, so nobody owns it
		{true, false, true, true, I4},
		{true, true, false, false, I3},
		{true, true, false, true, I5},
		{true, true, true, false, I2},
		{true, true, true, true, I6},
	} {
		if n := bits(row.t, row.p, row.o, row.v); n != i {
			t.Fatalf("row %d is number %d", i, n)
		}
		if got := torch.DecidePerson(torch.PersonFacts{There: row.t, Held: row.p, Own: row.o, Verified: row.v}); got != row.want {
			t.Errorf("T%t P%t O%t V%t is %s, want %s", row.t, row.p, row.o, row.v, got, row.want)
		}
	}
}

func bits(b ...bool) (n int) {
	for _, x := range b {
		n *= 2
		if x {
			n++
		}
	}
	return n
}

func TestOwnership(t *testing.T) {
	for _, c := range []struct {
		name        string
		here, there torch.Owner
		want        bool
	}{
		{"same document", torch.Owner{Document: "A"}, torch.Owner{Document: "A"}, true},
		{"same document, another number", torch.Owner{"A", "+8618711111111"}, torch.Owner{"A", "+8618722222222"}, true},
		{"another document, same number", torch.Owner{"A", "+8618711111111"}, torch.Owner{"B", "+8618711111111"}, false},
		{"no document here, same number", torch.Owner{"", "+8618711111111"}, torch.Owner{"A", "+8618711111111"}, true},
		{"no document there, same number", torch.Owner{"A", "+8618711111111"}, torch.Owner{"", "+8618711111111"}, true},
		{"no documents, another number", torch.Owner{"", "+8618711111111"}, torch.Owner{"", "+8618722222222"}, false},
		{"nothing known", torch.Owner{}, torch.Owner{}, false},
	} {
		if got := torch.Owns(c.here, c.there); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// What each outcome makes, and under which name.
func TestOutcomes(t *testing.T) {
	const uscc = "91110108MA01ET88XL"
	free := func(string) bool { return false }
	for _, code := range torch.Codes() {
		m := code.Makes()
		if m.Kind != "" && !account.Kind(m.Kind).Known() {
			t.Errorf("%s makes a %q", code, m.Kind)
		}
		if m.Kind != "" && (!code.Stored() || !m.Keeps) || m.Kind == "" && (m.Keeps || m.Grants || m.Prefixed) {
			t.Errorf("%s: %+v", code, m)
		}
		name, suffixed := code.LoginName(uscc, free)
		if want := map[bool]string{false: uscc, true: "HJ_" + uscc}[m.Prefixed]; name != want || suffixed {
			t.Errorf("%s is called %s, want %s", code, name, want)
		}
		if m.Prefixed && account.CheckNewLogin(name, account.NaturalPerson, "") == nil {
			t.Errorf("anybody could register %s", name)
		}
	}
	taken := map[string]bool{"HJ_" + uscc: true, "HJ2_" + uscc: true}
	if name, suffixed := torch.E3.LoginName(uscc, func(n string) bool { return taken[n] }); name != "HJ3_"+uscc || !suffixed {
		t.Errorf("got %s, %t", name, suffixed)
	}
}
