package main

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store"
	"kejitong/store/storetest"
)

// thumb is the RFC 7638 thumbprint of the key.
func (k signer) thumb(t testing.TB) string {
	t.Helper()
	jwk := k.public()
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// bare is the public key as proofs carry it: without kid and use.
func (k signer) bare() jose.JSONWebKey { return jose.JSONWebKey{Key: k.key.Public()} }

// proofClaims are those of a proper DPoP proof for a request of the provider by
// its name; accessToken may be empty (RFC 9449 §4.2).
func (r *rig) proofClaims(method, path, accessToken string) map[string]any {
	c := map[string]any{"jti": randomText(16), "htm": method, "htu": r.name() + path, "iat": r.clock.now().Unix()}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		c["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return c
}

// dpop makes a proof with the key. edit changes claims; nil takes one away.
func (k signer) dpop(t testing.TB, c map[string]any, edit map[string]any) string {
	t.Helper()
	c = maps.Clone(c)
	for name, v := range edit {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
	k.kid = ""
	return k.sign(t, c, map[string]any{"typ": "dpop+jwt", "jwk": k.bare()})
}

// proving adds a fresh proof of the key to a request that the client makes by
// its credentials.
func (r *rig) proving(id string, k signer, path string) proof {
	creds := r.creds(id)
	return func(q *http.Request, v url.Values) {
		creds(q, v)
		q.Header.Set("DPoP", k.dpop(r.t, r.proofClaims(http.MethodPost, path, ""), nil))
	}
}

// tokenBy posts to the token endpoint with a proof of the key.
func (r *rig) tokenBy(id string, k signer, v url.Values) answer {
	r.t.Helper()
	return r.call("/oauth2/token", v, r.proving(id, k, "/oauth2/token"))
}

// infoBy reads userinfo with the scheme and whatever DPoP headers.
func (r *rig) infoBy(scheme, token string, proofs ...string) answer {
	r.t.Helper()
	q, err := http.NewRequest(http.MethodGet, r.issuer+"/oauth2/userinfo", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Authorization", scheme+" "+token)
	for _, p := range proofs {
		q.Header.Add("DPoP", p)
	}
	return r.sent(q)
}

// infoDPoP reads userinfo as the holder of the key.
func (r *rig) infoDPoP(token string, k signer) answer {
	r.t.Helper()
	return r.infoBy("DPoP", token, k.dpop(r.t, r.proofClaims(http.MethodGet, "/oauth2/userinfo", token), nil))
}

// holders registers the clients of these tests.
func (r *rig) holders() {
	r.t.Helper()
	both := []string{"authorization_code", "refresh_token", "client_credentials"}
	for id, m := range map[string]client.Metadata{
		"free": {GrantTypes: both, Scope: "openid profile offline_access demo.read"}, "bound": {DPoPBoundTokens: true}, "open": {TokenEndpointAuthMethod: "none"},
		"open-bound": {TokenEndpointAuthMethod: "none", DPoPBoundTokens: true}, "jwt-bound": {DPoPBoundTokens: true, AccessTokenFormat: "jwt"},
	} {
		r.register(id, m)
	}
}

// RFC 9449 §5: what the token endpoint makes of proofs, by grant type and kind
// of client.
func TestDPoPAtTheTokenEndpoint(t *testing.T) {
	one, two := newSigner(t, "ES256", ""), newSigner(t, "EdDSA", "")
	onRigs(t, func(t *testing.T, r *rig) {
		r.holders()
		b := r.browser()
		code := func(id string, more ...string) (attempt, url.Values) {
			a := request(id, "openid offline_access").with(more...)
			return a, codeForm(a, r.code(b, "a", a))
		}
		good := func(got answer, k signer, why string) map[string]any {
			t.Helper()
			r.want(got, 200, "", why)
			if k.key == nil {
				if got.body["token_type"] != "Bearer" {
					t.Errorf("%s: token_type %v, want Bearer", why, got.body["token_type"])
				}
				return got.body
			}
			if got.body["token_type"] != "DPoP" { // RFC 9449 §5
				t.Errorf("%s: token_type %v, want DPoP", why, got.body["token_type"])
			}
			in := r.inspect("free", text(got.body, "access_token"))
			if in.body["active"] == true { // its own client alone may look
				cnf, _ := in.body["cnf"].(map[string]any)
				if in.body["token_type"] != "DPoP" || cnf["jkt"] != k.thumb(t) { // RFC 9449 §6.2
					t.Errorf("%s: introspection %v", why, in.body)
				}
			}
			r.want(r.infoDPoP(text(got.body, "access_token"), k), 200, "", why+": at userinfo")
			return got.body
		}
		none := signer{}

		// A refused proof spends neither code nor refresh token.
		_, v := code("bound")
		r.want(r.token("bound", v), 400, "invalid_dpop_proof", "bound by registration, no proof") // §5.2
		stale := r.proofClaims("POST", "/oauth2/token", "")
		for name, edit := range map[string]map[string]any{
			"an hour old": {"iat": r.clock.now().Add(-time.Hour).Unix()}, "an hour ahead": {"iat": r.clock.now().Add(time.Hour).Unix()},
			"for another endpoint": {"htu": r.name() + "/oauth2/par"}, "for GET": {"htm": "GET"}, "without id": {"jti": nil},
		} {
			got := r.call("/oauth2/token", v, func(q *http.Request, v url.Values) {
				r.creds("bound")(q, v)
				q.Header.Set("DPoP", one.dpop(t, stale, edit))
			})
			r.want(got, 400, "invalid_dpop_proof", name)
		}
		r.want(r.call("/oauth2/token", v, func(q *http.Request, v url.Values) {
			r.proving("bound", one, "/oauth2/token")(q, v)
			q.Header.Add("DPoP", q.Header.Get("DPoP"))
		}), 400, "invalid_dpop_proof", "two proofs") // §4.3 step 1
		// A replayed proof.
		same := one.dpop(t, r.proofClaims("POST", "/oauth2/token", ""), nil)
		again := func(q *http.Request, v url.Values) {
			r.creds("bound")(q, v)
			q.Header.Set("DPoP", same)
		}
		m := good(r.call("/oauth2/token", v, again), one, "code, bound by registration")
		r.want(r.call("/oauth2/token", refreshForm(text(m, "refresh_token")), again), 400, "invalid_dpop_proof", "the same proof again") // §11.1
		r.clock.move(59 * time.Second)
		r.want(r.call("/oauth2/token", refreshForm(text(m, "refresh_token")), again), 400, "invalid_dpop_proof", "the same proof, as late as it lives")
		// Confidential: the client proves itself, so a new key will do (§5).
		r.want(r.refresh("bound", text(m, "refresh_token")), 400, "invalid_dpop_proof", "refresh without a proof")
		m = good(r.tokenBy("bound", two, refreshForm(text(m, "refresh_token"))), two, "refresh with a new key")
		r.want(r.infoDPoP(text(m, "access_token"), one), 401, "invalid_token", "the old key at the new token")

		// Without registration the proof decides.
		_, v = code("free")
		good(r.token("free", v), none, "code without a proof")
		_, v = code("free")
		m = good(r.tokenBy("free", one, v), one, "code with a proof")
		m = good(r.token("free", refreshForm(text(m, "refresh_token"))), none, "refresh without a proof, confidential")
		good(r.tokenBy("free", two, refreshForm(text(m, "refresh_token"))), two, "refresh with a proof")
		in := r.inspect("free", text(r.tokenBy("free", one, url.Values{"grant_type": {"client_credentials"}}).body, "access_token"))
		if cnf, _ := in.body["cnf"].(map[string]any); in.body["token_type"] != "DPoP" || cnf["jkt"] != one.thumb(t) {
			t.Errorf("client credentials: %v", in.body)
		}

		// Public: the key is all that ties the refresh token to its holder (§5).
		for _, id := range []string{"open", "open-bound"} {
			_, v = code(id)
			m = good(r.tokenBy(id, one, v), one, id)
			missing := map[string]string{"open": "invalid_grant", "open-bound": "invalid_dpop_proof"}[id]
			r.want(r.refresh(id, text(m, "refresh_token")), 400, missing, id+": refresh without a proof")
			r.want(r.tokenBy(id, two, refreshForm(text(m, "refresh_token"))), 400, "invalid_grant", id+": refresh with another key")
			old := text(m, "refresh_token")
			m = good(r.tokenBy(id, one, refreshForm(old)), one, id+": refresh")
			retry := good(r.tokenBy(id, one, refreshForm(old)), one, id+": refresh, retried")
			if retry["refresh_token"] != m["refresh_token"] {
				t.Errorf("%s: the retry has another successor", id)
			}
			r.want(r.refresh(id, text(m, "refresh_token")), 400, missing, id+": the successor without a proof")
			good(r.tokenBy(id, one, refreshForm(text(m, "refresh_token"))), one, id+": the successor")
		}

		// JWT access tokens say it themselves (RFC 9449 §6.1).
		_, v = code("jwt-bound")
		m = good(r.tokenBy("jwt-bound", one, v), one, "JWT")
		if cnf, _ := r.genuine(text(m, "access_token"), "at+jwt", jose.ES256)["cnf"].(map[string]any); cnf["jkt"] != one.thumb(t) {
			t.Errorf("cnf of the JWT: %v", cnf)
		}
	})
}

// RFC 9449 §10: an authorization code bound to a key is of use with that key
// alone, however the key was named.
func TestCodesBoundToAKey(t *testing.T) {
	one, two := newSigner(t, "ES256", ""), newSigner(t, "PS256", "")
	onRigs(t, func(t *testing.T, r *rig) {
		r.holders()
		b := r.browser()
		push := func(a attempt, prove proof) answer { return r.call("/oauth2/par", a.params, prove) }
		visit := func(a attempt, pushed answer) url.Values {
			t.Helper()
			r.want(pushed, 201, "", "push")
			p := b.get(r.issuer + "/oauth2/authorize?" + url.Values{"client_id": {a.params.Get("client_id")}, "request_uri": {text(pushed.body, "request_uri")}}.Encode())
			return codeForm(a, callback(t, p).Get("code"))
		}
		r.code(b, "a", request("free", "openid")) // signs in
		ways := map[string]func() url.Values{
			"dpop_jkt at the authorization endpoint": func() url.Values {
				a := request("free", "openid").with("dpop_jkt", one.thumb(t))
				return codeForm(a, r.code(b, "a", a))
			},
			"dpop_jkt pushed, without a proof": func() url.Values {
				a := request("free", "openid").with("dpop_jkt", one.thumb(t))
				return visit(a, push(a, r.creds("free")))
			},
			"proof at the push": func() url.Values {
				a := request("free", "openid")
				return visit(a, push(a, r.proving("free", one, "/oauth2/par")))
			},
			"both": func() url.Values {
				a := request("free", "openid").with("dpop_jkt", one.thumb(t))
				return visit(a, push(a, r.proving("free", one, "/oauth2/par")))
			},
		}
		for name, way := range ways {
			v := way()
			r.want(r.token("free", v), 400, "invalid_grant", name+": no proof")
			r.want(r.tokenBy("free", two, v), 400, "invalid_grant", name+": another key")
			got := r.tokenBy("free", one, v) // the refusals did not spend it
			r.want(got, 200, "", name+": the key")
			r.want(r.infoDPoP(text(got.body, "access_token"), one), 200, "", name+": userinfo")
		}

		// §10.1: two keys in one push.
		a := request("free", "openid").with("dpop_jkt", two.thumb(t))
		r.want(push(a, r.proving("free", one, "/oauth2/par")), 400, "invalid_dpop_proof", "dpop_jkt of another key than the proof's")
		bad := func(edit map[string]any) proof {
			return func(q *http.Request, v url.Values) {
				r.creds("free")(q, v)
				q.Header.Set("DPoP", one.dpop(t, r.proofClaims("POST", "/oauth2/par", ""), edit))
			}
		}
		a = request("free", "openid")
		r.want(push(a, bad(map[string]any{"htu": r.name() + "/oauth2/token"})), 400, "invalid_dpop_proof", "a proof for the token endpoint")
		r.want(push(a, bad(map[string]any{"iat": r.clock.now().Add(-time.Hour).Unix()})), 400, "invalid_dpop_proof", "an old proof")
		same := bad(map[string]any{"jti": "once"})
		r.want(push(a, same), 201, "", "a proof")
		r.want(push(a, same), 400, "invalid_dpop_proof", "its jti again")
		for _, jkt := range []string{"x", strings.Repeat("a", 44), strings.Repeat("a", 42) + "="} {
			r.want(push(request("free", "openid").with("dpop_jkt", jkt), r.creds("free")), 400, "invalid_request", "dpop_jkt "+jkt)
		}
	})
}

// RFC 9449 §7: a bound token is of use to the holder of its key alone.
func TestDPoPAtUserinfo(t *testing.T) {
	one, two, weak := newSigner(t, "ES256", ""), newSigner(t, "ES256", ""), newSigner(t, "RS256", "")
	onRigs(t, func(t *testing.T, r *rig) {
		r.holders()
		b := r.browser()
		a := request("bound", "openid")
		token := text(r.tokenBy("bound", one, codeForm(a, r.code(b, "a", a))).body, "access_token")
		a = request("free", "openid")
		plain := text(r.token("free", codeForm(a, r.code(b, "a", a))).body, "access_token")
		claims := func() map[string]any { return r.proofClaims("GET", "/oauth2/userinfo", token) }
		edited := func(edit map[string]any) []string { return []string{one.dpop(t, claims(), edit)} }
		at := func(d time.Duration) int64 { return r.clock.now().Add(d).Unix() }
		one.kid = ""
		signed := func(head map[string]any) []string { return []string{one.sign(t, claims(), head)} }
		for _, row := range []struct {
			name, scheme, token string
			proofs              []string
			status              int
			code                string
		}{
			{"by Bearer", "Bearer", token, nil, 401, "invalid_token"}, // §7.2
			{"by Bearer, with a proof", "Bearer", token, edited(nil), 401, "invalid_token"},
			{"no proof", "DPoP", token, nil, 401, "invalid_dpop_proof"},
			{"two proofs", "DPoP", token, append(edited(nil), edited(nil)...), 401, "invalid_dpop_proof"},
			{"malformed", "DPoP", token, []string{"x.y.z"}, 401, "invalid_dpop_proof"},
			{"empty", "DPoP", token, []string{""}, 401, "invalid_dpop_proof"},
			{"no typ", "DPoP", token, signed(map[string]any{"jwk": one.bare()}), 401, "invalid_dpop_proof"},
			{"typ JWT", "DPoP", token, signed(map[string]any{"typ": "JWT", "jwk": one.bare()}), 401, "invalid_dpop_proof"},
			{"no key", "DPoP", token, signed(map[string]any{"typ": "dpop+jwt"}), 401, "invalid_dpop_proof"},
			{"another's public key", "DPoP", token, signed(map[string]any{"typ": "dpop+jwt", "jwk": two.bare()}), 401, "invalid_dpop_proof"},
			{"the private key", "DPoP", token, signed(map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: one.key}}), 401, "invalid_dpop_proof"},
			{"alg none", "DPoP", token, []string{unsecured(t, claims())}, 401, "invalid_dpop_proof"},
			{"RS256", "DPoP", token, []string{weak.dpop(t, claims(), nil)}, 401, "invalid_dpop_proof"},
			{"another key", "DPoP", token, []string{two.dpop(t, claims(), nil)}, 401, "invalid_token"},
			{"no jti", "DPoP", token, edited(map[string]any{"jti": nil}), 401, "invalid_dpop_proof"},
			{"no htm", "DPoP", token, edited(map[string]any{"htm": nil}), 401, "invalid_dpop_proof"},
			{"no htu", "DPoP", token, edited(map[string]any{"htu": nil}), 401, "invalid_dpop_proof"},
			{"no iat", "DPoP", token, edited(map[string]any{"iat": nil}), 401, "invalid_dpop_proof"},
			{"no ath", "DPoP", token, edited(map[string]any{"ath": nil}), 401, "invalid_dpop_proof"},
			{"wrong htm", "DPoP", token, edited(map[string]any{"htm": "POST"}), 401, "invalid_dpop_proof"},
			{"wrong htu", "DPoP", token, edited(map[string]any{"htu": r.name() + "/oauth2/token"}), 401, "invalid_dpop_proof"},
			{"wrong ath", "DPoP", token, edited(map[string]any{"ath": randomText(32)}), 401, "invalid_dpop_proof"},
			{"an hour old", "DPoP", token, edited(map[string]any{"iat": at(-time.Hour)}), 401, "invalid_dpop_proof"},
			{"an hour ahead", "DPoP", token, edited(map[string]any{"iat": at(time.Hour)}), 401, "invalid_dpop_proof"},
			{"unbound token by DPoP", "DPoP", plain, []string{one.dpop(t, r.proofClaims("GET", "/oauth2/userinfo", plain), nil)}, 401, "invalid_token"},
			{"no token of ours", "DPoP", randomText(74), edited(nil), 401, "invalid_token"},

			{"the key", "DPoP", token, edited(nil), 200, ""},
			{"dpop in small letters", "dpop", token, edited(nil), 200, ""}, // RFC 9110 §11.1
			{"DPOP in capitals", "DPOP", token, edited(nil), 200, ""},
			{"exp and nbf", "DPoP", token, edited(map[string]any{"exp": at(time.Minute), "nbf": at(0)}), 200, ""},
			{"ten seconds old", "DPoP", token, edited(map[string]any{"iat": at(-10 * time.Second)}), 200, ""},
			{"ten seconds ahead", "DPoP", token, edited(map[string]any{"iat": at(10 * time.Second)}), 200, ""},
			{"htu with query and fragment", "DPoP", token, edited(map[string]any{"htu": r.name() + "/oauth2/userinfo?x=y#z"}), 200, ""},
			{"htu in capitals", "DPoP", token, edited(map[string]any{"htu": strings.ToUpper(r.name()) + "/oauth2/userinfo"}), 200, ""},
			{"unknown claims", "DPoP", token, edited(map[string]any{"x": []int{1}}), 200, ""},
			{"unbound token by Bearer", "Bearer", plain, nil, 200, ""},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				got := s.infoBy(row.scheme, row.token, row.proofs...)
				s.want(got, row.status, row.code, row.name)
				c := got.header.Values("WWW-Authenticate")
				if row.status == 401 && (len(c) != 1 || !strings.HasPrefix(c[0], "DPoP ") || !strings.Contains(c[0], `algs="ES256 PS256 EdDSA"`) || !strings.Contains(c[0], `error="`+row.code+`"`)) {
					t.Errorf("challenge %q, want one of DPoP with its algorithms (section 7.1)", c)
				}
			})
		}
		used := edited(nil)
		r.want(r.infoBy("DPoP", token, used...), 200, "", "a proof")
		r.want(r.infoBy("DPoP", token, used...), 401, "invalid_dpop_proof", "its jti again") // §11.1
		if c := r.infoBy("Bearer", "").header.Values("WWW-Authenticate"); len(c) != 2 || !strings.HasPrefix(c[0], "Bearer ") || !strings.HasPrefix(c[1], "DPoP ") {
			t.Errorf("without a token the challenges are %q, want both schemes", c)
		}
	})
}

