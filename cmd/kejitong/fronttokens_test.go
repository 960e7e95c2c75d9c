package main

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// frontTypes are the response types that bring tokens through the browser.
var frontTypes = []string{"id_token", "id_token token", "code id_token", "code token", "code id_token token"}

// frontOn switches them on.
func frontOn(c *config.Config) { c.Protocol.FrontChannelTokens = true }

// onFronts runs fn on each database with front-channel tokens switched on.
func onFronts(t *testing.T, fn func(t *testing.T, s *arena)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, newArena(t, storetest.SQLite(t), frontOn)) })
	t.Run("postgres", func(t *testing.T) { fn(t, newArena(t, storetest.Postgres(t), frontOn)) })
}

// fronted registers a client for all response types; PKCE is relaxed, as for
// clients that a certification registers.
func (s *arena) fronted(id string, change func(*client.Metadata)) {
	s.t.Helper()
	s.client(id, func(c *client.Client) {
		m := &c.Metadata
		m.ResponseTypes = append([]string{"code"}, frontTypes...)
		m.GrantTypes, m.PKCEOptional = []string{"authorization_code", "implicit", "refresh_token"}, true
		if change != nil {
			change(m)
		}
	})
}

// halfHash is at_hash, c_hash and s_hash by the book (OpenID Connect Core
// sections 3.1.3.6 and 3.3.2.11): the left half of the hash of the algorithm.
func halfHash(alg, text string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(text))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// vouched verifies an ID token from the authorization endpoint with an
// independent client and gives its claims (OpenID Connect Core sections 3.2.2.11
// and 3.3.2.12).
func (s *arena) vouched(op *oidc.Provider, a attempt, q url.Values, alg string) map[string]any {
	s.t.Helper()
	id, err := op.Verifier(&oidc.Config{ClientID: a.params.Get("client_id"), SupportedSigningAlgs: []string{alg}}).Verify(s.t.Context(), q.Get("id_token"))
	if err != nil {
		s.t.Fatal(err)
	}
	if id.Nonce != a.params.Get("nonce") || id.Nonce == "" {
		s.t.Errorf("nonce %q, want %q", id.Nonce, a.params.Get("nonce"))
	}
	var c map[string]any
	if err := id.Claims(&c); err != nil {
		s.t.Fatal(err)
	}
	if q.Has("access_token") {
		if err := id.VerifyAccessToken(q.Get("access_token")); err != nil {
			s.t.Error(err)
		}
	}
	_, signed := s.modeOf(a)
	want := map[string]string{}
	if q.Has("access_token") {
		want["at_hash"] = halfHash(alg, q.Get("access_token"))
	}
	if q.Has("code") {
		want["c_hash"] = halfHash(alg, q.Get("code"))
	}
	if q.Has("state") && (q.Has("code") || signed) {
		want["s_hash"] = halfHash(alg, q.Get("state"))
	}
	for _, name := range []string{"at_hash", "c_hash", "s_hash"} {
		if got := text(c, name); got != want[name] {
			s.t.Errorf("%s %q, want %q", name, got, want[name])
		}
	}
	return c
}

// Conformance 3.2, 3.3 and 4.7: every response type in every mode, in both
// orders of its words, verified by an independent client. Front- and
// back-channel tokens are about the same user and both work, before and after
// the code is spent.
func TestFrontChannelResponses(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.fronted("rp", nil)
		op, err := oidc.NewProvider(context.WithoutCancel(t.Context()), s.issuer)
		if err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		b.in(s, "a")
		for i, kind := range append([]string{"code"}, frontTypes...) {
			for _, mode := range []string{"-", "query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
				if strings.HasPrefix(mode, "query") && kind != "code" {
					continue // TestFrontChannelRefusals
				}
				s.run(kind+" by "+mode, func(t *testing.T, s *arena) {
					b, words := b.as(t), strings.Fields(kind)
					if i%2 == 1 {
						slices.Reverse(words)
					}
					a := asking("rp", "openid profile", "response_type", strings.Join(words, " "), "response_mode", mode, "state", strings.Repeat("s", 128))
					q := s.answer(a, b.get(s.authorizeURL(a)))
					s.follow(op, a, q)
				})
			}
		}
	})
}

