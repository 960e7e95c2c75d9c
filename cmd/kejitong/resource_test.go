package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// with adds parameters, name and value in turn, to a copy of a form.
func with(v url.Values, more ...string) url.Values {
	out := url.Values{}
	for name, values := range v {
		out[name] = values
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = append(slices.Clone(out[more[i]]), more[i+1])
	}
	return out
}

// audOf is the audience of a token as its own client is told by introspection.
func (r *rig) audOf(id, token string) string {
	r.t.Helper()
	got := r.inspect(id, token)
	if got.body["active"] != true {
		r.t.Fatalf("not active: %s", got)
	}
	list, _ := got.body["aud"].([]any)
	return strings.Trim(fmt.Sprint(list), "[]")
}

const (
	billing = "https://billing.example/v1"
	archive = "https://archive.example"
)

// RFC 8707 §2.2: at the token endpoint resource narrows one access token; it
// never adds anything, and what the refresh token stands for stays whole.
func TestResourcesAtTheTokenEndpoint(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		three := []string{api, billing, archive}
		r.register("multi", client.Metadata{Audience: three})
		r.register("multi-jwt", client.Metadata{Audience: three, AccessTokenFormat: "jwt"})
		r.register("worker", client.Metadata{Audience: three, GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		r.register("single", client.Metadata{})
		r.register("api", client.Metadata{ResourceIdentifiers: []string{api}})
		b := r.browser()

		narrowed := request("multi", "openid") // §2.1: two of three at the authorization endpoint
		narrowed.params["resource"] = []string{api, billing}
		code := r.code(b, "a", narrowed)
		m := r.granted(b, "a", "multi", "openid")
		service := url.Values{"grant_type": {"client_credentials"}}
		before := r.state()
		for _, row := range []struct {
			name, id string
			form     url.Values
			resource []string
		}{
			{"§2.2: registered but not granted", "multi", codeForm(narrowed, code), []string{archive}},
			{"§2.2: one granted, one not", "multi", codeForm(narrowed, code), []string{api, archive}},
			{"§2: not registered", "multi", refreshForm(text(m, "refresh_token")), []string{"https://evil.test"}},
			{"§2: no URI at all", "multi", refreshForm(text(m, "refresh_token")), []string{"api"}},
			{"§2: with a fragment", "multi", refreshForm(text(m, "refresh_token")), []string{api + "#x"}},
			{"another letter case", "multi", refreshForm(text(m, "refresh_token")), []string{strings.ToUpper(api)}},
			{"a slash more", "multi", refreshForm(text(m, "refresh_token")), []string{api + "/"}},
			{"an empty one among them", "multi", refreshForm(text(m, "refresh_token")), []string{"", api}},
			{"of a service", "worker", service, []string{api, "https://evil.test"}},
		} {
			v := with(row.form)
			v["resource"] = row.resource
			r.want(r.token(row.id, v), 400, "invalid_target", row.name)
		}
		r.same(before, "refused resources")
		many := with(refreshForm(text(m, "refresh_token")))
		for range 17 {
			many.Add("resource", api)
		}
		r.want(r.token("multi", many), 400, "invalid_request", "seventeen resources")
		r.same(before, "too many resources")

		got := r.token("multi", with(codeForm(narrowed, code), "resource", api))
		r.want(got, 200, "", "a code for one resource of two")
		if aud := r.audOf("multi", text(got.body, "access_token")); aud != api {
			t.Errorf("aud %q, want exactly the resource asked for", aud)
		}
		if ui := r.info(text(got.body, "access_token")); ui.status != 401 {
			t.Errorf("userinfo takes a token that is not for the provider: %s", ui)
		}
		if seen := r.inspect("api", text(got.body, "access_token")); seen.body["active"] != true {
			t.Errorf("its own resource server does not see it: %s", seen)
		}
		got = r.refresh("multi", text(got.body, "refresh_token"))
		if aud := r.audOf("multi", text(got.body, "access_token")); aud != api+" "+billing+" "+r.name() {
			t.Errorf("aud after a refresh without resource: %q, want the whole grant", aud)
		}
		got = r.token("multi", with(refreshForm(text(got.body, "refresh_token")), "resource", billing, "resource", r.name(), "resource", billing))
		if aud := r.audOf("multi", text(got.body, "access_token")); aud != billing+" "+r.name() {
			t.Errorf("aud %q, want the two asked for", aud)
		}
		if seen := r.inspect("api", text(got.body, "access_token")); seen.body["active"] != false {
			t.Errorf("a resource server outside of the audience sees the token: %s", seen)
		}
		if ui := r.info(text(got.body, "access_token")); ui.status != 200 {
			t.Errorf("userinfo: %s, want 200: the provider is in the audience", ui)
		}
		r.want(r.token("multi", with(refreshForm(text(got.body, "refresh_token")), "resource", archive)), 400, "invalid_target", "never granted")

		j := r.granted(b, "a", "multi-jwt", "openid")
		c := r.genuine(text(r.token("multi-jwt", with(refreshForm(text(j, "refresh_token")), "resource", billing)).body, "access_token"), "at+jwt", jose.ES256)
		if fmt.Sprint(c["aud"]) != "["+billing+"]" {
			t.Errorf("aud of the JWT: %v", c["aud"])
		}

		w := r.token("worker", with(service, "resource", archive))
		if aud := r.audOf("worker", text(w.body, "access_token")); aud != archive {
			t.Errorf("aud of a service token: %q", aud)
		}
		w = r.token("worker", service)
		if aud := r.audOf("worker", text(w.body, "access_token")); aud != strings.Join(three, " ") {
			t.Errorf("aud of a service token: %q, want all that is registered", aud)
		}
		s := r.granted(b, "a", "single", "openid")
		r.want(r.token("single", with(refreshForm(text(s, "refresh_token")), "resource", api)), 400, "invalid_target", "a client without resources")
	})
}

// RFC 6749 §5.2: a grant type that is not offered is no matter of the client's,
// one that is not registered is.
func TestGrantTypesAreOfferedOrRegistered(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("service", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		r.register("rp", client.Metadata{GrantTypes: []string{"authorization_code"}})
		for _, row := range []struct{ id, grant, code string }{
			{"rp", "password", "unsupported_grant_type"},
			{"rp", "implicit", "unsupported_grant_type"},
			{"rp", "authorization_code refresh_token", "unsupported_grant_type"},
			{"rp", "Authorization_Code", "unsupported_grant_type"},
			{"rp", "urn:openid:params:grant-type:ciba", "unsupported_grant_type"},
			{"rp", "client_credentials", "unauthorized_client"},
			{"rp", "refresh_token", "unauthorized_client"},
			{"service", "authorization_code", "unauthorized_client"},
		} {
			form := url.Values{"grant_type": {row.grant}, "code": {"x"}, "refresh_token": {"x"}, "code_verifier": {"x"}, "redirect_uri": {"https://rp.example/cb"}}
			r.want(r.token(row.id, form), 400, row.code, row.id+" with "+row.grant)
		}
	})
}
