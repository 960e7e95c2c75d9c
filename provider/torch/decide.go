package torch

// Code names what becomes of an account of the former platform. Codes are stable:
// they are stored, shown and counted.
type Code string

// The outcomes for a unit, whose key is its USCC.
const (
	E0a Code = "E0a" // no account anywhere: register
	E0b Code = "E0b" // no account there, a legal account here: use that one
	E1  Code = "E1"  // a new legal account under the USCC
	E2  Code = "E2"  // the legal account here goes on, with its own password
	E3  Code = "E3"  // a new legal account under HJ_USCC: a person holds the login name
	E4  Code = "E4"  // a new person's account under the USCC, with grants for the unit
	E5  Code = "E5"  // as E4, under HJ_USCC
	E6  Code = "E6"  // no account there, and a person holds the login name here
)

// The outcomes for a person, whose key is a mobile number.
const (
	I0 Code = "I0" // no account there
	I1 Code = "I1" // a new account under the number
	I2 Code = "I2" // the account here goes on, with its own password
	I3 Code = "I3" // a new account under HJ_number: somebody else holds the login name
	I4 Code = "I4" // the person is verified on an account here whose login name they forgot: appeal
	I5 Code = "I5" // as I4, and somebody else holds the login name
	I6 Code = "I6" // as I2, and the person is verified on a third account
)

// Codes lists the outcomes in the order of the tables.
func Codes() []Code { return []Code{E0a, E0b, E1, E2, E3, E4, E5, E6, I0, I1, I2, I3, I4, I5, I6} }

// UnitFacts is what decides about a unit.
type UnitFacts struct {
	There       bool // T: it has an account on the former platform
	LoginHere   bool // L: a legal account here has the USCC as its login name
	OtherName   bool // M: a legal account of this USCC has another login name here
	PersonHolds bool // N: a natural person's account here has the USCC as its login name
}

// DecideUnit is decision table E. A login name belongs to one account, so L comes
// before N.
func DecideUnit(f UnitFacts) Code {
	switch {
	case !f.There && (f.LoginHere || f.OtherName):
		return E0b
	case !f.There && f.PersonHolds:
		return E6
	case !f.There:
		return E0a
	case f.LoginHere:
		return E2
	case f.OtherName && f.PersonHolds:
		return E5
	case f.OtherName:
		return E4
	case f.PersonHolds:
		return E3
	}
	return E1
}

// PersonFacts is what decides about a person.
type PersonFacts struct {
	There    bool // T: they have an account on the former platform
	Held     bool // P: a natural person's account here has the number as its login name
	Own      bool // O: that account is this person's
	Verified bool // V: this person is verified on an account here whose login name is not the number
}

// DecidePerson is decision table I. V comes before a new account: one document is
// verified on one account, so another account could never be.
func DecidePerson(f PersonFacts) Code {
	switch {
	case !f.There:
		return I0
	case f.Held && f.Own && f.Verified:
		return I6
	case f.Held && f.Own:
		return I2
	case f.Held && f.Verified:
		return I5
	case f.Held:
		return I3
	case f.Verified:
		return I4
	}
	return I1
}

// Owner is what is known of who holds a login name and who comes with it.
type Owner struct {
	Document string // canonical number of the document, verified; empty if not
	Mobile   string // E.164, proved by SMS; empty if not
}

// Owns tells whether the account here belongs to the person of the record there
// (rule of ownership): equal verified documents say yes, unequal ones no; where
// one of the two has none, the number that was proved by SMS decides.
func Owns(here, there Owner) bool {
	if here.Document != "" && there.Document != "" {
		return here.Document == there.Document
	}
	return here.Mobile != "" && here.Mobile == there.Mobile
}

// Made is what an outcome makes. Nothing is made where Kind is empty.
type Made struct {
	Kind     string // NaturalPerson or LegalEntity of package account
	Prefixed bool   // the login name is HJ_ and the key
	Keeps    bool   // the password of the former platform stays valid
	Grants   bool   // pending grants for the unit, until the person is verified
}

// Makes says what an outcome makes.
func (c Code) Makes() Made {
	switch c {
	case E1:
		return Made{Kind: legalEntity, Keeps: true}
	case E3:
		return Made{Kind: legalEntity, Prefixed: true, Keeps: true}
	case E4:
		return Made{Kind: naturalPerson, Keeps: true, Grants: true}
	case E5:
		return Made{Kind: naturalPerson, Prefixed: true, Keeps: true, Grants: true}
	case I1:
		return Made{Kind: naturalPerson, Keeps: true}
	case I3:
		return Made{Kind: naturalPerson, Prefixed: true, Keeps: true}
	}
	return Made{}
}

// Stored tells whether the outcome is of an account that was brought over, so
// that it is decided once and kept. The others say how things stand at the moment.
func (c Code) Stored() bool {
	switch c {
	case E0a, E0b, E6, I0:
		return false
	}
	return true
}

const (
	naturalPerson = "natural_person"
	legalEntity   = "legal_entity"
)

// LoginName is the name of the account that c makes for a key, given which names
// are taken already; suffixed tells that even HJ_ was taken (outcome E7).
func (c Code) LoginName(key string, taken func(name string) bool) (name string, suffixed bool) {
	if !c.Makes().Prefixed {
		return key, false
	}
	for n := 1; ; n++ {
		name = prefix(n) + key
		if !taken(name) {
			return name, n > 1
		}
	}
}
