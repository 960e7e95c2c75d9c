package oidc

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/keys"
)

// hinted is what a genuine id_token_hint says. It may have expired and its key
// may be retired (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).
type hinted struct {
	Subject  string    `json:"sub"`
	Session  string    `json:"sid"`
	Issuer   string    `json:"iss"`
	Audience audiences `json:"aud"`
	Party    string    `json:"azp"`
	Expiry   int64     `json:"exp"` // may be past, but every ID token has one and a signed UserInfo response has none
}

// audiences is an aud member: one string or several (RFC 7519 §4.1.3).
type audiences []string

// UnmarshalJSON takes both forms.
func (a *audiences) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audiences{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(b, &many)
	*a = many
	return err
}

var signingAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA}

// verified reads a JWS of ours with the given typ; false for anything that this
// provider did not sign.
func verified(s *keys.Snapshot, text string, typ string) ([]byte, bool) {
	// Go's base64 skips line breaks; one token must have one spelling (RFC 7515 §2).
	if len(text) > maxAssertion || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	jws, err := jose.ParseSignedCompact(text, signingAlgorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, false
	}
	h := jws.Signatures[0].Protected
	if t, _ := h.ExtraHeaders[jose.HeaderType].(string); t != typ {
		return nil, false // RFC 8725 §3.11: one kind of token never passes as another
	}
	key, alg, ok := s.Public(h.KeyID)
	if !ok || string(alg) != h.Algorithm {
		return nil, false
	}
	body, err := jws.Verify(key)
	return body, err == nil
}

func (p *Provider) readHint(text string) (*hinted, bool) {
	body, ok := verified(p.Keys.Snapshot(), text, "JWT")
	if !ok {
		return nil, false
	}
	var h hinted
	if json.Unmarshal(body, &h) != nil || h.Issuer != p.Issuer || h.Subject == "" || len(h.Audience) == 0 || h.Expiry == 0 {
		return nil, false
	}
	return &h, true
}

func (p *Provider) checkHint(a *asked) error {
	text := a.form.Get("id_token_hint")
	if text == "" {
		return nil
	}
	h, ok := p.readHint(text)
	if !ok || !slices.Contains(h.Audience, a.client.ID) {
		return invalidRequest("the id_token_hint is not an ID token of this client")
	}
	a.hint = h
	return nil
}
