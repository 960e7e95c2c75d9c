package oidc

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"kejitong/provider/authflow"
	"kejitong/provider/token"
)

// shannon estimates the entropy of one string, in bits, from how often each of
// its characters occurs in it: the estimate that the certification suite makes,
// which looks at one string alone and knows nothing of how it came about.
func shannon(s string) float64 {
	counts := map[rune]int{}
	for _, r := range s {
		counts[r]++
	}
	bits := 0.0
	for _, n := range counts {
		p := float64(n) / float64(len(s))
		bits -= float64(n) * math.Log2(p)
	}
	return bits
}

// unpredictable is what an observer of many strings of a kind cannot foresee of
// the next: the sum over all places of the entropy of the characters seen there.
// A fixed prefix, a version or a time of day adds nothing.
func unpredictable(list []string) float64 {
	bits := 0.0
	for at := 0; ; at++ {
		counts, n := map[byte]int{}, 0
		for _, s := range list {
			if at < len(s) {
				counts[s[at]]++
				n++
			}
		}
		if n < len(list) {
			return bits // where not all have a character, length would be counted as chance
		}
		for _, c := range counts {
			p := float64(c) / float64(n)
			bits -= p * math.Log2(p)
		}
	}
}

// Codes, tokens and request URIs: more than 96 bits by the suite's estimate in
// each single string, at least 128 bits of length, and no less than 128 bits
// (RFC 6749 §10.10) that nobody can foresee who has seen hundreds of others,
// although our tokens open with what locates their grant.
func TestEntropyOfCodesAndTokens(t *testing.T) {
	const samples = 400
	h := newHouse(t)
	c := hightechClient()
	kinds := map[string][]string{}
	add := func(kind, text string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		kinds[kind] = append(kinds[kind], text)
	}
	for range samples { // all in the same second: the worst case
		g := person()
		u := &unit{client: c, grant: &g.Grant, held: g, scopes: g.Grant.Data.Scopes, release: h.newRelease(c, g, g.Grant.Data.Scopes)}
		text, err := h.codeOf(&g.Grant)
		add("code", text, err)
		text, err = h.opaqueAccess(u, h.Now().Add(10*time.Minute))
		add("access token", text, err)
		narrow := *u
		narrow.scopes = []string{"openid"}
		text, err = h.opaqueAccess(&narrow, h.Now().Add(10*time.Minute))
		add("narrowed access token", text, err)
		text, err = h.refreshToken(u, 1, h.Now())
		add("refresh token", text, err)
		service, err := token.NewGrant("service", h.Now())
		if err != nil {
			t.Fatal(err)
		}
		text, err = h.opaqueAccess(&unit{client: c, grant: service, scopes: []string{"demo.read"}}, h.Now().Add(10*time.Minute))
		add("service token", text, err)
		id, _, err := authflow.NewID()
		add("request_uri", requestURIPrefix+id, err)
		add("request_uri without its prefix", id, err)
	}
	for kind, list := range kinds {
		seen, least := map[string]bool{}, math.Inf(1)
		for _, s := range list {
			seen[s] = true
			least = min(least, shannon(s))
			if len(s)*6 < 128 {
				t.Errorf("%s: %d characters", kind, len(s))
			}
		}
		if len(seen) != samples {
			t.Errorf("%s: %d of %d are different", kind, len(seen), samples)
		}
		if least <= 96 {
			t.Errorf("%s: %.0f bits by the suite's estimate, want more than 96", kind, least)
		}
		if bits := unpredictable(list); bits < 128 {
			t.Errorf("%s: %.0f bits that nobody can foresee, want 128", kind, bits)
		}
	}
	// The measures can fail: a counter behind a long prefix has no entropy, and 22
	// characters of base64url, though 128 bits, are too few for the suite.
	var counted, short []string
	for i := range samples {
		counted = append(counted, fmt.Sprintf("%s%04d", "b64AZ91xQw7Rk2Lm8Vt5Yp3Sd6Gf4Hj0Kc_Nn-Ue", i))
		id, _, err := authflow.NewID()
		if err != nil {
			t.Fatal(err)
		}
		short = append(short, id[:22])
	}
	if unpredictable(counted) >= 32 {
		t.Error("a counter passes for chance")
	}
	below := 0
	for _, s := range short {
		if shannon(s) <= 96 {
			below++
		}
	}
	if below < samples/2 {
		t.Errorf("%d of %d short strings fail the suite's estimate", below, samples)
	}
	if shannon(strings.Repeat("a", 64)) != 0 {
		t.Error("one character repeated has entropy")
	}
}
