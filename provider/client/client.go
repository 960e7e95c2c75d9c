// Package client is the registered applications that rely on the provider:
// their metadata (RFC 7591 §2, OpenID Connect Registration §2 and our own
// members), their secrets and keys, and a cache of them that is never older
// than a second.
package client

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

// Profile selects which claims a client's tokens carry.
type Profile string

// The claims profiles. Standard puts nothing of our own on bare openid;
// Kejitong is for clients that own business systems.
const (
	Standard Profile = "standard"
	Kejitong Profile = "kejitong"
)

// SecurityProfile names a bundle of stricter rules that a client is held to.
type SecurityProfile string

// The security profiles. FAPI2 is the FAPI 2.0 Security Profile, FAPI2Signed
// adds FAPI 2.0 Message Signing: signed requests and signed responses.
const (
	NoProfile   SecurityProfile = ""
	FAPI2       SecurityProfile = "fapi2"
	FAPI2Signed SecurityProfile = "fapi2_message_signing"
)

// State says whether a client may be used.
type State string

// The states of a client.
const (
	Active   State = "active"
	Disabled State = "disabled"
)

// Metadata is what an integrator registers. The JSON names are those of RFC
// 7591 §2 and OpenID Connect Dynamic Client Registration 1.0 §2; the members
// after the blank line are ours.
type Metadata struct {
	Name                      string          `json:"client_name,omitempty"`
	URI                       string          `json:"client_uri,omitempty"`
	LogoURI                   string          `json:"logo_uri,omitempty"`
	PolicyURI                 string          `json:"policy_uri,omitempty"`
	TosURI                    string          `json:"tos_uri,omitempty"`
	Contacts                  []string        `json:"contacts,omitempty"`
	RedirectURIs              []string        `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs    []string        `json:"post_logout_redirect_uris,omitempty"`
	GrantTypes                []string        `json:"grant_types,omitempty"`
	ResponseTypes             []string        `json:"response_types,omitempty"`
	ResponseModes             []string        `json:"response_modes,omitempty"`
	Scope                     string          `json:"scope,omitempty"`
	ApplicationType           string          `json:"application_type,omitempty"` // "web" (default) or "native"
	SubjectType               string          `json:"subject_type,omitempty"`     // "pairwise" (default) or "public"
	SectorIdentifierURI       string          `json:"sector_identifier_uri,omitempty"`
	TokenEndpointAuthMethod   string          `json:"token_endpoint_auth_method,omitempty"`
	TokenEndpointAuthAlg      string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	TokenEndpointAuthPinned   bool            `json:"token_endpoint_auth_pinned,omitempty"` // basic and post are not interchangeable
	JWKS                      json.RawMessage `json:"jwks,omitempty"`
	JWKSURI                   string          `json:"jwks_uri,omitempty"`
	IDTokenSignedResponseAlg  string          `json:"id_token_signed_response_alg,omitempty"` // default RS256
	DefaultMaxAge             *int64          `json:"default_max_age,omitempty"`              // seconds
	RequireAuthTime           bool            `json:"require_auth_time,omitempty"`
	DefaultACRValues          []string        `json:"default_acr_values,omitempty"`
	InitiateLoginURI          string          `json:"initiate_login_uri,omitempty"`
	BackchannelLogoutURI      string          `json:"backchannel_logout_uri,omitempty"`
	BackchannelSessionNeeded  bool            `json:"backchannel_logout_session_required,omitempty"`
	RequirePushedAuthRequests bool            `json:"require_pushed_authorization_requests,omitempty"`

	// Front-Channel Logout 1.0 §2.
	FrontchannelLogoutURI     string `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelSessionNeeded bool   `json:"frontchannel_logout_session_required,omitempty"`

	// Request objects: OpenID Connect Registration §2, RFC 9101 §10.5.
	RequestURIs                []string `json:"request_uris,omitempty"`
	RequestObjectSigningAlg    string   `json:"request_object_signing_alg,omitempty"`
	RequireSignedRequestObject bool     `json:"require_signed_request_object,omitempty"`

	// How answers to this client are signed and encrypted: OpenID Connect
	// Registration §2, JARM §3, RFC 9701 §6. Empty: not (ID tokens: RS256).
	IDTokenEncryptedResponseAlg       string `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEncryptedResponseEnc       string `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoSignedResponseAlg         string `json:"userinfo_signed_response_alg,omitempty"`
	UserinfoEncryptedResponseAlg      string `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptedResponseEnc      string `json:"userinfo_encrypted_response_enc,omitempty"`
	AuthorizationSignedResponseAlg    string `json:"authorization_signed_response_alg,omitempty"`
	AuthorizationEncryptedResponseAlg string `json:"authorization_encrypted_response_alg,omitempty"`
	AuthorizationEncryptedResponseEnc string `json:"authorization_encrypted_response_enc,omitempty"`
	IntrospectionSignedResponseAlg    string `json:"introspection_signed_response_alg,omitempty"`
	IntrospectionEncryptedResponseAlg string `json:"introspection_encrypted_response_alg,omitempty"`
	IntrospectionEncryptedResponseEnc string `json:"introspection_encrypted_response_enc,omitempty"`

	// Mutual TLS: RFC 8705 §2.1.2 and §3.4; DPoP: RFC 9449 §5.2.
	TLSClientAuthSubjectDN string `json:"tls_client_auth_subject_dn,omitempty"`
	TLSClientAuthSANDNS    string `json:"tls_client_auth_san_dns,omitempty"`
	TLSClientAuthSANURI    string `json:"tls_client_auth_san_uri,omitempty"`
	TLSClientAuthSANIP     string `json:"tls_client_auth_san_ip,omitempty"`
	TLSClientAuthSANEmail  string `json:"tls_client_auth_san_email,omitempty"`
	TLSBoundTokens         bool   `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DPoPBoundTokens        bool   `json:"dpop_bound_access_tokens,omitempty"`

	AuthorizationDetailsTypes []string `json:"authorization_details_types,omitempty"` // RFC 9396 §10
	SoftwareID                string   `json:"software_id,omitempty"`                 // RFC 7591 §2
	SoftwareVersion           string   `json:"software_version,omitempty"`

	LegalName            string                 `json:"legal_name,omitempty"`
	Purpose              string                 `json:"purpose,omitempty"` // why it asks for the data, shown at consent
	BusinessSystems      []entitlement.SystemID `json:"business_systems,omitempty"`
	ClaimsProfile        Profile                `json:"claims_profile,omitempty"`
	RequiredLevel        string                 `json:"required_realname_level,omitempty"`
	RequiredAccountTypes []account.Kind         `json:"required_account_types,omitempty"`
	RequiredACR          string                 `json:"required_acr,omitempty"`
	AcceptMigrated       bool                   `json:"accept_migrated_grants,omitempty"`
	AllowUnverified      bool                   `json:"allow_unverified,omitempty"`
	FirstParty           bool                   `json:"first_party,omitempty"` // same controller, recorded legal basis: no consent page
	PKCEOptional         bool                   `json:"pkce_optional,omitempty"`
	AccessTokenFormat    string                 `json:"access_token_format,omitempty"` // "opaque" (default) or "jwt" (RFC 9068)
	AccessTokenAlg       string                 `json:"access_token_signed_response_alg,omitempty"`
	Audience             []string               `json:"audience,omitempty"`             // resource identifiers its access tokens may name
	ResourceIdentifiers  []string               `json:"resource_identifiers,omitempty"` // what it is called in audiences when it is a resource server
	StrictAssertionAud   bool                   `json:"strict_assertion_audience,omitempty"`
	FullIDToken          bool                   `json:"full_id_token,omitempty"`    // name, email and groups in the ID token too
	SubstituteEmail      bool                   `json:"substitute_email,omitempty"` // users without an address get one in the deployment's domain
	SecurityProfile      SecurityProfile        `json:"security_profile,omitempty"`
}

