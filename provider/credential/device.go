package credential

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// DeviceLife is how long a browser is remembered after a sign-in.
const DeviceLife = 180 * 24 * time.Hour

// A device's token is 12 random bytes, the time it was given at, and a keyed
// digest of both with the login name: nothing is stored of it, and it is worth
// nothing for another name.
const (
	deviceSeed = 16
	deviceSize = 32
)

// Remember gives a token by which the browser that just signed this login name in
// is known again. It is no proof of anybody: guesses made with it are counted by
// themselves, so that those that others make elsewhere neither lock its owner out
// nor ask him for a captcha (S52).
func (s *Service) Remember(loginKey string) string {
	b := make([]byte, deviceSeed, deviceSize)
	rand.Read(b[:12])                                          // never fails: crypto/rand ends the program instead
	binary.BigEndian.PutUint32(b[12:], uint32(s.Now().Unix())) //nolint:gosec // until 2106
	b = append(b, s.mac("device", loginKey, string(b))[:deviceSize-deviceSeed]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Knows tells whether a token is one that Remember gave for the login name.
func (s *Service) Knows(loginKey, token string) bool {
	_, known := s.knows(loginKey, token)
	return known
}

// knows tells whether token was given for the login name, and names the counters
// of the browser.
func (s *Service) knows(name, token string) (Keys, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != deviceSize {
		return Keys{}, false
	}
	seed := string(b[:deviceSeed])
	if !hmac.Equal(b[deviceSeed:], s.mac("device", name, seed)[:deviceSize-deviceSeed]) {
		return Keys{}, false
	}
	given := time.Unix(int64(binary.BigEndian.Uint32(b[12:deviceSeed])), 0)
	if age := s.Now().Sub(given); age < -time.Minute || age >= DeviceLife {
		return Keys{}, false
	}
	text := func(purpose string) string { return base64.RawURLEncoding.EncodeToString(s.mac(purpose, name, seed)) }
	return Keys{Pair: text("guess by device"), Account: text("guesses of a device")}, true
}

func (s *Service) mac(purpose, name, seed string) []byte {
	m := hmac.New(sha256.New, s.Key)
	m.Write([]byte(purpose + "\x00" + name + "\x00" + seed)) // canonical names hold no NUL
	return m.Sum(nil)
}
