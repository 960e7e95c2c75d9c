package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/client"
)

// What every flow owes to every client (conformance 3.0): random values that
// the certification suite's estimate calls random, an ID token by default under
// RS256 with the claims of the protocol and no other, answers that nobody keeps.
func TestEveryFlow(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("std", nil)
		s.client("relaxed", func(c *client.Client) { c.Metadata.PKCEOptional = true })
		b := s.browser()
		b.in(s, "a")
		for _, id := range []string{"std", "relaxed"} {
			a := asking(id, "openid offline_access")
			if id == "relaxed" { // what a certification run sends
				a = a.with("code_challenge", "-", "code_challenge_method", "-")
				a.verifier = ""
			}
			began := now()
			code := s.answer(a, b.get(s.authorizeURL(a))).Get("code")
			form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rpcb}}
			if a.verifier != "" {
				form.Set("code_verifier", a.verifier)
			}
			status, header, m := s.raw(http.MethodPost, "/oauth2/token", form, "Authorization", s.basic(id))
			if status != http.StatusOK || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%s: %d %v %v", id, status, header, m)
			}
			if life, _ := m["expires_in"].(float64); !strings.EqualFold(text(m, "token_type"), "bearer") || life < 1 || life > 600 || text(m, "scope") == "" { // S23: ten minutes at most
				t.Errorf("%s: token_type %v, expires_in %v, scope %v", id, m["token_type"], m["expires_in"], m["scope"])
			}
			_, par := s.post("/oauth2/par", id, a.params)
			for name, value := range map[string]string{"code": code, "access token": text(m, "access_token"), "refresh token": text(m, "refresh_token"), "request_uri": strings.TrimPrefix(text(par, "request_uri"), "urn:ietf:params:oauth:request_uri:")} {
				if bits := shannon(value); bits <= 96 || len(value) < 26 {
					t.Errorf("%s: the suite estimates %.0f bits for %d letters, wants more than 96", name, bits, len(value))
				}
			}
			var head struct{ Alg, Kid, Typ string }
			decode(t, strings.Split(text(m, "id_token"), ".")[0], &head)
			if head.Alg != "RS256" || head.Kid == "" {
				t.Errorf("ID token header %+v, want RS256 and a kid (interop rule 1)", head)
			}
			c := idToken(t, m)
			iat, exp := time.Unix(int64(c["iat"].(float64)), 0), time.Unix(int64(c["exp"].(float64)), 0)
			if c["iss"] != s.issuer || fmt.Sprint(c["aud"]) != id && fmt.Sprint(c["aud"]) != "["+id+"]" || iat.Before(began.Add(-5*time.Minute)) || iat.After(began.Add(5*time.Minute)) || !exp.After(iat) {
				t.Errorf("%s: claims %v", id, c)
			}
			sub := text(c, "sub")
			if len(sub) == 0 || len(sub) > 255 || strings.ContainsFunc(sub, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("sub %q: want at most 255 printable ASCII letters", sub)
			}
			for name, v := range c { // a standard client's ID token carries nothing unrequested (settlement 1)
				if !slices.Contains([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash", "jti"}, name) {
					t.Errorf("unrequested claim %s", name)
				}
				if v == nil || v == "" || v == "null" {
					t.Errorf("empty claim %s", name)
				}
			}
			if _, ui := s.userinfo(text(m, "access_token")); len(ui) != 1 || ui["sub"] != sub {
				t.Errorf("userinfo %v, want the sub of the ID token alone", ui)
			}
		}
	})
}

// shannon is the certification suite's estimate of the entropy of a string, in
// bits: its length times the entropy of its letters.
func shannon(s string) float64 {
	count := map[rune]float64{}
	for _, r := range s {
		count[r]++
	}
	bits, n := 0.0, float64(len(s))
	for _, c := range count {
		bits -= c / n * math.Log2(c/n)
	}
	return bits * n
}

func TestShannonTellsWeakFromStrong(t *testing.T) {
	for text, strong := range map[string]bool{strings.Repeat("a", 64): false, strings.Repeat("ab", 40): false, "0123456789abcdef01234567": false, randomText(32): true} {
		if (shannon(text) > 96) != strong {
			t.Errorf("%s: %.0f bits", text, shannon(text))
		}
	}
}

func decode(t *testing.T, part string, v any) {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *arena) basic(id string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+s.secret(id)))
}

