package account

import "strings"

// By is what accounts can be found by beside their login name.
type By string

// What a profile is searched by.
const (
	ByPhone    By = "phone"    // E.164
	ByEmail    By = "email"    // lower case
	ByDocument By = "document" // canonical number
)

// Lookup is a value that an account is found by, in canonical form.
type Lookup struct {
	By    By
	Value string
}

// Lookups are the values that a is found by. Contacts count once they are
// verified: nobody is found by what somebody else wrote down.
func (a *Account) Lookups() []Lookup {
	var out []Lookup
	p := a.Profile
	if p.Phone != "" && p.PhoneVerified {
		out = append(out, Lookup{ByPhone, p.Phone})
	}
	if c := p.Contact; c != nil && c.Phone != "" && c.PhoneVerified && c.Phone != p.Phone {
		out = append(out, Lookup{ByPhone, c.Phone})
	}
	if p.Email != "" && p.EmailVerified {
		out = append(out, Lookup{ByEmail, strings.ToLower(p.Email)})
	}
	if p.IDNumber != "" {
		out = append(out, Lookup{ByDocument, p.IDNumber})
	}
	return out
}