// Client is a registered application.
type Client struct {
	ID           string
	Metadata     Metadata
	SecretDigest string // keyed digest of the current secret; empty for clients without one
	SecretSealed string // the secret itself, sealed, for client_secret_jwt alone

	// The secret before, in the same forms, while a rotation is under way.
	FormerDigest string
	FormerSealed string
	FormerUntil  time.Time

	// Sandbox names the project whose test accounts, and nobody else, sign in
	// here; empty for clients that are in earnest.
	Sandbox string

	State     State
	Reviewed  bool
	Version   int64 // grows with every change of any client; unique
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Level is the lowest real-name level that the client admits: L2, the manual's
// 已认证 (registry match or document review), unless it registered another.
func (m Metadata) Level() string {
	if m.RequiredLevel == "" {
		return "L2"
	}
	return m.RequiredLevel
}

// FAPI tells whether the client is held to the FAPI 2.0 Security Profile.
func (m Metadata) FAPI() bool {
	return m.SecurityProfile == FAPI2 || m.SecurityProfile == FAPI2Signed
}

// Public tells whether the client has no credential of its own (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.Metadata.TokenEndpointAuthMethod == "none" }

// May tells whether the client registered the grant type.
func (c *Client) May(grant string) bool { return slices.Contains(c.Metadata.GrantTypes, grant) }

// Store keeps clients.
type Store interface {
	// Client gives one client in any state; fault.NotFound if there is none.
	Client(ctx context.Context, id string) (*Client, error)
	// ClientsVersion gives the greatest Version there is; it changes with every
	// change of any client.
	ClientsVersion(ctx context.Context) (int64, error)
	// Starters gives the active, reviewed clients with business systems and an
	// initiate_login_uri, ordered by id, a thousand at most.
	Starters(ctx context.Context) ([]Client, error)
	// HasOrigin tells whether an active client's redirect URIs have the origin.
	HasOrigin(ctx context.Context, origin string) (bool, error)
	// PutClient inserts or replaces the client, gives it a new Version and
	// records ev, in one transaction.
	PutClient(ctx context.Context, c *Client, ev audit.Event) error
}
