package oidc

import (
	"net/http"
	"strconv"
	"strings"

	"kejitong/provider/client"
	"kejitong/provider/keys"
)

// introspectionType is the media type of a signed introspection answer (RFC
// 9701 §5).
const introspectionType = "token-introspection+jwt"

// sendIntrospection answers as JSON, or as a JWT if the asker wants one now or
// registered that it always does (RFC 9701 §4, §6).
func (p *Provider) sendIntrospection(w http.ResponseWriter, r *http.Request, asker *client.Client, m map[string]any) {
	registered := asker.Metadata
	if registered.IntrospectionSignedResponseAlg == "" && registered.IntrospectionEncryptedResponseAlg == "" && !accepts(r.Header.Values("Accept"), "application/"+introspectionType) {
		sendJSON(w, http.StatusOK, m)
		return
	}
	alg := keys.Algorithm(registered.IntrospectionSignedResponseAlg)
	if alg == "" {
		alg = keys.RS256 // §6
	}
	// §5: what the token says stands apart from what the answer says, and there is
	// neither sub nor exp, so that the answer is of no use as an access token.
	text, err := p.Keys.Snapshot().Sign(alg, introspectionType, claims{
		"iss": p.Issuer, "aud": asker.ID, "iat": p.Now().Unix(), "token_introspection": m,
	})
	if err == nil {
		text, err = p.sealFor(r.Context(), asker, sealing{registered.IntrospectionEncryptedResponseAlg, registered.IntrospectionEncryptedResponseEnc}, "JWT", text)
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	sendJWT(w, "application/"+introspectionType, text)
}

// accepts tells whether an Accept header names the media type itself, with a
// quality above zero (RFC 9110 §12.5.1). Wildcards do not count: whoever takes
// anything gets JSON.
func accepts(headers []string, want string) bool {
	for _, one := range strings.Split(strings.Join(headers, ","), ",") {
		name, params, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(name), want) && quality(params) > 0 {
			return true
		}
	}
	return false
}

// quality is the weight among the parameters of a media range, 1 if there is
// none, 0 if it cannot be read.
func quality(params string) float64 {
	for _, one := range strings.Split(params, ";") {
		name, value, _ := strings.Cut(one, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || q < 0 || q > 1 {
			return 0
		}
		return q
	}
	return 1
}
