package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/client"
)

// provesEndpoint: the address answers GET and a POST of nothing as it should.
func provesEndpoint(get, post int) func(*testing.T, *advertised, string) {
	return func(t *testing.T, d *advertised, v string) {
		if !strings.HasPrefix(v, d.issuer+"/") {
			t.Errorf("%s is not below the issuer", v)
		}
		b := d.browser()
		if p := b.get(v); p.StatusCode != get {
			t.Errorf("GET: %d, want %d", p.StatusCode, get)
		}
		if p := b.send(http.MethodPost, v, url.Values{}); p.StatusCode != post {
			t.Errorf("POST: %d, want %d", p.StatusCode, post)
		}
	}
}

// provesResponseType: the response brings what its type names, and the ID token
// in it verifies.
func provesResponseType(t *testing.T, d *advertised, v string) {
	id := "type-" + strings.ReplaceAll(v, " ", "-")
	d.fronted(id, nil)
	b := d.browser()
	b.in(d.arena, "a")
	a := asking(id, "openid profile", "response_type", v)
	d.follow(d.checker, a, d.answer(a, b.get(d.authorizeURL(a))))
}

// provesAuth authenticates at a direct endpoint by the method, or with that
// method by the algorithm. Nothing else is wrong with the request, so anything
// but 401 is a success; the same with a wrong credential must be 401.
func provesAuth(path, method string) func(*testing.T, *advertised, string) {
	return func(t *testing.T, d *advertised, v string) {
		alg, m := "ES256", v
		if method != "" {
			alg, m = v, method
		}
		if alg == "HS256" {
			m = "client_secret_jwt"
		}
		id := "auth-" + strings.TrimPrefix(path, "/oauth2/") + "-" + v
		d.client(id, func(c *client.Client) {
			c.Metadata.TokenEndpointAuthMethod = m
			if m == "none" || m == "private_key_jwt" {
				c.SecretDigest = ""
			}
			if m == "private_key_jwt" {
				c.Metadata.JWKS, c.Metadata.TokenEndpointAuthAlg = d.key[alg].set(t), alg
			}
		})
		status := func(right bool) int {
			form := url.Values{"token": {"x"}, "grant_type": {"refresh_token"}, "refresh_token": {"x"}}
			r, err := http.NewRequest(http.MethodPost, d.issuer+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			secret := d.secret(id)
			if !right {
				secret = randomText(32)
			}
			switch m {
			case "client_secret_basic":
				r.SetBasicAuth(id, secret)
			case "client_secret_post":
				form.Set("client_id", id)
				form.Set("client_secret", secret)
			case "private_key_jwt":
				aud := d.issuer
				if !right {
					aud = "https://evil.test"
				}
				form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				form.Set("client_assertion", d.key[alg].sign(t, map[string]any{"iss": id, "sub": id, "aud": aud, "jti": randomText(16), "iat": now().Unix(), "exp": now().Add(time.Minute).Unix()}, nil))
			case "client_secret_jwt":
				form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				form.Set("client_assertion", macSigned(t, secret, "HS256", map[string]any{"iss": id, "sub": id, "aud": d.issuer, "jti": randomText(16), "iat": now().Unix(), "exp": now().Add(time.Minute).Unix()}))
			case "none":
				if form.Set("client_id", id); !right {
					form.Set("client_id", "std")
				}
			}
			return d.browser().send(http.MethodPost, d.issuer+path, form, "Authorization", r.Header.Get("Authorization")).StatusCode
		}
		if got := status(false); got != http.StatusUnauthorized {
			t.Errorf("wrong credential: %d, want 401", got)
		}
		if got := status(true); got == http.StatusUnauthorized || got >= 500 {
			t.Errorf("right credential: %d", got)
		}
	}
}

func provesBackchannel(t *testing.T, d *advertised, v string) {
	b := d.browser()
	b.in(d.arena, "a")
	a := asking("leaver", "openid")
	c := idToken(t, d.redeem(a, b.get(d.authorizeURL(a))))
	b.press(b.get(d.issuer+"/logout"), "logout=yes")
	select {
	case form := <-d.told:
		said := idToken(t, map[string]any{"id_token": form.Get("logout_token")})
		if v != "true" || said["sid"] == nil || said["sid"] != c["sid"] || said["aud"] != "leaver" {
			t.Errorf("the logout token says %v, the ID token's sid is %v", said, c["sid"])
		}
	case <-time.After(20 * time.Second):
		t.Error("the client was never told")
	}
}

// provesCheckSession: the page is there, and session_state is what it compares
// (TestCheckSessionInChromium does so in a browser).
func provesCheckSession(t *testing.T, d *advertised, v string) {
	b := d.browser()
	if p := b.get(v); p.StatusCode != http.StatusOK || !strings.HasPrefix(v, d.issuer+"/") || !strings.Contains(p.body, "kejitong_state") {
		t.Errorf("%s: %d", v, p.StatusCode)
	}
	b.in(d.arena, "a")
	a := asking("std", "openid")
	if got := d.answer(a, b.get(d.authorizeURL(a))).Get("session_state"); !fits(b, got, "std", "https://rp.example.gov.cn") {
		t.Errorf("session_state %q", got)
	}
}

func provesFrontchannel(t *testing.T, d *advertised, v string) {
	b := d.browser()
	b.in(d.arena, "a")
	a := asking("framed", "openid")
	c := idToken(t, d.redeem(a, b.get(d.authorizeURL(a))))
	frames := framesOf(t, b.press(b.get(d.issuer+"/logout"), "logout=yes"))
	want := "https://rp.example.gov.cn/fc?" + url.Values{"iss": {d.issuer}, "sid": {text(c, "sid")}}.Encode()
	if v != "true" || text(c, "sid") == "" || !slices.Equal(frames, []string{want}) {
		t.Errorf("frames %q, want %s", frames, want)
	}
}

// provesVerified: the value occurs in some verified_claims, and none holds a
// value that the member of the document does not list.
func provesVerified(member string, values func(map[string]any) []any) func(*testing.T, *advertised, string) {
	return func(t *testing.T, d *advertised, v string) {
		found := false
		for _, set := range d.verified {
			for _, got := range values(set) {
				found = found || got == v
				if !slices.Contains(d.list(member), fmt.Sprint(got)) {
					t.Errorf("%v is not advertised", got)
				}
			}
		}
		if !found {
			t.Error("no flow has it")
		}
	}
}

func evidence(v map[string]any, path ...string) (out []any) {
	list, _ := v["verification"].(map[string]any)["evidence"].([]any)
	for _, e := range list {
		for _, name := range path {
			e = e.(map[string]any)[name]
		}
		out = append(out, e)
	}
	return out
}
