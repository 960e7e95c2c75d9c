package config

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// The values of realname.verifier.
const (
	VerifierRegistry = "registry"
	VerifierHTTP     = "http"
	VerifierManual   = "manual"
)

// RealName says how people and units are verified.
type RealName struct {
	// Who compares what was entered: registry (an extract in the database, loaded
	// by "kejitong register load"), http (an authority's gateway, see
	// docs/verification.md) or manual (reviewers alone, by documents).
	Verifier string `key:"verifier" default:"manual"`

	// The organisation whose extract it is, as systems are told it; registry only.
	RegistryName string `key:"registry_name"`

	// The organisation whose reviewers look at documents, as systems are told it;
	// empty takes the platform's name.
	ReviewerName string `key:"reviewer_name"`

	// How often one account may enter data in a day, so that no register is
	// guessed at.
	DailyLimit int `key:"daily_limit" default:"10"`

	// The gateway of the http verifier.
	Gateway Gateway `key:"gateway"`
}

// Gateway is an authority's verification gateway.
type Gateway struct {
	// Its address, https; http on a loopback address only. It may lie in a private
	// network.
	URL string `key:"url"`

	// Name of the shared key, as the gateway knows it.
	KeyID string `key:"key_id"`

	// File that holds the shared key, 32 bytes or more in base64 or hex, readable
	// by its owner alone.
	KeyFile string `key:"key_file" credential:"gateway_key"`

	// Key is the shared key.
	Key Secret `key:"-"`

	// Longest time of one question.
	Timeout time.Duration `key:"timeout" default:"8s"`

	// Types of document that the gateway knows beyond those with a check digit:
	// hm_mainland_pass, tw_mainland_pass, passport.
	Documents []string `key:"documents"`
}

func (c Config) checkRealName(p *Problems) {
	r := c.RealName
	if !slices.Contains([]string{VerifierRegistry, VerifierHTTP, VerifierManual}, r.Verifier) {
		p.add("realname.verifier", r.Verifier, "is none of registry, http, manual")
	}
	within(p, "realname.daily_limit", r.DailyLimit, 1, 1000)
	for key, name := range map[string]string{"realname.registry_name": r.RegistryName, "realname.reviewer_name": r.ReviewerName} {
		if len([]rune(name)) > 64 {
			p.add(key, name, "is longer than 64 characters")
		}
	}
	for _, d := range r.Gateway.Documents {
		if !slices.Contains([]string{"hm_mainland_pass", "tw_mainland_pass", "passport"}, d) {
			p.add("realname.gateway.documents", d, "is none of hm_mainland_pass, tw_mainland_pass, passport")
		}
	}
	if r.Verifier != VerifierHTTP {
		return
	}
	between(p, "realname.gateway.timeout", r.Gateway.Timeout, time.Second, 30*time.Second)
	u, err := url.Parse(r.Gateway.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		p.add("realname.gateway.url", r.Gateway.URL, "is no https address")
	}
	if r.Gateway.KeyID == "" || strings.ContainsFunc(r.Gateway.KeyID, func(x rune) bool { return x <= ' ' || x > '~' }) {
		p.add("realname.gateway.key_id", r.Gateway.KeyID, "is needed, of printable ASCII without blanks")
	}
	if !r.Gateway.Key.IsSet() && r.Gateway.KeyFile == "" {
		p.add("realname.gateway.key_file", "", "is needed with realname.verifier http")
	}
}

// readGatewayKey reads the key that is shared with the gateway.
func readGatewayKey(c *Config, problems *Problems) {
	const key = "realname.gateway.key_file"
	path := c.RealName.Gateway.KeyFile
	if path == "" || c.RealName.Verifier != VerifierHTTP {
		return
	}
	content, wrong := readSecretFile(path, 0o077)
	if wrong != "" {
		problems.add(key, path, wrong)
		return
	}
	if k, ok := decodeKey(string(content)); !ok || len(k) < rootKeySize {
		problems.add(key, path, "holds no 32 bytes or more in base64 or hex")
	} else {
		c.RealName.Gateway.Key = NewSecret(k)
	}
}
