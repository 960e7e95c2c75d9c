package entitlement_test

import (
	"slices"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// A confirmation holds for one unit, one system and the data that were shown.
func TestUnconfirmed(t *testing.T) {
	at := time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)
	u := account.Unit{ID: "u", USCC: uscc, Name: "n", Type: account.UnitEnterprise, Region: "110108", RegistrationAuthority: "9",
		RealName: account.RealName{Status: account.StatusVerified, ProcessID: "p", VerifiedAt: at}}
	grants := []entitlement.Grant{{System: "s"}, {System: "t"}, {System: "s"}}
	version := entitlement.DataVersion(u)
	both := []entitlement.Entry{{UnitID: "u", System: "s", Version: version}, {UnitID: "u", System: "t", Version: version}}
	for name, change := range map[string]func(*account.Unit){
		"name":          func(u *account.Unit) { u.Name = "m" },
		"type":          func(u *account.Unit) { u.Type = account.UnitOther },
		"region":        func(u *account.Unit) { u.Region = "110000" },
		"authority":     func(u *account.Unit) { u.RegistrationAuthority = "1" },
		"status":        func(u *account.Unit) { u.RealName.Status = account.StatusFailed },
		"case":          func(u *account.Unit) { u.RealName.ProcessID = "q" },
		"verified anew": func(u *account.Unit) { u.RealName.VerifiedAt = at.Add(time.Millisecond) },
		"another unit":  func(u *account.Unit) { u.ID = "v" },
		"shifted text":  func(u *account.Unit) { u.Name, u.Type = "", "n"+u.Type },
	} {
		v := u
		change(&v)
		if got := entitlement.Unconfirmed(grants, v, both); !slices.Equal(got, []entitlement.SystemID{"s", "t"}) {
			t.Errorf("%s changed: %v is asked about", name, got)
		}
	}
	if got := entitlement.Unconfirmed(grants, u, both[:1]); !slices.Equal(got, []entitlement.SystemID{"t"}) {
		t.Errorf("one confirmed: %v", got)
	}
	if got := entitlement.Unconfirmed(grants, u, both); got != nil {
		t.Errorf("all confirmed: %v", got)
	}
}
