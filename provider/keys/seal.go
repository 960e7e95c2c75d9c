package keys

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrUnsealable is returned for every ciphertext that cannot be opened: an
// unknown key, a flipped bit, or a value moved to another place. There is no
// pass-through of unsealed text.
var ErrUnsealable = errors.New("keys: sealed value cannot be opened")

// sealVersion opens every sealed text; it names the layout and the algorithm
// (XChaCha20-Poly1305, 24-byte random nonce).
const sealVersion = "s1"

// Seal encrypts plain under the newest key of purpose and binds it to place
// (table, column and row, so that a ciphertext moved elsewhere does not open).
// The result is text: "s1.<kid>.<base64url nonce||ciphertext>".
func (s *Snapshot) Seal(purpose Purpose, place string, plain []byte) (string, error) {
	k, ok := s.current[purpose]
	if !ok {
		return "", fmt.Errorf("keys: no key for purpose %q", purpose)
	}
	return sealWith(k.Kid, k.Bytes, place, plain)
}

// Open decrypts a text made by Seal for the same place.
func (s *Snapshot) Open(purpose Purpose, place, sealed string) ([]byte, error) {
	kid, rest, err := cut(sealed)
	if err != nil {
		return nil, err
	}
	k, ok := s.secrets[kid]
	if !ok || k.Purpose != purpose {
		return nil, ErrUnsealable
	}
	return openKid(kid, k.Bytes, place, rest)
}

func cut(sealed string) (kid, rest string, err error) {
	v, tail, ok := strings.Cut(sealed, ".")
	if !ok || v != sealVersion {
		return "", "", ErrUnsealable
	}
	kid, rest, ok = strings.Cut(tail, ".")
	if !ok {
		return "", "", ErrUnsealable
	}
	return kid, rest, nil
}

func sealWith(kid string, key []byte, place string, plain []byte) (string, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return "", fmt.Errorf("keys: seal: %w", err)
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("keys: seal: %w", err)
	}
	out := aead.Seal(nonce, nonce, plain, []byte(kid+"|"+place))
	return sealVersion + "." + kid + "." + base64.RawURLEncoding.EncodeToString(out), nil
}

func openKid(kid string, key []byte, place, rest string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return nil, ErrUnsealable
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil || len(raw) < aead.NonceSize() {
		return nil, ErrUnsealable
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(kid+"|"+place))
	if err != nil {
		return nil, ErrUnsealable
	}
	return plain, nil
}