// RFC 9449 §8 and §9: with nonces on, the first proof is told which to use.
func TestDPoPNonces(t *testing.T) {
	key := newSigner(t, "ES256", "")
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			r := newRig(t, o, func(c *config.Config) { c.Protocol.DPoPNonce = true }, nil)
			r.holders()
			b := r.browser()
			a := request("bound", "openid")
			v := codeForm(a, r.code(b, "a", a))
			with := func(path, nonce string) proof {
				return func(q *http.Request, v url.Values) {
					r.creds("bound")(q, v)
					edit := map[string]any{"nonce": nonce, "iat": r.clock.now().Add(-time.Hour).Unix()} // the nonce counts, not the clock (§11.1)
					q.Header.Set("DPoP", key.dpop(t, r.proofClaims("POST", path, ""), edit))
				}
			}
			offered := func(got answer, why string) string {
				t.Helper()
				n := got.header.Get("DPoP-Nonce")
				if n == "" {
					t.Errorf("%s: no DPoP-Nonce", why)
				}
				return n
			}
			got := r.token("bound", v)
			r.want(got, 400, "invalid_dpop_proof", "no proof")
			offered(got, "no proof")
			got = r.tokenBy("bound", key, v)
			r.want(got, 400, "use_dpop_nonce", "no nonce")
			n := offered(got, "no nonce")
			r.want(r.call("/oauth2/token", v, with("/oauth2/token", randomText(32))), 400, "use_dpop_nonce", "a nonce of somebody else")
			got = r.call("/oauth2/token", v, with("/oauth2/token", n))
			r.want(got, 200, "", "the nonce")
			offered(got, "success")
			token := text(got.body, "access_token")
			got = r.call("/oauth2/par", request("bound", "openid").params, r.proving("bound", key, "/oauth2/par"))
			r.want(got, 400, "use_dpop_nonce", "push without a nonce")
			r.want(r.call("/oauth2/par", request("bound", "openid").params, with("/oauth2/par", offered(got, "push"))), 201, "", "push")
			got = r.infoDPoP(token, key)
			r.want(got, 401, "use_dpop_nonce", "userinfo without a nonce")
			if c := got.header.Values("WWW-Authenticate"); len(c) != 1 || !strings.HasPrefix(c[0], "DPoP ") || !strings.Contains(c[0], `error="use_dpop_nonce"`) { // §9
				t.Errorf("challenge %q", c)
			}
			c := r.proofClaims("GET", "/oauth2/userinfo", token)
			c["nonce"] = offered(got, "userinfo")
			same := key.dpop(t, c, nil)
			got = r.infoBy("DPoP", token, same)
			r.want(got, 200, "", "userinfo")
			offered(got, "userinfo, success")
			r.want(r.infoBy("DPoP", token, same), 401, "invalid_dpop_proof", "the same proof again")
			r.clock.move(5 * time.Minute) // as late as the nonce may live
			if again := r.infoBy("DPoP", token, same).err(); again != "invalid_dpop_proof" && again != "use_dpop_nonce" {
				t.Errorf("the same proof five minutes later: %q", again)
			}
		})
	}
}

