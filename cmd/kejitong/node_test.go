package main

import (
	"crypto/x509"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// openid-client, which knows the issuer alone, signs people in by every way
// that it can go: discovery, request, response, tokens, userinfo, refresh,
// introspection, revocation; it verifies every signature that it is shown.
func TestOpenIDClient(t *testing.T) {
	mutual := &fapi{certifier: issue(t, nil, issuing)}
	p := newPlan(t, storetest.Postgres(t), variant{response: "code", auth: "client_secret_basic"}, func(c *config.Config) { c.Protocol.FrontChannelTokens = true }, mutual.mutual(t))
	for _, flow := range nodeFlows {
		p.sub(flow.name, func(p *plan) {
			key := newSigner(p.t, "ES256", "key-1")
			ask := maps.Clone(flow.ask)
			if ask == nil {
				ask = map[string]any{}
			}
			c := p.party("node", suiteCallback, func(m *client.Metadata) {
				m.PKCEOptional = false
				if flow.key {
					m.JWKS = key.set(p.t)
				}
				if flow.encrypted {
					secret := newSigner(p.t, "RS256", "enc-1")
					m.JWKS = json.RawMessage(`{"keys":[` + encoded(p.t, jose.JSONWebKey{Key: secret.key.Public(), KeyID: "enc-1", Use: "enc"}) + `]}`)
					ask["encrypted"] = map[string]any{"key": jose.JSONWebKey{Key: secret.key, KeyID: "enc-1"}, "alg": "RSA-OAEP-256", "enc": "A256GCM"}
				}
				if flow.certified {
					cert := issue(p.t, &mutual.certifier, func(c *x509.Certificate) { c.Subject.CommonName = "node " + randomText(4) })
					certFile, keyFile := cert.files(p.t)
					ask["certificate"], m.TLSClientAuthSubjectDN = map[string]any{"cert": certFile, "key": keyFile}, cert.cert.Subject.String()
				}
				if flow.change != nil {
					flow.change(p, m)
				}
			})
			if flow.key {
				c.key = key
			}
			got := p.nodeSignIn(p.agent(), p.node(c, ask))
			claims, _ := got["claims"].(map[string]any)
			if text(claims, "sub") == "" || claims["iss"] != p.issuer {
				p.fail("claims %v", claims)
			}
			if ask["response_type"] == "id_token" {
				return
			}
			info, _ := got["userinfo"].(map[string]any)
			if info["sub"] != claims["sub"] || text(info, "email") == "" {
				p.fail("userinfo %v", info)
			}
			if c.meta.TokenEndpointAuthMethod != "none" {
				before, _ := got["introspection"].(map[string]any)
				after, _ := got["after"].(map[string]any)
				if before["active"] != true || before["client_id"] != c.id || after["active"] != false {
					p.fail("introspection %v, after revocation %v", before, after)
				}
			}
			if flow.check != nil {
				flow.check(p, got)
			}
		})
	}
}

type nodeFlow struct {
	name      string
	key       bool // the client has a key of its own, ES256
	encrypted bool // it has one that others encrypt to
	certified bool // it has a certificate
	change    func(p *plan, m *client.Metadata)
	ask       map[string]any
	check     func(p *plan, got map[string]any)
}

func encoded(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func authBy(method string) func(*plan, *client.Metadata) {
	return func(_ *plan, m *client.Metadata) { m.TokenEndpointAuthMethod = method }
}

// withFrontChannel registers a response type that brings an ID token from the
// authorization endpoint.
func withFrontChannel(response string) func(*plan, *client.Metadata) {
	return func(_ *plan, m *client.Metadata) {
		m.ResponseTypes, m.GrantTypes = []string{response}, append(m.GrantTypes, "implicit")
		if response == "id_token" {
			m.GrantTypes = []string{"implicit"}
		}
	}
}

// fapi2 holds the client to a profile.
func fapi2(method string, profile client.SecurityProfile) func(*plan, *client.Metadata) {
	return func(_ *plan, m *client.Metadata) {
		m.TokenEndpointAuthMethod, m.SecurityProfile, m.IDTokenSignedResponseAlg = method, profile, "ES256"
		m.DPoPBoundTokens, m.TLSBoundTokens = method == "private_key_jwt", method == "tls_client_auth"
		if profile == client.FAPI2Signed {
			m.AuthorizationSignedResponseAlg, m.RequestObjectSigningAlg = "ES256", "ES256"
		}
	}
}

// tokenType holds the tokens to be of a type.
func tokenType(want string) func(*plan, map[string]any) {
	return func(p *plan, got map[string]any) {
		p.t.Helper()
		if text(got, "token_type") != want {
			p.fail("token_type %v, want %s", got["token_type"], want)
		}
	}
}

var nodeFlows = []nodeFlow{
	{name: "client_secret_basic", check: tokenType("bearer")},
	{name: "client_secret_post", change: authBy("client_secret_post")},
	{name: "private_key_jwt", key: true, change: authBy("private_key_jwt")},
	{name: "public client", change: authBy("none")},
	{name: "form_post", ask: map[string]any{"params": map[string]any{"response_mode": "form_post"}}},
	{name: "pushed request", ask: map[string]any{"par": true}},
	{name: "ES256 ID token", change: func(_ *plan, m *client.Metadata) { m.IDTokenSignedResponseAlg = "ES256" }, check: func(p *plan, got map[string]any) {
		if h, _ := got["header"].(map[string]any); h["alg"] != "ES256" || text(h, "kid") == "" {
			p.fail("header %v", h)
		}
	}},
	{name: "EdDSA ID token", change: func(_ *plan, m *client.Metadata) { m.IDTokenSignedResponseAlg = "EdDSA" }},
	{name: "PS256 ID token", change: func(_ *plan, m *client.Metadata) { m.IDTokenSignedResponseAlg = "PS256" }},
	{name: "DPoP", change: func(_ *plan, m *client.Metadata) { m.DPoPBoundTokens = true }, ask: map[string]any{"dpop": "ES256", "api": true}, check: tokenType("dpop")},
	{name: "DPoP, public client", change: func(_ *plan, m *client.Metadata) { m.TokenEndpointAuthMethod, m.DPoPBoundTokens = "none", true }, ask: map[string]any{"dpop": "PS256", "par": true}, check: tokenType("dpop")},
	{name: "request object", key: true, ask: map[string]any{"jar": true}},
	{name: "request object, pushed", key: true, change: func(_ *plan, m *client.Metadata) {
		m.TokenEndpointAuthMethod, m.RequireSignedRequestObject, m.RequestObjectSigningAlg, m.RequirePushedAuthRequests = "private_key_jwt", true, "ES256", true
	}, ask: map[string]any{"jar": true, "par": true}},
	{name: "encrypted ID token", encrypted: true, change: func(_ *plan, m *client.Metadata) {
		m.IDTokenEncryptedResponseAlg, m.IDTokenEncryptedResponseEnc = "RSA-OAEP-256", "A256GCM"
	}, check: func(p *plan, got map[string]any) {
		if h, _ := got["header"].(map[string]any); h["alg"] != "RSA-OAEP-256" || h["enc"] != "A256GCM" || h["kid"] != "enc-1" {
			p.fail("header %v", h)
		}
	}},
	{name: "JARM", change: func(_ *plan, m *client.Metadata) { m.AuthorizationSignedResponseAlg = "PS256" }, ask: map[string]any{
		"jarm": true, "metadata": map[string]any{"authorization_signed_response_alg": "PS256", "id_token_signed_response_alg": "RS256"},
	}},
	{name: "hybrid", change: withFrontChannel("code id_token"), ask: map[string]any{"response_type": "code id_token"}},
	{name: "hybrid by form_post", change: withFrontChannel("code id_token"), ask: map[string]any{"response_type": "code id_token", "params": map[string]any{"response_mode": "form_post"}}},
	{name: "implicit", change: withFrontChannel("id_token"), ask: map[string]any{"response_type": "id_token"}},
	{name: "implicit by form_post", change: withFrontChannel("id_token"), ask: map[string]any{"response_type": "id_token", "params": map[string]any{"response_mode": "form_post"}}},
	{name: "signed userinfo and introspection", change: func(_ *plan, m *client.Metadata) {
		m.UserinfoSignedResponseAlg, m.IntrospectionSignedResponseAlg = "ES256", "ES256"
	}, ask: map[string]any{"metadata": map[string]any{"id_token_signed_response_alg": "RS256", "userinfo_signed_response_alg": "ES256", "introspection_signed_response_alg": "ES256"}}},
	{name: "client_secret_jwt", change: authBy("client_secret_jwt")},
	{name: "tls_client_auth, bound token", certified: true, change: func(_ *plan, m *client.Metadata) {
		m.TokenEndpointAuthMethod, m.TLSBoundTokens = "tls_client_auth", true
	}, ask: map[string]any{"par": true, "api": true}},
	{name: "FAPI 2.0, private_key_jwt and DPoP", key: true, change: fapi2("private_key_jwt", client.FAPI2), ask: map[string]any{"par": true, "dpop": "ES256", "api": true}, check: tokenType("dpop")},
	{name: "FAPI 2.0, mTLS and mTLS", certified: true, change: fapi2("tls_client_auth", client.FAPI2), ask: map[string]any{"par": true, "api": true}, check: tokenType("bearer")},
	{name: "FAPI 2.0 Message Signing", key: true, change: fapi2("private_key_jwt", client.FAPI2Signed), ask: map[string]any{
		"par": true, "jar": true, "jarm": true, "dpop": "ES256", "api": true, "metadata": map[string]any{"id_token_signed_response_alg": "ES256", "authorization_signed_response_alg": "ES256"},
	}, check: tokenType("dpop")},
	{name: "without refresh", change: func(_ *plan, m *client.Metadata) {
		m.GrantTypes = slices.DeleteFunc(m.GrantTypes, func(g string) bool { return g == "refresh_token" })
	}},
}
