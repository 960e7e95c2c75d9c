package oidc

import (
	"context"
	"net/url"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/keys"
)

// jarmLife is how long a signed authorization response may be accepted; ten
// minutes are the most that JARM §2.1 recommends.
const jarmLife = 5 * time.Minute

// jarm puts the parameters of an authorization response, all of them, into a
// JWT that names who answers whom and until when (JWT Secured Authorization
// Response Mode for OAuth 2.0 §2.1).
func (p *Provider) jarm(ctx context.Context, a *asked, params url.Values) (string, error) {
	c := claims{}
	for name := range params {
		c[name] = params.Get(name)
	}
	merge(c, claims{"iss": p.Issuer, "aud": a.client.ID, "exp": p.Now().Add(jarmLife).Unix()})
	text, err := p.Keys.Snapshot().Sign(jarmAlg(a.client), "JWT", c)
	if err != nil {
		return "", err
	}
	m := a.client.Metadata // JARM §2.2: signed first, then encrypted
	return p.sealFor(ctx, a.client, sealing{m.AuthorizationEncryptedResponseAlg, m.AuthorizationEncryptedResponseEnc}, "JWT", text)
}

// jarmAlg: RS256 unless another was registered (JARM §3); the FAPI profiles do
// not know RS256 (FAPI 2.0 Security Profile §5.4.1).
func jarmAlg(c *client.Client) keys.Algorithm {
	switch alg := keys.Algorithm(c.Metadata.AuthorizationSignedResponseAlg); {
	case c.Metadata.FAPI() && (alg == "" || alg == keys.RS256):
		return keys.PS256
	case alg != "":
		return alg
	}
	return keys.RS256
}
