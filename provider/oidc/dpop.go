package oidc

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// dpopAlgorithms are the algorithms of DPoP proofs: asymmetric ones (RFC 9449
// §4.2), and none that FAPI 2.0 forbids, so that one list serves every client.
var dpopAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA}

const dpopAlgorithmList = "ES256 PS256 EdDSA" // the same in a challenge (RFC 9449 §7.1)

const (
	maxProof    = 8 << 10
	maxProofAge = time.Minute
)

// dpopProof is a proof whose signature and claims are right (RFC 9449 §4.2).
// Whether it is fresh, and was not used before, is still to be asked.
type dpopProof struct {
	jkt    string // RFC 7638 thumbprint of the key
	jti    string
	nonce  string
	issued time.Time
	ends   time.Time // after this it is too old in any case
}

func invalidProof(why string) error {
	return oauthError{"invalid_dpop_proof", http.StatusBadRequest, why}
}

// parseProof checks a proof for the method and one of the addresses as far as
// it goes without a clock and a database (RFC 9449 §4.3). accessToken is the
// token that the request carries, "" if it carries none.
func parseProof(text, method string, places []string, accessToken string) (*dpopProof, error) {
	malformed := invalidProof("the DPoP proof is malformed")
	if len(text) > maxProof || !proofHeader(text) {
		return nil, malformed
	}
	signed, err := jose.ParseSignedCompact(text, dpopAlgorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, malformed
	}
	head := signed.Signatures[0].Header
	key := head.JSONWebKey
	// RFC 9449 §4.3 steps 5 to 7.
	if key == nil || !key.Valid() || !key.IsPublic() || !suits(key.Key, head.Algorithm) {
		return nil, invalidProof("the key of the DPoP proof is not acceptable")
	}
	body, err := signed.Verify(key)
	if err != nil {
		return nil, invalidProof("the signature of the DPoP proof is wrong")
	}
	var c struct {
		ID     string   `json:"jti"`
		Method string   `json:"htm"`
		URI    string   `json:"htu"`
		Issued *float64 `json:"iat"`
		Hash   string   `json:"ath"`
		Nonce  string   `json:"nonce"`
	}
	// RFC 9449 §4.3 step 3: all of the required claims are there.
	if json.Unmarshal(body, &c) != nil || c.ID == "" || len(c.ID) > 512 || c.Issued == nil || math.Abs(*c.Issued) > 1<<40 {
		return nil, malformed
	}
	if c.Method != method || !atOneOf(c.URI, places) { // steps 8 and 9
		return nil, invalidProof("the DPoP proof is for another request")
	}
	if accessToken != "" && !hmac.Equal([]byte(c.Hash), []byte(accessTokenHash(accessToken))) { // step 12
		return nil, invalidProof("the DPoP proof is for another access token")
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, malformed
	}
	return &dpopProof{
		jkt: base64.RawURLEncoding.EncodeToString(sum), jti: c.ID, nonce: c.Nonce,
		issued: time.Unix(0, int64(*c.Issued*float64(time.Second))),
	}, nil
}

// proofHeader looks at what the JOSE library would let pass: typ exactly (RFC
// 9449 §4.3 step 4), a key without private members (step 7), and no processing
// that is not understood (RFC 7515 §4.1.11).
func proofHeader(compact string) bool {
	head, _, ok := strings.Cut(compact, ".")
	if !ok {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var h struct {
		Type     string                     `json:"typ"`
		Key      map[string]json.RawMessage `json:"jwk"`
		Critical json.RawMessage            `json:"crit"`
		Plain    json.RawMessage            `json:"b64"`
	}
	if json.Unmarshal(b, &h) != nil || h.Type != "dpop+jwt" || h.Key == nil || h.Critical != nil || h.Plain != nil {
		return false
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} { // RFC 7518 §6.2.2, §6.3.2, §6.4
		if _, private := h.Key[name]; private {
			return false
		}
	}
	return true
}

// accessTokenHash is ath (RFC 9449 §4.2).
func accessTokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func atOneOf(uri string, places []string) bool {
	at, ok := placeOf(uri)
	if !ok {
		return false
	}
	for _, p := range places {
		if want, ok := placeOf(p); ok && at == want {
			return true
		}
	}
	return false
}

// placeOf gives an address as proofs are compared by it: without query and
// fragment (RFC 9449 §4.3 step 9), scheme and host in small letters, without
// the port that the scheme implies (RFC 3986 §6.2.2.1, §6.2.3). Escapes in the
// path stay as they are.
func placeOf(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	scheme, host, path := strings.ToLower(u.Scheme), strings.ToLower(u.Host), u.EscapedPath()
	switch implied := map[string]string{"https": ":443", "http": ":80"}[scheme]; {
	case implied == "":
		return "", false
	default:
		host = strings.TrimSuffix(strings.TrimSuffix(host, implied), ":")
	}
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path, true
}

// proofOf reads the DPoP proof of a request, nil if it has none, and asks
// whether it is fresh. The answer, good or bad, then offers a nonce if nonces
// are asked for (RFC 9449 §8, §8.2).
func (p *Provider) proofOf(w http.ResponseWriter, r *http.Request, accessToken string) (*dpopProof, error) {
	shown := r.Header.Values("DPoP")
	if len(shown) == 0 {
		return nil, nil
	}
	if p.Features.DPoPNonce {
		w.Header().Set("DPoP-Nonce", p.dpopNonce())
	}
	if len(shown) > 1 { // RFC 9449 §4.3 step 1
		return nil, invalidProof("several DPoP headers")
	}
	proof, err := parseProof(shown[0], r.Method, p.placesOf(r), accessToken)
	if err != nil {
		return nil, err
	}
	return proof, p.checkFresh(proof)
}

// placesOf are the addresses by which a request may be known.
func (p *Provider) placesOf(r *http.Request) []string {
	path := r.URL.EscapedPath()
	if p.MTLS.Base != "" {
		return []string{p.Issuer + path, p.MTLS.Base + path}
	}
	return []string{p.Issuer + path}
}

// checkFresh: RFC 9449 §4.3 steps 10 and 11. A nonce of ours proves the age of
// a proof by our own clock; without nonces the client's clock must do (§11.1).
func (p *Provider) checkFresh(proof *dpopProof) error {
	now := p.Now()
	if p.Features.DPoPNonce {
		if !p.isDPoPNonce(proof.nonce) {
			return oauthError{"use_dpop_nonce", http.StatusBadRequest, "the DPoP proof needs the nonce of this answer"}
		}
		proof.ends = now.Add(dpopNonceLife + dpopNonceStep)
		return nil
	}
	if age := now.Sub(proof.issued); age > maxProofAge || age < -p.Times.Skew {
		return invalidProof("the DPoP proof is too old, or from the future")
	}
	proof.ends = proof.issued.Add(maxProofAge + time.Second)
	return nil
}
