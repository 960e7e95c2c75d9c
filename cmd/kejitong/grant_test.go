package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

const (
	aUSCC       = "91110108MA01ET88XL"
	anotherUSCC = "91110000MA00000077"
)

// office is a desk with a system, a person and a unit with its account.
func office(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t, "")
	d.does("grant", "system", "--code", "hightech_enterprise", "--name-zh", "高企认定", "--action", "apply,report")
	d.person("zhangsan")
	d.does("account", "add", "--kind", "legal_entity", "--uscc", aUSCC, "--unit-name", "示例科技有限公司", "--generate-password",
		"--realname", "verified", "--legal-rep-name", "李四", "--legal-rep-id-number", "440000198512319997", "--contact-name", "王五", "--contact-phone", "13800000000")
	d.does("unit", "add", "--uscc", anotherUSCC, "--name", "样例智能装备有限公司", "--realname", "verified", "--method", "manual")
	return d
}

// who reads what the tokens would say of the account.
func (d *desk) who(login string) (p principal.Principal) {
	d.t.Helper()
	d.inside(func(a *app) {
		var err error
		if p, err = findPrincipal(d.t.Context(), a, login); err != nil {
			d.t.Fatal(err)
		}
	})
	return p
}

func TestGrantsRefuse(t *testing.T) {
	d := office(t)
	d.does("grant", "system", "--code", "persons_only", "--name-zh", "个人", "--action", "apply", "--account-kind", "natural_person")
	system := func(more ...string) []string {
		return append([]string{"grant", "system", "--code", "new_one", "--name-zh", "新", "--action", "apply"}, more...)
	}
	add := func(more ...string) []string {
		return append([]string{"grant", "add", "--login", "zhangsan", "--system", "hightech_enterprise", "--action", "apply"}, more...)
	}
	mandate := func(more ...string) []string {
		return append([]string{"unit", "mandate", "add", "--login", "zhangsan", "--uscc", aUSCC}, more...)
	}
	for _, c := range []struct {
		name, flag string
		args       []string
		holds      []string
	}{
		{"system without a code", "code", []string{"grant", "system", "--name-zh", "新", "--action", "apply"}, nil},
		{"system with capitals", "code", system("--code", "New"), []string{"small letters"}},
		{"system without a name", "name-zh", []string{"grant", "system", "--code", "new_one", "--action", "apply"}, nil},
		{"system without actions", "action", []string{"grant", "system", "--code", "new_one", "--name-zh", "新"}, nil},
		{"action with a colon", "action", system("--action", "apply:all"), nil},
		{"unknown kind of account", "account-kind", system("--account-kind", "robot"), nil},
		{"unknown level", "level", system("--level", "L5"), nil},
		{"entry by script", "entry-url", system("--entry-url", "javascript:1"), nil},
		{"name that turns the line around", "name-zh", system("--name-zh", "新\u202e"), nil},

		{"unit without a name", "name", []string{"unit", "add", "--uscc", aUSCC}, nil},
		{"unit with a slip", "uscc", []string{"unit", "add", "--uscc", "91110108MA01ET88XM", "--name", "x"}, nil},

		{"mandate of nobody", "login", []string{"unit", "mandate", "add", "--login", "nobody", "--uscc", aUSCC}, []string{"no such account"}},
		{"mandate of a legal entity", "login", []string{"unit", "mandate", "add", "--login", aUSCC, "--uscc", aUSCC}, []string{"acts for itself"}},
		{"mandate of an unknown unit", "uscc", mandate("--uscc", "91350100M000100Y43"), []string{"kejitong unit add"}},
		{"unknown relation", "relation", mandate("--relation", "self"), nil},
		{"unknown source", "source", mandate("--source", "gossip"), nil},
		{"mandate until yesterday", "until", mandate("--until", "2020-01-01"), []string{"passed"}},
		{"mandate until Friday", "until", mandate("--until", "Friday"), []string{"2027-12-31"}},
		{"end of no mandate", "uscc", []string{"unit", "mandate", "end", "--login", "zhangsan", "--uscc", aUSCC}, []string{"no mandate"}},

		{"grant of nobody", "login", add("--login", "nobody"), nil},
		{"grant of no system", "system", []string{"grant", "add", "--login", "zhangsan", "--action", "apply"}, nil},
		{"grant of an unknown system", "system", add("--system", "unknown_one"), []string{"kejitong system load or system set --code unknown_one"}},
		{"grant of no action", "action", []string{"grant", "add", "--login", "zhangsan", "--system", "hightech_enterprise"}, nil},
		{"grant of an unknown action", "action", add("--action", "apply,conquer"), []string{"conquer", "apply, report"}},
		{"grant for a unit without a mandate", "uscc", add("--uscc", aUSCC), []string{"kejitong unit mandate add"}},
		{"grant for an unknown unit", "uscc", add("--uscc", "91350100M000100Y43"), nil},
		{"grant of a legal entity for another", "uscc", add("--login", aUSCC, "--uscc", anotherUSCC), []string{"for itself"}},
		{"grant of a legal entity where only persons may enter", "login", add("--login", aUSCC, "--system", "persons_only"), []string{"does not admit"}},
		{"grant until yesterday", "until", add("--until", "2020-01-01T00:00:00Z"), nil},
		{"grant of an unknown source", "source", add("--source", "gossip"), nil},
		{"end of no grant", "system", []string{"grant", "end", "--login", "zhangsan", "--system", "hightech_enterprise"}, []string{"no such grant"}},
		{"list of nobody", "login", []string{"grant", "list", "--login", "nobody"}, nil},
		{"list without a login", "login", []string{"grant", "list"}, nil},
		{"an unknown verb", "", []string{"grant", "give"}, []string{"give", "add"}},
	} {
		t.Run(c.name, func(t *testing.T) { d.as(t).refuses(c.flag, c.holds, nil, c.args...) })
	}
	if p := d.who("zhangsan"); len(p.Mandates)+len(p.Grants) != 0 {
		t.Errorf("refused, and there: %+v", p)
	}
}

