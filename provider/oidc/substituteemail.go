package oidc

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// SubstituteEmails are the addresses of users who have none, for clients that
// keep no account without one and registered substitute_email. The zero value
// makes none.
type SubstituteEmails struct {
	Domain   string // takes no mail
	Verified bool   // the deployer owns the domain
}

// address is the one that goes with a sub: the same for ever, as different
// between sectors as the sub is, in one case and without leading punctuation,
// because systems compare addresses without regard to case and some refuse
// whatever is unusual.
func (e SubstituteEmails) address(sub string) string {
	sum := sha256.Sum256([]byte("substitute email\x00" + sub))
	return "u" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20])) + "@" + e.Domain
}
