package main

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/audit"
	"kejitong/provider/client"
)

// strictClient is a client of FAPI 2.0 as one would write it against the
// standards alone: it pushes its requests, signs its assertions and proves a
// key.
type strictClient struct {
	*rig
	id         string
	signs, has signer // the key of its assertions, and of its proofs
}

// strict registers one through the rules of registration.
func (r *rig) strict(id string, signs, has signer, change func(*client.Metadata)) strictClient {
	r.t.Helper()
	m := client.Metadata{
		Name: id, RedirectURIs: []string{callbackOf(id)}, GrantTypes: []string{"authorization_code", "refresh_token"}, Scope: "openid profile offline_access",
		SecurityProfile: client.FAPI2, DPoPBoundTokens: true, JWKS: signs.set(r.t), FirstParty: true,
	}
	if change != nil {
		change(&m)
	}
	m, err := m.Normalise()
	if err != nil {
		r.t.Fatal(err)
	}
	c := &client.Client{ID: id, Metadata: m, State: client.Active, Reviewed: true, CreatedAt: now(), UpdatedAt: now()}
	if err := r.app.db.PutClient(r.t.Context(), c, audit.Event{Kind: audit.ClientCreated, Actor: "test", Object: id}); err != nil {
		r.t.Fatal(err)
	}
	return strictClient{r, id, signs, has}
}