func TestMandatesAndGrants(t *testing.T) {
	d := office(t)
	d.does("unit", "mandate", "add", "--login", "zhangsan", "--uscc", strings.ToLower(aUSCC), "--until", "2099-12-31")
	d.does("unit", "mandate", "add", "--login", "zhangsan", "--uscc", aUSCC, "--relation", "admin") // the same one, changed
	d.does("unit", "mandate", "add", "--login", "zhangsan", "--uscc", anotherUSCC, "--source", "torch_migration")
	d.does("grant", "add", "--login", "zhangsan", "--uscc", aUSCC, "--system", "hightech_enterprise", "--action", "apply")
	d.does("grant", "add", "--login", "zhangsan", "--uscc", aUSCC, "--system", "hightech_enterprise", "--action", "report", "--until", "2099-12-31")
	d.does("grant", "add", "--login", "zhangsan", "--system", "hightech_enterprise", "--action", "report,apply")
	d.does("grant", "add", "--login", aUSCC, "--system", "hightech_enterprise", "--action", "apply")

	p := d.who("zhangsan")
	if len(p.Mandates) != 2 || len(p.Grants) != 2 {
		t.Fatalf("%d mandates, %d grants", len(p.Mandates), len(p.Grants))
	}
	for _, m := range p.Mandates {
		want := entitlement.Admin
		if m.Unit.USCC == anotherUSCC {
			want = entitlement.Handler
		}
		if m.Relation != want || !m.Live(now()) {
			t.Errorf("got %+v", m)
		}
	}
	unit := p.Mandates[slices.IndexFunc(p.Mandates, func(m entitlement.Mandate) bool { return m.Unit.USCC == aUSCC })].Unit
	held := func(login, unitID string) []string {
		return entitlement.Names(entitlement.For(d.who(login).Grants, unitID, []entitlement.SystemID{"hightech_enterprise"}, true, now()))
	}
	both := []string{"hightech_enterprise:apply", "hightech_enterprise:report"}
	if got := held("zhangsan", unit.ID); !slices.Equal(got, both) {
		t.Errorf("for the unit %v", got)
	}
	if got := held("zhangsan", ""); !slices.Equal(got, both) {
		t.Errorf("for himself %v", got)
	}
	if got := held(aUSCC, unit.ID); !slices.Equal(got, both[:1]) {
		t.Errorf("the unit itself %v", got)
	}

	out := d.does("grant", "list", "--login", "zhangsan")
	for _, want := range []string{aUSCC, "admin of 示例科技有限公司", "torch_migration", "hightech_enterprise: apply, report", "2100-01-01 00:00"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list lacks %q:\n%s", want, out)
		}
	}

	owed := func() (n int) { // what holder and unit are told
		d.inside(func(a *app) {
			var err error
			if n, _, err = a.db.OutboxBacklog(t.Context(), now()); err != nil {
				t.Fatal(err)
			}
		})
		return n
	}
	told := func(what string, before int) {
		if owed() == before {
			t.Errorf("%s told nobody", what)
		}
	}
	before := owed()
	d.does("grant", "end", "--login", "zhangsan", "--uscc", aUSCC, "--system", "hightech_enterprise", "--action", "report")
	told("the end of one action", before)
	if got := held("zhangsan", unit.ID); !slices.Equal(got, both[:1]) {
		t.Errorf("after the end of one action %v", got)
	}
	d.does("grant", "end", "--login", "zhangsan", "--uscc", aUSCC, "--system", "hightech_enterprise")
	if got := held("zhangsan", unit.ID); len(got) != 0 {
		t.Errorf("after the end %v", got)
	}
	if got := held("zhangsan", ""); !slices.Equal(got, both) {
		t.Errorf("the end for the unit ended more: %v", got)
	}
	before = owed()
	d.does("unit", "mandate", "end", "--login", "zhangsan", "--uscc", aUSCC)
	told("the end of the mandate", before)
	if _, acts := d.who("zhangsan").ActsFor(unit.ID, now()); acts {
		t.Error("he still acts for the unit")
	}
	var list struct {
		Mandates []mandateReport `json:"mandates"`
		Grants   []grantReport   `json:"grants"`
	}
	d.tells(&list, "grant", "list", "--login", "zhangsan")
	if len(list.Mandates) != 2 || len(list.Grants) != 2 {
		t.Errorf("got %+v", list)
	}
}

