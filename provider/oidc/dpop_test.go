package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const tokenPlace = issuer + "/oauth2/token"

// bareKey is a key's public half without any member that a proof needs not.
func bareKey(t testing.TB, p pair) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(encode(t, jose.JSONWebKey{Key: p.private.Public()}), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// RFC 9449 §4.3: each row changes one thing of a good proof.
func TestDPoPProof(t *testing.T) {
	ed, ec, rs := newPair(t, "", jose.EdDSA), newPair(t, "", jose.ES256), newPair(t, "", jose.PS256)
	other := newPair(t, "", jose.EdDSA)
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // the point of the row
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := int64(moment)
	body := claims{"jti": "one", "htm": "POST", "htu": tokenPlace, "iat": now}
	head := claims{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": bareKey(t, ed)}
	private, err := json.Marshal(jose.JSONWebKey{Key: ed.private})
	if err != nil {
		t.Fatal(err)
	}
	// of makes a proof with go-jose, as somebody else's client does.
	of := func(p pair, typ string, set claims) string {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.private}, (&jose.SignerOptions{EmbedJWK: true}).WithType(jose.ContentType(typ)))
		if err != nil {
			t.Fatal(err)
		}
		jws, err := s.Sign(encode(t, with(body, set)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	plain := func(set claims) string { return of(ed, "dpop+jwt", set) }
	hand := func(set claims, sign func([]byte) []byte) string { return forge(t, with(head, set), body, sign) }
	modulus := func(k *rsa.PublicKey) []byte { return k.N.Bytes() }
	for _, c := range []struct {
		name, text, method, token string
		ok                        bool
	}{
		{"rubbish", "proof", "", "", false},
		{"empty", "", "", "", false},
		{"EdDSA by the name of RFC 9864, see Departures", hand(claims{"alg": "Ed25519"}, edSigner(ed)), "", "", false},
		{"two parts", strings.Join(strings.Split(plain(nil), ".")[:2], "."), "", "", false},
		{"four parts", plain(nil) + ".x", "", "", false},
		{"longer than 8 KiB", plain(claims{"x": strings.Repeat("a", maxProof)}), "", "", false},
		{"step 4: no typ", hand(claims{"typ": nil}, edSigner(ed)), "", "", false},
		{"step 4: typ JWT", of(ed, "JWT", nil), "", "", false},
		{"step 4: typ in capitals", of(ed, "DPOP+JWT", nil), "", "", false},
		{"step 4: typ at+jwt", of(ed, "at+jwt", nil), "", "", false},
		{"step 5: no alg", hand(claims{"alg": nil}, edSigner(ed)), "", "", false},
		{"step 5: alg none", hand(claims{"alg": "none"}, unsigned), "", "", false},
		{"step 5: HS256 with the public key", hand(claims{"alg": "HS256", "jwk": bareKey(t, rs)}, macSigner(modulus(rs.private.Public().(*rsa.PublicKey)))), "", "", false},
		{"step 5: HS256 with a key of its own", hand(claims{"alg": "HS256", "jwk": claims{"kty": "oct", "k": "AAAA"}}, macSigner([]byte{0, 0, 0})), "", "", false},
		{"step 5: RS256", of(pair{"", jose.RS256, rs.private}, "dpop+jwt", nil), "", "", false}, // FAPI 2.0 §5.4.1
		{"step 5: ES384", of(pair{"", jose.ES384, p384}, "dpop+jwt", nil), "", "", false},
		{"step 6: signature of another key", hand(nil, edSigner(other)), "", "", false},
		{"step 6: no signature", hand(nil, unsigned), "", "", false},
		{"step 6: other claims under its signature", func() string {
			a, b := strings.Split(plain(nil), "."), strings.Split(plain(claims{"jti": "two"}), ".")
			return a[0] + "." + b[1] + "." + a[2]
		}(), "", "", false},
		{"RSA of 1024 bits", of(pair{"", jose.PS256, weak}, "dpop+jwt", nil), "", "", false}, // RFC 7518 §3.5
		{"key of another type than alg", hand(claims{"jwk": bareKey(t, ec)}, edSigner(ed)), "", "", false},
		{"no jwk", hand(claims{"jwk": nil}, edSigner(ed)), "", "", false},
		{"jwk null", hand(claims{"jwk": json.RawMessage("null")}, edSigner(ed)), "", "", false},
		{"jwk is text", hand(claims{"jwk": "x"}, edSigner(ed)), "", "", false},
		{"step 7: private key", hand(claims{"jwk": json.RawMessage(private)}, edSigner(ed)), "", "", false},
		{"step 7: a private member alone", hand(claims{"jwk": with(bareKey(t, ed), claims{"dp": "AA"})}, edSigner(ed)), "", "", false},
		{"point off the curve", hand(claims{"alg": "ES256", "jwk": with(bareKey(t, ec), claims{"y": base64.RawURLEncoding.EncodeToString(make([]byte, 32))})}, unsigned), "", "", false},
		{"crit", hand(claims{"crit": []string{"exp"}, "exp": 1}, edSigner(ed)), "", "", false}, // RFC 7515 §4.1.11
		{"b64", hand(claims{"b64": false, "crit": []string{"b64"}}, edSigner(ed)), "", "", false},
		{"step 3: no jti", plain(claims{"jti": nil}), "", "", false},
		{"step 3: empty jti", plain(claims{"jti": ""}), "", "", false},
		{"step 3: jti is a number", plain(claims{"jti": 7}), "", "", false},
		{"jti of 513 bytes", plain(claims{"jti": strings.Repeat("j", 513)}), "", "", false},
		{"step 3: no iat", plain(claims{"iat": nil}), "", "", false},
		{"step 3: iat is text", plain(claims{"iat": "now"}), "", "", false},
		{"iat beyond time", plain(claims{"iat": 1e300}), "", "", false},
		{"step 8: no htm", plain(claims{"htm": nil}), "", "", false},
		{"step 8: another htm", plain(claims{"htm": "GET"}), "", "", false},
		{"step 8: htm in small letters", plain(claims{"htm": "post"}), "", "", false}, // RFC 9110 §9.1: methods are case-sensitive
		{"step 8: a request by another method", plain(nil), "GET", "", false},
		{"step 9: no htu", plain(claims{"htu": nil}), "", "", false},
		{"step 9: another endpoint", plain(claims{"htu": issuer + "/oauth2/par"}), "", "", false},
		{"step 9: another server", plain(claims{"htu": "https://evil.test/oauth2/token"}), "", "", false},
		{"step 9: the path alone", plain(claims{"htu": "/oauth2/token"}), "", "", false},
		{"step 9: http", plain(claims{"htu": strings.Replace(tokenPlace, "https", "http", 1)}), "", "", false},
		{"step 9: path in capitals", plain(claims{"htu": issuer + "/OAUTH2/token"}), "", "", false},
		{"step 9: a slash more", plain(claims{"htu": tokenPlace + "/"}), "", "", false},
		{"step 9: an escape in the path", plain(claims{"htu": issuer + "/oauth2/%74oken"}), "", "", false},
		{"step 9: a user", plain(claims{"htu": "https://u@fuwu.example.gov.cn/oauth2/token"}), "", "", false},
		{"step 12: no ath", plain(nil), "", "token", false},
		{"step 12: ath of another token", plain(claims{"ath": accessTokenHash("tokem")}), "", "token", false},
		{"step 12: the token itself", plain(claims{"ath": "token"}), "", "token", false},

		{"EdDSA", plain(nil), "", "", true},
		{"ES256", of(ec, "dpop+jwt", nil), "", "", true},
		{"PS256", of(rs, "dpop+jwt", nil), "", "", true},
		{"by hand, as the forgeries above", hand(nil, edSigner(ed)), "", "", true},
		{"unknown header and claims", forge(t, with(head, claims{"x": 1, "kid": "k"}), with(body, claims{"y": claims{"z": 1}}), edSigner(ed)), "", "", true},
		{"exp and nbf", plain(claims{"exp": now + 60, "nbf": now}), "", "", true},
		{"iat with a fraction", plain(claims{"iat": float64(now) + 0.5}), "", "", true},
		{"ath where no token is", plain(claims{"ath": "x"}), "", "", true},
		{"ath", plain(claims{"ath": accessTokenHash("token")}), "", "token", true},
		{"GET", plain(claims{"htm": "GET"}), "GET", "", true},
		{"htu with query and fragment", plain(claims{"htu": tokenPlace + "?a=b#c"}), "", "", true},
		{"htu with the default port", plain(claims{"htu": "https://fuwu.example.gov.cn:443/oauth2/token"}), "", "", true},
		{"htu with scheme and host in capitals", plain(claims{"htu": "HTTPS://FUWU.example.gov.CN/oauth2/token"}), "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = http.MethodPost
			}
			proof, err := parseProof(c.text, c.method, []string{tokenPlace}, c.token)
			if got := codeOfError(err); !c.ok && got != "invalid_dpop_proof" {
				t.Fatalf("%v, want invalid_dpop_proof", err)
			}
			if !c.ok {
				return
			}
			if err != nil || proof.jti != "one" || len(proof.jkt) != 43 || proof.issued.Unix() != now {
				t.Errorf("%v %+v", err, proof)
			}
		})
	}
	// RFC 7638 §3: the thumbprint is over the required members alone.
	want, err := (&jose.JSONWebKey{Key: ed.private.Public().(ed25519.PublicKey)}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := parseProof(hand(claims{"jwk": with(bareKey(t, ed), claims{"kid": "k", "use": "sig"})}, edSigner(ed)), http.MethodPost, []string{tokenPlace}, "")
	if err != nil || proof.jkt != base64.RawURLEncoding.EncodeToString(want) {
		t.Errorf("thumbprint %v %v", proof, err)
	}
}

// RFC 9449 §11.1, FAPI 2.0 Security Profile §5.3.2.1: a proof lives a minute, and the
// client's clock may be ten seconds fast.
func TestDPoPProofAge(t *testing.T) {
	h := newHouse(t)
	for age, ok := range map[time.Duration]bool{
		time.Hour: false, 61 * time.Second: false, -11 * time.Second: false, -time.Hour: false,
		time.Minute: true, 10 * time.Second: true, 0: true, -8 * time.Second: true, -10 * time.Second: true,
	} {
		proof := &dpopProof{issued: h.Now().Add(-age)}
		if err := h.checkFresh(proof); (err == nil) != ok {
			t.Errorf("%v old: %v, want accepted: %v", age, err, ok)
		} else if ok && !proof.ends.After(proof.issued.Add(maxProofAge)) {
			t.Errorf("%v old: its jti is forgotten at %v, while it could still be replayed", age, proof.ends)
		}
	}
}

// RFC 9449 §8: a nonce of ours is good for some minutes, nobody else's ever.
func TestDPoPNonce(t *testing.T) {
	h := newHouse(t)
	h.Features.DPoPNonce = true
	n := h.dpopNonce()
	forged := []string{"", "x", n[1:], n + "A", strings.ToUpper(n), base64.RawURLEncoding.EncodeToString(make([]byte, 32)), n[:len(n)-1] + "!"}
	if b, err := base64.RawURLEncoding.DecodeString(n); err != nil {
		t.Fatal(err)
	} else {
		b[7]++ // a later moment under the same MAC
		forged = append(forged, base64.RawURLEncoding.EncodeToString(b))
	}
	forged = append(forged, h.dpopNonceOf(h.Now().Unix()/60+1))
	for _, f := range forged {
		if h.isDPoPNonce(f) {
			t.Errorf("%q is taken for a nonce", f)
		}
	}
	// A proof without a nonce asks for one; with it its own clock does not matter.
	old := &dpopProof{issued: h.Now().Add(-time.Hour)}
	if got := codeOfError(h.checkFresh(old)); got != "use_dpop_nonce" {
		t.Errorf("without a nonce: %q", got)
	}
	old.nonce = n
	if err := h.checkFresh(old); err != nil {
		t.Errorf("with a nonce and a slow clock: %v", err)
	}
	for _, step := range []struct {
		pass time.Duration
		good bool
	}{{0, true}, {dpopNonceLife, true}, {dpopNonceStep, false}} {
		h.clock.pass(step.pass)
		if h.isDPoPNonce(n) != step.good {
			t.Errorf("%v later: good %v", step.pass, !step.good)
		}
	}
	if !old.ends.Before(h.Now().Add(time.Second)) || old.ends.Before(at(moment).Add(dpopNonceLife)) {
		t.Errorf("the jti is kept until %v", old.ends)
	}
}

// FuzzDPoPProof: whatever arrives, parsing ends, and accepts nothing without
// a key, an id and the right place.
func FuzzDPoPProof(f *testing.F) {
	p := newPair(f, "", jose.EdDSA)
	body := claims{"jti": "one", "htm": "POST", "htu": tokenPlace, "iat": moment}
	f.Add(forge(f, claims{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": bareKey(f, p)}, body, edSigner(p)))
	f.Add(forge(f, claims{"typ": "dpop+jwt", "alg": "none", "jwk": bareKey(f, p)}, body, unsigned))
	f.Add("a.b.c")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		proof, err := parseProof(text, http.MethodPost, []string{tokenPlace}, "")
		if err != nil {
			if codeOfError(err) != "invalid_dpop_proof" {
				t.Errorf("%v", err)
			}
			return
		}
		if proof.jti == "" || len(proof.jkt) != 43 || strings.Count(text, ".") != 2 || len(text) > maxProof {
			t.Errorf("accepted %q as %+v", text, proof)
		}
	})
}

// FuzzPlaceOf: an address compares equal to itself however often it is
// brought into form, and never to one of another host.
func FuzzPlaceOf(f *testing.F) {
	for _, s := range []string{tokenPlace, "HTTPS://A:443/x?y#z", "https://[::1]:443", "http://a:80", "x:y", "https://u@h/", "https://h/%2f", "http://:", "http://a:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		one, ok := placeOf(s)
		if !ok {
			return
		}
		if two, ok := placeOf(one); !ok || two != one {
			t.Errorf("%q gives %q, which gives %q %v", s, one, two, ok)
		}
		if one == tokenPlace && !strings.Contains(strings.ToLower(s), "fuwu.example.gov.cn") {
			t.Errorf("%q passes for %q", s, tokenPlace)
		}
	})
}
