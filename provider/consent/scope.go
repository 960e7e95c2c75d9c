package consent

import "slices"

// Scope names a set of claims or a permission that a client may ask for.
type Scope struct {
	Name      string
	Sensitive bool // needs a tick of its own (PIPL art. 29)
	Ours      bool // beside the standard scopes of OpenID Connect Core §5.4
}

// The scopes that the provider knows.
const (
	OpenID       = "openid"
	Profile      = "profile"
	Email        = "email"
	Address      = "address"
	Phone        = "phone"
	Offline      = "offline_access"
	Org          = "org"
	Entitlements = "entitlements"
	Groups       = "groups"
	Identity     = "identity"
	OrgLegalRep  = "org.legal_rep"
	OrgContact   = "org.contact"
	Authority    = "authority"
)

var known = []Scope{
	{Name: OpenID}, {Name: Profile}, {Name: Email}, {Name: Address}, {Name: Phone}, {Name: Offline},
	{Name: Org, Ours: true}, {Name: Entitlements, Ours: true}, {Name: Groups, Ours: true},
	{Name: Identity, Ours: true, Sensitive: true}, {Name: Authority, Ours: true},
	{Name: OrgLegalRep, Ours: true, Sensitive: true}, {Name: OrgContact, Ours: true, Sensitive: true},
}

// Known gives the scope of that name.
func Known(name string) (Scope, bool) {
	i := slices.IndexFunc(known, func(s Scope) bool { return s.Name == name })
	if i < 0 {
		return Scope{}, false
	}
	return known[i], true
}

// refused marks, in a Consent's scopes, what was asked for and not ticked, so
// that the same question is not put again.
const refused = "-"

// Refuse gives the entry that records a refusal of scope.
func Refuse(scope string) string { return refused + scope }

// Allowed narrows asked to what c allows.
func (c Consent) Allowed(asked []string) []string {
	var out []string
	for _, s := range asked {
		if slices.Contains(c.Scopes, s) {
			out = append(out, s)
		}
	}
	return out
}
