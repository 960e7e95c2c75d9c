package client

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"kejitong/provider/fault"
)

// Policy is what those who hold an initial access token may register (RFC 7591
// §1.3). The zero Policy is the narrowest: confidential clients of the code flow
// with PKCE and the standard scopes, which nobody has reviewed.
type Policy struct {
	GrantTypes    []string `json:"grant_types,omitempty"`    // allowed; default authorization_code and refresh_token
	ResponseTypes []string `json:"response_types,omitempty"` // allowed; default code
	Scopes        []string `json:"scopes,omitempty"`         // allowed; default those of OpenID Connect Core §5.4 and §11
	DefaultScope  string   `json:"default_scope,omitempty"`  // of a request that names none; default all that are allowed

	PublicClients     bool `json:"public_clients,omitempty"`     // token_endpoint_auth_method none
	PKCEOptional      bool `json:"pkce_optional,omitempty"`      // for confidential clients
	Reviewed          bool `json:"reviewed,omitempty"`           // somebody vouches for the holder: consent is remembered
	PrivateHosts      bool `json:"private_hosts,omitempty"`      // addresses of clients.outbound_allow may be registered
	LoopbackRedirects bool `json:"loopback_redirects,omitempty"` // http://127.0.0.1, [::1] and localhost

	StatementRequired bool     `json:"statement_required,omitempty"` // nothing is registered without a software statement
	StatementIssuers  []string `json:"statement_issuers,omitempty"`  // whose are believed; default all that the configuration trusts

	// Fixed are members of ours, and some that make the rules stricter, which every
	// client gets whatever it asks for.
	Fixed *Metadata `json:"fixed,omitempty"`
}

// stricter are requestable members that a policy may fix all the same: nobody
// can do more by them.
var stricter = []string{
	"security_profile", "token_endpoint_auth_pinned", "strict_assertion_audience", "require_pushed_authorization_requests", "require_signed_request_object",
	"dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens",
}

// standardScopes are those of OpenID Connect Core §5.4 and §11.
var standardScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// Check refuses a policy that names what does not exist.
func (p Policy) Check() error {
	for field, list := range map[string][]string{"grant_types": p.GrantTypes, "response_types": p.ResponseTypes} {
		for _, v := range list {
			if strings.TrimSpace(v) == "" {
				return invalid(field, "holds an empty value")
			}
		}
	}
	for _, s := range append(slices.Clone(p.Scopes), strings.Fields(p.DefaultScope)...) {
		if !scopeToken.MatchString(s) {
			return invalid("scopes", "%q is no scope (RFC 6749 section 3.3)", s)
		}
		if administers(s) {
			return invalid("scopes", "%q is a scope of the administration interface, which nobody registers himself", s)
		}
	}
	for _, s := range strings.Fields(p.DefaultScope) {
		if !slices.Contains(p.allowedScopes(), s) {
			return invalid("default_scope", "%q is not among the allowed scopes", s)
		}
	}
	if p.Fixed == nil {
		return nil
	}
	fixed, err := p.Fixed.Members()
	if err != nil {
		return err
	}
	for name := range fixed {
		if slices.Contains(requestable, name) && !slices.Contains(stricter, name) {
			return invalid("fixed", "%q is for the request to set; fixed members are our own", name)
		}
	}
	return nil
}

func (p Policy) allowedScopes() []string { return given(p.Scopes, standardScopes) }

func given(list, standard []string) []string {
	if len(list) > 0 {
		return list
	}
	return standard
}

// Apply gives what becomes of a request under the policy: members of ours come
// from the policy alone, gaps are filled, and the whole is judged as it would
// stand. It is the same for a first registration and for a change, so that no
// order of changes leads around a rule.
func (p Policy) Apply(asked Metadata) (Metadata, error) {
	m, err := p.fix(asked)
	if err != nil {
		return Metadata{}, err
	}
	m.PKCEOptional = p.PKCEOptional && m.TokenEndpointAuthMethod != AuthNone && !m.FAPI()
	named := strings.Fields(m.Scope)
	if len(named) == 0 {
		named = strings.Fields(p.DefaultScope)
		if len(named) == 0 {
			named = slices.Clone(p.allowedScopes())
		}
	}
	// RFC 7591 §3.2.1: what is asked for beyond the policy is left out, and the
	// answer says what was registered.
	m.Scope = strings.Join(slices.DeleteFunc(named, func(s string) bool { return administers(s) || !slices.Contains(p.allowedScopes(), s) }), " ")
	if m.Scope == "" {
		return Metadata{}, invalid("scope", "names nothing that may be registered")
	}
	if m, err = m.Normalise(); err != nil {
		return Metadata{}, err
	}
	return m, p.judge(m)
}

