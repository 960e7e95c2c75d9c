package relyingparty

import "strings"

// identity is who came, for which unit, with which grants: what the business
// behind this page may rely on.
type identity struct {
	claims
	name   string // verified, else empty
	grants []string
}

// uscc is the unit's number, empty where the token speaks for no enterprise.
func (i identity) uscc() string {
	if i.Org == nil {
		return ""
	}
	return i.Org.USCC
}

// identify joins an ID token's claims with those of userinfo. Userinfo is
// younger, so a grant that it no longer lists is gone. The refusal is nil when
// the two agree.
func (v *server) identify(id, info claims) (identity, *refusal) {
	if id.Org != nil && id.Org.USCC == "" {
		return identity{}, unitMalformed()
	}
	if info.Org != nil && (id.Org == nil || info.Org.USCC != id.Org.USCC) {
		return identity{}, unitSwitched(id.Org, info.Org)
	}
	who := identity{claims: id, name: info.verifiedName()}
	if info.Org != nil {
		who.Org = info.Org
	}
	who.grants = v.ownGrants(id.Entitlements)
	if info.Entitlements != nil {
		who.grants = both(who.grants, v.ownGrants(info.Entitlements))
	}
	return who, nil
}

// sameUnit refuses a token for another unit, or another person, than the
// session's: only a fresh sign-in, at which somebody chose, may change those.
func sameUnit(have, got identity) *refusal {
	if got.Subject != have.Subject {
		return personSwitched()
	}
	if got.uscc() != have.uscc() {
		return unitSwitched(have.Org, got.Org)
	}
	return nil
}

// ownGrants are the actions granted on this system; a grant on another system
// means nothing here, even where the provider were to name it.
func (v *server) ownGrants(entitlements []string) []string {
	var own []string
	for _, e := range entitlements {
		if action, ok := strings.CutPrefix(e, v.Code+":"); ok && action != "" {
			own = append(own, e)
		}
	}
	return own
}

func both(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	var out []string
	for _, s := range a {
		if in[s] {
			out = append(out, s)
		}
	}
	return out
}