// TestOldActionsStayDead: a new grant does not bring back what an expired one
// allowed.
func TestOldActionsStayDead(t *testing.T) {
	d := office(t)
	p := d.who("zhangsan")
	d.inside(func(a *app) {
		old := entitlement.Grant{
			ID: string(account.NewID()), Account: p.Account.ID, System: "hightech_enterprise", Actions: []string{"report"}, State: entitlement.Active,
			Source: entitlement.Direct, From: now().Add(-2 * time.Hour), Until: now().Add(-time.Hour),
		}
		if err := a.db.PutGrant(t.Context(), old, deed("entitlement.made", old.ID, "test")); err != nil {
			t.Fatal(err)
		}
	})
	d.does("grant", "add", "--login", "zhangsan", "--system", "hightech_enterprise", "--action", "apply")
	got := entitlement.Names(entitlement.For(d.who("zhangsan").Grants, "", []entitlement.SystemID{"hightech_enterprise"}, true, now()))
	if !slices.Equal(got, []string{"hightech_enterprise:apply"}) {
		t.Errorf("got %v", got)
	}
}

func TestUnitKeepsWhatItIs(t *testing.T) {
	d := office(t)
	var u unitReport
	d.tells(&u, "unit", "add", "--uscc", aUSCC, "--name", "改名科技有限公司")
	if u.Name != "改名科技有限公司" || u.RealName != account.StatusVerified {
		t.Errorf("got %+v", u)
	}
	p := d.who(aUSCC)
	if p.Unit == nil || p.Unit.AccountID != p.Account.ID || p.Unit.Name != "改名科技有限公司" {
		t.Errorf("the unit lost its account: %+v", p.Unit)
	}
	d.refuses("uscc", []string{"account already"}, nil, "account", "add", "--kind", "legal_entity", "--login", "another", "--uscc", aUSCC, "--unit-name", "x科技", "--generate-password")
	if out := d.does("unit", "add", "--uscc", "91110000MA0000000H", "--name", "存疑"); !strings.Contains(out, "warning") {
		t.Errorf("no warning of the inner check digit: %s", out)
	}
}

func TestSystemsKeepWhatIsNotSaid(t *testing.T) {
	d := office(t)
	var s systemReport
	d.tells(&s, "grant", "system", "--code", "hightech_enterprise", "--name-en", "High-tech", "--level", "L2", "--entry-url", "https://hightech.example.cn/login")
	if s.NameZH != "高企认定" || !slices.Equal(s.Actions, []string{"apply", "report"}) || s.NameEN != "High-tech" || s.Level != "L2" {
		t.Errorf("got %+v", s)
	}
}

func TestUntil(t *testing.T) {
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	for _, c := range []struct{ text, want string }{
		{"2026-11-22", ""}, {"2026-11-23T12:00:00Z", ""}, {"2026-02-30", ""}, {"tomorrow", ""}, {"20261231", ""},
		{"2026-11-23", "2026-11-23T16:00:00Z"}, {"2026-12-31", "2026-12-31T16:00:00Z"}, {"2026-12-31T18:00:00+08:00", "2026-12-31T10:00:00Z"},
	} {
		got, err := parseUntil("until", c.text, at)
		if (err == nil) != (c.want != "") || err == nil && got.Format(time.RFC3339) != c.want {
			t.Errorf("%s: %v, %v; want %q", c.text, got, err, c.want)
		}
	}
}