// fix lays the policy's members over those that were asked for, of which only
// requestable ones are left.
func (p Policy) fix(asked Metadata) (Metadata, error) {
	all, err := asked.Members()
	if err != nil {
		return Metadata{}, err
	}
	for name := range all {
		if !slices.Contains(requestable, name) {
			delete(all, name)
		}
	}
	fixed := map[string]json.RawMessage{}
	if p.Fixed != nil {
		if fixed, err = p.Fixed.Members(); err != nil {
			return Metadata{}, err
		}
	}
	for name, v := range fixed {
		all[name] = v
	}
	m, err := FromMembers(all)
	if err != nil {
		return Metadata{}, fault.Wrap(fault.Internal, err, "client: metadata")
	}
	if m.ClaimsProfile == "" {
		m.ClaimsProfile = Standard
	}
	return m, nil
}

// Members are the members of m that are set, by their JSON names.
func (m Metadata) Members() (map[string]json.RawMessage, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "client: metadata")
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "client: metadata")
	}
	return out, nil
}

// FromMembers is the metadata that have the members. What it cannot read of them
// is the fault of whoever wrote them.
func FromMembers(all map[string]json.RawMessage) (m Metadata, err error) {
	b, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	return m, err
}

// judge looks at the state that would result.
func (p Policy) judge(m Metadata) error {
	for _, g := range m.GrantTypes {
		if !slices.Contains(given(p.GrantTypes, []string{GrantCode, GrantRefresh}), g) {
			return invalid("grant_types", "%q may not be registered with this initial access token", g)
		}
	}
	for _, r := range m.ResponseTypes {
		if !slices.Contains(given(inOrder(p.ResponseTypes), []string{"code"}), r) {
			return invalid("response_types", "%q may not be registered with this initial access token", r)
		}
	}
	if m.TokenEndpointAuthMethod == AuthNone && !p.PublicClients {
		return invalid("token_endpoint_auth_method", "none may not be registered with this initial access token")
	}
	hosts := map[string]bool{}
	for field, list := range map[string][]string{"redirect_uris": m.RedirectURIs, "post_logout_redirect_uris": m.PostLogoutRedirectURIs} {
		for _, raw := range list {
			u, err := url.Parse(raw)
			if err != nil {
				return invalid(field, "%q is no URI", raw)
			}
			// Whatever listens on the user's own machine could be anybody.
			if u.Scheme == "http" && !p.LoopbackRedirects {
				return invalid(field, "%q is http; clients on loopback addresses are added by an operator", raw)
			}
			if field == "redirect_uris" && u.Scheme == "https" { // the sector of others is the client itself
				hosts[strings.ToLower(u.Hostname())] = true
			}
		}
	}
	// OpenID Connect Core §8.1: of several hosts none can be the sector.
	if m.SubjectType == "pairwise" && len(hosts) > 1 && m.SectorIdentifierURI == "" {
		return invalid("sector_identifier_uri", "is missing; pairwise subjects with redirect URIs on several hosts need it")
	}
	// OpenID Connect Registration §2: a sign-in is started over https alone.
	for field, uri := range map[string]string{"initiate_login_uri": m.InitiateLoginURI, "client_uri": m.URI, "logo_uri": m.LogoURI, "policy_uri": m.PolicyURI, "tos_uri": m.TosURI} {
		if uri != "" && !strings.HasPrefix(strings.ToLower(uri), "https://") {
			return invalid(field, "%q is not https", uri)
		}
	}
	return nil
}

// Stands tells whether somebody who reviewed a client with the metadata m would
// find nothing new in next: contacts, versions, ages and the keys of a set that
// it rolls over may change (RFC 7592 §2.2); what users see and where tokens go
// may not.
func (m Metadata) Stands(next Metadata) bool {
	before, err := m.Members()
	if err != nil {
		return false
	}
	after, err := next.Members()
	if err != nil {
		return false
	}
	for _, routine := range []string{"contacts", "software_version", "default_max_age", "require_auth_time", "default_acr_values", "jwks"} {
		delete(before, routine)
		delete(after, routine)
	}
	if len(before) != len(after) {
		return false
	}
	for name, v := range before {
		if string(after[name]) != string(v) {
			return false
		}
	}
	return true
}
