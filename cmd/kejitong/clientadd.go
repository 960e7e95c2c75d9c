package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// clientFlags are the flags of client add: one for each member of the metadata
// that an operator decides by hand. All others come from --metadata-file.
type clientFlags struct {
	*sheet
	id, secretFile, metadataFile string
	public, replace              bool
	text                         map[string]*string // by flag, for single members
	list                         map[string]*many   // by flag, for repeatable ones
	yes                          map[string]*bool
}

// textMembers, listMembers and yesMembers say which member a flag sets.
var (
	textMembers = []struct {
		flag, help string
		member     func(*client.Metadata) *string
	}{
		{"name", "name that users read", func(m *client.Metadata) *string { return &m.Name }},
		{"scope", "scopes it may ask for, separated by blanks", func(m *client.Metadata) *string { return &m.Scope }},
		{"profile", "claims profile: standard or kejitong (default kejitong with --system)", func(m *client.Metadata) *string { return (*string)(&m.ClaimsProfile) }},
		{"backchannel-logout-uri", "where it is told of sign-outs", func(m *client.Metadata) *string { return &m.BackchannelLogoutURI }},
		{"frontchannel-logout-uri", "what a signed-out browser loads in a frame", func(m *client.Metadata) *string { return &m.FrontchannelLogoutURI }},
		{"initiate-login-uri", "where a sign-in can be started from outside", func(m *client.Metadata) *string { return &m.InitiateLoginURI }},
		{"subject-type", "pairwise (default) or public", func(m *client.Metadata) *string { return &m.SubjectType }},
		{"id-token-alg", "RS256 (default), ES256, PS256 or EdDSA", func(m *client.Metadata) *string { return &m.IDTokenSignedResponseAlg }},
		{"access-token-format", "opaque (default) or jwt", func(m *client.Metadata) *string { return &m.AccessTokenFormat }},
		{"auth-method", "client_secret_basic (default), client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth or none", func(m *client.Metadata) *string { return &m.TokenEndpointAuthMethod }},
		{"security-profile", "fapi2 or fapi2_message_signing (default none)", func(m *client.Metadata) *string { return (*string)(&m.SecurityProfile) }},
		{"jwks-uri", "where its public keys are", func(m *client.Metadata) *string { return &m.JWKSURI }},
		{"application-type", "web (default) or native", func(m *client.Metadata) *string { return &m.ApplicationType }},
		{"require-level", "lowest real-name level of its users, L0 to L4", func(m *client.Metadata) *string { return &m.RequiredLevel }},
		{"logo-uri", "its picture", func(m *client.Metadata) *string { return &m.LogoURI }},
		{"policy-uri", "its privacy policy", func(m *client.Metadata) *string { return &m.PolicyURI }},
		{"tos-uri", "its terms of service", func(m *client.Metadata) *string { return &m.TosURI }},
		{"legal-name", "who runs it", func(m *client.Metadata) *string { return &m.LegalName }},
		{"purpose", "why it asks for data, shown where users consent", func(m *client.Metadata) *string { return &m.Purpose }},
	}
	listMembers = []struct {
		flag, help string
		member     func(*client.Metadata, []string)
	}{
		{"redirect-uri", "where users return to (repeatable)", func(m *client.Metadata, v []string) { m.RedirectURIs = v }},
		{"post-logout-redirect-uri", "where users return to after sign-out (repeatable)", func(m *client.Metadata, v []string) { m.PostLogoutRedirectURIs = v }},
		{"grant-type", "authorization_code, refresh_token, client_credentials, implicit or a further one by its URN (repeatable; default the first two)", func(m *client.Metadata, v []string) { m.GrantTypes = v }},
		{"response-type", "code (default), or with implicit: id_token, 'code id_token' and the like (repeatable)", func(m *client.Metadata, v []string) { m.ResponseTypes = v }},
		{"response-mode", "ways in which it may be answered, such as query or form_post.jwt (repeatable; default all)", func(m *client.Metadata, v []string) { m.ResponseModes = v }},
		{"system", "code of a business system that it is (repeatable)", func(m *client.Metadata, v []string) { m.BusinessSystems = typedAs[entitlement.SystemID](v) }},
		{"require-account-type", "natural_person or legal_entity (repeatable; default both)", func(m *client.Metadata, v []string) { m.RequiredAccountTypes = typedAs[account.Kind](v) }},
		{"audience", "resource that its access tokens are for (repeatable)", func(m *client.Metadata, v []string) { m.Audience = v }},
		{"resource-identifier", "what it is called as a resource (repeatable)", func(m *client.Metadata, v []string) { m.ResourceIdentifiers = v }},
		{"authorization-details-type", "business_system: it asks for actions one by one (RFC 9396)", func(m *client.Metadata, v []string) { m.AuthorizationDetailsTypes = v }},
		{"contact", "e-mail or telephone of its people (repeatable)", func(m *client.Metadata, v []string) { m.Contacts = v }},
	}
	yesMembers = []struct {
		flag, help string
		member     func(*client.Metadata) *bool
	}{
		{"first-party", "of the same controller, with a legal basis on record: users are not asked to consent", func(m *client.Metadata) *bool { return &m.FirstParty }},
		{"dpop-bound", "its access tokens are bound to a key by DPoP", func(m *client.Metadata) *bool { return &m.DPoPBoundTokens }},
		{"certificate-bound", "its access tokens are bound to its TLS certificate", func(m *client.Metadata) *bool { return &m.TLSBoundTokens }},
		{"pkce-optional", "it may do without PKCE", func(m *client.Metadata) *bool { return &m.PKCEOptional }},
		{"allow-unverified", "admit users who are not verified", func(m *client.Metadata) *bool { return &m.AllowUnverified }},
		{"substitute-email", "users without an e-mail address get one in clients.substitute_email_domain", func(m *client.Metadata) *bool { return &m.SubstituteEmail }},
		{"accept-migrated", "accept grants that came with a Torch account", func(m *client.Metadata) *bool { return &m.AcceptMigrated }},
	}
)

