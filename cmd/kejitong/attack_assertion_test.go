package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store"
	"kejitong/store/storetest"
)

// service is a form that a key client gets a token for if it is believed.
var service = url.Values{"grant_type": {"client_credentials"}, "scope": {"demo.read"}}

// An assertion is believed when its signature, its times, its audience and its
// id are right, once (RFC 7523 §3, RFC 8725 §3, OpenID Connect Core §9).
func TestClientAssertions(t *testing.T) {
	es, rs, ed, stranger := newSigner(t, "ES256", "es"), newSigner(t, "RS256", "rs"), newSigner(t, "EdDSA", "ed"), newSigner(t, "ES256", "es")
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // the point of the row
	if err != nil {
		t.Fatal(err)
	}
	short := signer{jose.RS256, weak, "weak"}
	enc := newSigner(t, "ES256", "enc")
	encPublic := enc.public()
	encPublic.Use = "enc"
	jwks := es.set(t, rs.public(), ed.public(), short.public(), encPublic)
	onRigs(t, func(t *testing.T, r *rig) {
		for id, m := range map[string]client.Metadata{
			"rp": {JWKS: jwks}, "rp-es": {JWKS: jwks, TokenEndpointAuthAlg: "ES256"}, "strict": {JWKS: jwks, StrictAssertionAud: true},
			"other": {JWKS: stranger.set(t)}, "keyless": {},
		} {
			m.TokenEndpointAuthMethod, m.GrantTypes, m.Scope = "private_key_jwt", []string{"client_credentials"}, "demo.read"
			r.register(id, m)
		}
		der := rs.key.Public().(*rsa.PublicKey).N.Bytes()
		secretly, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: der}, nil)
		if err != nil {
			t.Fatal(err)
		}
		now := r.clock.now
		type edit = map[string]any
		with := func(change edit) edit {
			c := r.assertion("rp")
			for name, v := range change {
				c[name] = v
				if v == nil {
					delete(c, name)
				}
			}
			return c
		}
		of := func(id string, change edit) edit {
			c := with(edit{"iss": id, "sub": id})
			maps.Copy(c, change)
			return c
		}
		at := func(d time.Duration) int64 { return now().Add(d).Unix() }
		for _, row := range []struct {
			name string
			text func() string
			good bool
		}{
			{"nothing", func() string { return "" }, false},
			{"garbage", func() string { return "a.b.c" }, false},
			{"alg none", func() string { return unsecured(t, with(nil)) }, false},
			{"the public key as a secret", func() string {
				body, err := json.Marshal(with(nil))
				if err != nil {
					t.Fatal(err)
				}
				jws, err := secretly.Sign(body)
				if err != nil {
					t.Fatal(err)
				}
				text, err := jws.CompactSerialize()
				if err != nil {
					t.Fatal(err)
				}
				return text
			}, false},
			{"another client's key", func() string { return stranger.sign(t, with(nil), nil) }, false},
			{"a key of 1024 bits", func() string { return short.sign(t, with(nil), nil) }, false},
			{"a key for encryption", func() string { return enc.sign(t, with(nil), nil) }, false},
			{"client without keys", func() string { return es.sign(t, of("keyless", nil), nil) }, false},
			{"kid of another key", func() string { return es.with("ES256", "rs").sign(t, with(nil), nil) }, false},
			{"algorithm not registered", func() string { return rs.sign(t, of("rp-es", nil), nil) }, false},
			{"its own key in the header", func() string { return stranger.sign(t, with(nil), edit{"jwk": stranger.public()}) }, false},
			{"a right key in the header", func() string { return es.sign(t, with(nil), edit{"jwk": es.public()}) }, false},
			{"a place of keys", func() string { return es.sign(t, with(nil), edit{"jku": "https://evil.example/jwks"}) }, false},
			{"a place of certificates", func() string { return es.sign(t, with(nil), edit{"x5u": "https://evil.example/x5u"}) }, false},
			{"certificates", func() string { return es.sign(t, with(nil), edit{"x5c": []string{"AAAA"}}) }, false},
			{"critical extension", func() string { return es.sign(t, with(nil), edit{"crit": []string{"exp"}, "exp": 1}) }, false},
			{"unencoded payload", func() string { return es.sign(t, with(nil), edit{"crit": []string{"b64"}, "b64": true}) }, false},
			{"other claims under its signature", func() string {
				a, b := strings.Split(es.sign(t, with(nil), nil), "."), strings.Split(es.sign(t, with(nil), nil), ".")
				return a[0] + "." + b[1] + "." + a[2]
			}, false},
			{"no signature", func() string { return strings.Join(strings.Split(es.sign(t, with(nil), nil), ".")[:2], ".") + "." }, false},
			{"five parts", func() string { return es.sign(t, with(nil), nil) + ".a.b" }, false},
			{"no issuer", func() string { return es.sign(t, with(edit{"iss": nil}), nil) }, false},
			{"no subject", func() string { return es.sign(t, with(edit{"sub": nil}), nil) }, false},
			{"subject of another client", func() string { return es.sign(t, with(edit{"sub": "other"}), nil) }, false},
			{"issued by another client", func() string { return es.sign(t, with(edit{"iss": "other"}), nil) }, false},
			{"unknown client", func() string { return es.sign(t, of("nobody", nil), nil) }, false},
			{"no audience", func() string { return es.sign(t, with(edit{"aud": nil}), nil) }, false},
			{"another audience", func() string { return es.sign(t, with(edit{"aud": "https://other.example"}), nil) }, false},
			{"issuer and a slash", func() string { return es.sign(t, with(edit{"aud": r.name() + "/"}), nil) }, false},
			{"strict, endpoint", func() string { return es.sign(t, of("strict", edit{"aud": r.name() + "/oauth2/token"}), nil) }, false},
			{"strict, array", func() string { return es.sign(t, of("strict", edit{"aud": []string{r.name()}}), nil) }, false},
			{"strict, two", func() string {
				return es.sign(t, of("strict", edit{"aud": []string{r.name(), "https://other.example"}}), nil)
			}, false},
			{"no end", func() string { return es.sign(t, with(edit{"exp": nil}), nil) }, false},
			{"ended five minutes ago", func() string { return es.sign(t, with(edit{"exp": at(-5 * time.Minute)}), nil) }, false},
			{"ended", func() string { return es.sign(t, with(edit{"exp": at(-11 * time.Second)}), nil) }, false},
			{"lives an hour", func() string { return es.sign(t, with(edit{"exp": at(time.Hour)}), nil) }, false},
			{"issued in a minute", func() string { return es.sign(t, with(edit{"iat": at(61 * time.Second)}), nil) }, false},
			{"good in a minute", func() string { return es.sign(t, with(edit{"nbf": at(61 * time.Second)}), nil) }, false},
			{"no id", func() string { return es.sign(t, with(edit{"jti": nil}), nil) }, false},
			{"empty id", func() string { return es.sign(t, with(edit{"jti": ""}), nil) }, false},
			{"endless id", func() string { return es.sign(t, with(edit{"jti": strings.Repeat("a", 1000)}), nil) }, false},
			{"end as text", func() string { return es.sign(t, with(edit{"exp": "tomorrow"}), nil) }, false},

			{"RS256", func() string { return rs.sign(t, with(nil), nil) }, true},
			{"PS256", func() string { return rs.with("PS256", "rs").sign(t, with(nil), nil) }, true},
			{"ES256", func() string { return es.sign(t, with(nil), nil) }, true},
			{"EdDSA", func() string { return ed.sign(t, with(nil), nil) }, true},
			{"no kid", func() string { return rs.with("RS256", "").sign(t, with(nil), nil) }, true},
			{"algorithm registered", func() string { return es.sign(t, of("rp-es", nil), nil) }, true},
			{"endpoint as audience", func() string { return es.sign(t, with(edit{"aud": r.name() + "/oauth2/token"}), nil) }, true},
			{"one of several audiences", func() string {
				return es.sign(t, with(edit{"aud": []string{"https://other.example", r.name()}}), nil)
			}, true},
			{"strict, issuer", func() string { return es.sign(t, of("strict", nil), nil) }, true},
			{"clock ten seconds fast", func() string {
				return es.sign(t, with(edit{"iat": at(10 * time.Second), "nbf": at(10 * time.Second)}), nil)
			}, true},
			{"five minutes", func() string { return es.sign(t, with(edit{"exp": at(5 * time.Minute)}), nil) }, true},
			{"neither iat nor nbf", func() string { return es.sign(t, with(edit{"iat": nil, "nbf": nil}), nil) }, true},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				before := s.state()
				got := s.call("/oauth2/token", service, assert(row.text()))
				if row.good {
					s.want(got, 200, "", row.name)
					return
				}
				s.want(got, 401, "invalid_client", row.name)
				s.same(before, row.name) // no jti of a refused assertion is taken down
			})
		}
		t.Run("beyond 16 KiB", func(t *testing.T) { // S27: refused before it is parsed
			s := r.as(t)
			long := assert(es.sign(t, with(edit{"x": strings.Repeat("a", 13_000)}), nil))
			s.want(s.call("/oauth2/token", service, long), 413, "invalid_request", "where the whole body is bounded")
			s.want(s.call("/oauth2/par", url.Values{"response_type": {"code"}}, long), 400, "invalid_request", "where a longer body may be sent")
		})
		t.Run("used twice", func(t *testing.T) {
			s := r.as(t)
			c := s.assertion("rp")
			forged := es.sign(t, c, nil)
			s.want(s.call("/oauth2/token", service, assert(stranger.sign(t, c, nil))), 401, "invalid_client", "forged first")
			wrongAud := maps.Clone(c)
			wrongAud["aud"] = "https://other.example"
			s.want(s.call("/oauth2/token", service, assert(es.sign(t, wrongAud, nil))), 401, "invalid_client", "another audience first")
			s.want(s.call("/oauth2/token", service, assert(forged)), 200, "", "the owner's, after the forgeries")
			s.want(s.call("/oauth2/token", service, assert(forged)), 401, "invalid_client", "again")
			s.want(s.call("/oauth2/revoke", url.Values{"token": {"x"}}, assert(es.sign(t, c, nil))), 401, "invalid_client", "at another endpoint")
			theirs := s.assertion("other")
			theirs["jti"] = c["jti"]
			s.want(s.call("/oauth2/token", service, assert(stranger.sign(t, theirs, nil))), 200, "", "another client's with the same id")
			s.clock.move(69 * time.Second) // within exp and the skew
			s.want(s.call("/oauth2/token", service, assert(forged)), 401, "invalid_client", "again, as late as it could live")
		})
		t.Run("used by 64 at once", func(t *testing.T) {
			s := r.as(t)
			text := es.sign(t, s.assertion("rp"), nil)
			all := statuses(race(t, racers, func(int) *http.Request { return s.form("/oauth2/token", service, assert(text)) }))
			if all[200] != 1 || all[401] != racers-1 {
				t.Errorf("answers by status %v, want one 200 and %d times 401", all, racers-1)
			}
		})
	})
}

