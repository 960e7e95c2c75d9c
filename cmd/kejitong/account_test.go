package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/session"
)

const (
	aNumber   = "11000019900101003X" // a resident number that is right and nobody's
	aPassword = "Blue-Harbour-72"
)

func TestAccountAddRefuses(t *testing.T) {
	d := newDesk(t, "")
	password := d.file("password", aPassword+"\n")
	open := filepath.Join(d.dir, "open")
	if err := os.WriteFile(open, []byte(aPassword), 0o644); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	person := func(more ...string) []string {
		return append([]string{"account", "add", "--kind", "natural_person", "--login", "zhangsan", "--password-file", password}, more...)
	}
	verified := func(more ...string) []string {
		return append(person("--realname", "verified", "--name", "张三", "--id-number", aNumber), more...)
	}
	legal := func(more ...string) []string {
		return append([]string{"account", "add", "--kind", "legal_entity", "--password-file", password}, more...)
	}
	unit := func(more ...string) []string {
		return append(legal("--uscc", "91110108MA01ET88XL", "--unit-name", "示例科技有限公司"), more...)
	}
	for _, c := range []struct {
		name, flag string
		args       []string
		holds      []string
		never      []string
	}{
		{"no kind", "kind", []string{"account", "add"}, []string{"natural_person"}, nil},
		{"unknown kind", "kind", []string{"account", "add", "--kind", "robot"}, []string{`"robot"`, "legal_entity"}, nil},
		{"no login", "login", []string{"account", "add", "--kind", "natural_person"}, nil, nil},
		{"login of three letters", "login", []string{"account", "add", "--kind", "natural_person", "--login", "abc"}, []string{`"abc"`, "4 characters"}, nil},
		{"login of a migrated account", "login", []string{"account", "add", "--kind", "natural_person", "--login", "HJ_zhangsan"}, []string{"HJ_"}, nil},
		{"login that is a USCC", "login", []string{"account", "add", "--kind", "natural_person", "--login", "91110108MA01ET88XL"}, []string{"unit"}, nil},
		{"login that is a stranger's mobile", "login", []string{"account", "add", "--kind", "natural_person", "--login", "13900000000", "--phone", "18711111111"}, []string{"mobile"}, nil},
		{"login that is an identity number", "login", []string{"account", "add", "--kind", "natural_person", "--login", aNumber}, []string{"identity number"}, nil},
		{"mobile of ten digits", "phone", person("--phone", "1871111111"), []string{"11 digits"}, []string{"1871111111"}},
		{"wrong identity number", "id-number", person("--realname", "verified", "--name", "张三", "--id-number", "110000199001010031"), []string{"check character"}, []string{"110000199001010031"}},
		{"no identity number", "id-number", person("--realname", "verified", "--name", "张三"), nil, nil},
		{"unknown document", "id-type", verified("--id-type", "library_card"), []string{"passport"}, []string{aNumber}},
		{"verified without a name", "name", person("--realname", "verified", "--id-number", aNumber), nil, nil},
		{"name with digits", "name", verified("--name", "张3"), nil, nil},
		{"nationality", "nationality", verified("--nationality", "China"), nil, nil},
		{"identity of an unverified person", "id-number", person("--id-number", aNumber), []string{"--realname verified"}, []string{aNumber}},
		{"unverified at L2", "level", person("--level", "L2"), []string{"L0 to L1"}, nil},
		{"verified at L1", "level", verified("--level", "L1"), []string{"L2 to L4"}, nil},
		{"unknown status", "realname", person("--realname", "perhaps"), nil, nil},
		{"unknown method", "method", verified("--method", "guess"), nil, nil},
		{"method without a verdict", "method", person("--method", "auto"), nil, nil},
		{"check id with a blank", "check-id", verified("--check-id", "c 889"), nil, nil},
		{"checker that nobody can see", "check-organization", verified("--check-organization", "国办\u200b"), nil, nil},
		{"e-mail without a host", "email", person("--email", "zhangsan"), nil, nil},
		{"e-mail with a name", "email", person("--email", "Zhang <z@example.cn>"), nil, nil},
		{"vouching for no e-mail", "verified-email", person("--verified-email"), nil, nil},
		{"a unit's flag for a person", "uscc", person("--uscc", "91110108MA01ET88XL"), nil, nil},
		{"a person's flag for a unit", "id-number", unit("--id-number", aNumber), nil, []string{aNumber}},
		{"no USCC", "uscc", legal("--unit-name", "示例"), []string{"18 characters"}, nil},
		{"USCC with a slip", "uscc", legal("--uscc", "91110108MA01ET88XM"), []string{"91110108MA01ET88XM", "check character"}, nil},
		{"USCC with the letter O", "uscc", legal("--uscc", "9111O108MA01ET88XL"), []string{"letter O"}, nil},
		{"registration number for a USCC", "uscc", legal("--uscc", "110108000000001"), []string{"注册号"}, nil},
		{"no unit name", "unit-name", legal("--uscc", "91110108MA01ET88XL"), nil, nil},
		{"unknown unit type", "unit-type", unit("--unit-type", "empire"), nil, nil},
		{"region of five digits", "region", unit("--region", "11010"), nil, nil},
		{"login of another unit", "login", unit("--login", "91110000MA00000077"), nil, nil},
		{"verified without a legal representative", "legal-rep-name", unit("--realname", "verified"), nil, nil},
		{"legal representative without a number", "legal-rep-id-number", unit("--realname", "verified", "--legal-rep-name", "李四"), nil, nil},
		{"legal representative's wrong number", "legal-rep-id-number", unit("--realname", "verified", "--legal-rep-name", "李四", "--legal-rep-id-number", "440000198512319998"), nil, []string{"440000198512319998"}},
		{"legal representative of an unverified unit", "legal-rep-name", unit("--legal-rep-name", "李四"), nil, nil},
		{"contact without a mobile", "contact-phone", unit("--contact-name", "王五"), nil, nil},
		{"contact without a name", "contact-name", unit("--contact-phone", "13800000000"), nil, nil},
		{"no password", "password-file", []string{"account", "add", "--kind", "natural_person", "--login", "zhangsan"}, []string{"--generate-password"}, nil},
		{"two passwords", "generate-password", person("--generate-password"), nil, nil},
		{"password file that is not there", "password-file", person("--password-file", "/nowhere"), []string{"/nowhere"}, nil},
		{"password file that is a directory", "password-file", person("--password-file", d.dir), nil, nil},
		{"password file for all the world", "password-file", person("--password-file", open), []string{"chmod 600"}, []string{aPassword}},
		{"empty password", "password-file", person("--password-file", d.file("empty", "\n")), []string{"empty"}, nil},
		{"two lines of password", "password-file", person("--password-file", d.file("two", aPassword+"\nmore\n")), []string{"line"}, []string{aPassword}},
		{"huge password file", "password-file", person("--password-file", d.file("huge", strings.Repeat("a", 5000))), []string{"larger"}, nil},
		{"short password", "password-file", person("--password-file", d.file("short", "Ab1-xyz")), []string{"8 characters"}, []string{"Ab1-xyz"}},
		{"common password", "password-file", person("--password-file", d.file("common", "Passw0rd!")), nil, []string{"Passw0rd!"}},
		{"the login name as password", "password-file", person("--password-file", d.file("own", "Zhangsan-2026")), []string{"login name"}, []string{"Zhangsan-2026"}},
		{"the end of the number in the password", "password-file", verified("--password-file", d.file("tail", "Torch-01003x-")), nil, []string{"01003x"}},
		{"a forgotten dash", "", person("verified"), []string{`"verified"`}, nil},
		{"an unknown flag", "", person("--password", aPassword), nil, []string{aPassword}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.as(t).refuses(c.flag, c.holds, c.never, c.args...)
		})
	}
	d.inside(func(a *app) {
		if _, err := a.db.AccountByLogin(t.Context(), "zhangsan"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a refused account is there: %v", err)
		}
	})
}

