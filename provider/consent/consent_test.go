package consent_test

import (
	"slices"
	"testing"

	"kejitong/provider/consent"
)

// RFC 6749 §3.3: what is unknown or unregistered is ignored; OpenID Connect
// Core §11: offline access needs refreshes.
func TestRequested(t *testing.T) {
	for _, row := range []struct {
		name, registered, scope string
		refreshes               bool
		want                    []string
	}{
		{"unknown", "openid nothing", "nothing", true, nil},
		{"not registered", "openid", "openid profile", true, []string{"openid"}},
		{"no refreshes", "openid offline_access", "openid offline_access", false, []string{"openid"}},
		{"letter case", "openid", "OpenID", true, nil},
		{"twice", "openid org", "org openid org", true, []string{"org", "openid"}},
		{"all of it", "openid offline_access", "offline_access openid", true, []string{"offline_access", "openid"}},
	} {
		if got := consent.Requested(row.registered, row.scope, row.refreshes); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// OpenID Connect Core §5.5: a claim asked for by name needs the scope that
// covers it, and the user is asked about that one.
func TestAsked(t *testing.T) {
	for _, row := range []struct {
		name, registered, claims string
		want                     []string
	}{
		{"no JSON", "openid email", `{`, []string{"openid"}},
		{"unknown claim", "openid email", `{"userinfo":{"shoe_size":null}}`, []string{"openid"}},
		{"scope not registered", "openid", `{"userinfo":{"email":null}}`, []string{"openid"}},
		{"for userinfo", "openid email", `{"userinfo":{"email":{"essential":true}}}`, []string{"email", "openid"}},
		{"verified claims, scope not registered", "openid profile", `{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"name":null}}}}`, []string{"openid"}},
		{"verified claims of another form", "openid identity", `{"userinfo":{"verified_claims":[7]},"id_token":{"verified_claims":"name"}}`, []string{"openid"}},
		{"verified claims nobody knows", "openid identity authority", `{"userinfo":{"verified_claims":{"claims":{"shoe_size":null}}}}`, []string{"openid"}},
		{"verified claims", "openid identity profile", `{"userinfo":{"verified_claims":{"claims":{"name":null}}}}`, []string{"identity", "openid"}},
		{"several verified claims", "openid identity authority", `{"id_token":{"verified_claims":[{"claims":{"authority":null}},{"claims":{"id_type":null}}]}}`, []string{"authority", "identity", "openid"}},
		{"for the ID token", "openid profile", `{"id_token":{"name":null,"family_name":null}}`, []string{"openid", "profile"}},
	} {
		if got := consent.Asked([]string{"openid"}, row.registered, row.claims); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// A refusal is remembered and allows nothing.
func TestCoversAndAllows(t *testing.T) {
	c := consent.Consent{Scopes: []string{"openid", "org", consent.Refuse("identity")}}
	for _, row := range []struct {
		asked   []string
		covered bool
		allowed []string
	}{
		{[]string{"openid", "phone"}, false, []string{"openid"}},
		{[]string{"openid", "identity"}, true, []string{"openid"}},
		{[]string{"openid", "org"}, true, []string{"openid", "org"}},
	} {
		if got := c.Covers(row.asked); got != row.covered {
			t.Errorf("Covers(%v) = %v", row.asked, got)
		}
		if got := c.Allowed(row.asked); !slices.Equal(got, row.allowed) {
			t.Errorf("Allowed(%v) = %v, want %v", row.asked, got, row.allowed)
		}
	}
}
