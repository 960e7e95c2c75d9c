package oidc

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/ory/fosite"

	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/device"
	"kejitong/provider/keys"
	"kejitong/provider/outbound"
	"kejitong/provider/outbox"
	"kejitong/provider/parting"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/provider/web"
)

// Times are the lives of what the provider issues.
type Times struct {
	Code            time.Duration // at most 60 s
	Access          time.Duration // at most 10 min
	IDToken         time.Duration
	RefreshIdle     time.Duration // a refresh token unused for so long is dead
	RefreshAbsolute time.Duration // the whole grant
	RefreshGrace    time.Duration // a retry within gets the same successor
	Pushed          time.Duration // of a pushed authorization request, until its first visit
	Interaction     time.Duration // of a parked request
	Skew            time.Duration // of clients' clocks
}

// Features are the parts of the protocol that a deployment may switch off or
// on. What is off is refused and not advertised.
type Features struct {
	FrontChannelTokens bool // implicit and hybrid response types, for clients that registered them
	Registration       bool // RFC 7591 and RFC 7592, by initial access token
	DeviceGrant        bool // RFC 8628
	TokenExchange      bool // RFC 8693
	JWTBearerGrant     bool // RFC 7523 §2.1
	SessionManagement  bool // OpenID Connect Session Management 1.0
	DPoPNonce          bool // RFC 9449 §8: proofs must carry a nonce of ours
	RequirePAR         bool // RFC 9126 §5: requests count only when they were pushed
	Passkeys           bool // the issuer has a host that passkeys can be made for: the strongest class can be reached
}

// Provider serves the protocol endpoints. Fill the exported fields, then call
// Init once.
type Provider struct {
	Issuer     string // byte for byte as in every token; no trailing slash
	Times      Times
	Features   Features
	MTLS       MutualTLS
	Keys       *keys.Ring
	Clients    *client.Registry
	Principals principal.Reader
	Grants     token.Store
	Flow       authflow.Store
	Devices    device.Store // nil where Features.DeviceGrant is off
	Sessions   *session.Service
	Parting    *parting.Service
	Web        *web.Kit
	Outbox     *outbox.Runner
	Outbound   *outbound.Client
	Now        func() time.Time
	Log        *slog.Logger

	Registrations client.Registrations     // for Features.Registration
	Publishers    []client.StatementIssuer // whose software statements are believed
	Emails        SubstituteEmails         // for clients that cannot do without an address
	Notes         Noter                    // may be nil: then nobody is told why requests fail

	codec     token.Codec
	fosite    *fosite.Fosite
	jwks      jwksCache
	fetching  turnstile
	discovery *document

	checkSession *checkSession            // nil if session management is off
	served       atomic.Pointer[document] // the JWKS as last served
	offered      map[string][]string      // the lists of the discovery document
}

// Init builds what the endpoints share.
func (p *Provider) Init() {
	p.codec = token.Codec{Keys: p.Keys.Snapshot}
	p.fosite = p.assemble()
	p.jwks = jwksCache{Outbound: p.Outbound, Now: p.Now}
	p.discovery = newDocument(p.metadata())
	if p.Features.SessionManagement {
		p.checkSession = newCheckSession(p.Web.CookieName(web.StateCookie))
	}
	p.offered = listed(p.discovery.body)
}

// Mount adds the endpoints to r.
func (p *Provider) Mount(r *mux.Router) {
	r.HandleFunc("/oauth2/authorize", p.authorize).Methods(http.MethodGet, http.MethodPost)
	r.HandleFunc("/oauth2/token", p.cors(p.token)).Methods(http.MethodPost, http.MethodOptions)
	r.HandleFunc("/oauth2/par", p.push)
	if p.Features.DeviceGrant {
		r.HandleFunc("/oauth2/device_authorization", p.startDevice).Methods(http.MethodPost)
	}
	r.HandleFunc("/oauth2/userinfo", p.cors(p.userinfo)).Methods(http.MethodGet, http.MethodPost, http.MethodOptions)
	r.HandleFunc("/oauth2/introspect", p.introspect).Methods(http.MethodPost)
	r.HandleFunc("/oauth2/revoke", p.cors(p.revoke)).Methods(http.MethodPost, http.MethodOptions)
	r.HandleFunc("/oauth2/jwks", p.cors(p.serveJWKS)).Methods(http.MethodGet, http.MethodHead, http.MethodOptions)
	r.HandleFunc("/oauth2/logout", p.logout).Methods(http.MethodGet, http.MethodPost)
	if p.checkSession != nil {
		r.HandleFunc(checkSessionPath, p.serveCheckSession).Methods(http.MethodGet, http.MethodHead)
	}
	if p.Features.Registration {
		r.HandleFunc("/oauth2/register", p.register).Methods(http.MethodPost)
		r.HandleFunc("/oauth2/register/{client}", p.manage).Methods(http.MethodGet, http.MethodPut, http.MethodDelete)
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		r.HandleFunc(path, p.cors(p.serveDiscovery)).Methods(http.MethodGet, http.MethodHead, http.MethodOptions)
	}
}
