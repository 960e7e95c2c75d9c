package config

import (
	"fmt"
	"log/slog"
)

// redacted is all that a Secret shows.
const redacted = "[redacted]"

// Secret is a value that shows itself as [redacted] in fmt, JSON, YAML, text
// encodings and slog. Only Bytes and Text give it away, so a search for those
// two finds every place where a secret leaves.
type Secret struct {
	// A function, because fmt prints what lies in unexported fields of others
	// without asking Format; of a function it shows the address alone.
	value func() []byte
}

// NewSecret keeps a copy of value.
func NewSecret(value []byte) Secret {
	kept := append([]byte(nil), value...)
	return Secret{value: func() []byte { return kept }}
}

// Bytes gives a copy of the secret, nil if there is none.
func (s Secret) Bytes() []byte {
	if s.value == nil {
		return nil
	}
	return append([]byte(nil), s.value()...)
}

// Text gives the secret as a string, empty if there is none.
func (s Secret) Text() string {
	if s.value == nil {
		return ""
	}
	return string(s.value())
}

// IsSet tells whether there is a secret.
func (s Secret) IsSet() bool { return s.value != nil && len(s.value()) > 0 }

// Format serves every verb of fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String serves plain concatenation.
func (Secret) String() string { return redacted }

// MarshalText serves encoding/json, encoding/xml and whatever asks for text.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML serves the YAML encoders.
func (Secret) MarshalYAML() (any, error) { return redacted, nil }

// LogValue serves log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
