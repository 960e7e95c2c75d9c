package torch

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"github.com/emmansun/gmsm/sm3"
	"github.com/go-crypt/x/bcrypt"
	"github.com/go-crypt/x/crypt"
)

// scheme is one way in which the former platform hashed passwords.
type scheme struct {
	salted bool
	cost   [2]int // least and most, both 0 where the scheme has none
	length int    // of the digest in bytes, 0 where it varies
	digest func(password, salt []byte, cost int) ([]byte, error)
}

// The bounds on costs: what a row asks for must not take a core for minutes.
var (
	iterations   = [2]int{1, 1_000_000} // PBKDF2
	shaRounds    = [2]int{1000, 1_000_000}
	bcryptRounds = [2]int{4, 14}
)

// schemes by the names that an import file uses. Where a salt comes before the
// password the name says so.
var schemes = func() map[string]scheme {
	all := map[string]scheme{
		"bcrypt":      {true, bcryptRounds, 0, bcryptDigest},
		"md5crypt":    {true, [2]int{}, 0, func(p, s []byte, _ int) ([]byte, error) { return crypt.KeyMD5Crypt(p, s), nil }},
		"sha256crypt": {true, shaRounds, 0, shaCrypt(sha256.New)},
		"sha512crypt": {true, shaRounds, 0, shaCrypt(sha512.New)},
	}
	for name, h := range map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New, "sm3": sm3.New} {
		size := h().Size()
		all[name] = scheme{false, [2]int{}, size, func(p, _ []byte, _ int) ([]byte, error) { return sum(h, p), nil }}
		all[name+"-salt-password"] = scheme{true, [2]int{}, size, func(p, s []byte, _ int) ([]byte, error) { return sum(h, s, p), nil }}
		all[name+"-password-salt"] = scheme{true, [2]int{}, size, func(p, s []byte, _ int) ([]byte, error) { return sum(h, p, s), nil }}
		all["pbkdf2-"+name] = scheme{true, iterations, size, func(p, s []byte, n int) ([]byte, error) {
			return pbkdf2.Key(h, string(p), s, n, h().Size())
		}}
	}
	delete(all, "pbkdf2-md5")
	return all
}()

// Schemes lists the names of the known schemes.
func Schemes() []string {
	out := make([]string, 0, len(schemes))
	for name := range schemes {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func sum(h func() hash.Hash, parts ...[]byte) []byte {
	d := h()
	for _, p := range parts {
		d.Write(p) // a hash never fails
	}
	return d.Sum(nil)
}

// bcryptDigest is the 31 characters after the salt. Only the first 72 bytes of a
// password ever counted.
func bcryptDigest(password, salt []byte, cost int) ([]byte, error) {
	raw, err := bcrypt.Base64Decode(salt)
	if err != nil {
		return nil, err
	}
	whole, err := bcrypt.GenerateFromPasswordSalt(password[:min(len(password), 72)], raw, cost)
	if err != nil {
		return nil, err
	}
	if len(whole) != bcryptLength {
		return nil, fmt.Errorf("bcrypt gave %d bytes", len(whole))
	}
	return whole[bcryptLength-31:], nil
}

func shaCrypt(h func() hash.Hash) func(password, salt []byte, cost int) ([]byte, error) {
	return func(password, salt []byte, cost int) ([]byte, error) {
		return crypt.KeySHACrypt(h, password, salt, cost), nil
	}
}

const bcryptLength = 60

// The ways in which a password of the former platform cannot be taken over. None
// repeats what stands in the file.
var (
	ErrScheme = errors.New("unknown password scheme")
	ErrSalt   = errors.New("this scheme needs a salt")
	ErrHash   = errors.New("not a hash of this scheme")
	ErrCost   = errors.New("the hash asks for a cost out of bounds")
)

// modular reads the strings that name their own scheme (crypt(3), bcrypt, and
// pbkdf2_sha256$iterations$salt$hash as web frameworks write it).
func modular(s string) (name, salt, digest string, cost int, err error) {
	part := strings.Split(s, "$")
	switch {
	case len(part) == 4 && part[0] == "" && part[1] == "1":
		return "md5crypt", part[2], part[3], 0, nil
	case len(part) >= 4 && part[0] == "" && (part[1] == "5" || part[1] == "6"):
		name, cost = map[string]string{"5": "sha256crypt", "6": "sha512crypt"}[part[1]], 5000
		if rounds, explicit := strings.CutPrefix(part[2], "rounds="); explicit {
			if cost, err = strconv.Atoi(rounds); err != nil {
				return "", "", "", 0, ErrCost
			}
			part = slices.Delete(part, 2, 3)
		}
		if len(part) != 4 {
			return "", "", "", 0, ErrHash
		}
		return name, part[2], part[3], cost, nil
	case len(part) == 4 && part[0] == "" && slices.Contains([]string{"2a", "2b", "2x", "2y"}, part[1]):
		cost, err = strconv.Atoi(part[2])
		if err != nil || len(part[3]) != 53 {
			return "", "", "", 0, ErrHash
		}
		return "bcrypt", part[3][:22], part[3][22:], cost, nil
	case len(part) == 4 && strings.HasPrefix(part[0], "pbkdf2_"):
		cost, err = strconv.Atoi(part[1])
		if err != nil {
			return "", "", "", 0, ErrCost
		}
		return "pbkdf2-" + strings.TrimPrefix(part[0], "pbkdf2_"), part[2], part[3], cost, nil
	}
	return "", "", "", 0, ErrScheme
}
