package consent

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// coveredBy says which scope covers each standard claim (OpenID Connect Core
// §5.1, §5.4).
var coveredBy = map[string]string{
	"name": Profile, "given_name": Profile, "family_name": Profile, "middle_name": Profile, "nickname": Profile,
	"preferred_username": Profile, "profile": Profile, "picture": Profile, "website": Profile, "gender": Profile, "birthdate": Profile,
	"zoneinfo": Profile, "locale": Profile, "updated_at": Profile,
	"email": Email, "email_verified": Email, "phone_number": Phone, "phone_number_verified": Phone, "address": Address,
}

// Covering gives the scope that covers a standard claim; false for a claim that
// no standard scope covers.
func Covering(claim string) (scope string, ok bool) {
	scope, ok = coveredBy[claim]
	return scope, ok
}

// verifiedBy says which scope covers each claim that may stand in
// verified_claims (OpenID Connect for Identity Assurance 1.0 §5.3).
var verifiedBy = map[string]string{
	"name": Identity, "nationalities": Identity, "id_type": Identity, "id_number_masked": Identity,
	"organization_name": Identity, "registration_number": Identity, "legal_jurisdiction": Identity, "organization_status": Identity,
	"organization_identifiers": Identity, "authority": Authority,
}

// CoveringVerified gives the scope that covers a claim of verified_claims.
func CoveringVerified(claim string) (scope string, ok bool) {
	scope, ok = verifiedBy[claim]
	return scope, ok
}

// VerifiedNames lists the claims that may stand in verified_claims, sorted.
func VerifiedNames() []string { return slices.Sorted(maps.Keys(verifiedBy)) }

// Requested keeps, in the order asked, the scopes of a scope parameter that are
// known and registered, each once. The rest is ignored, as RFC 6749 §3.3
// allows: a relying party that asks for "groups" out of habit still gets its
// sign-in. offline_access counts only with refreshes (OpenID Connect Core §11).
func Requested(registered, scope string, refreshes bool) []string {
	may := strings.Fields(registered)
	var out []string
	for _, s := range strings.Fields(scope) {
		if _, ok := Known(s); !ok || !slices.Contains(may, s) || slices.Contains(out, s) || s == Offline && !refreshes {
			continue
		}
		out = append(out, s)
	}
	return out
}

// Asked gives, sorted, the scopes that a user is asked about: those requested,
// and the registered ones that cover claims requested one by one in the claims
// parameter.
func Asked(requested []string, registered, claims string) []string {
	out, may := slices.Clone(requested), strings.Fields(registered)
	for _, s := range claimScopes(claims) {
		if slices.Contains(may, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// claimScopes are the scopes that cover what the claims parameter names (OpenID
// Connect Core §5.5); what does not parse asks for nothing.
func claimScopes(parameter string) []string {
	var top map[string]json.RawMessage
	if parameter == "" || json.Unmarshal([]byte(parameter), &top) != nil {
		return nil
	}
	var out []string
	for _, place := range []string{"id_token", "userinfo"} {
		var members map[string]json.RawMessage
		if json.Unmarshal(top[place], &members) != nil {
			continue
		}
		for name, raw := range members {
			if name == "verified_claims" {
				out = append(out, verifiedScopes(raw)...)
			} else if s, ok := coveredBy[name]; ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// verifiedScopes are the scopes behind a request for verified_claims, one object
// or several (Identity Assurance §5.3, §5.6).
func verifiedScopes(raw json.RawMessage) (out []string) {
	type element struct {
		Claims map[string]json.RawMessage `json:"claims"`
	}
	var many []element
	var one element
	if json.Unmarshal(raw, &one) == nil {
		many = []element{one}
	} else if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	for _, e := range many {
		for name := range e.Claims {
			if s, ok := verifiedBy[name]; ok {
				out = append(out, s)
			}
		}
	}
	return out
}
