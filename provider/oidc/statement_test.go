package oidc

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/outbound"
)

const (
	publisher = "https://publisher.example.cn"
	invalidSS = "invalid_software_statement"
	foreignSS = "unapproved_software_statement"
)

// Every row but the last ones is a statement that must not be believed (RFC 7591
// §2.3, §3.2.2, RFC 8725).
func TestSoftwareStatement(t *testing.T) {
	h := newHouse(t)
	ed, es, rs := newPair(t, "ed", jose.EdDSA), newPair(t, "es", jose.ES256), newPair(t, "rs", jose.RS256)
	h.Publishers = []client.StatementIssuer{
		{
			Issuer: publisher, JWKS: jwks(t, ed, rs), Algorithms: []string{"EdDSA", "RS256"}, Audience: []string{"urn:every-provider"},
			Claims: []string{"client_name", "redirect_uris", "grant_types", "jwks"},
		},
		{Issuer: "https://aged.example.cn", JWKS: jwks(t, es), Algorithms: []string{"ES256"}, MaxAgeDays: 30},
	}
	for _, s := range h.Publishers {
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
	}
	now := h.Now().Unix()
	good := func(set claims) claims {
		return with(claims{"iss": publisher, "exp": now + 600, "iat": now, "jti": "j", "software_id": "soft", "client_name": "名"}, set)
	}
	aged := func(set claims) claims {
		return with(claims{"iss": "https://aged.example.cn", "iat": now - 100, "software_id": "soft"}, set)
	}
	der, err := x509.MarshalPKIXPublicKey(rs.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	signed := func(set claims) string { return ed.sign(t, "", good(set)) }
	byEd := func(head claims) string {
		return forge(t, with(claims{"alg": "EdDSA", "kid": "ed"}, head), good(nil), edSigner(ed))
	}
	stranger := newPair(t, "ed", jose.EdDSA)
	payload := func(text string) string {
		head, _, _ := strings.Cut(byEd(nil), ".")
		input := head + "." + b64(text)
		return input + "." + b64(string(edSigner(ed)([]byte(input))))
	}
	narrow := client.Policy{StatementIssuers: []string{"https://aged.example.cn"}}
	for _, c := range []struct {
		name, text string
		policy     client.Policy
		code       string // "": it is believed
	}{
		{"no JWT", "statement", client.Policy{}, invalidSS},
		{"alg none", forge(t, claims{"alg": "none"}, good(nil), unsigned), client.Policy{}, invalidSS},
		{"alg None", forge(t, claims{"alg": "None", "kid": "ed"}, good(nil), unsigned), client.Policy{}, invalidSS},
		{"no signature", forge(t, claims{"alg": "EdDSA", "kid": "ed"}, good(nil), unsigned), client.Policy{}, invalidSS},
		{"HS256 with the public key", forge(t, claims{"alg": "HS256", "kid": "rs"}, good(nil), macSigner(der)), client.Policy{}, invalidSS},
		{"HS256 with the public JWK", forge(t, claims{"alg": "HS256", "kid": "rs"}, good(nil), macSigner(encode(t, rs.jwk()))), client.Policy{}, invalidSS},
		{"an algorithm that the issuer does not use", rs.with(jose.PS256).sign(t, "", good(nil)), client.Policy{}, invalidSS},
		{"a stranger's key under the same kid", stranger.sign(t, "", good(nil)), client.Policy{}, invalidSS},
		{"the key of another issuer", es.sign(t, "", good(nil)), client.Policy{}, invalidSS},
		{"another issuer's name over the own key", ed.sign(t, "", aged(nil)), client.Policy{}, invalidSS},
		{"jwk in the header", byEd(claims{"jwk": ed.jwk()}), client.Policy{}, invalidSS},
		{"a stranger's jwk in the header", forge(t, claims{"alg": "EdDSA", "jwk": stranger.jwk()}, good(nil), edSigner(stranger)), client.Policy{}, invalidSS},
		{"jku in the header", byEd(claims{"jku": "https://evil.test/jwks"}), client.Policy{}, invalidSS},
		{"x5u in the header", byEd(claims{"x5u": "https://evil.test/x"}), client.Policy{}, invalidSS},
		{"x5c in the header", byEd(claims{"x5c": []string{"AA"}}), client.Policy{}, invalidSS},
		{"crit in the header", byEd(claims{"crit": []string{"x"}, "x": 1}), client.Policy{}, invalidSS},
		{"b64 in the header", byEd(claims{"b64": false}), client.Policy{}, invalidSS},
		{"an access token", byEd(claims{"typ": "at+jwt"}), client.Policy{}, invalidSS}, // RFC 8725 §3.11
		{"a logout token", byEd(claims{"typ": "logout+jwt"}), client.Policy{}, invalidSS},
		{"17 KiB", signed(claims{"x": strings.Repeat("x", maxStatement)}), client.Policy{}, invalidSS},
		{"a name twice", payload(`{"iss":"` + publisher + `","exp":1895400000,"client_name":"a","client_name":"b"}`), client.Policy{}, invalidSS},
		{"a list of claims", payload(`[]`), client.Policy{}, invalidSS},
		{"a statement in the statement", signed(claims{"software_statement": signed(nil)}), client.Policy{}, invalidSS},
		{"a name that is a number", signed(claims{"client_name": 7}), client.Policy{}, invalidSS},
		{"a software_id that is a number", signed(claims{"software_id": 7}), client.Policy{}, invalidSS},
		{"exp that is text", signed(claims{"exp": "tomorrow"}), client.Policy{}, invalidSS},

		{"no iss", signed(claims{"iss": nil}), client.Policy{}, foreignSS},
		{"an unknown issuer", signed(claims{"iss": "https://other.example.cn"}), client.Policy{}, foreignSS},
		{"the issuer with a slash", signed(claims{"iss": publisher + "/"}), client.Policy{}, foreignSS},
		{"this provider as the issuer", signed(claims{"iss": issuer}), client.Policy{}, foreignSS},
		{"an issuer that the policy does not trust", signed(nil), narrow, foreignSS},
		{"a member that the issuer may not set", signed(claims{"jwks_uri": "https://evil.test/jwks"}), client.Policy{}, foreignSS},
		{"scope that the issuer may not set", signed(claims{"scope": "openid"}), client.Policy{}, foreignSS},

		{"no exp", signed(claims{"exp": nil}), client.Policy{}, invalidSS},
		{"expired", signed(claims{"exp": now - 11}), client.Policy{}, invalidSS},
		{"not yet", signed(claims{"nbf": now + 11}), client.Policy{}, invalidSS},
		{"from tomorrow", signed(claims{"iat": now + 86400}), client.Policy{}, invalidSS},
		{"a foreign aud", signed(claims{"aud": "https://other.example.cn"}), client.Policy{}, invalidSS},
		{"foreign auds", signed(claims{"aud": []string{"https://other.example.cn", issuer + "/"}}), client.Policy{}, invalidSS},
		{"too old for its issuer", es.sign(t, "", aged(claims{"iat": now - 30*86400 - 11})), client.Policy{}, invalidSS},
		{"too old for its issuer, whatever exp says", es.sign(t, "", aged(claims{"iat": now - 30*86400 - 11, "exp": now + 600})), client.Policy{}, invalidSS},
		{"no iat where its age counts", es.sign(t, "", aged(claims{"iat": nil, "exp": now + 600})), client.Policy{}, invalidSS},

		{"as it should be", signed(nil), client.Policy{}, ""},
		{"with typ JWT", ed.sign(t, "JWT", good(nil)), client.Policy{}, ""},
		{"RS256", rs.sign(t, "", good(nil)), client.Policy{}, ""},
		{"for us", signed(claims{"aud": issuer}), client.Policy{}, ""},
		{"for this endpoint", signed(claims{"aud": []string{"https://other.example.cn", issuer + "/oauth2/register"}}), client.Policy{}, ""},
		{"for everybody", signed(claims{"aud": "urn:every-provider"}), client.Policy{}, ""},
		{"expired within the skew", signed(claims{"exp": now - 9}), client.Policy{}, ""},
		{"by its age alone", es.sign(t, "", aged(nil)), narrow, ""},
		{"again: one statement serves all copies", signed(nil), client.Policy{StatementRequired: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := h.stated(t.Context(), c.policy, client.Request{Statement: c.text}, "")
			var e oauthError
			if errors.As(err, &e); e.code != c.code || err != nil && e.status != http.StatusBadRequest {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}

// What a statement says goes before what the request says; what no registration
// may set stays out, whoever says it (RFC 7591 §2, §2.3, S65).
func TestAStatementGoesBeforeTheRequest(t *testing.T) {
	h := newHouse(t)
	ed := newPair(t, "ed", jose.EdDSA)
	h.Publishers = []client.StatementIssuer{{Issuer: publisher, JWKS: jwks(t, ed), Algorithms: []string{"EdDSA"}, Claims: []string{"client_name", "redirect_uris", "grant_types", "scope"}}}
	said := func(id string, set claims) string {
		return ed.sign(t, "", with(claims{"iss": publisher, "exp": h.Now().Unix() + 600, "software_id": id}, set))
	}
	take := func(text, held string) (client.Request, error) {
		r, err := client.ParseRequest([]byte(`{"client_name":"mine","redirect_uris":["https://evil.test/1","https://evil.test/2"],"software_id":"mine","contacts":["a@b.example"],"software_statement":"` + text + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		return h.stated(t.Context(), client.Policy{}, r, held)
	}
	text := said("soft", claims{
		"client_name": "theirs", "redirect_uris": []string{"https://rp.example.cn/cb"}, "grant_types": []string{"implicit"}, "client_id": "demo", "client_secret": "s",
		"first_party": true, "business_systems": []string{"hightech_enterprise"}, "reviewed": true, "registration_access_token": "t", "scope": "openid admin.clients",
	})
	r, err := take(text, "")
	if err != nil {
		t.Fatal(err)
	}
	m := r.Metadata
	if m.Name != "theirs" || !slices.Equal(m.RedirectURIs, []string{"https://rp.example.cn/cb"}) || m.SoftwareID != "soft" || len(m.Contacts) != 1 {
		t.Errorf("laid over each other: %+v", m)
	}
	if r.ClientID != "" || r.Secret != "" || m.FirstParty || m.BusinessSystems != nil {
		t.Errorf("a privilege came out of a statement: %+v", r)
	}
	if r.Statement != text {
		t.Errorf("the statement is another: %s", r.Statement)
	}
	// The policy judges the whole: the grant type and the scope of a statement, too.
	if _, err := (client.Policy{}).Apply(m); !fault.Is(err, fault.Invalid) {
		t.Errorf("a grant type beyond the policy: %v", err)
	}
	m.GrantTypes = nil
	if m, err = (client.Policy{}).Apply(m); err != nil || m.Scope != "openid" {
		t.Errorf("scope %q, %v", m.Scope, err)
	}

	// A change cannot get rid of it (S68), nor does time.
	h.clock.pass(365 * 24 * time.Hour)
	for name, again := range map[string]string{"left out": "", "repeated": text} {
		if r, err := take(again, text); err != nil || r.Metadata.Name != "theirs" || r.Statement != text {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if r, err := take(said("soft", claims{"client_name": "next"}), text); err != nil || r.Metadata.Name != "next" {
		t.Errorf("the next statement for the same software: %+v, %v", r, err)
	}
	for name, other := range map[string]string{"another software": said("other", nil), "no software": said("", nil)} {
		if _, err := take(other, text); !strings.HasPrefix(errText(err), foreignSS) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := take(text+"x", text); !strings.HasPrefix(errText(err), invalidSS) {
		t.Errorf("a letter more than the one it has: %v", err)
	}
	// The operator trusts the publisher no longer.
	h.Publishers = nil
	if _, err := take("", text); !strings.HasPrefix(errText(err), foreignSS) {
		t.Errorf("of an issuer that is trusted no more: %v", err)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A publisher's keys come from its address, by the fetcher that is guarded, and a
// new one is found. Keys that cannot be fetched are nobody's fault here.
func TestKeysOfAPublisher(t *testing.T) {
	h := newHouse(t)
	first, second := newPair(t, "1", jose.EdDSA), newPair(t, "2", jose.EdDSA)
	set := jwks(t, first)
	down := false
	keys := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write(set)
	}))
	t.Cleanup(keys.Close)
	roots := x509.NewCertPool()
	roots.AddCert(keys.Certificate())
	guarded := h.jwks.Outbound // private addresses are not in its list
	open := &outbound.Client{Allow: []string{keys.Listener.Addr().String()}, Roots: roots, Timeout: 5 * time.Second, MaxBody: 64 << 10}
	open.Init()
	h.Publishers = []client.StatementIssuer{{Issuer: publisher, JWKSURI: keys.URL, Algorithms: []string{"EdDSA"}}}
	take := func(k pair) error {
		h.clock.pass(time.Minute)
		_, err := h.stated(t.Context(), client.Policy{}, client.Request{Statement: k.sign(t, "", claims{"iss": publisher, "exp": h.Now().Unix() + 600})}, "")
		return err
	}
	h.jwks = jwksCache{Outbound: guarded, Now: h.Now}
	if err := take(first); !fault.Is(err, fault.Unavailable) {
		t.Errorf("an address that may not be called: %v", err)
	}
	h.jwks = jwksCache{Outbound: open, Now: h.Now}
	if err := take(first); err != nil {
		t.Errorf("the first key: %v", err)
	}
	if err := take(second); !strings.HasPrefix(errText(err), invalidSS) {
		t.Errorf("a key that is not published: %v", err)
	}
	set = jwks(t, first, second)
	if err := take(second); err != nil {
		t.Errorf("a new key: %v", err)
	}
	down = true
	h.clock.pass(time.Hour)
	if err := take(newPair(t, "3", jose.EdDSA)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("keys that cannot be fetched: %v", err)
	}
}

// A publisher that could say too much, or whose word nobody could check, is not
// accepted into the configuration.
func TestPublishersThatAreRefused(t *testing.T) {
	ed := newPair(t, "ed", jose.EdDSA)
	for name, change := range map[string]func(*client.StatementIssuer){
		"issuer: http":                      func(s *client.StatementIssuer) { s.Issuer = "http://publisher.example.cn" },
		"issuer: none":                      func(s *client.StatementIssuer) { s.Issuer = "" },
		"issuer: a query":                   func(s *client.StatementIssuer) { s.Issuer += "?x=1" },
		"jwks_file: no keys":                func(s *client.StatementIssuer) { s.JWKS = nil },
		"jwks_file: both":                   func(s *client.StatementIssuer) { s.JWKSURI = "https://publisher.example.cn/jwks" },
		"jwks: a shared secret":             func(s *client.StatementIssuer) { s.JWKS = json.RawMessage(`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`) },
		"jwks: an empty set":                func(s *client.StatementIssuer) { s.JWKS = json.RawMessage(`{"keys":[]}`) },
		"algorithms: none named":            func(s *client.StatementIssuer) { s.Algorithms = nil },
		"algorithms: none":                  func(s *client.StatementIssuer) { s.Algorithms = []string{"none"} },
		"algorithms: HS256":                 func(s *client.StatementIssuer) { s.Algorithms = []string{"EdDSA", "HS256"} },
		"claims: a privilege of ours":       func(s *client.StatementIssuer) { s.Claims = []string{"first_party"} },
		"claims: client_id":                 func(s *client.StatementIssuer) { s.Claims = []string{"client_id"} },
		"claims: client_secret":             func(s *client.StatementIssuer) { s.Claims = []string{"client_secret"} },
		"claims: software_statement":        func(s *client.StatementIssuer) { s.Claims = []string{"software_statement"} },
		"max_age_days: below zero":          func(s *client.StatementIssuer) { s.MaxAgeDays = -1 },
		"max_age_days: more than ten years": func(s *client.StatementIssuer) { s.MaxAgeDays = 4000 },
	} {
		s := client.StatementIssuer{Issuer: publisher, JWKS: jwks(t, ed), Algorithms: []string{"EdDSA"}, Claims: []string{"client_name"}}
		change(&s)
		field, _, _ := strings.Cut(name, ":")
		var f *fault.Error
		if err := s.Check(); !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != field {
			t.Errorf("%s: %v", name, err)
		}
	}
}
