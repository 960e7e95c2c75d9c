package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// sealing is how a client registered one kind of its answers to be encrypted;
// the zero value: not at all.
type sealing struct{ alg, enc string }

// errNoSealKey: an answer that must be encrypted and cannot be is not given.
var errNoSealKey = oauthError{"invalid_request", http.StatusBadRequest, "the client has published no key that the answer could be encrypted to"}

// sealFor encrypts payload to a key of the client, or gives it back unchanged
// if the client asked for no encryption. cty is "JWT" for a signed JWT inside
// (RFC 7519 §5.2) and "" for bare claims. Without a key that fits there is an
// error and never a plain answer (OpenID Connect Core §10.2). Nothing is
// compressed (RFC 8725 §3.6).
func (p *Provider) sealFor(ctx context.Context, c *client.Client, s sealing, cty, payload string) (string, error) {
	if s.alg == "" {
		return payload, nil
	}
	key, ok := p.sealKey(ctx, c, s.alg)
	if !ok {
		return "", errNoSealKey
	}
	enc := s.enc
	if enc == "" {
		enc = client.ContentEncryptions()[0] // OpenID Connect Registration §2
	}
	opts := (&jose.EncrypterOptions{}).WithType("JWT")
	if cty != "" {
		opts = opts.WithContentType(jose.ContentType(cty))
	}
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(s.alg), Key: key.Key, KeyID: key.KeyID}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(enc), to, opts)
	if err != nil {
		return "", fmt.Errorf("encrypt to client %s: %w", c.ID, err)
	}
	sealed, err := encrypter.Encrypt([]byte(payload))
	if err != nil {
		return "", fmt.Errorf("encrypt to client %s: %w", c.ID, err)
	}
	return sealed.CompactSerialize()
}

// sealIDToken gives a signed ID token the envelope that the client registered
// for it: signed first, then encrypted (OpenID Connect Core §2, §16.14).
func (p *Provider) sealIDToken(ctx context.Context, c *client.Client, text string) (string, error) {
	return p.sealFor(ctx, c, sealing{c.Metadata.IDTokenEncryptedResponseAlg, c.Metadata.IDTokenEncryptedResponseEnc}, "JWT", text)
}

// sealKey finds the key to encrypt to. The set behind a jwks_uri is fetched
// again if what is known of it has no such key, at the pace of clientkeys.go:
// the client may have just changed its keys (OpenID Connect Core §10.2.1).
func (p *Provider) sealKey(ctx context.Context, c *client.Client, alg string) (jose.JSONWebKey, bool) {
	if len(c.Metadata.JWKS) > 0 {
		var set jose.JSONWebKeySet
		if json.Unmarshal(c.Metadata.JWKS, &set) != nil {
			return jose.JSONWebKey{}, false
		}
		return chooseSealKey(set, alg)
	}
	if c.Metadata.JWKSURI == "" {
		return jose.JSONWebKey{}, false
	}
	if k, ok := chooseSealKey(p.jwks.get(ctx, c.Metadata.JWKSURI, false), alg); ok {
		return k, true
	}
	return chooseSealKey(p.jwks.get(ctx, c.Metadata.JWKSURI, true), alg)
}

// chooseSealKey prefers a key that says it is for encryption to one that says
// nothing. A key for signatures is never used.
func chooseSealKey(set jose.JSONWebKeySet, alg string) (jose.JSONWebKey, bool) {
	var second *jose.JSONWebKey
	for i, k := range set.Keys {
		if !client.MayEncrypt(k, alg) {
			continue
		}
		if k.Use == "enc" {
			return k, true
		}
		if second == nil {
			second = &set.Keys[i]
		}
	}
	if second == nil {
		return jose.JSONWebKey{}, false
	}
	return *second, true
}
