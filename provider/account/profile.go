package account

// Profile is the last verified snapshot of an account and its contact
// attributes. Edits in progress never show here. The store seals it as one
// JSON value; the short names are that value's members.
type Profile struct {
	Name        string `json:"n,omitempty"`  // verified name: of the person, or of the legal account's unit
	Nationality string `json:"nt,omitempty"` // ISO 3166-1 alpha-3, such as "CHN"
	IDType      string `json:"it,omitempty"` // one of the Doc constants
	IDNumber    string `json:"in,omitempty"` // canonical form of that type

	Phone         string `json:"p,omitempty"` // E.164
	PhoneVerified bool   `json:"pv,omitempty"`
	Email         string `json:"e,omitempty"`
	EmailVerified bool   `json:"ev,omitempty"`

	// The remaining standard claims of OpenID Connect Core §5.1.
	GivenName         string   `json:"gn,omitempty"`
	FamilyName        string   `json:"fn,omitempty"`
	MiddleName        string   `json:"mn,omitempty"`
	Nickname          string   `json:"nn,omitempty"`
	PreferredUsername string   `json:"pu,omitempty"`
	ProfileURL        string   `json:"pr,omitempty"` // claim "profile"
	Picture           string   `json:"pi,omitempty"`
	Website           string   `json:"w,omitempty"`
	Gender            string   `json:"g,omitempty"`
	Birthdate         string   `json:"b,omitempty"` // YYYY-MM-DD, or YYYY
	Zoneinfo          string   `json:"z,omitempty"`
	Locale            string   `json:"l,omitempty"` // BCP 47
	Address           *Address `json:"a,omitempty"`

	// Of legal accounts only.
	LegalRep *Person `json:"lr,omitempty"` // 法定代表人; of an individual business its 经营者
	Contact  *Person `json:"c,omitempty"`  // 联系人
}

// ProvedMobile is the number by which whoever looks after the account is reached:
// its own, else its contact's; "" if neither was proved.
func (p Profile) ProvedMobile() string {
	if p.Phone != "" && p.PhoneVerified {
		return p.Phone
	}
	if c := p.Contact; c != nil && c.PhoneVerified {
		return c.Phone
	}
	return ""
}

// Address is the address claim of OpenID Connect Core §5.1.1.
type Address struct {
	Formatted     string `json:"f,omitempty"`
	StreetAddress string `json:"s,omitempty"`
	Locality      string `json:"l,omitempty"`
	Region        string `json:"r,omitempty"`
	PostalCode    string `json:"p,omitempty"`
	Country       string `json:"c,omitempty"`
}

// Person is somebody named in a legal account's data without being an account:
// the legal representative (with document) or the contact (with phone).
type Person struct {
	Name          string `json:"n,omitempty"`
	IDType        string `json:"it,omitempty"`
	IDNumber      string `json:"in,omitempty"`
	Phone         string `json:"p,omitempty"` // E.164
	PhoneVerified bool   `json:"pv,omitempty"`
}
