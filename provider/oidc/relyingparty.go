package oidc

import (
	"strings"

	"github.com/ory/fosite"

	"kejitong/provider/client"
)

// relyingParty shows a client to fosite. It is deliberately no
// fosite.OpenIDConnectClient: so fosite never touches keys, request objects or
// assertions itself.
type relyingParty struct {
	*client.Client
	redirect string // the URI of this request that redirect.go accepted
}

// GetID is the client_id.
func (r relyingParty) GetID() string { return r.ID }

// GetHashedSecret is unused; authenticate.go compares secrets.
func (r relyingParty) GetHashedSecret() []byte { return nil }

// GetRedirectURIs is the one URI that redirect.go accepted: fosite's own
// matching is laxer and gets nothing to be lax about.
func (r relyingParty) GetRedirectURIs() []string {
	if r.redirect == "" {
		return nil
	}
	return []string{r.redirect}
}

// GetGrantTypes are the registered ones.
func (r relyingParty) GetGrantTypes() fosite.Arguments { return r.Metadata.GrantTypes }

// GetResponseTypes is code alone; responsetype.go has compared with what is
// registered.
func (r relyingParty) GetResponseTypes() fosite.Arguments { return fosite.Arguments{"code"} }

// GetScopes are the registered ones.
func (r relyingParty) GetScopes() fosite.Arguments { return strings.Fields(r.Metadata.Scope) }

// IsPublic tells whether the client has no credentials.
func (r relyingParty) IsPublic() bool { return r.Public() }

// GetAudience is the audiences that its tokens may name.
func (r relyingParty) GetAudience() fosite.Arguments { return r.Metadata.Audience }

// GetResponseModes is the default alone; respond.go sends the response.
func (r relyingParty) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeDefault}
}
