package client

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

// The grant types that may be registered.
const (
	GrantCode     = "authorization_code"
	GrantImplicit = "implicit" // also of hybrid response types (OpenID Connect Registration §2)
	GrantRefresh  = "refresh_token"
	GrantClient   = "client_credentials"
)

// signInScopes are the scopes that a client which signs people in may have.
var signInScopes = []string{
	"openid", "profile", "email", "address", "phone", "offline_access", "org", "entitlements", "groups", "identity", "authority",
	"org.legal_rep", "org.contact",
}

// SignInScopes lists the scopes that a client which signs people in may have.
func SignInScopes() []string { return slices.Clone(signInScopes) }

// Bounds of a registration.
const (
	maxName    = 64 // characters
	maxPurpose = 200
	maxURIs    = 50
	maxURI     = 2048 // bytes
	maxScopes  = 64
)

// CheckID holds a client id to [A-Za-z0-9_-]{1,64}, so that both readings of
// HTTP Basic credentials (RFC 6749 §2.3.1) come out the same.
func CheckID(id string) error {
	if id == "" || len(id) > 64 || !unescaped(id) {
		return invalid("client_id", "%q is no client id: want 1 to 64 of A-Z a-z 0-9 _ -", id)
	}
	return nil
}

// CheckSecret holds a secret that somebody brings along to [A-Za-z0-9_-]{32,128}
// of at least eight different characters. Its randomness cannot be seen;
// NewSecret's can be relied on.
func CheckSecret(secret string) error {
	different := map[rune]bool{}
	for _, r := range secret {
		different[r] = true
	}
	if len(secret) < 32 || len(secret) > 128 || !unescaped(secret) || len(different) < 8 {
		return invalid("client_secret", "is no random secret of 32 to 128 characters out of A-Z a-z 0-9 _ -")
	}
	return nil
}

func unescaped(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// Normalise fills in the defaults of RFC 7591 §2 and OpenID Connect Dynamic
// Client Registration 1.0 §2 and refuses what must not be registered, with
// fault.Invalid whose Field is the member's JSON name. It looks at the metadata
// alone: whether an address may be called, or a business system exists, is for
// the caller to ask. Scopes of the administration interface are refused, see
// NormaliseByOperator.
func (m Metadata) Normalise() (Metadata, error) {
	out, err := m.normalise()
	if err == nil && out.Administers() {
		return Metadata{}, invalid("scope", "names a scope of the administration interface, which an operator alone gives")
	}
	return out, err
}

func (m Metadata) normalise() (Metadata, error) {
	m.defaults()
	for _, check := range []func(*Metadata) error{
		(*Metadata).checkTexts,
		(*Metadata).checkGrants,
		(*Metadata).checkAuthentication,
		(*Metadata).checkRedirects,
		(*Metadata).checkImplicitRedirects,
		(*Metadata).checkAddresses,
		(*Metadata).checkLogout,
		(*Metadata).checkKeys,
		(*Metadata).checkAnswers,
		(*Metadata).checkRequests,
		(*Metadata).checkScope,
		(*Metadata).checkTokens,
		(*Metadata).checkPolicy,
		(*Metadata).checkCertificate,
		(*Metadata).checkProfile,
	} {
		if err := check(&m); err != nil {
			return Metadata{}, err
		}
	}
	return m, nil
}

func (m *Metadata) defaults() {
	m.profileDefaults()
	fallback(&m.ApplicationType, "web")
	fallback(&m.TokenEndpointAuthMethod, AuthBasic)
	fallback(&m.SubjectType, "pairwise")
	fallback(&m.IDTokenSignedResponseAlg, string(keys.RS256))
	fallback(&m.AccessTokenFormat, "opaque")
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = []string{GrantCode}
	}
	if len(m.ResponseTypes) == 0 && slices.Contains(m.GrantTypes, GrantCode) {
		m.ResponseTypes = []string{"code"}
	}
	if len(m.ResponseModes) == 0 && m.SecurityProfile == FAPI2Signed {
		m.ResponseModes = slices.Clone(signedModes) // FAPI 2.0 Message Signing §5.4: responses are signed
	}
	if m.ClaimsProfile == "" {
		m.ClaimsProfile = Standard
		if len(m.BusinessSystems) > 0 {
			m.ClaimsProfile = Kejitong
		}
	}
	if m.Scope == "" && m.signsIn() {
		m.Scope = "openid profile email phone address offline_access"
		if len(m.BusinessSystems) > 0 {
			m.Scope = "openid profile email phone org entitlements offline_access"
		}
	}
	m.Name, m.LegalName, m.Purpose = strings.TrimSpace(m.Name), strings.TrimSpace(m.LegalName), strings.TrimSpace(m.Purpose)
	m.Scope = strings.Join(unique(strings.Fields(m.Scope)), " ")
	m.GrantTypes, m.ResponseTypes, m.ResponseModes = unique(m.GrantTypes), inOrder(m.ResponseTypes), unique(m.ResponseModes)
	m.RedirectURIs, m.PostLogoutRedirectURIs = unique(m.RedirectURIs), unique(m.PostLogoutRedirectURIs)
	m.RequestURIs = unique(m.RequestURIs)
	m.BusinessSystems, m.RequiredAccountTypes = unique(m.BusinessSystems), unique(m.RequiredAccountTypes)
	m.Audience, m.ResourceIdentifiers, m.Contacts = unique(m.Audience), unique(m.ResourceIdentifiers), unique(m.Contacts)
}

