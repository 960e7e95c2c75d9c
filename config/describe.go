package config

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Lines gives every key with its effective value, "key = value", in the order
// of the file and without any secret.
func (c Config) Lines() []string {
	var lines []string
	for _, f := range fieldsOf(&c) {
		lines = append(lines, f.key+" = "+f.text())
	}
	return lines
}

// Fingerprint is a short hash of Lines; it tells whether two measurements were
// made under the same configuration.
func (c Config) Fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join(c.Lines(), "\n")))
	return hex.EncodeToString(sum[:6])
}