// proof authenticates with an assertion whose claims edit changes, and proves
// the key for path.
func (c strictClient) proof(path string, edit map[string]any) proof {
	return func(q *http.Request, v url.Values) {
		claims := maps.Clone(c.assertion(c.id))
		for name, value := range edit {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		assert(c.signs.sign(c.t, claims, nil))(q, v)
		if c.has.key != nil {
			q.Header.Set("DPoP", c.has.dpop(c.t, c.proofClaims(http.MethodPost, path, ""), nil))
		}
	}
}

func (c strictClient) ask(more ...string) attempt {
	return request(c.id, "openid offline_access").with(more...)
}

func (c strictClient) push(a attempt) answer {
	c.t.Helper()
	return c.call("/oauth2/par", a.params, c.proof("/oauth2/par", nil))
}

func (c strictClient) tokens(v url.Values) answer {
	c.t.Helper()
	return c.call("/oauth2/token", v, c.proof("/oauth2/token", nil))
}

// at gives the address of a pushed request.
func (c strictClient) at(pushed answer) string {
	c.t.Helper()
	c.want(pushed, 201, "", "push")
	return c.issuer + "/oauth2/authorize?" + url.Values{"client_id": {c.id}, "request_uri": {text(pushed.body, "request_uri")}}.Encode()
}

// code walks to the code of a request, as the account of case a.
func (c strictClient) code(b *browser, a attempt) url.Values {
	c.t.Helper()
	p := b.get(c.at(c.push(a)))
	if p.StatusCode == http.StatusOK {
		p = b.signIn(c.stage, p, "a")
	}
	q := callback(c.t, p)
	if q.Get("code") == "" || q.Get("iss") != c.name() || q.Get("state") != a.params.Get("state") { // FAPI 2.0 Security Profile §5.3.2.2
		c.t.Fatalf("answer %v", q)
	}
	return codeForm(a, q.Get("code"))
}

// FAPI 2.0 Security Profile §5.3.2: what a client of the profile may do, and
// what is refused it; conformance of the authorization server part by part.
func TestFAPI(t *testing.T) {
	ps, es, ed := newSigner(t, "PS256", "ps"), newSigner(t, "ES256", "es"), newSigner(t, "EdDSA", "ed")
	key, other := newSigner(t, "ES256", ""), newSigner(t, "EdDSA", "")
	onRigs(t, func(t *testing.T, r *rig) {
		c := r.strict("one", ps, key, func(m *client.Metadata) { m.JWKS = ps.set(t, es.public(), ed.public()) })
		two := r.strict("two", es, key, func(m *client.Metadata) { m.IDTokenSignedResponseAlg = "ES256" })
		b := r.browser()

		t.Run("client authentication", func(t *testing.T) { // §5.3.2.1 clauses on private_key_jwt
			s := c
			s.rig = r.as(t)
			at := func(d time.Duration) int64 { return s.clock.now().Add(d).Unix() }
			for _, row := range []struct {
				name string
				edit map[string]any
				good bool
			}{
				{"aud is an array with the issuer", map[string]any{"aud": []string{s.name()}}, false},
				{"aud is two", map[string]any{"aud": []string{s.name(), s.name() + "/oauth2/token"}}, false},
				{"aud is the pushed request endpoint", map[string]any{"aud": s.name() + "/oauth2/par"}, false},
				{"aud is the token endpoint", map[string]any{"aud": s.name() + "/oauth2/token"}, false},
				{"aud is somebody else", map[string]any{"aud": "https://evil.test"}, false},
				{"no aud", map[string]any{"aud": nil}, false},
				{"no sub", map[string]any{"sub": nil}, false},
				{"no iss", map[string]any{"iss": nil}, false},
				{"another client", map[string]any{"sub": "two", "iss": "two"}, false},
				{"expired five minutes ago", map[string]any{"exp": at(-5 * time.Minute)}, false},
				{"iat over a minute ahead", map[string]any{"iat": at(61 * time.Second)}, false},
				{"nbf over a minute ahead", map[string]any{"nbf": at(61 * time.Second)}, false},
				{"no jti", map[string]any{"jti": nil}, false},
				{"iat and nbf 8 s ahead", map[string]any{"iat": at(8 * time.Second), "nbf": at(8 * time.Second)}, true},
				{"as it should be", nil, true},
			} {
				got := s.call("/oauth2/par", s.ask().params, s.proof("/oauth2/par", row.edit))
				if row.good {
					s.want(got, 201, "", row.name)
				} else {
					s.want(got, 401, "invalid_client", row.name)
				}
			}
			for _, k := range []struct {
				signer
				good bool
			}{{ps.with("RS256", "ps"), false}, {ps.with("RS256", ""), false}, {other, false}, {ps, true}, {es, true}, {ed, true}} { // §5.4.1
				s.signs = k.signer
				if got := s.push(s.ask()); (got.status == 201) != k.good || !k.good && got.err() != "invalid_client" {
					t.Errorf("assertion by %s: %s, want accepted: %v", k.alg, got, k.good)
				}
			}
			for name, prove := range map[string]proof{
				"client_id alone": nil, "Basic": basically("one", "x"), "secret": inBody("client_secret", "x"),
			} {
				s.want(s.call("/oauth2/par", s.ask().params, prove), 401, "invalid_client", name)
			}
		})

		t.Run("authorization requests", func(t *testing.T) {
			s := c
			s.rig = r.as(t)
			b := b.as(t)
			v := s.code(b, s.ask())
			s.want(s.tokens(v), 200, "", "a first request")
			// Direct requests, by GET and by POST (§5.3.2.2).
			a := s.ask()
			if q := callback(t, b.get(s.authorizeURL(a))); q.Get("error") != "invalid_request" || q.Get("iss") != s.name() {
				t.Errorf("not pushed: %v", q)
			}
			still := b.still()
			if q := callback(t, still.send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params)); q.Get("error") != "invalid_request" {
				t.Errorf("not pushed, by POST: %v", q)
			}
			for name, change := range map[string][]string{
				"no PKCE": {"code_challenge", "-", "code_challenge_method", "-"}, "plain": {"code_challenge_method", "plain"}, "no method": {"code_challenge_method", "-"},
				"code id_token": {"response_type", "code id_token"}, "token": {"response_type", "token"}, "no redirect_uri": {"redirect_uri", "-"},
				"redirect_uri not registered": {"redirect_uri", "https://evil.test/cb"}, "request_uri": {"request_uri", "urn:x"},
			} {
				got := s.push(s.ask(change...))
				if got.status != 400 || !strings.Contains("invalid_request unsupported_response_type unauthorized_client", got.err()) || got.err() == "" {
					t.Errorf("%s: %s", name, got)
				}
			}
			// Bound to the client that pushed it; nothing outside counts.
			pushed := s.push(s.ask())
			s.want(pushed, 201, "", "push")
			if p := b.get(s.issuer + "/oauth2/authorize?" + url.Values{"client_id": {"two"}, "request_uri": {text(pushed.body, "request_uri")}}.Encode()); p.StatusCode != http.StatusBadRequest {
				t.Errorf("another client with the request_uri: %d", p.StatusCode)
			}
			a = s.ask("state", "-")
			if q := callback(t, b.get(s.at(s.push(a))+"&state=outside&nonce=outside")); q.Get("code") == "" || q.Has("state") {
				t.Errorf("state outside of the request: %v", q)
			}
		})

		t.Run("codes", func(t *testing.T) {
			s := c
			s.rig = r.as(t)
			b := b.as(t)
			a := s.ask()
			v := s.code(b, a)
			o := two
			o.rig = s.rig
			s.want(o.tokens(v), 400, "invalid_grant", "another client's code")
			plain := s
			plain.has = signer{}
			s.want(plain.tokens(v), 400, "invalid_dpop_proof", "no proof (§5.3.2.1)")
			thief := s
			thief.has = other
			s.want(thief.tokens(v), 400, "invalid_grant", "another key than the pushed request's (RFC 9449 §10)")
			got := s.tokens(v)
			s.want(got, 200, "", "the code")
			token := text(got.body, "access_token")
			s.want(s.infoDPoP(token, key), 200, "", "userinfo")
			s.want(s.info(token), 401, "invalid_token", "by Bearer")
			s.want(s.infoDPoP(token, other), 401, "invalid_token", "by another key")
			s.clock.move(time.Second)
			s.want(s.tokens(v), 400, "invalid_grant", "the code again")
			s.want(s.infoDPoP(token, key), 401, "invalid_token", "its access token after that")
			for name, verifier := range map[string]string{"no verifier": "", "a wrong one": randomText(32)} {
				v := s.code(b, s.ask())
				if v.Del("code_verifier"); verifier != "" {
					v.Set("code_verifier", verifier)
				}
				s.want(s.tokens(v), 400, "invalid_grant", name)
			}
			v = s.code(b, s.ask())
			s.clock.move(61 * time.Second) // §5.3.2.1: codes live a minute at most
			s.want(s.tokens(v), 400, "invalid_grant", "the code after 61 s")
		})

		t.Run("ID tokens", func(t *testing.T) { // §5.4.1
			for _, k := range []struct {
				strictClient
				alg jose.SignatureAlgorithm
			}{{c, jose.PS256}, {two, jose.ES256}} {
				k.rig = r.as(t)
				got := k.tokens(k.code(b.as(t), k.ask("nonce", "-")))
				k.want(got, 200, "", "code")
				if id := k.genuine(text(got.body, "id_token"), "JWT", k.alg); id["nonce"] != nil || id["aud"] != k.id {
					t.Errorf("claims %v", id)
				}
			}
		})

		t.Run("refresh tokens", func(t *testing.T) { // §5.3.2.1: not rotated
			s := c
			s.rig = r.as(t)
			first := s.tokens(s.code(b.as(t), s.ask()))
			s.want(first, 200, "", "code")
			refresh := text(first.body, "refresh_token")
			v := refreshForm(refresh)
			s.want(s.call("/oauth2/token", v, nil), 401, "invalid_client", "without authentication")
			plain, o := s, two
			plain.has, o.rig = signer{}, s.rig
			s.want(plain.tokens(v), 400, "invalid_dpop_proof", "without a proof")
			s.want(o.tokens(v), 400, "invalid_grant", "another client's")
			fresh := s
			fresh.has = other // a new key is welcome: the client proves itself
			for i := range 3 {
				got := fresh.tokens(v)
				s.want(got, 200, "", "refresh")
				if next := text(got.body, "refresh_token"); next != "" && next != refresh {
					t.Errorf("refresh %d gave another refresh token", i)
				}
				s.want(s.infoDPoP(text(got.body, "access_token"), other), 200, "", "the new key")
				s.want(s.infoDPoP(text(got.body, "access_token"), key), 401, "invalid_token", "the old key")
				s.clock.move(31 * time.Second)
			}
			s.want(s.infoDPoP(text(first.body, "access_token"), key), 200, "", "the first token")
			if n := s.generation(refresh); n != 1 {
				t.Errorf("generation %d, want that no refresh writes", n)
			}
			s.clock.move(20 * 24 * time.Hour) // far beyond the idle life of rotating ones
			s.want(s.tokens(v), 200, "", "after 20 days")
			s.clock.move(11 * 24 * time.Hour)
			s.want(s.tokens(v), 400, "invalid_grant", "after the absolute end")
		})
	})
}
