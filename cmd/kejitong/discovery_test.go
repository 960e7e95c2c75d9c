package main

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/store/storetest"
)

// The discovery document is a contract: every change of it shows in the golden
// file (OpenID Connect Discovery section 3, RFC 8414, conformance 3.4).
func TestDiscoveryDocument(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil) // no state
	b := s.browser()
	p := b.get(s.issuer + "/.well-known/openid-configuration")
	if p.StatusCode != http.StatusOK || p.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s, want 200 application/json exactly", p.StatusCode, p.Header.Get("Content-Type"))
	}
	want, err := os.ReadFile(filepath.Join("testdata", "discovery.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(p.body, s.issuer, "https://op.example.gov.cn"); got != strings.TrimSpace(string(want)) {
		t.Errorf("testdata/discovery.json is another document. The provider says:\n%s", got)
	}
	if alias := b.get(s.issuer + "/.well-known/oauth-authorization-server"); alias.StatusCode != http.StatusOK || alias.body != p.body {
		t.Error("the RFC 8414 alias differs")
	}
	for _, probe := range []string{"/.well-known/oauth-authorization-server/", "/.well-known/openid-configuration/x", "/.well-known/webfinger", "/.well-known/oauth-protected-resource"} { // clients probe: 404, never 5xx (interop)
		if p := b.get(s.issuer + probe); p.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", probe, p.StatusCode)
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth2/jwks"} {
		first := b.send(http.MethodGet, s.issuer+path, nil, "Accept", "text/html, */*")
		etag := first.Header.Get("ETag")
		var age int
		if _, err := fmt.Sscanf(first.Header.Get("Cache-Control"), "public, max-age=%d", &age); err != nil || age < 60 || age > 3600 { // interop rule 8
			t.Errorf("%s: Cache-Control %q, want an hour at most", path, first.Header.Get("Cache-Control"))
		}
		for header, want := range map[string]int{etag: http.StatusNotModified, `"other"`: http.StatusOK} {
			p := b.send(http.MethodGet, s.issuer+path, nil, "If-None-Match", header)
			if p.StatusCode != want || (p.body == "") != (want == http.StatusNotModified) || p.Header.Get("ETag") != etag || etag == "" {
				t.Errorf("%s with If-None-Match %s: %d of %d bytes, want %d", path, header, p.StatusCode, len(p.body), want)
			}
		}
		if head := b.send(http.MethodHead, s.issuer+path, nil); head.StatusCode != http.StatusOK || head.body != "" || head.ContentLength != int64(len(first.body)) {
			t.Errorf("HEAD %s: %d of %d bytes", path, head.StatusCode, head.ContentLength)
		}
		if first.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", path)
		}
		if p := b.send(http.MethodPost, s.issuer+path, url.Values{}); p.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, p.StatusCode)
		}
	}
}

// S28, conformance 3.0: one public key for each algorithm, each with its own
// kid, none weak, none that a plain client cannot read (interop: one unknown
// curve fails them all).
func TestPublishedKeys(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	p := s.browser().get(s.issuer + "/oauth2/jwks")
	var raw struct {
		Keys []map[string]any `json:"keys"`
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(p.body), &raw); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(p.body), &set); err != nil {
		t.Fatal(err)
	}
	kids, algs := map[string]bool{}, map[string]int{}
	for i, k := range raw.Keys {
		for name, v := range k {
			if !slices.Contains([]string{"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"}, name) {
				t.Errorf("key %v has the member %s", k["kid"], name)
			}
			if text, ok := v.(string); !ok || strings.ContainsAny(text, "=+/ ") {
				t.Errorf("key %v: %s is not unpadded base64url text", k["kid"], name)
			}
		}
		kid := text(k, "kid")
		if kid == "" || kids[kid] || text(k, "use") != "sig" {
			t.Errorf("kid %q: empty, used twice or not for signatures", kid)
		}
		kids[kid] = true
		algs[text(k, "alg")]++
		if !set.Keys[i].Valid() || !set.Keys[i].IsPublic() {
			t.Errorf("key %s does not parse as a public one", kid)
		}
		if key, ok := set.Keys[i].Key.(*rsa.PublicKey); ok && (key.N.BitLen() < 2048 || key.E != 65537) {
			t.Errorf("key %s: RSA of %d bits", kid, key.N.BitLen())
		}
	}
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		if algs[alg] == 0 {
			t.Errorf("no key for %s", alg)
		}
		delete(algs, alg)
	}
	if len(algs) != 0 {
		t.Errorf("keys for %v, which nobody asked for", algs)
	}
}
