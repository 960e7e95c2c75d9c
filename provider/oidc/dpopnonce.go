package oidc

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"kejitong/provider/keys"
)

// A DPoP nonce (RFC 9449 §8) says when it was made and proves by a MAC that it
// was made here. Nothing is stored, and every replica knows it; that a proof
// serves once is up to its jti.
const (
	dpopNonceStep = time.Minute     // a new one is offered so often
	dpopNonceLife = 5 * time.Minute // and is good for so long
)

// dpopNonce is the nonce of the present moment.
func (p *Provider) dpopNonce() string {
	return p.dpopNonceOf(p.Now().Unix() / int64(dpopNonceStep/time.Second))
}

func (p *Provider) dpopNonceOf(step int64) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(step)) //nolint:gosec // only bits
	b = append(b, p.Keys.Snapshot().MAC(keys.Nonce, "dpop", strconv.FormatInt(step, 10))[:24]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// isDPoPNonce tells whether s was offered here not long ago.
func (p *Provider) isDPoPNonce(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 32 {
		return false
	}
	step := int64(binary.BigEndian.Uint64(b)) //nolint:gosec // a number out of range is refused just below
	now := p.Now().Unix() / int64(dpopNonceStep/time.Second)
	if step > now || step < now-int64(dpopNonceLife/dpopNonceStep) {
		return false
	}
	return hmac.Equal([]byte(s), []byte(p.dpopNonceOf(step)))
}
