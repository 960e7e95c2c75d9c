package config_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"kejitong/config"
)

// TestSecretNeverShows prints a secret in every way that a careless line could.
func TestSecretNeverShows(t *testing.T) {
	const canary = "canary-7Hq2"
	secret := config.NewSecret([]byte(canary))
	type hidden struct{ inner config.Secret }
	var c config.Config
	c.Keys.RootKey, c.Database.DSN = secret, secret
	values := map[string]any{
		"itself": secret, "its address": &secret, "the configuration": c, "its address of": &c,
		"a list": []config.Secret{secret}, "a map": map[string]config.Secret{"k": secret},
		"an unexported field": hidden{secret}, "an address in one": &struct{ p *config.Secret }{&secret},
		"any": []any{secret, &c}, "an error": fmt.Errorf("opening %v", c),
	}
	logger := func(out *bytes.Buffer, handler slog.Handler, v any) string {
		out.Reset()
		slog.New(handler).Info("start", "value", v, slog.Group("group", "value", v))
		return out.String()
	}
	var out bytes.Buffer
	for name, v := range values {
		shown := map[string]string{"print": fmt.Sprint(v), "println": fmt.Sprintln(v)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%20v", "%T"} {
			shown[verb] = fmt.Sprintf(verb, v)
		}
		encoded, _ := json.Marshal(v)
		shown["json"] = string(encoded)
		encoded, _ = yaml.Marshal(v)
		shown["yaml"] = string(encoded)
		encoded, _ = xml.Marshal(v)
		shown["xml"] = string(encoded)
		shown["slog text"] = logger(&out, slog.NewTextHandler(&out, nil), v)
		shown["slog json"] = logger(&out, slog.NewJSONHandler(&out, nil), v)
		for how, text := range shown {
			for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), strings.Trim(fmt.Sprint([]byte(canary)), "[]"), "Y2FuYXJ5LTdIcTI"} {
				if strings.Contains(text, form) {
					t.Errorf("%s by %s shows the secret: %s", name, how, text)
				}
			}
		}
	}
	if got := fmt.Sprint(secret); got != "[redacted]" {
		t.Errorf("Sprint = %q", got)
	}
	if strings.Contains(strings.Join(c.Lines(), "\n"), canary) {
		t.Error("Lines() shows the secret")
	}
}

// TestSecretKeepsItsOwnCopy: neither side can change what the other holds.
func TestSecretKeepsItsOwnCopy(t *testing.T) {
	given := []byte("abc")
	s := config.NewSecret(given)
	given[0] = 'x'
	s.Bytes()[1] = 'x'
	if s.Text() != "abc" || !s.IsSet() {
		t.Errorf("Text() = %q", s.Text())
	}
	if zero := (config.Secret{}); zero.IsSet() || zero.Text() != "" || zero.Bytes() != nil {
		t.Error("the zero Secret is not empty")
	}
}
