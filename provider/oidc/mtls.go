package oidc

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// MutualTLS says where clients' certificates come from (RFC 8705).
type MutualTLS struct {
	Base   string         // public address of the endpoints that ask for certificates, "" if the issuer's own do
	Direct bool           // a listener of this process asks for them
	Header string         // in which trusted proxies hand them over, "" if none does
	PEM    bool           // the header is URL-encoded PEM (nginx), else RFC 9440
	Roots  *x509.CertPool // for tls_client_auth; nil: it is not offered
}

// Enabled tells whether certificates can arrive at all.
func (m MutualTLS) Enabled() bool { return m.Direct || m.Header != "" }

// mutualAliases are the endpoints where a certificate may be asked for, by the
// name that metadata gives them (RFC 8705 §5).
var mutualAliases = map[string]string{
	"token_endpoint": "/oauth2/token", "pushed_authorization_request_endpoint": "/oauth2/par", "userinfo_endpoint": "/oauth2/userinfo",
	"introspection_endpoint": "/oauth2/introspect", "revocation_endpoint": "/oauth2/revoke",
}

// MutualPaths are the paths of these endpoints.
var MutualPaths = slices.Sorted(maps.Values(mutualAliases))

// maxCertificate bounds a certificate in a header.
const maxCertificate = 16 << 10

// confidentialMethods are the authentication methods of clients that can keep a
// secret or a key. Secret methods first: some clients take the first entry that
// they know.
func (p *Provider) confidentialMethods() []string {
	methods := []string{methodBasic, methodPost, client.AuthSecretJWT, methodJWT}
	if p.MTLS.Roots != nil && p.MTLS.Enabled() {
		methods = append(methods, client.AuthTLS)
	}
	if p.MTLS.Enabled() {
		methods = append(methods, client.AuthSelfSigned)
	}
	return methods
}

// withMutualTLS adds what RFC 8705 §3.3 and §5 say in metadata.
func (p *Provider) withMutualTLS(doc map[string]any) map[string]any {
	if !p.MTLS.Enabled() {
		return doc
	}
	doc["tls_client_certificate_bound_access_tokens"] = true
	if p.MTLS.Base != "" {
		aliases := map[string]string{}
		for name, path := range mutualAliases {
			aliases[name] = p.MTLS.Base + path
		}
		doc["mtls_endpoint_aliases"] = aliases
	}
	return doc
}

// certificateOf is the certificate with which the client of a request proved
// itself in the TLS handshake, nil if it did not. Its chain follows as far as it
// came along. A header is believed from a trusted proxy alone; from everybody
// else it is just text that anybody could have copied.
func (p *Provider) certificateOf(r *http.Request) (leaf *x509.Certificate, chain []*x509.Certificate) {
	if p.MTLS.Header != "" && p.Web.ByProxy(r) {
		return parseCertificate(r.Header.Values(p.MTLS.Header), p.MTLS.PEM), nil
	}
	if !p.MTLS.Direct || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	return r.TLS.PeerCertificates[0], r.TLS.PeerCertificates[1:]
}

// parseCertificate reads the header of a proxy: a byte sequence (RFC 9440 §2.1,
// RFC 8941 §3.3.5), or PEM in percent-encoding as nginx's
// $ssl_client_escaped_cert. Anything but exactly one certificate is none.
func parseCertificate(values []string, asPEM bool) *x509.Certificate {
	if len(values) != 1 || len(values[0]) == 0 || len(values[0]) > maxCertificate {
		return nil
	}
	var der []byte
	if asPEM {
		text, err := url.PathUnescape(values[0]) // nginx escapes "+" too, so a bare one is itself
		if err != nil {
			return nil
		}
		block, rest := pem.Decode([]byte(text))
		if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
			return nil
		}
		der = block.Bytes
	} else {
		inner, ok := strings.CutPrefix(strings.Trim(values[0], " "), ":")
		if ok {
			inner, ok = strings.CutSuffix(inner, ":")
		}
		if !ok {
			return nil
		}
		var err error
		if der, err = base64.StdEncoding.DecodeString(inner); err != nil {
			return nil
		}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return c
}

