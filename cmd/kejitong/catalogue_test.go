package main

import (
	"fmt"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/store/storetest"
)

// Whatever is wrong with a catalogue is named by line and field, all of it, and
// nothing of the file is taken.
func TestCatalogueRefuses(t *testing.T) {
	const good = "systems:\n  - code: one\n    name_zh: 一\n    actions: [apply]\n"
	for _, row := range []struct {
		name, text string
		wants      []string
	}{
		{"no YAML", "systems: [", []string{"line"}},
		{"empty", "", []string{"line 1"}},
		{"a list alone", "- code: one\n", []string{"line 1: want systems"}},
		{"no systems", "systems: []\n", []string{"systems is empty"}},
		{"systems as text", "systems: all\n", []string{"line 1: systems is no list"}},
		{"more than systems", good + "people: []\n", []string{"line 5: there is only one list"}},
		{"unknown field", good + "    acount_types: [legal_entity]\n", []string{"line 5: acount_types is no field"}},
		{"a field twice", good + "    code: two\n", []string{"line 5: code stands there twice"}},
		{"an entry that is text", "systems:\n  - one\n", []string{"line 2: an entry is fields"}},
		{"a number for a name", "systems:\n  - code: one\n    name_zh: 1\n    actions: [apply]\n", []string{"line 3: name_zh is no text"}},
		{"an action that is a number", "systems:\n  - code: one\n    name_zh: 一\n    actions: [apply, 2]\n", []string{"line 4: actions holds something that is no text"}},
		{"actions as text", "systems:\n  - code: one\n    name_zh: 一\n    actions: apply\n", []string{"line 4: actions is no list"}},
		{"an alias", "systems:\n  - code: &c one\n    name_zh: *c\n    actions: [apply]\n", []string{"line 3: name_zh is no text"}},
		{"earned by text", good + "    earned: perhaps\n", []string{"line 5: earned is neither"}},
		{"unknown state", good + "    state: ajar\n", []string{"line 5: state is neither"}},
		{"code in capitals", "systems:\n  - code: One\n    name_zh: 一\n    actions: [apply]\n", []string{"line 2: code:"}},
		{"no code", "systems:\n  - name_zh: 一\n    actions: [apply]\n", []string{"line 2: code:"}},
		{"the same code twice", good + "  - code: one\n    name_zh: 二\n    actions: [apply]\n", []string{"line 5: code: one stands there already, in line 2"}},
		{"unknown kinds, types and level", good + "    account_types: [robot]\n    unit_types: [shop, enterprise, enterprise]\n    level: L9\n",
			[]string{"line 5: account_types", "line 6: unit_types: \"shop\"", "line 6: unit_types: \"enterprise\" stands there twice", "line 7: level"}},
		{"an address by script", good + "    entry_url: javascript:alert(1)\n", []string{"line 5: entry_url"}},
		{"several at once", "systems:\n  - code: A\n    name_zh: 一\n    actions: []\n  - code: two\n    colour: red\n", []string{"line 2: code", "line 4: actions", "line 6: colour"}},
	} {
		got, err := parseCatalogue([]byte(row.text))
		if err == nil {
			t.Errorf("%s: taken as %v", row.name, got)
			continue
		}
		for _, want := range row.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", row.name, err, want)
			}
		}
	}
}

// The catalogue that ships is what this program needs of it.
func TestShippedCatalogue(t *testing.T) {
	systems, err := parseCatalogue(config.SystemsExample)
	if err != nil || len(systems) != 9 {
		t.Fatalf("%d systems, %v", len(systems), err)
	}
	earns := map[string][]entitlement.SystemID{}
	for _, y := range systems {
		for _, kind := range account.UnitTypes() {
			if y.Earns(account.LegalEntity, kind) {
				earns[kind] = append(earns[kind], y.ID)
			}
		}
		if y.Earns(account.NaturalPerson, "") {
			t.Errorf("%s is earned by persons", y.ID)
		}
	}
	if len(earns) != 1 || len(earns[account.UnitEnterprise]) != 2 { // R4
		t.Errorf("earned: %v", earns)
	}
}