func typedAs[T ~string](in []string) []T {
	out := make([]T, len(in))
	for i, s := range in {
		out[i] = T(s)
	}
	return out
}

func newClientFlags(verb string, out io.Writer) *clientFlags {
	f := &clientFlags{sheet: newSheet(verb, out), text: map[string]*string{}, list: map[string]*many{}, yes: map[string]*bool{}}
	f.StringVar(&f.id, "id", "", "client id: A-Z a-z 0-9 _ -")
	f.BoolVar(&f.public, "public", false, "it cannot keep a secret: --auth-method none")
	f.StringVar(&f.metadataFile, "metadata-file", "", "JSON document of RFC 7591 section 2; flags win")
	jwks := ""
	f.text["jwks-file"] = &jwks
	f.StringVar(&jwks, "jwks-file", "", "file with its public keys (JWK Set)")
	for _, t := range textMembers {
		f.text[t.flag] = f.String(t.flag, "", t.help)
	}
	for _, l := range listMembers {
		f.list[l.flag] = &many{}
		f.Var(f.list[l.flag], l.flag, l.help)
	}
	for _, y := range yesMembers {
		f.yes[y.flag] = f.Bool(y.flag, false, y.help)
	}
	return f
}

// metadata puts the flags over the file, both over what there was, and lets the
// domain judge the whole.
func (f *clientFlags) metadata(before *client.Metadata) (client.Metadata, error) {
	var doc struct {
		client.Metadata
		ID string `json:"client_id"`
	}
	if before != nil {
		doc.Metadata = *before
	}
	if f.metadataFile != "" {
		if err := readDocument("metadata-file", f.metadataFile, &doc); err != nil {
			return doc.Metadata, err
		}
	} else if before == nil { // a document that names none has RFC 7591's default
		doc.GrantTypes = []string{client.GrantCode, client.GrantRefresh}
	}
	m := &doc.Metadata
	for _, t := range textMembers {
		if f.given(t.flag) {
			*t.member(m) = *f.text[t.flag]
		}
	}
	for _, l := range listMembers {
		if f.given(l.flag) {
			l.member(m, *f.list[l.flag])
		}
	}
	for _, y := range yesMembers {
		if f.given(y.flag) {
			*y.member(m) = *f.yes[y.flag]
		}
	}
	if f.given("backchannel-logout-uri") {
		m.BackchannelSessionNeeded = m.BackchannelLogoutURI != ""
	}
	if f.given("frontchannel-logout-uri") {
		m.FrontchannelSessionNeeded = m.FrontchannelLogoutURI != ""
	}
	if f.public {
		if f.given("auth-method") && m.TokenEndpointAuthMethod != client.AuthNone || f.secretFile != "" {
			return *m, refuse("public", "", "contradicts --auth-method or --secret-file")
		}
		m.TokenEndpointAuthMethod = client.AuthNone
	}
	if file := *f.text["jwks-file"]; file != "" {
		var set json.RawMessage
		if err := readDocument("jwks-file", file, &set); err != nil {
			return *m, err
		}
		m.JWKS = set
	}
	if f.id == "" {
		f.id = doc.ID
	}
	if before != nil && doc.ID != "" && doc.ID != f.id {
		return *m, refuse("metadata-file", f.metadataFile, "is about the client "+doc.ID)
	}
	if m.Name == "" {
		return *m, missing("name", "the name that users read")
	}
	normal, err := m.NormaliseByOperator()
	return normal, blame(err)
}

// blame names the flag that sets the member which a fault is about.
func blame(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Field == "" {
		return err
	}
	if flag, ok := flagOf[f.Field]; ok {
		return refuse(flag, "", f.Msg)
	}
	return fmt.Errorf("--metadata-file: %s %s", f.Field, f.Msg)
}