// signsIn tells whether the client signs people in, in one way or another.
func (m *Metadata) signsIn() bool {
	return m.redeems() || slices.Contains(m.GrantTypes, GrantImplicit)
}

// redeems tells whether sign-ins of the client end at the token endpoint, where
// there are refresh tokens.
func (m *Metadata) redeems() bool {
	return slices.Contains(m.GrantTypes, GrantCode) || slices.Contains(m.GrantTypes, GrantDevice)
}

func fallback(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

func unique[T comparable](in []T) []T {
	var out []T
	for _, v := range in {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// checkTexts: people read these on the consent page, so they must be short and
// must not rearrange what stands around them (bidirectional controls).
func (m *Metadata) checkTexts() error {
	texts := []struct {
		field, value string
		longest      int
	}{{"client_name", m.Name, maxName}, {"legal_name", m.LegalName, account.MaxUnitName}, {"purpose", m.Purpose, maxPurpose},
		{"software_id", m.SoftwareID, maxName}, {"software_version", m.SoftwareVersion, maxName}}
	for _, c := range m.Contacts {
		texts = append(texts, struct {
			field, value string
			longest      int
		}{"contacts", c, maxName})
	}
	for _, t := range texts {
		if !utf8.ValidString(t.value) || strings.ContainsFunc(t.value, func(r rune) bool {
			return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
		}) {
			return invalid(t.field, "holds control characters, or others that nobody can see")
		}
		if utf8.RuneCountInString(t.value) > t.longest {
			return invalid(t.field, "is longer than %d characters", t.longest)
		}
	}
	if len(m.Contacts) > 10 {
		return invalid("contacts", "are more than 10")
	}
	return nil
}

func algorithms() []string {
	var out []string
	for _, a := range keys.Algorithms() {
		out = append(out, string(a))
	}
	return out
}

// scopeToken is RFC 6749 §3.3.
var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,64}$`)

// checkScope: a client that signs people in has the scopes we know; one that
// acts for itself may name permissions of its own interfaces beside them.
func (m *Metadata) checkScope() error {
	scopes := strings.Fields(m.Scope)
	if len(scopes) > maxScopes {
		return invalid("scope", "names more than %d scopes", maxScopes)
	}
	for _, s := range scopes {
		if !scopeToken.MatchString(s) {
			return invalid("scope", "%q is no scope (RFC 6749 section 3.3)", s)
		}
		if !slices.Contains(signInScopes, s) && !slices.Contains(m.GrantTypes, GrantClient) {
			return invalid("scope", "%q is unknown: want some of %s", s, strings.Join(signInScopes, " "))
		}
	}
	return nil
}

var authenticationClass = regexp.MustCompile(`^urn:fuwu:aal:[123]$`)

func (m *Metadata) checkTokens() error {
	if err := oneOf("subject_type", m.SubjectType, "pairwise", "public"); err != nil {
		return err
	}
	if err := oneOf("access_token_format", m.AccessTokenFormat, "opaque", "jwt"); err != nil {
		return err
	}
	if err := oneOf("id_token_signed_response_alg", m.IDTokenSignedResponseAlg, algorithms()...); err != nil {
		return err
	}
	if m.AccessTokenAlg != "" {
		if err := oneOf("access_token_signed_response_alg", m.AccessTokenAlg, algorithms()...); err != nil {
			return err
		}
	}
	if m.DefaultMaxAge != nil && *m.DefaultMaxAge < 0 {
		return invalid("default_max_age", "is negative")
	}
	for _, c := range m.DefaultACRValues {
		if !authenticationClass.MatchString(c) {
			return invalid("default_acr_values", "%q is none of urn:fuwu:aal:1 to 3", c)
		}
	}
	for field, list := range map[string][]string{"audience": m.Audience, "resource_identifiers": m.ResourceIdentifiers} {
		if len(list) > maxURIs {
			return invalid(field, "are more than %d", maxURIs)
		}
		for _, v := range list {
			if CheckID(v) != nil && !isResource(v) {
				return invalid(field, "%q is neither a client id nor an absolute URI without fragment (RFC 8707 section 2)", v)
			}
		}
	}
	return nil
}

var systemCode = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// checkPolicy looks at our own members.
func (m *Metadata) checkPolicy() error {
	if err := oneOf("claims_profile", string(m.ClaimsProfile), string(Standard), string(Kejitong)); err != nil {
		return err
	}
	for _, s := range m.BusinessSystems {
		if !systemCode.MatchString(string(s)) {
			return invalid("business_systems", "%q is no code of a system: want small letters, digits and _", s)
		}
	}
	if m.RequiredLevel != "" {
		if err := oneOf("required_realname_level", m.RequiredLevel, "L0", "L1", "L2", "L3", "L4"); err != nil {
			return err
		}
	}
	for _, k := range m.RequiredAccountTypes {
		if !k.Known() {
			return invalid("required_account_types", "%q is neither natural_person nor legal_entity", k)
		}
	}
	switch {
	case m.RequiredACR != "" && !authenticationClass.MatchString(m.RequiredACR):
		return invalid("required_acr", "%q is none of urn:fuwu:aal:1 to 3", m.RequiredACR)
	case m.AllowUnverified && m.RequiredLevel >= "L2":
		return invalid("allow_unverified", "contradicts the required level %s", m.RequiredLevel)
	}
	for _, t := range m.AuthorizationDetailsTypes { // RFC 9396 §10
		if err := oneOf("authorization_details_types", t, entitlement.DetailType); err != nil {
			return err
		}
		if len(m.BusinessSystems) == 0 {
			return invalid("authorization_details_types", "%q goes with business_systems", t)
		}
	}
	return nil
}

func oneOf(field, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return invalid(field, "%q is not supported: want %s", value, strings.Join(allowed, ", "))
}

func invalid(field, format string, args ...any) error {
	for i, a := range args {
		if s, ok := a.(string); ok && len(s) > 200 {
			args[i] = strings.ToValidUTF8(s[:200], "") + "…"
		}
	}
	return &fault.Error{Kind: fault.Invalid, Field: field, Msg: fmt.Sprintf(format, args...)}
}
