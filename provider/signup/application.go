package signup

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Application is the form that an account comes of. The fields from USCC on are
// a unit's.
type Application struct {
	LoginName string
	Password  string
	Again     string // the password once more

	UnitName string
	USCC     string
	Type     string // one of the account.Unit constants
	Area     string // one of the Area constants
	Contact  string // name of the contact (联系人), whose mobile is the proved one
}

// The areas of the form; that of the mainland takes the region from the USCC.
const (
	AreaMainland = "mainland"
	AreaHongKong = "hong_kong"
	AreaMacao    = "macao"
	AreaTaiwan   = "taiwan"
	AreaOverseas = "overseas"
)

// Areas lists the areas in the order of the form.
func Areas() []string {
	return []string{AreaMainland, AreaHongKong, AreaMacao, AreaTaiwan, AreaOverseas}
}

// Types lists the types of unit in the order of the form.
func Types() []string {
	return []string{
		account.UnitEnterprise, account.UnitIndividualBusiness, account.UnitCooperative, account.UnitPublicInstitution,
		account.UnitSocialOrganization, account.UnitGovernment, account.UnitMassOrganization, account.UnitOther,
	}
}

// draft is an application whose fields are right in themselves.
type draft struct {
	flow  Flow
	login string // as shown
	key   string // canonical
	phc   string
	unit  *account.Unit // nil for persons
	name  string        // of the contact
	claim bool          // the unit is there already and has no account
}

// examine holds the fields against the rules that need no database.
func (s *Service) examine(f Flow, a Application) (draft, error) {
	d := draft{flow: f}
	var wrong Problems
	if f.Purpose == Unit {
		s.examineUnit(&d, a, &wrong)
	}
	err := account.CheckNewLogin(a.LoginName, account.NaturalPerson, string(f.Data.Mobile))
	if f.Purpose == Unit {
		// A USCC that is wrong itself is told of at its own field.
		if own, bad := account.ParseUSCC(a.USCC); bad == nil {
			err = account.CheckNewUnitLogin(a.LoginName, own, string(f.Data.Mobile))
		} else {
			err = account.CheckNewLogin(a.LoginName, account.LegalEntity, string(f.Data.Mobile))
		}
	}
	_ = wrong.note("login_name", err) // checks of one value know no other errors
	d.key, _ = account.NormaliseLogin(a.LoginName)
	d.login = display(a.LoginName, d.key)
	forbidden := []string{a.LoginName, string(f.Data.Mobile), a.USCC, a.UnitName, a.Contact}
	if err := s.Policy.Check(a.Password, forbidden...); err != nil {
		_ = wrong.note("password", err)
	} else if a.Password != a.Again {
		wrong.say(fault.Invalid, "password_again", MsgUnequal)
	}
	return d, wrong.or()
}

func (s *Service) examineUnit(d *draft, a Application, wrong *Problems) {
	before := len(*wrong)
	name, err := account.ParseUnitName(a.UnitName)
	_ = wrong.note("unit_name", err)
	uscc, err := account.ParseRealUSCC(a.USCC)
	_ = wrong.note("uscc", err)
	known := false
	for _, t := range Types() {
		known = known || t == a.Type
	}
	switch says := uscc.UnitType(); {
	case !known:
		wrong.say(fault.Invalid, "unit_type", MsgType)
	case err == nil && says != account.UnitOther && says != a.Type:
		wrong.say(fault.Invalid, "unit_type", MsgTypeDiffers)
	}
	region, ok := regionOf(a.Area, uscc)
	if !ok {
		wrong.say(fault.Invalid, "area", MsgArea)
	}
	d.name, err = account.ParseName(a.Contact)
	_ = wrong.note("contact", err)
	if len(*wrong) > before {
		return
	}
	d.unit = &account.Unit{
		ID: string(account.NewID()), USCC: uscc, Name: name, Type: a.Type, Region: region, RegistrationAuthority: string(uscc[:1]),
		Status: account.UnitRegistered, State: account.Active, RealName: unverified(),
	}
}

// unverified is where every account and unit begins (R16).
func unverified() account.RealName {
	return account.RealName{Status: account.StatusUnverified, Level: "L1"}
}

// regionOf is the region (GB/T 2260) of an area; overseas has none.
func regionOf(area string, uscc account.USCC) (string, bool) {
	switch area {
	case AreaMainland:
		return uscc.Region(), true
	case AreaTaiwan:
		return "710000", true
	case AreaHongKong:
		return "810000", true
	case AreaMacao:
		return "820000", true
	case AreaOverseas:
		return "", true
	}
	return "", false
}

// display is a login name as its owner will see it: numbers in canonical form,
// other names as they were typed, in usual width.
func display(typed, key string) string {
	if _, err := account.ParseMobile(key); err == nil {
		return key
	}
	if u, err := account.ParseUSCC(key); err == nil {
		return string(u)
	}
	return norm.NFKC.String(strings.TrimSpace(typed))
}