func TestProfileFileRefuses(t *testing.T) {
	d := newDesk(t, "")
	for _, c := range []struct{ name, json, holds string }{
		{"no JSON", `given_name`, "JSON"},
		{"a misspelt member", `{"give_name":"x"}`, "give_name"},
		{"a password", `{"password":"x"}`, "password"},
		{"two objects", `{} {}`, "more than one"},
		{"a name that turns the line around", `{"nickname":"a\u202eb"}`, "nickname"},
		{"a picture by script", `{"picture":"javascript:1"}`, "picture"},
		{"a website without a host", `{"website":"https:///x"}`, "website"},
		{"an e-mail with a name", `{"email":"A <a@example.cn>"}`, "email"},
		{"a telephone without its country", `{"phone_number":"13800000000"}`, "phone_number"},
		{"30 February", `{"birthdate":"1990-02-30"}`, "birthdate"},
		{"a time zone with blanks", `{"zoneinfo":"Asia Shanghai"}`, "zoneinfo"},
		{"a language that is none", `{"locale":"chinese_language"}`, "locale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.as(t).refuses("profile-file", []string{c.holds}, nil,
				"account", "add", "--kind", "natural_person", "--login", "zhangsan", "--generate-password", "--profile-file", d.file("profile.json", c.json))
		})
	}
}

