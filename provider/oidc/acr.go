package oidc

import (
	"encoding/json"
	"net/http"
	"slices"

	"kejitong/provider/principal"
	"kejitong/provider/session"
)

// classes are the authentication context classes, the weakest first.
var classes = []string{session.ACRPassword, session.ACRSecond, session.ACRStrong}

// classes are those that a user can reach here; discovery lists them.
func (p *Provider) classes() []string {
	if p.Features.Passkeys {
		return classes
	}
	return classes[:len(classes)-1]
}

var errACR = oauthError{"unmet_authentication_requirements", http.StatusBadRequest, "the requested authentication context class cannot be reached"}

// essentialACR gives the values of an acr that the claims parameter marks as
// essential for the ID token (OpenID Connect Core §5.5.1.1); any says that no
// value was named.
func essentialACR(raw json.RawMessage) (values []string, essential bool) {
	w := claimsRequest(raw)["id_token"]["acr"]
	if w == nil || !w.Essential {
		return nil, false
	}
	for _, v := range append(w.Values, w.Value) {
		var s string
		if json.Unmarshal(v, &s) == nil && s != "" {
			values = append(values, s)
		}
	}
	return values, true
}

// checkACR refuses at once what no sign-in could meet: an error, not a silent
// downgrade. acr_values is voluntary and never refuses.
func (p *Provider) checkACR(a *asked) error {
	values, essential := essentialACR(a.claims)
	if !essential || len(values) == 0 {
		return nil
	}
	for _, v := range values {
		if slices.ContainsFunc(p.classes(), func(r string) bool { return meets(r, v) }) {
			return nil
		}
	}
	return errACR
}

// meets tells whether a session of class have satisfies want; a stronger class
// satisfies a weaker one.
func meets(have, want string) bool {
	w := slices.Index(classes, want)
	return w >= 0 && slices.Index(classes, have) >= w
}

// acrReached tells whether a session of class have satisfies the request and
// the client.
func (a *asked) acrReached(have string) bool {
	if want := a.client.Metadata.RequiredACR; want != "" && !meets(have, want) {
		return false
	}
	values, essential := essentialACR(a.claims)
	if !essential || len(values) == 0 {
		return true
	}
	return slices.ContainsFunc(values, func(v string) bool { return meets(have, v) })
}

// acrWithin tells whether a second factor that the visitor has would reach the
// class that is asked for, and whether that takes a passkey.
func (p *Provider) acrWithin(a *asked, v *principal.Visit) (within, key bool) {
	shown := func(method string) bool { return a.acrReached(session.ClassOf(session.With(v.Session.AMR, method))) }
	switch {
	case v.Factors.TOTP && shown("otp"), v.Principal.Account.Profile.PhoneVerified && shown("sms"):
		return true, false
	case v.Factors.Passkey && p.Features.Passkeys && shown("hwk"):
		return true, !shown("otp") // a recovery code does as well, where one would
	}
	return false, false
}
