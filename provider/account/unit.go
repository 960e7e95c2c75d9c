package account

import "time"

// The types of unit, as the org.type claim names them.
const (
	UnitEnterprise         = "enterprise"
	UnitIndividualBusiness = "individual_business" // 个体工商户: has a 经营者, no 法定代表人
	UnitCooperative        = "cooperative"
	UnitGovernment         = "government"
	UnitPublicInstitution  = "public_institution"
	UnitMassOrganization   = "mass_organization"
	UnitSocialOrganization = "social_organization"
	UnitOther              = "other"
)

// UnitTypes lists the types of unit.
func UnitTypes() []string {
	return []string{
		UnitEnterprise, UnitIndividualBusiness, UnitCooperative, UnitGovernment, UnitPublicInstitution, UnitMassOrganization, UnitSocialOrganization,
		UnitOther,
	}
}

// The values of Unit.Status, the unit's standing in its register.
const (
	UnitRegistered   = "active"
	UnitDeregistered = "deregistered"
)

// Unit is a legal entity or other organisation with a USCC. It exists apart
// from its account: a person may hold entitlements for a unit that has none.
type Unit struct {
	ID                    string
	USCC                  USCC
	Name                  string
	Type                  string // one of the Unit constants
	Region                string // six digits, GB/T 2260
	RegistrationAuthority string
	Status                string // UnitRegistered or UnitDeregistered
	State                 State  // whether the platform lets it be acted for
	AccountID             ID     // its legal account, empty if it has none
	VerifiedAt            time.Time
	RealName              RealName
}

// Usable tells whether the unit stands in its register and may be acted for.
func (u *Unit) Usable() bool { return u.State == Active && u.Status != UnitDeregistered }
