package oidc

import (
	"encoding/json"
	"kejitong/provider/session"
	"testing"

	"kejitong/provider/client"
)

func TestStrongerClassesSatisfyWeakerOnes(t *testing.T) {
	for _, c := range []struct {
		have, want string
		ok         bool
	}{
		{session.ACRPassword, session.ACRSecond, false},
		{session.ACRPassword, session.ACRStrong, false},
		{session.ACRSecond, session.ACRStrong, false},
		{"", session.ACRPassword, false},
		{"urn:other", session.ACRPassword, false},
		{session.ACRStrong, "urn:other", false}, // an unknown wish is never met
		{session.ACRStrong, "", false},
		{session.ACRPassword, session.ACRPassword, true},
		{session.ACRSecond, session.ACRPassword, true},
		{session.ACRStrong, session.ACRSecond, true},
	} {
		if meets(c.have, c.want) != c.ok {
			t.Errorf("have %q, want %q: %v", c.have, c.want, !c.ok)
		}
	}
}

// OpenID Connect Core §5.5.1.1: an essential acr is met or ends in an error, a
// voluntary one never forces anything. Session tells which class the user has.
func TestEssentialACR(t *testing.T) {
	p := &Provider{}
	for _, c := range []struct {
		name, claims, required, session string
		refused                         bool // at once, whoever signs in
		reached                         bool // by that session
	}{
		{"a class that takes a passkey, where there are none", `{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:3"}}}`, "", session.ACRPassword, true, false},
		{"a class that does not exist", `{"id_token":{"acr":{"essential":true,"values":["urn:mace:incommon:iap:silver"]}}}`, "", session.ACRPassword, true, false},
		{"value beside values", `{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:3","values":["urn:fuwu:aal:4"]}}}`, "", session.ACRPassword, true, false},
		{"a class that a second factor reaches", `{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:2"}}}`, "", session.ACRPassword, false, false},
		{"the client's required class", "", session.ACRSecond, session.ACRPassword, false, false},
		{"the client's required class, though the request is content", `{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:1"}}}`, session.ACRSecond, session.ACRPassword, false, false},
		{"one of several", `{"id_token":{"acr":{"essential":true,"values":["urn:fuwu:aal:3","urn:fuwu:aal:1"]}}}`, "", session.ACRPassword, false, true},
		{"essential without a value", `{"id_token":{"acr":{"essential":true}}}`, "", session.ACRPassword, false, true},
		{"voluntary", `{"id_token":{"acr":{"value":"urn:fuwu:aal:3"}}}`, "", session.ACRPassword, false, true},
		{"null", `{"id_token":{"acr":null}}`, "", session.ACRPassword, false, true},
		{"at userinfo it means nothing", `{"userinfo":{"acr":{"essential":true,"value":"urn:fuwu:aal:3"}}}`, "", session.ACRPassword, false, true},
		{"a stronger session", `{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:1"}}}`, "", session.ACRStrong, false, true},
		{"no claims parameter", "", "", session.ACRPassword, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &asked{client: &client.Client{Metadata: client.Metadata{RequiredACR: c.required}}, claims: json.RawMessage(c.claims)}
			if err := p.checkACR(a); (err != nil) != c.refused || err != nil && codeOfError(err) != "unmet_authentication_requirements" {
				t.Errorf("checkACR: %v", err)
			}
			if got := a.acrReached(c.session); got != c.reached {
				t.Errorf("reached: %v", got)
			}
		})
	}
}
