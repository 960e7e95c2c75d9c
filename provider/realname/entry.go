package realname

import (
	"time"

	"kejitong/provider/account"
)

// Entry is what somebody entered, in canonical form. Of the two parts one is set,
// by the kind of the account. It is stored sealed as one JSON value.
type Entry struct {
	Person *Person `json:"p,omitempty"`
	Unit   *Unit   `json:"u,omitempty"`
}

// Person is a natural person's entry (R18).
type Person struct {
	Name        string `json:"n"`
	IDType      string `json:"it"` // one of the account.Doc constants
	IDNumber    string `json:"in"`
	Nationality string `json:"nt"` // ISO 3166-1 alpha-3
}

// Unit is a legal entity's entry in its three blocks (R19).
type Unit struct {
	// 法人单位基本信息
	Name    string `json:"n"`
	USCC    string `json:"u"`
	Type    string `json:"t"` // one of the account.Unit constants
	Region  string `json:"r"` // account.Mainland, HMT or Overseas
	Address string `json:"a,omitempty"`

	// 法人授权信息
	Handler Handler `json:"h"`

	// 法定代表人信息; of an individual business its 经营者
	LegalRep Person `json:"l"`
}

// Handler is the authorised handler (经办人) that a unit names.
type Handler struct {
	Name     string    `json:"n"`
	IDType   string    `json:"it"`
	IDNumber string    `json:"in"`
	Mobile   string    `json:"m"` // E.164
	Until    time.Time `json:"u"` // last moment of the authorisation
}

// Operator tells whether the unit is led by a 经营者 instead of a 法定代表人.
func (u Unit) Operator() bool { return u.Type == account.UnitIndividualBusiness }
