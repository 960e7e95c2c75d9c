package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// sealKeys are what answers are encrypted to in the proofs: one of each type.
func (d *advertised) sealKeys(t *testing.T) (rsa signer, ec sealer, set jose.JSONWebKeySet) {
	t.Helper()
	rsa, ec = d.key["RS256"], newSealer(t, "ec")
	k := jose.JSONWebKey{Key: rsa.key.Public(), KeyID: "rsa", Use: "enc"}
	return rsa, ec, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k, ec.public()}}
}

// answerOf makes the client get one answer of the kind: the ID token, the
// UserInfo response or what introspection says.
func (d *advertised) answerOf(t *testing.T, kind, id string) string {
	t.Helper()
	b := d.browser()
	b.in(d.arena, "a")
	a := asking(id, "openid")
	m := d.redeem(a, b.get(d.authorizeURL(a)))
	var p page
	switch kind {
	case "id_token":
		return text(m, "id_token")
	case "userinfo":
		p = d.browser().send(http.MethodGet, d.issuer+"/oauth2/userinfo", nil, "Authorization", "Bearer "+text(m, "access_token"))
	default:
		p = d.browser().send(http.MethodPost, d.issuer+"/oauth2/introspect", url.Values{"token": {text(m, "access_token")}, "client_id": {id}, "client_secret": {d.secret(id)}})
	}
	if p.StatusCode != http.StatusOK || !strings.HasSuffix(p.Header.Get("Content-Type"), "jwt") {
		t.Fatalf("%s: %d %s", kind, p.StatusCode, p.Header.Get("Content-Type"))
	}
	return p.body
}

// provesEncryption: an answer of the kind opens with the client's key under the
// algorithm that it registered, and under that one only.
func provesEncryption(kind, member string) func(*testing.T, *advertised, string) {
	return func(t *testing.T, d *advertised, v string) {
		alg, enc := "ECDH-ES+A128KW", v
		if member == "alg" {
			alg, enc = v, "A128CBC-HS256"
		}
		rsa, ec, set := d.sealKeys(t)
		id := "seal-" + kind + "-" + strings.NewReplacer("+", "-").Replace(v)
		d.client(id, func(c *client.Client) {
			m := &c.Metadata
			m.JWKS = []byte(asJSON(t, set))
			switch kind {
			case "id_token":
				m.IDTokenEncryptedResponseAlg, m.IDTokenEncryptedResponseEnc = alg, enc
			case "userinfo":
				m.UserinfoEncryptedResponseAlg, m.UserinfoEncryptedResponseEnc = alg, enc
			default:
				m.IntrospectionEncryptedResponseAlg, m.IntrospectionEncryptedResponseEnc = alg, enc
			}
		})
		parsed, err := jose.ParseEncryptedCompact(d.answerOf(t, kind, id), []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
		if err != nil {
			t.Fatal(err)
		}
		var key any = ec.key
		if strings.HasPrefix(alg, "RSA") {
			key = rsa.key
		}
		if inside, err := parsed.Decrypt(key); err != nil || len(inside) == 0 {
			t.Errorf("%d bytes inside, %v", len(inside), err)
		}
	}
}

// provesSigning: the answer verifies with the published key of the algorithm.
func provesSigning(path string) func(*testing.T, *advertised, string) {
	return func(t *testing.T, d *advertised, v string) {
		kind := strings.TrimPrefix(path, "/oauth2/")
		id := "sign-" + kind + "-" + v
		d.client(id, func(c *client.Client) {
			c.Metadata.UserinfoSignedResponseAlg, c.Metadata.IntrospectionSignedResponseAlg = v, v
		})
		r := &rig{stage: d.stage}
		if c, _ := r.published(d.answerOf(t, kind, id), v); c["aud"] != id || c["iss"] != d.issuer {
			t.Errorf("%v", c)
		}
	}
}