func TestEveryMessageHasARemedy(t *testing.T) {
	for _, m := range append(account.Messages(), credential.Messages()...) {
		if remedies[m] == "" && !strings.HasPrefix(m, "sign_in.") {
			t.Errorf("the operator reads the bare key %s", m)
		}
	}
}

func TestCertificationUser(t *testing.T) {
	d := newDesk(t, "")
	profile := d.file("profile.json", `{"name":"Ada Lovelace","given_name":"Ada","family_name":"Lovelace","middle_name":"K","nickname":"ada","preferred_username":"ada",
		"profile":"https://example.cn/ada","picture":"https://example.cn/ada.png","website":"https://example.cn","gender":"female","birthdate":"1815-12-10",
		"zoneinfo":"Europe/London","locale":"en-GB","email":"ada@example.cn","email_verified":true,"phone_number":"+442071234567","phone_number_verified":true,
		"address":{"formatted":"1 Street\nLondon","street_address":"1 Street","locality":"London","region":"London","postal_code":"W1","country":"UK"}}`)
	d.does("account", "add", "--kind", "natural_person", "--login", "ada.lovelace", "--password-file", d.file("p", aPassword), "--profile-file", profile,
		"--realname", "verified", "--id-type", "passport", "--id-number", "P1234567", "--nationality", "GBR", "--email", "new@example.cn")
	d.inside(func(a *app) {
		got, err := a.db.AccountByLogin(t.Context(), "ada.lovelace")
		if err != nil {
			t.Fatal(err)
		}
		want := account.Profile{
			Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", MiddleName: "K", Nickname: "ada", PreferredUsername: "ada",
			ProfileURL: "https://example.cn/ada", Picture: "https://example.cn/ada.png", Website: "https://example.cn", Gender: "female", Birthdate: "1815-12-10",
			Zoneinfo: "Europe/London", Locale: "en-GB", Email: "new@example.cn", Phone: "+442071234567", PhoneVerified: true,
			IDType: "passport", IDNumber: "P1234567", Nationality: "GBR",
		}
		address := account.Address{Formatted: "1 Street\nLondon", StreetAddress: "1 Street", Locality: "London", Region: "London", PostalCode: "W1", Country: "UK"}
		if got.Profile.Address == nil || *got.Profile.Address != address {
			t.Errorf("address %+v", got.Profile.Address)
		}
		got.Profile.Address = nil
		if got.Profile != want {
			t.Errorf("got  %+v\nwant %+v", got.Profile, want)
		}
	})
}

