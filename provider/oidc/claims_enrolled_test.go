package oidc

import (
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/consent"
)

// Anybody may register a unit. Until its real name is verified, no claim says that
// the account is that unit, whatever the client asks for (R16, R40).
func TestRegisteredIsNotVerified(t *testing.T) {
	h := newHouse(t)
	scopes := append([]string{consent.OpenID}, everyScope...)
	for _, c := range []struct {
		name     string
		verified bool
	}{{"registered", false}, {"verified", true}} {
		g := unitSession()
		g.Grant.Data.Scopes = scopes
		if !c.verified {
			g.Principal.Account.RealName = account.RealName{Status: account.StatusUnverified, Level: "L1"}
			g.Principal.Account.Profile = account.Profile{Contact: g.Principal.Account.Profile.Contact}
		}
		id, info := h.released(hightechClient(), g)
		for where, claims := range map[string]map[string]any{"ID token": id, "userinfo": info} {
			for _, name := range []string{"org", "org_contact", "org_legal_representative", "verified_claims"} {
				if _, there := claims[name]; there && !c.verified {
					t.Errorf("%s: %s holds %s: %v", c.name, where, name, claims[name])
				}
			}
		}
		if _, there := id["org"]; !there && c.verified {
			t.Error("a verified unit is not named: the test proves nothing")
		}
	}
}