// kejitong system load is all or nothing, says what it did, and can be tried.
func TestSystemLoad(t *testing.T) {
	d := newDesk(t, "")
	shipped := d.file("systems.yaml", string(config.SystemsExample))
	type report struct {
		DryRun                 bool `json:"dry_run"`
		Entered, Changed, Same []string
	}
	load := func(file string, more ...string) (r report) {
		t.Helper()
		d.tells(&r, append([]string{"system", "load", "--dry-run=false"}, append(more, file)...)...)
		return r
	}
	var all []systemReport
	if r := load(shipped, "--dry-run"); !r.DryRun || len(r.Entered) != 9 {
		t.Errorf("tried: %+v", r)
	}
	if d.tells(&all, "system", "list"); len(all) != 0 {
		t.Fatalf("a trial entered %d systems", len(all))
	}
	d.does("system", "load", "--dry-run=false", shipped)
	bad := strings.Replace(string(config.SystemsExample), "name_zh: 众创空间", `name_zh: ""`, 1)
	bad = strings.Replace(bad, "科技型中小企业评价", "另一个名字", 1)
	line := 1 + strings.Count(bad[:strings.Index(bad, `name_zh: ""`)], "\n")
	d.refuses("", []string{fmt.Sprintf("line %d: name_zh", line)}, nil, "system", "load", "--dry-run=false", d.file("bad.yaml", bad))
	if r := load(shipped); len(r.Entered) != 0 || len(r.Changed) != 0 || len(r.Same) != 9 {
		t.Errorf("loaded again: %+v", r)
	}
	if r := load(d.file("closed.yaml", "systems:\n  - code: tech_sme\n    name_zh: 科小\n    actions: [apply]\n    state: closed\n")); len(r.Changed) != 1 {
		t.Errorf("changed: %+v", r)
	}
	var one systemReport
	d.tells(&one, "system", "show", "--code", "tech_sme")
	if one.State != "closed" || one.Earned || one.NameZH != "科小" {
		t.Errorf("%+v", one)
	}
	d.refuses("code", []string{"system list"}, nil, "system", "show", "--code", "no_such")
	if n := storetest.Count(t, d.o, `SELECT COUNT(*) FROM audit WHERE kind = ? AND actor = 'operator'`, string(audit.SystemChanged)); n != 10 {
		t.Errorf("%d rows of the trail, want nine entered and one changed", n)
	}
}

// An operator lets a grant rest and resumes it, and the history says why.
func TestGrantsRestAndResume(t *testing.T) {
	d := office(t)
	d.does("grant", "add", "--login", aUSCC, "--system", "hightech_enterprise", "--action", "apply")
	id := d.who(aUSCC).Grants[0].ID
	for _, row := range []struct {
		flag string
		args []string
	}{
		{"id", []string{"grant", "suspend", "--reason", "inquiry"}},
		{"id", []string{"grant", "suspend", "--id", "nothing", "--reason", "inquiry"}},
		{"reason", []string{"grant", "suspend", "--id", id}},
		{"id", []string{"grant", "resume", "--id", id, "--reason", "it rests not"}},
		{"login", []string{"grant", "history"}},
	} {
		d.refuses(row.flag, nil, nil, row.args...)
	}
	d.does("grant", "suspend", "--id", id, "--reason", "inquiry")
	if g := d.who(aUSCC).Grants[0]; g.State != entitlement.Suspended {
		t.Errorf("%+v", g)
	}
	d.does("grant", "resume", "--id", id, "--reason", "settled")
	d.does("grant", "end", "--login", aUSCC, "--system", "hightech_enterprise")
	d.refuses("id", []string{"revoked"}, nil, "grant", "resume", "--id", id, "--reason", "again")
	var lines []changeReport
	d.tells(&lines, "grant", "history", "--login", aUSCC)
	if len(lines) != 4 || lines[0].To != entitlement.Revoked || lines[1].Reason != "resume: settled" || lines[2].Reason != "suspend: inquiry" || lines[3].From != "" {
		t.Errorf("%+v", lines)
	}
	d.does("system", "set", "--code", "hightech_enterprise", "--closed")
	d.refuses("system", []string{"closed"}, nil, "grant", "add", "--login", aUSCC, "--system", "hightech_enterprise", "--action", "apply")
}

// Doctor names what was changed in the database past the provider (C14).
func TestDoctorNamesAlteredGrants(t *testing.T) {
	d := office(t)
	d.does("grant", "add", "--login", aUSCC, "--system", "hightech_enterprise", "--action", "apply")
	id := d.who(aUSCC).Grants[0].ID
	if out, err := d.run("doctor"); err != nil || !strings.Contains(out, "every mandate and grant is as") {
		t.Fatalf("healthy: %v\n%s", err, out)
	}
	storetest.Exec(t, d.o, `UPDATE entitlements SET actions = '["apply","report"]'`)
	if out, err := d.run("doctor"); err == nil || !strings.Contains(out, "grant "+id) {
		t.Errorf("altered: %v\n%s", err, out)
	}
	d.does("grant", "add", "--login", aUSCC, "--system", "hightech_enterprise", "--action", "apply")
	if g := d.who(aUSCC).Grants; len(g) != 2 {
		t.Errorf("an altered grant was taken up again: %+v", g)
	}
}