// One proof, shown by 64 at once over three addresses, serves once.
func TestOneProofShownByMany(t *testing.T) {
	key := newSigner(t, "ES256", "")
	run := func(t *testing.T, r *rig, addresses ...string) {
		r.register("rp", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: "demo.read", DPoPBoundTokens: true})
		for round := range roundsSQLite {
			shown := key.dpop(t, r.proofClaims("POST", "/oauth2/token", ""), nil)
			all := statuses(race(t, racers, func(i int) *http.Request {
				return formTo(t, addresses[i%len(addresses)]+"/oauth2/token", service, func(q *http.Request, v url.Values) {
					r.creds("rp")(q, v)
					q.Header.Set("DPoP", shown)
				})
			}))
			if all[200] != 1 || all[400] != racers-1 {
				t.Fatalf("round %d: answers by status %v, want one 200 and %d times 400", round, all, racers-1)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		r := newRig(t, storetest.SQLite(t), nil, nil)
		run(t, r, r.issuer)
	})
	t.Run("postgres", func(t *testing.T) {
		r := newRig(t, storetest.Postgres(t), nil, nil)
		run(t, r, r.issuer, r.replica().issuer, r.replica().issuer)
	})
	// The control: at a store that reads before it writes the race has many
	// winners, so it would see a hole.
	t.Run("careless", func(t *testing.T) {
		var met sync.WaitGroup
		met.Add(racers)
		r := newRig(t, storetest.Postgres(t), nil, func(a *app) { a.grants = careless{a.db, &met} })
		r.register("rp", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: "demo.read", DPoPBoundTokens: true})
		shown := key.dpop(t, r.proofClaims("POST", "/oauth2/token", ""), nil)
		all := statuses(race(t, racers, func(int) *http.Request {
			return r.form("/oauth2/token", service, func(q *http.Request, v url.Values) {
				r.creds("rp")(q, v)
				q.Header.Set("DPoP", shown)
			})
		}))
		if all[200] < 2 {
			t.Errorf("answers by status %v at a careless store: the race sees nothing", all)
		}
	})
}

// A browser application may send proofs and read the nonce (RFC 9449 §8.1).
func TestDPoPAcrossOrigins(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	r.register("rp", client.Metadata{})
	q, err := http.NewRequest(http.MethodOptions, r.issuer+"/oauth2/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Origin", "https://rp.example")
	res, err := direct.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	for name, want := range map[string]string{"Access-Control-Allow-Headers": "DPoP", "Access-Control-Expose-Headers": "DPoP-Nonce"} {
		if got := res.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q lacks %s", name, got, want)
		}
	}
}
