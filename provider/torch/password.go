package torch

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"kejitong/provider/credential"
)

// Password is a password as the former platform stored it: it can be recomputed
// from what somebody types, and nothing else.
type Password struct {
	Scheme string
	Salt   []byte
	Cost   int
	Digest []byte
}

// ReadPassword reads the columns of an import file. name is empty or "modular"
// for a hash that names its own scheme ($1$, $5$, $6$, $2y$, pbkdf2_sha256$…); a
// digest may be written in hex or base64. salt is taken as text, as the former
// platform concatenated it; cost is the iterations of PBKDF2 where the hash does
// not say them.
//
// Errors: ErrScheme, ErrSalt, ErrHash, ErrCost.
func ReadPassword(name, hash, salt string, cost int) (Password, error) {
	name, hash = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(hash)
	if len(hash) > 512 || len(salt) > 256 {
		return Password{}, ErrHash
	}
	if name == "" || name == "modular" {
		var err error
		if name, salt, hash, cost, err = modular(hash); err != nil {
			return Password{}, err
		}
	}
	s, ok := schemes[name]
	if !ok {
		return Password{}, ErrScheme
	}
	if s.salted && salt == "" {
		return Password{}, ErrSalt
	}
	if cost < s.cost[0] || cost > s.cost[1] {
		return Password{}, ErrCost
	}
	p := Password{Scheme: name, Cost: cost}
	if s.salted {
		p.Salt = []byte(salt)
	}
	if s.length == 0 { // crypt(3): the digest is its own text
		p.Digest = []byte(hash)
	} else if p.Digest = decoded(hash, s.length); p.Digest == nil {
		return Password{}, ErrHash
	}
	if s.length == 0 {
		// What the scheme makes of any password has the length of what it made of
		// this one.
		sample, err := s.digest([]byte("x"), p.Salt, s.cost[0])
		if err != nil || len(sample) != len(p.Digest) {
			return Password{}, ErrHash
		}
	}
	return p, nil
}

// decoded reads n bytes in hex or base64 of either alphabet, nil if it is neither.
func decoded(s string, n int) []byte {
	if b, err := hex.DecodeString(s); err == nil && len(b) == n {
		return b
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(s); err == nil && len(b) == n {
			return b
		}
	}
	return nil
}

// Recompute is what the former platform would have stored for password.
func (p Password) Recompute(password string) ([]byte, error) {
	s, ok := schemes[p.Scheme]
	if !ok {
		return nil, ErrScheme
	}
	return s.digest([]byte(password), p.Salt, p.Cost)
}

// Matches tells whether password is the right one.
func (p Password) Matches(password string) (bool, error) {
	d, err := p.Recompute(password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(d, p.Digest) == 1, nil
}

// preimage is what argon2id is computed over when the digest is wrapped. The
// digest itself, typed as a password, gives another one: a stolen hash signs
// nobody in.
func preimage(digest []byte) string { return "lw1|" + hex.EncodeToString(digest) }

// The two forms in which a password of the former platform lies in the database,
// sealed like every other: as it came, until the wrapping job has been there, and
// under argon2id.
const (
	rawPrefix     = "$torch$"
	wrappedPrefix = "$torch-argon2id$"
)

// Foreign tells whether a stored password is one of the former platform.
func Foreign(stored string) bool {
	return strings.HasPrefix(stored, rawPrefix) || strings.HasPrefix(stored, wrappedPrefix)
}

// String is the form before wrapping: $torch$scheme$cost$salt$digest.
func (p Password) String() string { return rawPrefix + p.head() + encode(p.Digest) }

// Wrapped is the form after it: the argon2id string of Preimage instead of the
// digest.
func (p Password) Wrapped(phc string) string { return wrappedPrefix + p.head() + phc }

// Preimage is what the wrapping job computes argon2id over.
func (p Password) Preimage() string { return preimage(p.Digest) }

func (p Password) head() string {
	return p.Scheme + "$" + strconv.Itoa(p.Cost) + "$" + encode(p.Salt) + "$"
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// ParseStored reads what String or Wrapped wrote; phc is empty for the former.
func ParseStored(stored string) (p Password, phc string, err error) {
	fail := func() (Password, string, error) {
		return Password{}, "", fmt.Errorf("password of the former platform: %w", ErrHash) // the text would quote it
	}
	rest, wrapped := strings.CutPrefix(stored, wrappedPrefix)
	if !wrapped {
		var raw bool
		if rest, raw = strings.CutPrefix(stored, rawPrefix); !raw {
			return fail()
		}
	}
	part := strings.SplitN(rest, "$", 4)
	if len(part) != 4 {
		return fail()
	}
	s, ok := schemes[part[0]]
	cost, err := strconv.Atoi(part[1])
	if !ok || err != nil || cost < s.cost[0] || cost > s.cost[1] {
		return fail()
	}
	p = Password{Scheme: part[0], Cost: cost}
	if p.Salt, err = base64.RawURLEncoding.DecodeString(part[2]); err != nil {
		return fail()
	}
	if wrapped {
		return p, part[3], nil
	}
	if p.Digest, err = base64.RawURLEncoding.DecodeString(part[3]); err != nil || len(bytes.TrimSpace(p.Digest)) == 0 {
		return fail()
	}
	return p, "", nil
}

// Passwords judges stored passwords of the former platform; it is a
// credential.Foreign.
type Passwords struct{}

// Mine is Foreign.
func (Passwords) Mine(stored string) bool { return Foreign(stored) }

// Recompute implements credential.Foreign.
func (Passwords) Recompute(stored, password string) (credential.Recomputed, error) {
	p, phc, err := ParseStored(stored)
	if err != nil {
		return credential.Recomputed{}, err
	}
	digest, err := p.Recompute(password)
	if err != nil {
		return credential.Recomputed{}, err
	}
	if phc != "" {
		return credential.Recomputed{PHC: phc, Preimage: preimage(digest)}, nil
	}
	return credential.Recomputed{Right: subtle.ConstantTimeCompare(digest, p.Digest) == 1}, nil
}
