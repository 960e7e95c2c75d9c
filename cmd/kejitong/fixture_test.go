package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/store"
	"kejitong/store/storetest"
)

// example reads a file that is shipped and puts other values into it, in turn;
// each must be there.
func example(t *testing.T, name string, swap ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "config", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i+1 < len(swap); i += 2 {
		if !strings.Contains(text, swap[i]) {
			t.Fatalf("%s does not hold %q any more", name, swap[i])
		}
		text = strings.ReplaceAll(text, swap[i], swap[i+1])
	}
	return text
}

// fixtureSecrets are the values that a certification run puts in.
func fixtureSecrets(t *testing.T, one, two signer) (secrets map[string]string, swap []string) {
	t.Helper()
	secrets = map[string]string{}
	for name, to := range map[string]string{
		"REPLACE_INITIAL_ACCESS_TOKEN": "initial", "REPLACE_SECRET_1": "conformance-1", "REPLACE_SECRET_2": "conformance-2", "REPLACE_SECRET_POST": "conformance-post",
		"REPLACE_SECRET_FRONT": "conformance-front", "REPLACE_SECRET_BACK": "conformance-back", "REPLACE_PASSWORD": "password",
	} {
		secrets[to] = randomText(32)
		swap = append(swap, name, secrets[to])
	}
	return secrets, append(swap, "REPLACE_PUBLIC_JWKS_1", string(one.set(t)), "REPLACE_PUBLIC_JWKS_2", string(two.set(t)),
		"REPLACE_CERTIFICATE_JWKS_1", string(one.set(t)), "REPLACE_CERTIFICATE_JWKS_2", string(two.set(t)))
}

// TestCertificationFixture runs "kejitong serve" with the configuration and the
// fixture that are shipped, at other addresses: a system registers itself by the
// initial access token and signs the test user in, and so does a static client.
// The roots of SSL_CERT_FILE are those that the provider's own calls believe.
func TestCertificationFixture(t *testing.T) {
	suite := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`["https://one.example/cb","https://two.example/cb"]`)) // the sector
	}))
	t.Cleanup(suite.Close)
	one, two := newSigner(t, "ES256", "one"), newSigner(t, "ES256", "two")
	secrets, swap := fixtureSecrets(t, one, two)
	d := &desk{t: t, dir: t.TempDir()}
	d.makes("keys", "root", "--out", filepath.Join(d.dir, "root.key"))
	address := quietAddress(t)
	issuer := "http://" + address
	path := func(name string) string { return filepath.Join(d.dir, name) }
	d.file("fixture.yaml", example(t, "conformance.fixture.example.yaml", append(swap, "localhost.emobix.co.uk:8443", suite.Listener.Addr().String())...))
	conf := d.file("kejitong.yaml", example(t, "conformance.example.yaml",
		"https://op.example.test:8443", issuer, `":8443"`, address, "127.0.0.1:9090", quietAddress(t), "  tls:\n    cert_file: tls.pem\n    key_file: tls.key\n", "",
		"  mtls:                          # the FAPI plans with mutual TLS\n    address: \":8444\"\n    public_url: https://op.example.test:8444\n", "",
		"path: kejitong.db", "path: "+path("kejitong.db"), "root.key", path("root.key"), "conformance.fixture.yaml", path("fixture.yaml"),
		"localhost.emobix.co.uk:8443", suite.Listener.Addr().String()))
	roots := d.file("roots.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: suite.Certificate().Raw})))
	t.Setenv("SSL_CERT_FILE", roots)

	for start := range 2 { // the second start finds everything as it should be
		p := &process{exited: make(chan struct{})}
		p.start(t, conf)
		p.await(t)
		if t.Failed() {
			return
		}
		if !strings.Contains(p.log.String(), "A FIXTURE IS LOADED") {
			t.Error("no warning of the fixture in the log")
		}
		s := &stage{t: t, issuer: issuer, cast: &performance{Secrets: secrets}}
		g := registrar{&rig{stage: s, clock: &clock{}}, secrets["initial"]}
		g.cast.config = config.Config{Issuer: issuer}
		walkFixture(t, g, suite, one)
		p.end(t)
		for _, secret := range secrets {
			if strings.Contains(p.log.String(), secret) {
				t.Error("a secret of the fixture stands in the log")
			}
		}
		o := store.Options{Driver: "sqlite", Path: path("kejitong.db")}
		for kind, want := range map[string]int64{"account.created": 1, "account.changed": 0, "client.created": 15, "client.changed": 0} {
			if n := storetest.Count(t, o, `SELECT COUNT(*) FROM audit WHERE kind = ?`, kind); n != want {
				t.Errorf("after start %d: %d records of %s, want %d", start+1, n, kind, want)
			}
		}
	}
}