// raw is a direct request whose headers are looked at; form may be nil.
func (s *arena) raw(method, path string, form url.Values, header ...string) (int, http.Header, map[string]any) {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, s.issuer+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var m map[string]any
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
		s.t.Fatalf("%s %s: %d with no JSON: %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode, res.Header, m
}

// The Basic profile's modules on what may be asked for (conformance 3.1, 9 to
// 13 and 5 to 7): a scope brings all its claims at userinfo, of the right JSON
// types, and none into the ID token, however userinfo is called.
func TestScopesBringAllTheirClaims(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("std", nil)
		s.wholePerson()
		b := s.browser()
		b.press(b.get(s.issuer+"/login"), "username", "username", "whole-person", "password", "Whole-person-7-ok")
		profile := []string{"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"}
		for scope, want := range map[string][]string{
			"": {}, "profile": profile, "email": {"email", "email_verified"}, "address": {"address"}, "phone": {"phone_number", "phone_number_verified"},
			"profile email address phone": slices.Concat(profile, []string{"email", "email_verified", "address", "phone_number", "phone_number_verified"}),
			"groups weather":              {"groups"}, // interop rule 7: what is unknown does not kill the sign-in
		} {
			s.run("openid "+scope, func(t *testing.T, s *arena) {
				a := asking("std", strings.TrimSpace("openid "+scope))
				m := s.redeem(a, b.get(s.authorizeURL(a)))
				token := text(m, "access_token")
				status, header, ui := s.raw(http.MethodGet, "/oauth2/userinfo", nil, "Authorization", "Bearer "+token)
				if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
					t.Fatalf("userinfo: %d %s", status, header.Get("Content-Type"))
				}
				for name, form := range map[string]url.Values{"POST with the header": {}, "POST with the token in the form": {"access_token": {token}}} {
					auth := "Bearer " + token
					if len(form) > 0 {
						auth = ""
					}
					r := []string{"Authorization", auth}
					if auth == "" {
						r = nil
					}
					if status, _, got := s.raw(http.MethodPost, "/oauth2/userinfo", form, r...); status != http.StatusOK || fmt.Sprint(got) != fmt.Sprint(ui) {
						t.Errorf("%s: %d %v", name, status, got)
					}
				}
				for _, name := range want {
					switch v := ui[name].(type) {
					case string:
						if v == "" {
							t.Errorf("%s is empty", name)
						}
					case bool:
						if !strings.HasSuffix(name, "_verified") {
							t.Errorf("%s is a boolean", name)
						}
					case float64:
						if name != "updated_at" {
							t.Errorf("%s is a number", name)
						}
					case map[string]any:
						if name != "address" || len(v) == 0 {
							t.Errorf("%s is %v", name, v)
						}
					case []any:
						if name != "groups" {
							t.Errorf("%s is an array", name)
						}
					default:
						t.Errorf("%s is missing", name)
					}
				}
				for name := range ui {
					if name != "sub" && !slices.Contains(want, name) {
						t.Errorf("unrequested claim %s", name)
					}
				}
				for _, name := range want {
					if _, there := idToken(t, m)[name]; there && name != "groups" { // which some clients read nowhere else (interop)
						t.Errorf("%s stands in the ID token though an access token was issued", name)
					}
				}
			})
		}
	})
}

// What clients send out of habit does not keep them from signing in
// (conformance 3.1, 14 to 16, 22 to 27; interop).
func TestHabitsOfClients(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("std", nil)
		for name, more := range map[string][]string{
			"scopes in another order":  {"scope", "phone email profile openid"},
			"display page":             {"display", "page"},
			"display popup":            {"display", "popup"},
			"unknown parameter":        {"extra", "foobar"},
			"login_hint":               {"login_hint", "buffy@op.example"},
			"ui_locales nobody speaks": {"ui_locales", "se"},
			"claims_locales":           {"claims_locales", "se"},
			"acr_values of others":     {"acr_values", "1 2"},
			"unknown scope":            {"scope", "openid offline_access groups weather"},
			"empty parameters":         {"prompt", "", "max_age", "", "claims", "", "response_mode", ""},
			"claims in all forms":      {"claims", `{"userinfo":{"name":null,"email":{"essential":true},"zz":{"values":[1]}},"id_token":{"auth_time":{"essential":true},"acr":{"values":["x"]},"unknown":null},"elsewhere":{}}`},
		} {
			s.run(name, func(t *testing.T, s *arena) {
				b := s.browser()
				a := asking("std", "openid", more...)
				p := b.get(s.authorizeURL(a))
				at(t, p, "/login")
				s.redeem(a, b.signIn(s.stage, p, "a"))
			})
		}
		s.run("query in reverse order", func(t *testing.T, s *arena) {
			a := asking("std", "openid")
			pairs := strings.Split(a.params.Encode(), "&")
			slices.Reverse(pairs)
			b := s.browser()
			s.redeem(a, b.signIn(s.stage, b.get(s.issuer+"/oauth2/authorize?"+strings.Join(pairs, "&")), "a"))
		})
		s.run("the wrong way to authenticate first", func(t *testing.T, s *arena) { // x/oauth2 tries both: a failed one must not burn the code
			b := s.browser()
			b.in(s, "a")
			a := asking("std", "openid")
			code := s.answer(a, b.get(s.authorizeURL(a))).Get("code")
			form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rpcb}, "code_verifier": {a.verifier}}
			if status, header, m := s.raw(http.MethodPost, "/oauth2/token", form, "Authorization", "Basic c3RkOndyb25n"); status != http.StatusUnauthorized || text(m, "error") != "invalid_client" || header.Get("WWW-Authenticate") == "" {
				t.Errorf("wrong secret: %d %v", status, m)
			}
			form.Set("client_id", "std")
			form.Set("client_secret", s.secret("std"))
			if status, _, m := s.raw(http.MethodPost, "/oauth2/token", form); status != http.StatusOK {
				t.Errorf("then the right one: %d %v", status, m)
			}
		})
		s.run("languages", func(t *testing.T, s *arena) {
			for _, row := range []struct{ ui, accept, cookie, want string }{
				{"", "", "", "zh-CN"}, {"", "fr-FR,fr;q=0.9", "", "zh-CN"}, {"", "en-GB,zh;q=0.5", "", "en"}, {"en", "zh-CN", "", "en"}, {"se en", "", "", "en"},
				{"zh-CN", "en", "en", "zh-CN"}, {"", "zh", "en", "en"}, {"se", "en", "", "en"},
			} {
				b := s.browser()
				a := asking("std", "openid")
				if row.ui != "" {
					a = a.with("ui_locales", row.ui)
				}
				if row.cookie != "" {
					b.get(s.issuer + "/lang?to=" + row.cookie + "&return_to=/")
				}
				p := b.send(http.MethodGet, s.authorizeURL(a), nil, "Accept-Language", row.accept)
				if got := p.Header.Get("Content-Language"); got != row.want {
					t.Errorf("%+v: the page is in %s", row, got)
				}
			}
		})
	})
}
