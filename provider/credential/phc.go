package credential

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrUnusableHash is a stored password hash that is no argon2id PHC string or
// whose parameters are out of bounds.
var ErrUnusableHash = errors.New("unusable password hash")

// What a stored hash may ask for. A row that was tampered with must not make
// the server take gigabytes or minutes for one guess.
const (
	maxMemoryKiB = 256 << 10
	maxTime      = 32
	maxThreads   = 16
	maxWork      = 4 << 20 // MemoryKiB times Time

	saltLength = 16 // RFC 9106 §3.1 recommends 16 bytes
	keyLength  = 32
)

// cost is the parameter triple of argon2id.
type cost struct {
	memory, time uint32
	threads      uint8
}

// bounded holds the cost against RFC 9106 §3.1 (m >= 8p, t >= 1, p >= 1) and
// the bounds above.
func (c cost) bounded() bool {
	return c.threads >= 1 && c.threads <= maxThreads && c.time >= 1 && c.time <= maxTime &&
		c.memory >= 8*uint32(c.threads) && c.memory <= maxMemoryKiB &&
		uint64(c.memory)*uint64(c.time) <= maxWork
}

// phc is a parsed $argon2id$ string.
type phc struct {
	cost      cost
	salt, key []byte
}

func newPHC(c cost, password string) phc {
	p := phc{cost: c, salt: make([]byte, saltLength)}
	rand.Read(p.salt) // never fails: crypto/rand ends the program instead
	p.key = p.derive(password, keyLength)
	return p
}

func (p phc) derive(password string, length uint32) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.cost.time, p.cost.memory, p.cost.threads, length)
}

func (p phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(p.derive(password, uint32(len(p.key))), p.key) == 1
}

// String gives the PHC string format: $argon2id$v=19$m=,t=,p=$salt$key with
// unpadded standard base64.
func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.cost.memory, p.cost.time, p.cost.threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.key))
}

// parsePHC reads what String writes, and the same form with other bounded
// costs and lengths. The error never repeats the input.
func parsePHC(s string) (phc, error) {
	fail := func(what string) (phc, error) { return phc{}, fmt.Errorf("%w: %s", ErrUnusableHash, what) }
	if len(s) > 512 {
		return fail("too long")
	}
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return fail("not an argon2id string")
	}
	if part[2] != "v="+strconv.Itoa(argon2.Version) {
		return fail("version")
	}
	param := strings.Split(part[3], ",")
	if len(param) != 3 {
		return fail("parameters")
	}
	var value [3]uint64
	for i, prefix := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(param[i], prefix)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || i == 2 && n > maxThreads {
			return fail("parameters")
		}
		value[i] = n
	}
	p := phc{cost: cost{memory: uint32(value[0]), time: uint32(value[1]), threads: uint8(value[2])}}
	if !p.cost.bounded() {
		return fail("cost out of bounds")
	}
	var err error
	b64 := base64.RawStdEncoding.Strict()
	if p.salt, err = b64.DecodeString(part[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return fail("salt")
	}
	if p.key, err = b64.DecodeString(part[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return fail("key")
	}
	return p, nil
}