// allClaims are those of OpenID Connect Core §5.1 that a certification run wants
// to see, by their JSON type.
var allClaims = map[string]any{
	"sub": "", "name": "", "given_name": "", "family_name": "", "middle_name": "", "nickname": "", "preferred_username": "", "profile": "", "picture": "", "website": "",
	"gender": "", "birthdate": "", "zoneinfo": "", "locale": "", "updated_at": 0.0, "email": "", "email_verified": true, "phone_number": "", "phone_number_verified": true,
	"address": map[string]any{},
}

func walkFixture(t *testing.T, g registrar, suite *httptest.Server, key signer) {
	t.Helper()
	const scope = "openid profile email address phone offline_access"
	callbackAt := suite.URL + "/test/a/kejitong/callback"
	b := g.browser()
	walk := func(id, redirect string) {
		t.Helper()
		a := attempt{"", url.Values{"client_id": {id}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {scope}, "state": {randomText(12)}, "nonce": {randomText(12)}, "prompt": {"consent"}}}
		p := b.get(g.authorizeURL(a))
		if p.Request.URL.Path == "/login" {
			p = b.submit(p, "username", url.Values{"username": {"conformance"}, "password": {g.cast.Secrets["password"]}})
		}
		if p.Request.URL.Path != "/consent" {
			t.Fatalf("%s: at %s, want the consent page:\n%s", id, p.Request.URL, p.body)
		}
		m := g.redeem(a, callback(t, b.press(p, "decision=allow")).Get("code"))
		status, ui := g.userinfo(text(m, "access_token"))
		for claim, typ := range allClaims {
			switch typ.(type) {
			case string:
				if text(ui, claim) == "" {
					t.Errorf("%s: userinfo lacks %s", id, claim)
				}
			case bool:
				if ui[claim] != true {
					t.Errorf("%s: userinfo says %s %v", id, claim, ui[claim])
				}
			default:
				if ui[claim] == nil {
					t.Errorf("%s: userinfo lacks %s", id, claim)
				}
			}
		}
		if status != http.StatusOK || text(m, "refresh_token") == "" || ui["entitlements"] != nil {
			t.Errorf("%s: %d %v", id, status, ui)
		}
		a.params.Set("prompt", "none") // settled: what was allowed a moment ago is remembered
		if q := callback(t, b.get(g.authorizeURL(a))); q.Get("code") == "" {
			t.Errorf("%s: prompt=none: %v", id, q)
		}
	}
	c := g.gets(metadata("client_name", "suite", "redirect_uris", []string{"https://one.example/cb", "https://two.example/cb"}, "sector_identifier_uri", suite.URL+"/sector",
		"grant_types", []string{"authorization_code", "refresh_token"}, "logo_uri", suite.URL+"/logo.png", "jwks_uri", suite.URL+"/jwks"))
	walk(text(c, "client_id"), "https://one.example/cb")
	walk("conformance-1", callbackAt)
	walk("conformance-post", callbackAt)

	for _, types := range []string{"id_token", "id_token token", "code id_token", "code token", "code id_token token"} {
		grants := []string{"implicit"}
		if strings.HasPrefix(types, "code") {
			grants = []string{"authorization_code", "implicit"}
		}
		g.gets(metadata("grant_types", grants, "response_types", []string{types}))
	}
	for member, value := range map[string]any{"id_token_signed_response_alg": "none", "request_object_signing_alg": "none", "token_endpoint_auth_method": "none"} {
		if a := g.registers(metadata(member, value)); a.status != http.StatusBadRequest || a.err() != "invalid_client_metadata" {
			t.Errorf("%s none: %d %s", member, a.status, a.raw)
		}
	}
	f := g.gets(metadata("token_endpoint_auth_method", "private_key_jwt", "jwks", json.RawMessage(key.set(t)), "security_profile", "fapi2", "dpop_bound_access_tokens", true,
		"id_token_signed_response_alg", "ES256"))
	for _, id := range []string{text(f, "client_id"), "conformance-fapi-1", "conformance-signed-1"} {
		redirect := rpcb
		if id != text(f, "client_id") {
			redirect = callbackAt
		}
		q := url.Values{"client_id": {id}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}}
		p := g.browser().get(g.authorizeURL(attempt{"", q}))
		if loc, err := p.Location(); err == nil && !strings.Contains(loc.String(), "error=invalid_request") && !strings.Contains(loc.String(), "response=") || err != nil && p.StatusCode != http.StatusBadRequest {
			t.Errorf("%s without pushing: %d to %v", id, p.StatusCode, loc)
		}
	}
}

