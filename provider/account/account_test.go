package account_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"kejitong/provider/account"
)

func TestIDs(t *testing.T) {
	seen := map[account.ID]bool{}
	for range 1000 {
		id := account.NewID()
		if seen[id] || len(id) != 22 {
			t.Fatalf("%q twice or of a wrong length", id)
		}
		seen[id] = true
		if back, err := account.ParseID(string(id)); err != nil || back != id {
			t.Fatalf("%q: %q, %v", id, back, err)
		}
	}
	for _, bad := range []string{"", "abc", strings.Repeat("A", 21) + "B", strings.Repeat("A", 21) + "=", strings.Repeat("A", 24), "AAAAAAAAAAA\nAAAAAAAAAAA"} {
		if id, err := account.ParseID(bad); err == nil {
			t.Errorf("%q accepted as %q", bad, id)
		}
	}
}

func TestRealNameLevels(t *testing.T) {
	for _, c := range []struct {
		name          string
		status, level string
		want          string
		ok            bool
	}{
		{"unverified claims L2", "unverified", "L2", "L2", false},
		{"rejected claims L4", "rejected", "L4", "L2", false},
		{"level too low", "verified", "L1", "L2", false},
		{"unknown wanted level", "verified", "L4", "L5", false},
		{"empty wanted level", "verified", "L4", "", false},
		{"no level at all", "verified", "", "L0", false},
		{"unverified L1 for L1", "unverified", "L1", "L1", true},
		{"verified L3 for L2", "verified", "L3", "L2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (account.RealName{Status: c.status, Level: c.level}).AtLeast(c.want); got != c.ok {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestProfileSurvivesJSON(t *testing.T) {
	p := account.Profile{
		Name: "张\U0002A700", Nationality: "CHN", IDType: account.DocResident, IDNumber: "11010519491231002X",
		Phone: "+8618711111111", PhoneVerified: true, Email: "a@x.cn", EmailVerified: true,
		GivenName: "1", FamilyName: "2", MiddleName: "3", Nickname: "4", PreferredUsername: "5", ProfileURL: "6",
		Picture: "7", Website: "8", Gender: "9", Birthdate: "1949-12-31", Zoneinfo: "Asia/Shanghai", Locale: "zh-CN",
		Address:  &account.Address{Formatted: "1", StreetAddress: "2", Locality: "3", Region: "4", PostalCode: "5", Country: "6"},
		LegalRep: &account.Person{Name: "李四", IDType: account.DocResident, IDNumber: "440000198512319997"},
		Contact:  &account.Person{Name: "王五", Phone: "+8613800000000", PhoneVerified: true},
	}
	for _, v := range []any{p, *p.Address} {
		rv := reflect.ValueOf(v)
		for i := range rv.NumField() {
			if rv.Field(i).IsZero() {
				t.Errorf("the test leaves %s empty", rv.Type().Field(i).Name)
			}
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back account.Profile
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("got %+v, %v", back, err)
	}
	if b, _ := json.Marshal(account.Profile{}); string(b) != "{}" {
		t.Errorf("empty profile: %s", b)
	}
	if b, _ := json.Marshal(account.RealName{Status: "unverified", Level: "L0"}); string(b) != `{"status":"unverified","level":"L0"}` {
		t.Errorf("unverified: %s", b)
	}
}

func TestUsable(t *testing.T) {
	for _, s := range []account.State{account.Frozen, account.Closed, ""} {
		if (&account.Account{State: s}).Usable() || (&account.Unit{State: s, Status: account.UnitRegistered}).Usable() {
			t.Errorf("state %q is usable", s)
		}
	}
	if (&account.Unit{State: account.Active, Status: account.UnitDeregistered}).Usable() {
		t.Error("a deregistered unit is usable")
	}
	if !(&account.Account{State: account.Active}).Usable() || !(&account.Unit{State: account.Active, Status: account.UnitRegistered}).Usable() {
		t.Error("an active one is not usable")
	}
	if account.Kind("person").Known() || !account.LegalEntity.Known() {
		t.Error("kinds")
	}
}

func TestMessagesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range account.Messages() {
		if m == "" || seen[m] {
			t.Errorf("message key %q is empty or listed twice", m)
		}
		seen[m] = true
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"张三", "买买提•吐尔逊", " John  Smith ", "张\u200b三", "\U0002A700某", "a\x00b", "\ue000\ue001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := account.ParseName(s)
		if err != nil {
			return
		}
		if again, err := account.ParseName(name); err != nil || again != name {
			t.Fatalf("%q: %q is not its own canonical form: %q, %v", s, name, again, err)
		}
		if strings.ContainsAny(name, "<>\"&\r\n\x00") {
			t.Fatalf("%q: %q", s, name)
		}
	})
}
