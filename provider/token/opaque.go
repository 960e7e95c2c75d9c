package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/keys"
)

// Kind says what an opaque token is.
type Kind byte

// The kinds of opaque tokens. A token of one kind is never accepted as another.
const (
	Code    Kind = 1
	Access  Kind = 2
	Refresh Kind = 3
	Client  Kind = 4 // access token of client_credentials: carries its own grant
)

// ErrMalformed is returned for every text that is not one of our tokens: wrong
// length, alphabet, MAC or kind. Nothing was looked up.
var ErrMalformed = errors.New("token: not a token of this provider")

// Opaque is the content of an opaque token.
//
//	kind 1 | key number 1 | grant id 16 | generation 4 | expires 5 | noise 16 | extra n | MAC 32
//
// The MAC's first half is keyed by the provider's key alone: it rejects garbage
// without a query. The second half is keyed by the grant's own secret as well,
// so that the provider's key alone makes no token. Tokens of kind Client have
// no grant row; both halves are then keyed by the provider's key.
type Opaque struct {
	Kind       Kind
	GrantID    string
	Generation uint32
	ExpiresAt  time.Time // whole seconds
	Extra      []byte    // for kind Client: the grant, as JSON
	body, mac  []byte
	key        []byte
}

const (
	headLen = 1 + 1 + 16 + 4 + 5 + 16
	macLen  = 32
)

// MaxExtra is how much a token can carry beside what it always says, in bytes.
const MaxExtra = 2048

// Codec makes and reads opaque tokens.
type Codec struct {
	Keys func() *keys.Snapshot
}

// Make gives the token text. secret is the grant's secret; nil for kind
// Client. With fixed set, the noise is derived from the grant's secret, so that
// the same grant, kind and generation always give the same token (an idempotent
// retry gets the same answer); otherwise it is random.
func (c Codec) Make(o Opaque, secret []byte, fixed bool) (string, error) {
	key := c.Keys().Current(keys.TokenMAC)
	if len(o.Extra) > MaxExtra || key.Number > 255 {
		return "", fmt.Errorf("token: %d bytes of extra content, key number %d: too much to carry", len(o.Extra), key.Number)
	}
	b := make([]byte, headLen, headLen+len(o.Extra)+macLen)
	b[0], b[1] = byte(o.Kind), byte(key.Number)
	id, err := base64.RawURLEncoding.DecodeString(o.GrantID)
	if err != nil || len(id) != 16 {
		return "", fmt.Errorf("token: grant id %q", o.GrantID)
	}
	copy(b[2:18], id)
	binary.BigEndian.PutUint32(b[18:22], o.Generation)
	putUint40(b[22:27], o.ExpiresAt.Unix())
	if fixed {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte("noise"))
		h.Write(b[:27])
		copy(b[27:headLen], h.Sum(nil))
	} else if _, err := rand.Read(b[27:headLen]); err != nil {
		return "", fmt.Errorf("token: random: %w", err)
	}
	b = append(b, o.Extra...)
	b = append(b, half("g", key.Bytes, nil, b)...)
	b = append(b, half("s", key.Bytes, secret, b[:len(b)-macLen/2])...)
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// Parse reads a token of one of kinds. It checks the provider's half of the MAC
// and that the token has not expired by its own date; the caller then loads the
// grant and calls Proves.
func (c Codec) Parse(text string, now time.Time, kinds ...Kind) (Opaque, error) {
	if len(text) < (headLen+macLen)*4/3 || len(text) > (headLen+MaxExtra+macLen)*4/3+4 {
		return Opaque{}, ErrMalformed
	}
	if strings.ContainsAny(text, "\r\n") { // the decoder skips them: one token would have many spellings
		return Opaque{}, ErrMalformed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < headLen+macLen {
		return Opaque{}, ErrMalformed
	}
	o := Opaque{Kind: Kind(b[0])}
	if !oneOf(o.Kind, kinds) {
		return Opaque{}, ErrMalformed
	}
	key, ok := c.Keys().Numbered(keys.TokenMAC, int(b[1]))
	if !ok {
		return Opaque{}, ErrMalformed
	}
	o.body, o.mac, o.key = b[:len(b)-macLen], b[len(b)-macLen:], key.Bytes
	if !hmac.Equal(o.mac[:macLen/2], half("g", key.Bytes, nil, o.body)) {
		return Opaque{}, ErrMalformed
	}
	o.GrantID = encodeID(b[2:18])
	o.Generation = binary.BigEndian.Uint32(b[18:22])
	o.ExpiresAt = time.Unix(getUint40(b[22:27]), 0).UTC()
	o.Extra = o.body[headLen:]
	if o.Kind == Client && !o.Proves(nil) {
		return Opaque{}, ErrMalformed
	}
	if !now.Before(o.ExpiresAt) {
		return o, ErrExpired
	}
	return o, nil
}

// ErrExpired is returned with the parsed token when it was ours but is over.
var ErrExpired = errors.New("token: expired")

// Proves tells whether the token was made with the grant's secret.
func (o Opaque) Proves(secret []byte) bool {
	if len(o.mac) != macLen {
		return false
	}
	return hmac.Equal(o.mac[macLen/2:], half("s", o.key, secret, o.body))
}

func half(label string, key, secret, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(label))
	h.Write([]byte{byte(len(secret))})
	h.Write(secret)
	h.Write(body)
	return h.Sum(nil)[:macLen/2]
}

func oneOf(k Kind, kinds []Kind) bool {
	for _, x := range kinds {
		if k == x {
			return true
		}
	}
	return false
}

func putUint40(b []byte, v int64) {
	b[0] = byte(v >> 32)
	binary.BigEndian.PutUint32(b[1:], uint32(v)) //nolint:gosec // the upper byte is stored beside it
}

func getUint40(b []byte) int64 {
	return int64(b[0])<<32 | int64(binary.BigEndian.Uint32(b[1:]))
}