// timelyCertificate: what has expired, or is not valid yet, proves nothing, not
// even when it is self-signed.
func (p *Provider) timelyCertificate(c *x509.Certificate) bool {
	now := p.Now()
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// byCertificate authenticates a client by the certificate of the TLS handshake
// (RFC 8705 §2).
func (p *Provider) byCertificate(ctx context.Context, r *http.Request, c *client.Client) error {
	refused := invalidClient("client authentication failed")
	leaf, chain := p.certificateOf(r)
	if leaf == nil || !p.timelyCertificate(leaf) {
		return refused
	}
	switch c.Metadata.TokenEndpointAuthMethod {
	case client.AuthTLS: // §2.1: a chain to one of our authorities, and the registered name
		if !p.trustedChain(leaf, chain) || !c.Metadata.OwnsCertificate(leaf) {
			return refused
		}
		return nil
	case client.AuthSelfSigned: // §2.2: the certificate itself, or its key, is registered
		if strong(leaf.PublicKey) && p.anyClientKey(ctx, c, func(k jose.JSONWebKey) bool { return isKeyOf(k, leaf) }) {
			return nil
		}
	}
	return refused
}

func (p *Provider) trustedChain(leaf *x509.Certificate, chain []*x509.Certificate) bool {
	if p.MTLS.Roots == nil {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range chain {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: p.MTLS.Roots, Intermediates: between, CurrentTime: p.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

func isKeyOf(k jose.JSONWebKey, leaf *x509.Certificate) bool {
	if k.Use != "" && k.Use != "sig" || !k.IsPublic() {
		return false
	}
	if len(k.Certificates) > 0 { // RFC 7517 §4.7: then this certificate and no other with its key
		return k.Certificates[0].Equal(leaf)
	}
	have, ok := k.Key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && have.Equal(leaf.PublicKey)
}

func strong(key any) bool {
	if k, ok := key.(*rsa.PublicKey); ok {
		return k.N.BitLen() >= 2048
	}
	return true
}

// anyClientKey looks through the client's registered keys; those behind a
// jwks_uri are fetched anew, as the pace allows, if none fits.
func (p *Provider) anyClientKey(ctx context.Context, c *client.Client, fits func(jose.JSONWebKey) bool) bool {
	some := func(set jose.JSONWebKeySet) bool {
		for _, k := range set.Keys {
			if fits(k) {
				return true
			}
		}
		return false
	}
	if len(c.Metadata.JWKS) > 0 {
		var set jose.JSONWebKeySet
		return json.Unmarshal(c.Metadata.JWKS, &set) == nil && some(set)
	}
	if c.Metadata.JWKSURI == "" {
		return false
	}
	return some(p.jwks.get(ctx, c.Metadata.JWKSURI, false)) || some(p.jwks.get(ctx, c.Metadata.JWKSURI, true))
}

// boundCertificate is x5t#S256 of the certificate that an access token is to be
// bound to, "" for clients whose tokens are not (RFC 8705 §3).
func (p *Provider) boundCertificate(r *http.Request, c *client.Client) (string, error) {
	if !c.Metadata.TLSBoundTokens {
		return "", nil
	}
	leaf, _ := p.certificateOf(r)
	if leaf == nil || !p.timelyCertificate(leaf) {
		return "", invalidRequest("a client certificate is required")
	}
	return client.CertificateThumbprint(leaf), nil
}

// showsCertificate tells whether the request proves the certificate with that
// thumbprint (RFC 8705 §3).
func (p *Provider) showsCertificate(r *http.Request, thumbprint string) bool {
	leaf, _ := p.certificateOf(r)
	return leaf != nil && p.timelyCertificate(leaf) && client.CertificateThumbprint(leaf) == thumbprint
}
