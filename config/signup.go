package config

import (
	"regexp"
	"time"
)

// SignUp is how people register themselves.
type SignUp struct {
	// Version of the terms of service, kept with every account that agrees to them;
	// change it whenever their text changes in substance.
	TermsVersion string `key:"terms_version" default:"2026-11"`

	// Terms of the operator's own, an https address; empty for the page that comes
	// with the program.
	TermsURL string `key:"terms_url"`

	// Privacy policy, an https address; no link if empty.
	PrivacyURL string `key:"privacy_url"`

	// Forms of registration that one address (IPv6: one /64) may send within the
	// window. Institutes behind one address need room in peak seasons.
	PerAddress int `key:"per_address" default:"30"`

	// The window of per_address.
	Window time.Duration `key:"window" default:"1h"`
}

var versionForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)

func (c Config) checkSignUp(p *Problems) {
	s := c.SignUp
	switch {
	case s.TermsVersion == "":
		p.add("signup.terms_version", "", "is missing; name the version of the terms, such as 2026-11")
	case !versionForm.MatchString(s.TermsVersion):
		p.add("signup.terms_version", s.TermsVersion, "has more than letters, digits, dots and hyphens")
	}
	for key, u := range map[string]string{"signup.terms_url": s.TermsURL, "signup.privacy_url": s.PrivacyURL} {
		if u != "" && !isWebAddress(u, "https") {
			p.add(key, u, "is not an https address")
		}
	}
	within(p, "signup.per_address", s.PerAddress, 1, 10000)
	between(p, "signup.window", s.Window, time.Minute, 24*time.Hour)
}