var flagOf = map[string]string{
	"client_id": "id", "client_name": "name", "scope": "scope", "claims_profile": "profile", "backchannel_logout_uri": "backchannel-logout-uri",
	"frontchannel_logout_uri": "frontchannel-logout-uri", "initiate_login_uri": "initiate-login-uri", "subject_type": "subject-type", "id_token_signed_response_alg": "id-token-alg",
	"access_token_format": "access-token-format", "token_endpoint_auth_method": "auth-method", "jwks": "jwks-file", "jwks_uri": "jwks-uri",
	"application_type": "application-type", "required_realname_level": "require-level", "logo_uri": "logo-uri", "policy_uri": "policy-uri",
	"tos_uri": "tos-uri", "legal_name": "legal-name", "purpose": "purpose", "redirect_uris": "redirect-uri",
	"post_logout_redirect_uris": "post-logout-redirect-uri", "grant_types": "grant-type", "response_types": "response-type", "response_modes": "response-mode", "business_systems": "system",
	"required_account_types": "require-account-type", "audience": "audience", "resource_identifiers": "resource-identifier", "contacts": "contact",
	"security_profile": "security-profile", "dpop_bound_access_tokens": "dpop-bound",
	"tls_client_certificate_bound_access_tokens": "certificate-bound", "pkce_optional": "pkce-optional", "allow_unverified": "allow-unverified", "substitute_email": "substitute-email",
}

func clientAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newClientFlags("client add", out)
	f.StringVar(&f.secretFile, "secret-file", "", "file that holds its secret (default: one is made and printed, once)")
	f.BoolVar(&f.replace, "replace", false, "replace the metadata of a client that is there; its secret stays unless --secret-file is given")
	if err := f.read(args); err != nil {
		return err
	}
	m, err := f.metadata(nil)
	if err != nil {
		return err
	}
	if f.id == "" {
		return missing("id", "the client id")
	}
	if err := client.CheckID(f.id); err != nil {
		return blame(err)
	}
	if f.secretFile != "" && !m.HasSecret() {
		return refuse("secret-file", f.secretFile, "does not go with the authentication "+m.TokenEndpointAuthMethod)
	}
	return inVault(ctx, f.config, func(a *app) error {
		if err := a.reachable(ctx, m); err != nil {
			return err
		}
		secret := ""
		fill := func(c *client.Client) (err error) {
			c.Metadata = m
			secret, err = f.seal(a, c)
			return err
		}
		c, err := a.db.Client(ctx, f.id)
		switch {
		case fault.Is(err, fault.NotFound):
			c, err = a.enterClient(ctx, f.id, fill)
		case err == nil && !f.replace:
			err = refuse("id", f.id, takenID)
		case err == nil:
			c, err = a.changeClient(ctx, c, "command line", fill)
		}
		if err != nil {
			return err
		}
		r := reportClient(c)
		r.Secret = secret
		if r.Warnings, err = a.strangers(ctx, m); err != nil {
			return err
		}
		return f.print(r, r.text("registered"))
	})
}

const takenID = "is registered already; kejitong client update changes it, --replace gives it new metadata, kejitong client secret a new secret"

// enterClient registers a client whose id nobody took meanwhile.
func (a *app) enterClient(ctx context.Context, id string, fill func(*client.Client) error) (*client.Client, error) {
	c := &client.Client{ID: id, State: client.Active, Reviewed: true, CreatedAt: now(), UpdatedAt: now()}
	if err := fill(c); err != nil {
		return nil, err
	}
	return c, a.db.InTx(ctx, func(ctx context.Context) error {
		_, err := a.db.ClientForChange(ctx, id)
		switch {
		case err == nil:
			return refuse("id", id, takenID)
		case !fault.Is(err, fault.NotFound):
			return err
		}
		return a.db.PutClient(ctx, c, clientDeed(audit.ClientCreated, id, "command line"))
	})
}

// seal gives c the digest of its secret, and the secret itself if it was made
// here.
func (f *clientFlags) seal(a *app, c *client.Client) (secret string, err error) {
	if c.KeepsSecret() && f.secretFile == "" {
		return "", nil
	}
	secret, made, err := secretFrom(f.secretFile)
	if err != nil {
		return "", err
	}
	if err := c.SetSecret(a.ring.Snapshot(), secret); err != nil {
		return "", err
	}
	if !made {
		return "", nil
	}
	return secret, nil
}

// reachable is reaches for the flags of the command.
func (a *app) reachable(ctx context.Context, m client.Metadata) error {
	return blame(a.reaches(ctx, m))
}

// strangers warns of business systems that the catalogue does not know: nobody
// can be granted anything in them yet.
func (a *app) strangers(ctx context.Context, m client.Metadata) ([]string, error) {
	all, err := a.db.Systems(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, code := range m.BusinessSystems {
		if !slices.ContainsFunc(all, func(s entitlement.System) bool { return s.ID == code }) {
			out = append(out, fmt.Sprintf("the business system %s is not in the catalogue; enter it: %s", code,
				strings.Join([]string{"kejitong system set --code", string(code), "--name-zh NAME --action ACTIONS"}, " ")))
		}
	}
	return out, nil
}
