package interact

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"kejitong/provider/client"
	"kejitong/provider/consent"
)

// claimScopes says which scope covers each standard claim (OpenID Connect Core
// §5.1, §5.4).
var claimScopes = map[string]string{
	"name": consent.Profile, "given_name": consent.Profile, "family_name": consent.Profile, "middle_name": consent.Profile,
	"nickname": consent.Profile, "preferred_username": consent.Profile, "profile": consent.Profile, "picture": consent.Profile,
	"website": consent.Profile, "gender": consent.Profile, "birthdate": consent.Profile, "zoneinfo": consent.Profile,
	"locale": consent.Profile, "updated_at": consent.Profile,
	"email": consent.Email, "email_verified": consent.Email,
	"phone_number": consent.Phone, "phone_number_verified": consent.Phone,
	"address": consent.Address,
}

// asked are the scopes that the user is asked about, sorted: those requested,
// known and registered, and those that cover claims requested one by one.
func asked(c *client.Client, form url.Values) []string {
	registered := strings.Fields(c.Metadata.Scope)
	var out []string
	add := func(scope string) {
		if _, known := consent.Known(scope); known && slices.Contains(registered, scope) && !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	for _, s := range strings.Fields(form.Get("scope")) {
		// Without refresh tokens there is no access after sign-out to consent to.
		if s != consent.Offline || c.May("refresh_token") {
			add(s)
		}
	}
	for _, name := range claimsAsked(form.Get("claims")) {
		if scope, ok := claimScopes[name]; ok {
			add(scope)
		}
	}
	slices.Sort(out)
	return out
}

// claimsAsked are the names in the claims parameter (OpenID Connect Core §5.5);
// what does not parse asks for nothing.
func claimsAsked(parameter string) []string {
	var top map[string]json.RawMessage
	if parameter == "" || json.Unmarshal([]byte(parameter), &top) != nil {
		return nil
	}
	var names []string
	for _, place := range []string{"id_token", "userinfo"} {
		var members map[string]json.RawMessage
		if json.Unmarshal(top[place], &members) != nil {
			continue
		}
		for name := range members {
			names = append(names, name)
		}
	}
	return names
}