func TestLoginNamesAreTaken(t *testing.T) {
	d := newDesk(t, "")
	d.person("zhangsan")
	d.refuses("login", []string{"another account"}, nil, "account", "add", "--kind", "natural_person", "--login", "ＺhangSan", "--generate-password")
}

func TestPasswordFromAPipe(t *testing.T) {
	d := newDesk(t, "")
	in, err := os.Open(d.file("typed", aPassword+"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	if out := d.does("account", "add", "--kind", "natural_person", "--login", "zhangsan"); strings.Contains(out, "password") || strings.Contains(out, aPassword) {
		t.Errorf("a password that was given is printed: %s", out)
	}
	d.inside(func(a *app) { d.signsIn(a, "zhangsan", aPassword, true) })
}

// signsIn tells whether the password is the account's.
func (d *desk) signsIn(a *app, login, password string, want bool) {
	d.t.Helper()
	l, err := a.db.FindLogin(d.t.Context(), login)
	if err != nil {
		d.t.Fatal(err)
	}
	if ok, _, err := a.hasher.Verify(d.t.Context(), l.Password, password); err != nil || ok != want {
		d.t.Errorf("%s with the password: %v, %v; want %v", login, ok, err, want)
	}
}

// TestFreezingEndsSessions: who is frozen is out at once and stays out; a reset
// password throws everybody out too.
func TestFreezingEndsSessions(t *testing.T) {
	d := newDesk(t, "")
	d.refuses("login", []string{"no such account"}, nil, "account", "freeze", "--login", "nobody")
	d.refuses("login", nil, nil, "account", "freeze")
	d.person("zhangsan")
	open := func(a *app) string {
		who, err := a.db.AccountByLogin(t.Context(), "zhangsan")
		if err != nil {
			t.Fatal(err)
		}
		s := &session.Service{Store: a.db, Limits: session.Limits{Idle: time.Hour, Absolute: time.Hour}, Now: now}
		_, cookie, err := s.Open(t.Context(), session.Opening{Account: who.ID}, audit.Event{Kind: audit.SignInSucceeded})
		if err != nil {
			t.Fatal(err)
		}
		return session.Key(cookie)
	}
	ended := func(a *app, key string) bool {
		v, err := a.db.ByCookie(t.Context(), key, "")
		if err != nil {
			t.Fatal(err)
		}
		return !v.Session.EndedAt.IsZero()
	}
	var first, second string
	d.inside(func(a *app) {
		if first = open(a); ended(a, first) {
			t.Fatal("the session is over before it began")
		}
	})
	var r accountReport
	d.tells(&r, "account", "freeze", "--login", "ZhangSan")
	if r.State != account.Frozen || r.Phone != "187****1111" || r.Name != "张*" {
		t.Errorf("got %+v", r)
	}
	d.inside(func(a *app) {
		if !ended(a, first) {
			t.Error("the session outlives the freezing")
		}
	})
	d.tells(&r, "account", "unfreeze", "--login", "zhangsan")
	if r.State != account.Active {
		t.Errorf("got %+v", r)
	}
	d.inside(func(a *app) { second = open(a) })
	d.refuses("password-file", nil, []string{"18711111111"}, "account", "password", "--login", "zhangsan", "--password-file", d.file("own", "Ab-18711111111"))
	d.tells(&r, "account", "password", "--login", "zhangsan", "--generate-password")
	if r.Password == "" || r.Sessions == nil || *r.Sessions != 1 {
		t.Errorf("got %+v", r)
	}
	d.inside(func(a *app) {
		d.signsIn(a, "zhangsan", r.Password, true)
		if !ended(a, second) {
			t.Error("the session outlives the password")
		}
	})
}