// A fixture is worth as much as a password, and what is wrong with it stops the
// start with a message that shows no secret.
func TestFixturesThatAreRefused(t *testing.T) {
	one, two := newSigner(t, "ES256", "one"), newSigner(t, "ES256", "two")
	secrets, swap := fixtureSecrets(t, one, two)
	good := example(t, "conformance.fixture.example.yaml", swap...)
	if f, err := parseFixture([]byte(good)); err != nil || len(f.Clients) != 15 || len(f.Tokens) != 1 || len(f.Accounts) != 1 {
		t.Fatalf("the example: %v", err)
	}
	for name, c := range map[string]struct{ from, to, says string }{
		"nothing replaced":        {secrets["initial"], "REPLACE_INITIAL_ACCESS_TOKEN", "placeholder"},
		"a secret not replaced":   {secrets["conformance-1"], "REPLACE_SECRET_1", "placeholder"},
		"keys not replaced":       {string(one.set(t)), "REPLACE_PUBLIC_JWKS_1", "placeholder"},
		"password not replaced":   {secrets["password"], "REPLACE_PASSWORD", "placeholder"},
		"a weak token":            {secrets["initial"], "secret", "no random text"},
		"a weak secret":           {secrets["conformance-2"], "secret", "no random secret"},
		"a misspelt member":       {"pkce_optional: true         #", "pkce_optionale: true #", "does not fit"},
		"an unheard-of grant":     {"grant_types: [authorization_code, implicit, refresh_token]\n    response", "grant_types: [telepathy]\n    response", "grant_types"},
		"a fragment":              {"/callback\"]", "/callback#x\"]", "redirect_uris"},
		"no uses":                 {"max_uses: 100000", "max_uses: 0", "max_uses"},
		"a date of another world": {`"1990-01-31"`, `"1990-02-31"`, "birthdate"},
		"not YAML":                {"accounts:", "accounts: [", "not valid YAML"},
		"a policy too wide":       {"      private_hosts: true", "      fixed: {redirect_uris: [x]}\n      private_hosts: true", "fixed"},
	} {
		if !strings.Contains(good, c.from) {
			t.Fatalf("%s: the example does not hold %q", name, c.from)
		}
		_, err := parseFixture([]byte(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
			continue
		}
		for _, secret := range secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the message shows a secret", name)
			}
		}
	}
	dir := t.TempDir()
	write(t, dir, "fixture.yaml", good)
	path := filepath.Join(dir, "fixture.yaml")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := readFixture(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	if _, err := readFixture(dir); err == nil {
		t.Error("a directory passes for a fixture")
	}
	if err := (&app{}).loadFixture(context.Background(), config.Fixture{File: path}); err != nil {
		t.Errorf("a fixture that is not enabled: %v, want nothing done", err)
	}
}