// follow holds an authorization response to the flow that it began.
func (s *arena) follow(op *oidc.Provider, a attempt, q url.Values) {
	s.t.Helper()
	if q.Has("error") {
		s.t.Fatalf("refused: %v", q)
	}
	sub := ""
	if q.Has("id_token") {
		c := s.vouched(op, a, q, "RS256")
		sub = text(c, "sub")
		if alone := len(a.words()) == 1; (c["name"] != nil) != alone { // OpenID Connect Core section 5.4
			s.t.Errorf("name %v in an ID token of %v", c["name"], a.words())
		}
	}
	works := func(token string) {
		s.t.Helper()
		status, ui := s.userinfo(token)
		if status != http.StatusOK || sub != "" && ui["sub"] != sub || ui["name"] == nil {
			s.t.Errorf("userinfo: %d %v, want one about %q", status, ui, sub)
		}
		sub = text(ui, "sub")
	}
	front := q.Get("access_token")
	if front != "" {
		if q.Get("token_type") != "Bearer" || q.Get("expires_in") != "600" && q.Get("expires_in") != "599" || q.Get("scope") != "openid profile" {
			s.t.Errorf("token_type %q, expires_in %q, scope %q", q.Get("token_type"), q.Get("expires_in"), q.Get("scope"))
		}
		works(front)
	}
	if !q.Has("code") {
		return
	}
	status, m := s.exchange(a, q.Get("code"))
	if status != http.StatusOK {
		s.t.Fatalf("token endpoint: %d %v", status, m)
	}
	c := idToken(s.t, m)
	if sub != "" && c["sub"] != sub || c["nonce"] != a.params.Get("nonce") || c["at_hash"] != halfHash("RS256", text(m, "access_token")) || c["c_hash"] != nil || c["s_hash"] != nil {
		s.t.Errorf("ID token of the token endpoint: %v, want sub %s", c, sub)
	}
	works(text(m, "access_token"))
	if front != "" {
		works(front)
	}
	// RFC 6749 section 4.1.2: a code shown twice takes all its tokens with it.
	if status, m := s.exchange(a, q.Get("code")); status != http.StatusBadRequest || m["error"] != "invalid_grant" {
		s.t.Errorf("replay: %d %v", status, m)
	}
	for _, token := range []string{text(m, "access_token"), front} {
		if token == "" {
			continue
		}
		if status, _ := s.userinfo(token); status != http.StatusUnauthorized {
			s.t.Errorf("a token lives after a replay of the code: %d", status)
		}
	}
}

// S4, conformance 3.2 and 3.3: what is refused, by the carrier of the response
// type, in each mode, by GET and by POST.
func TestFrontChannelRefusals(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), frontOn) // no session
	s.fronted("rp", nil)
	s.client("coder", nil)
	s.fronted("framed", func(m *client.Metadata) { m.ResponseModes = []string{"fragment", "jwt"} })
	s.fronted("strict", func(m *client.Metadata) { m.PKCEOptional = false })
	b := s.browser().still()
	none := []string{"code_challenge", "-", "code_challenge_method", "-"}
	for _, row := range []struct {
		name, client string
		kinds        []string
		more         []string
		want         string
	}{
		{"a token alone", "rp", []string{"token", "id_token id_token", "code token code", "id_token Token", "none token", "token id_token x"}, nil, "unsupported_response_type"},
		{"not registered", "coder", frontTypes, nil, "unauthorized_client"},
		{"tokens in the query", "rp", frontTypes, []string{"response_mode", "query"}, "invalid_request"},             // Multiple Response Types section 3
		{"tokens in the query, signed", "rp", frontTypes, []string{"response_mode", "query.jwt"}, "invalid_request"}, // JARM section 2.3.1
		{"mode not registered", "framed", frontTypes, []string{"response_mode", "form_post"}, "invalid_request"},
		{"mode not registered, signed", "framed", frontTypes, []string{"response_mode", "form_post.jwt"}, "invalid_request"},
		{"unknown mode", "rp", frontTypes, []string{"response_mode", "web_message"}, "invalid_request"},
		{"no nonce", "rp", []string{"id_token", "id_token token", "code id_token", "code id_token token"}, []string{"nonce", "-"}, "invalid_request"}, // Core section 3.2.2.1
		{"no openid", "rp", []string{"id_token", "code id_token"}, []string{"scope", "profile"}, "invalid_scope"},
		{"no challenge where a code is issued", "strict", []string{"code id_token", "code token", "code id_token token"}, none, "invalid_request"},
		{"nobody signed in", "rp", frontTypes, []string{"prompt", "none", "state", strings.Repeat("s", 128)}, "login_required"},
		{"none and create", "rp", frontTypes, []string{"prompt", "none create"}, "invalid_request"},
	} {
		for _, kind := range row.kinds {
			modes := []string{"-", "form_post", "jwt", "fragment.jwt", "form_post.jwt"}
			if slices.Contains(row.more, "response_mode") {
				modes = []string{""}
			}
			for _, mode := range modes {
				s.run(row.name+", "+kind+" by "+mode, func(t *testing.T, s *arena) {
					a := asking(row.client, "openid", row.more...).with("response_type", kind)
					if mode != "" {
						a = a.with("response_mode", mode)
					}
					if row.client == "framed" && strings.HasPrefix(mode, "form_post") {
						t.Fatal("the row is about another mode")
					}
					for _, p := range []page{b.get(s.authorizeURL(a)), b.send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params, "Origin", "https://rp.example.gov.cn", "Sec-Fetch-Site", "cross-site")} {
						if l := p.Header.Get("Location"); row.want == "login_required" && strings.HasPrefix(l, "/oauth2/authorize?") {
							p = b.get(s.issuer + l)
						}
						s.refused(a, p, row.want)
					}
				})
			}
		}
	}
	for name, a := range map[string]attempt{ // controls
		"code token needs no nonce":      asking("rp", "openid", "response_type", "code token", "nonce", "-"), // Core section 3.3.2.11
		"implicit needs no challenge":    asking("strict", "openid", "response_type", "id_token token").with(none...),
		"registered as jwt, asked by it": asking("framed", "openid", "response_type", "id_token", "response_mode", "jwt"),
		"what jwt stands for here":       asking("framed", "openid", "response_type", "id_token", "response_mode", "fragment.jwt"),
	} {
		if p := b.get(s.authorizeURL(a)); p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/login?") {
			t.Errorf("%s: %d %s", name, p.StatusCode, p.Header.Get("Location"))
		}
	}
}