// keyring serves a client's keys, as they are now, and counts who asks.
type keyring struct {
	mu     sync.Mutex
	body   []byte
	status int
	asked  atomic.Int64
}

func (k *keyring) put(body []byte, status int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.body, k.status = body, status
}

func (k *keyring) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	k.asked.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.status == http.StatusFound {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body)
}

// Keys behind a jwks_uri: a new kid is found, and whatever strangers send, the
// client's server is asked at a bounded pace, at its own address and no other
// (S27, S66; settled pace: after five seconds, three in a burst, then one a
// minute).
func TestKeysAtTheClient(t *testing.T) {
	first, second, stranger := newSigner(t, "ES256", "one"), newSigner(t, "EdDSA", "two"), newSigner(t, "ES256", "")
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			ring, forbidden := &keyring{status: 200, body: first.set(t)}, &keyring{status: 200, body: first.set(t)}
			srv, private := httptest.NewServer(ring), httptest.NewServer(forbidden)
			t.Cleanup(srv.Close)
			t.Cleanup(private.Close)
			r := newRig(t, o, func(c *config.Config) { c.Clients.OutboundAllow = []string{strings.TrimPrefix(srv.URL, "http://")} }, nil)
			for id, uri := range map[string]string{"rp": srv.URL + "/jwks", "inside": private.URL + "/jwks"} {
				r.register(id, client.Metadata{TokenEndpointAuthMethod: "private_key_jwt", JWKSURI: uri, GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
			}
			good := func(k signer, why string) {
				t.Helper()
				r.want(r.call("/oauth2/token", service, k.prove(t, r, "rp")), 200, "", why)
			}
			bad := func(k signer, id, why string) {
				t.Helper()
				r.want(r.call("/oauth2/token", service, k.prove(t, r, id)), 401, "invalid_client", why)
			}
			asked := func(want int64, why string) {
				t.Helper()
				if n := ring.asked.Load(); n != want {
					t.Errorf("%s: the client's server was asked %d times, want %d", why, n, want)
				}
			}
			flood := func() {
				for range 10 {
					bad(stranger.with("ES256", randomText(6)), "rp", "unknown kid")
					bad(stranger.with("ES256", "one"), "rp", "forged")
				}
			}
			bad(first, "inside", "keys at a private address")
			if n := forbidden.asked.Load(); n != 0 {
				t.Errorf("a private address was asked %d times, want never", n)
			}
			r.clock.stop()
			good(first, "first use")
			good(first, "from the cache")
			asked(1, "two good assertions")
			flood()
			asked(1, "a flood at once")
			ring.put(second.set(t), 200)
			r.clock.move(6 * time.Second)
			good(second, "rotated: a new kid")
			asked(2, "a new kid")
			bad(first, "rp", "the key that was taken away")
			flood()
			asked(2, "a flood after the rotation")
			r.clock.move(6 * time.Second)
			flood()
			asked(3, "a flood later")
			for range 5 {
				r.clock.move(6 * time.Second)
				flood()
			}
			asked(3, "floods within the minute")
			good(second, "still from the cache")
			r.clock.move(time.Minute)
			flood()
			asked(4, "a flood in the next minute")
			for name, answer := range map[string]struct {
				status int
				body   []byte
			}{
				"broken": {500, nil}, "moved": {302, nil}, "no JSON": {200, []byte("<html>")},
				"huge": {200, []byte(`{"keys":[` + strings.Repeat(" ", 70<<10) + `]}`)},
			} {
				ring.put(answer.body, answer.status)
				r.clock.move(11 * time.Minute)
				before := ring.asked.Load()
				good(second, "server "+name+", keys known")
				if n := ring.asked.Load() - before; n != 1 {
					t.Errorf("server %s: asked %d times, want once", name, n)
				}
			}
		})
	}
}
