package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func decoded(t testing.TB, part string) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	var m map[string]any
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// dynamicCodeOnly need a token endpoint or an access token.
var dynamicCodeOnly = []string{
	"oidcc-userinfo-rs256", "oidcc-registration-jwks-uri", "oidcc-refresh-token-rp-key-rotation", "oidcc-refresh-token",
	"oidcc-ensure-client-assertion-with-iss-aud-succeeds",
}

var dynamicModules = []dynamicModule{
	{"oidcc-idtoken-rs256", func(d *dynamic) {
		_, g := d.flow(d.agent(), d.party(map[string]any{"id_token_signed_response_alg": "RS256"}))
		if h := headerOf(d.t, g.idToken); h["alg"] != "RS256" || text(h, "kid") == "" {
			d.fail("header %v", h)
		}
	}},
	{"oidcc-idtoken-unsigned", unsignedUnsupported},
	{"oidcc-userinfo-rs256", (*dynamic).signedUserinfo},
	{"oidcc-ensure-redirect-uri-in-authorization-request", func(d *dynamic) {
		c := d.party(map[string]any{"redirect_uris": []string{suiteCallback, suiteCallback + "2"}})
		d.stays(d.visit(d.agent(), d.ask(c, "redirect_uri", "-")))
	}},
	{"oidcc-redirect-uri-query-OK", func(d *dynamic) {
		o, _ := d.flow(d.agent(), d.party(map[string]any{"redirect_uris": []string{suiteCallback + "?bar=foo"}}))
		if u, err := o.page.Location(); err != nil || u.Query().Get("bar") != "foo" {
			d.fail("sent to %v", u)
		}
	}},
	{"oidcc-redirect-uri-query-mismatch", func(d *dynamic) {
		c := d.party(map[string]any{"redirect_uris": []string{suiteCallback + "?foo=bar"}})
		d.stays(d.visit(d.agent(), d.ask(c, "redirect_uri", suiteCallback+"?bar=foo")))
	}},
	{"oidcc-redirect-uri-query-added", func(d *dynamic) {
		d.stays(d.visit(d.agent(), d.ask(d.party(nil), "redirect_uri", suiteCallback+"?foo=bar")))
	}},
	{"oidcc-redirect-uri-regfrag", func(d *dynamic) {
		d.refusedRegistration(map[string]any{"redirect_uris": []string{suiteCallback + "#foo=bar"}}, "invalid_redirect_uri", "invalid_client_metadata")
	}},
	{"oidcc-discovery-endpoint-verification", func(d *dynamic) {
		d.discovery()
		d.endpoint("registration_endpoint")
		for _, must := range []string{"code", "id_token", "id_token token"} {
			if !slices.Contains(d.listed("response_types_supported"), must) {
				d.fail("response_types_supported lacks %s", must)
			}
		}
		for _, must := range []string{"authorization_code", "implicit"} {
			if !slices.Contains(d.listed("grant_types_supported"), must) {
				d.fail("grant_types_supported lacks %s", must)
			}
		}
		for _, member := range []string{"userinfo_signing_alg_values_supported", "request_object_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported"} {
			if !slices.Contains(d.listed(member), "RS256") {
				d.fail("%s lacks RS256", member)
			}
		}
	}},
	{"oidcc-server", func(d *dynamic) { d.flow(d.agent(), d.party(nil)) }},
	{"oidcc-registration-logo-uri", func(d *dynamic) {
		uri := d.site.publish("/logo.png", "image/png", "\x89PNG")
		if at := d.shows(d.party(map[string]any{"logo_uri": uri})); !strings.Contains(at.body, `src="`+uri+`"`) {
			d.fail("the sign-in page does not show the logo")
		}
	}},
	{"oidcc-registration-policy-uri", func(d *dynamic) { d.links("policy_uri") }},
	{"oidcc-registration-tos-uri", func(d *dynamic) { d.links("tos_uri") }},
	{"oidcc-registration-jwks-uri", func(d *dynamic) {
		key := newSigner(d.t, "RS256", "published-1")
		uri := d.site.publish("/jwks-"+randomText(4), "application/json", string(key.set(d.t)))
		c := d.party(map[string]any{"jwks": nil, "jwks_uri": uri})
		c.key = key
		d.flow(d.agent(), c)
	}},
	{"oidcc-registration-sector-uri", func(d *dynamic) {
		other := "https://other.certification.example/callback"
		uri := d.site.publish("/sector-good", "application/json", encoded(d.t, []string{suiteCallback, other}))
		c := d.party(map[string]any{"redirect_uris": []string{suiteCallback, other}, "sector_identifier_uri": uri, "subject_type": "pairwise"})
		d.flow(d.agent(), c)
	}},
	{"oidcc-registration-sector-bad", func(d *dynamic) {
		uri := d.site.publish("/sector-bad", "application/json", encoded(d.t, []string{"https://other.certification.example/callback"}))
		d.refusedRegistration(map[string]any{"sector_identifier_uri": uri, "subject_type": "pairwise"}, "invalid_client_metadata")
	}},
	{"oidcc-server-rotate-keys", func(d *dynamic) {
		before := d.keys()
		_, g := d.flow(d.agent(), d.party(nil))
		if err := d.app.ring.Prepare(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
		if err := d.app.ring.RotateSigning(d.t.Context(), "test"); err != nil {
			d.t.Fatal(err)
		}
		_, after := d.flow(d.agent(), d.party(nil))
		if headerOf(d.t, after.idToken)["kid"] == headerOf(d.t, g.idToken)["kid"] {
			d.fail("signed by the same key as before")
		}
		now := d.keys()
		for _, k := range before.Keys { // the old ones are still there
			if len(now.Key(k.KeyID)) != 1 {
				d.fail("key %s is gone", k.KeyID)
			}
		}
		d.keyOf(g.idToken)
	}},
	{"oidcc-refresh-token-rp-key-rotation", func(d *dynamic) {
		path := "/rotating-" + randomText(4)
		old, next := newSigner(d.t, "RS256", "old"), newSigner(d.t, "RS256", "next")
		c := d.party(map[string]any{"jwks": nil, "jwks_uri": d.site.publish(path, "application/json", string(old.set(d.t)))})
		c.key = old
		g := d.refreshing(c)
		d.site.publish(path, "application/json", string(next.set(d.t)))
		c.key = next
		d.clock.move(60 * time.Second) // jwks_refresh_delay
		d.refreshed(g, "openid offline_access")
	}},
	{"oidcc-request-uri-unsigned", func(d *dynamic) {
		if slices.Contains(d.listed("request_object_signing_alg_values_supported"), "none") {
			d.fail("none is advertised")
		}
		d.promised("request_uri_parameter_supported")
	}},
	{"oidcc-request-uri-signed-rs256", func(d *dynamic) {
		// The hash in the fragment does not fit; no exp, no kid; state and nonce
		// stand inside alone.
		path := "/request-" + randomText(4)
		registered := d.site.URL + path + "#" + randomText(16)
		c := d.party(map[string]any{"request_uris": []string{registered}, "request_object_signing_alg": "RS256"})
		q := d.ask(c)
		claims := map[string]any{"iss": c.id, "aud": d.issuer}
		for name, v := range q {
			claims[name] = v[0]
		}
		d.site.publish(path, "application/jwt", suiteKey(d.t).sign(d.t, claims, nil))
		outer := attempt{params: q}.with("state", "-", "nonce", "-", "request_uri", registered).params
		b := d.agent()
		d.success(c, d.through(b, q, b.get(d.endpoint("authorization_endpoint")+"?"+outer.Encode())))
	}},
	{"oidcc-ensure-request-object-with-redirect-uri", func(d *dynamic) {
		c := d.party(map[string]any{"request_object_signing_alg": "RS256"})
		q := d.ask(c)
		claims := map[string]any{"iss": c.id, "aud": d.issuer}
		for name, v := range q {
			claims[name] = v[0]
		}
		outer := attempt{params: q}.with("redirect_uri", suiteCallback+"/"+randomText(8), "request", suiteKey(d.t).sign(d.t, claims, nil)).params
		b := d.agent()
		o := d.through(b, q, b.get(d.endpoint("authorization_endpoint")+"?"+outer.Encode()))
		if o.params == nil {
			d.stays(o)
			return
		}
		d.success(c, o) // what is inside won
	}},
	{"oidcc-refresh-token", func(d *dynamic) {
		one, two := d.party(nil), d.party(nil)
		d.refreshing(one)
		g := d.refreshing(two)
		d.invalidGrant(d.call(one, "token_endpoint", refreshForm(g.refresh)), "refresh token of another client")
	}},
	{"oidcc-ensure-client-assertion-with-iss-aud-succeeds", func(d *dynamic) {
		c := d.party(nil)
		o := d.visit(d.agent(), d.ask(c))
		d.arrived(o)
		claims := d.assertion(c)
		claims["aud"] = d.issuer
		r := url.Values{
			"grant_type": {"authorization_code"}, "code": {o.params.Get("code")}, "redirect_uri": {c.redirect},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {c.key.sign(d.t, claims, nil)},
		}
		if a := d.call(nil, "token_endpoint", r); a.status != http.StatusOK {
			d.fail("token endpoint: %s", a)
		}
	}},
}

// links: the sign-in page leads to a document of the client's.
func (d *dynamic) links(member string) {
	d.t.Helper()
	uri := d.site.publish("/"+member, "text/html", "x")
	if at := d.shows(d.party(map[string]any{member: uri})); !strings.Contains(at.body, `href="`+uri+`"`) {
		d.fail("the sign-in page has no link to %s", uri)
	}
}

// signedUserinfo: OpenID Connect Core §5.3.2.
func (d *dynamic) signedUserinfo() {
	d.t.Helper()
	c := d.party(map[string]any{"userinfo_signed_response_alg": "RS256"})
	o := d.visit(d.agent(), d.ask(c))
	d.arrived(o)
	got := d.redeem(c, o)
	if got.status != http.StatusOK {
		d.t.Fatalf("token endpoint: %s", got)
	}
	id := d.verified(c, text(got.body, "id_token"), o.sent)
	a := d.userinfo(text(got.body, "access_token"))
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/jwt" {
		d.t.Fatalf("userinfo: %d %s %s", a.status, a.header.Get("Content-Type"), a.raw)
	}
	d.keyOf(a.raw)
	jws, err := jose.ParseSignedCompact(a.raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		d.t.Fatal(err)
	}
	m := decoded(d.t, base64.RawURLEncoding.EncodeToString(jws.UnsafePayloadWithoutVerification()))
	if m["iss"] != d.issuer || m["aud"] != c.id || m["sub"] != id["sub"] || m["nonce"] != nil {
		d.fail("userinfo %v", m)
	}
	for _, breach := range examineClaims(m) {
		d.fail("userinfo: %s", breach)
	}
}
