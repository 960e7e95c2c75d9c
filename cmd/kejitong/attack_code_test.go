package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// Authorization codes as a thief has them, or a client that makes mistakes
// (RFC 6749 §4.1.2, §10.5; RFC 9700 §2.1.1; RFC 7636 §4.6). Whatever goes wrong
// is invalid_grant (RFC 6749 §5.2).
func TestAttacksOnCodes(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{})
		r.register("other", client.Metadata{RedirectURIs: []string{callbackOf("rp")}})
		b := r.browser()
		r.granted(b, "a", "rp", "openid")

		// with gives the form of a good redemption, changed.
		with := func(a attempt, code string, change url.Values) url.Values {
			v := codeForm(a, code)
			for name, values := range change {
				v[name] = values
			}
			return v
		}
		for _, row := range []struct {
			name string
			do   func(t *testing.T, r *rig, a attempt, code string)
		}{
			{"code of another client", func(_ *testing.T, r *rig, a attempt, code string) {
				before := r.state()
				r.want(r.token("other", codeForm(a, code)), 400, "invalid_grant", "shown by another client")
				if after := r.state(); after != before {
					r.t.Errorf("another client changed something: %s, before %s", after, before)
				}
				r.redeem(a, code) // its owner is not harmed
			}},
			{"another redirect_uri", func(_ *testing.T, r *rig, a attempt, code string) {
				for name, v := range map[string]url.Values{
					"another": {"redirect_uri": {"https://rp.example/other"}}, "longer": {"redirect_uri": {callbackOf("rp") + "/"}}, "none": {"redirect_uri": nil},
				} {
					r.want(r.token("rp", with(a, code, v)), 400, "invalid_grant", name)
				}
			}},
			{"61 seconds old by the row", func(t *testing.T, r *rig, a attempt, code string) {
				id := grantOf(t, code)
				r.exec(`UPDATE grants SET created_at = created_at - 61000, code_exp = code_exp - 61000 WHERE id = ?`, id)
				r.want(r.token("rp", codeForm(a, code)), 400, "invalid_grant", "expired")
				if n := r.ask(`SELECT state FROM grants WHERE id = ?`, id); n != 0 {
					t.Errorf("an expired code left its grant in state %d", n)
				}
			}},
			{"lives 60 seconds at most", func(t *testing.T, r *rig, _ attempt, code string) {
				if n := r.ask(`SELECT code_exp - created_at FROM grants WHERE id = ?`, grantOf(t, code)); n > 60_000 {
					t.Errorf("a code lives %d ms, want 60 s at most", n)
				}
			}},
			{"used twice, a second later", func(t *testing.T, r *rig, a attempt, code string) {
				first := r.redeem(a, code)
				next := r.refresh("rp", text(first, "refresh_token"))
				r.want(next, 200, "", "refresh before the replay")
				r.wantAlive("rp", next.body, "before the replay")
				before := r.audited(audit.CodeReplayed)
				r.clock.move(time.Second)
				r.want(r.token("rp", codeForm(a, code)), 400, "invalid_grant", "second use")
				r.wantDead("rp", first, "after the replay")
				r.wantDead("rp", next.body, "descendants after the replay")
				if n := r.audited(audit.CodeReplayed) - before; n != 1 {
					t.Errorf("%d audit records of the replay, want 1", n)
				}
				r.want(r.refresh("rp", text(next.body, "refresh_token")), 400, "invalid_grant", "refresh after the replay")
				r.want(r.token("rp", codeForm(a, code)), 400, "invalid_grant", "third use")
			}},
			{"used twice, half a minute later", func(_ *testing.T, r *rig, a attempt, code string) {
				first := r.redeem(a, code)
				r.clock.move(30 * time.Second)
				r.want(r.token("rp", codeForm(a, code)), 400, "invalid_grant", "second use")
				if got := r.info(text(first, "access_token")); got.status != http.StatusUnauthorized {
					r.t.Errorf("userinfo after the replay: %s", got)
				}
			}},
			{"used twice, after it expired", func(_ *testing.T, r *rig, a attempt, code string) {
				first := r.redeem(a, code)
				r.clock.move(2 * time.Minute)
				r.want(r.token("rp", codeForm(a, code)), 400, "invalid_grant", "second use")
				r.wantDead("rp", first, "after the replay")
			}},
			{"used code shown by another client", func(_ *testing.T, r *rig, a attempt, code string) {
				first := r.redeem(a, code)
				before := r.state()
				r.want(r.token("other", codeForm(a, code)), 400, "invalid_grant", "by another client")
				if after := r.state(); after != before {
					r.t.Errorf("another client changed something: %s, before %s", after, before)
				}
				r.wantAlive("rp", first, "victim")
			}},
			{"used code with a forged first half", func(t *testing.T, r *rig, a attempt, code string) {
				first := r.redeem(a, code)
				before := r.state()
				for name, forged := range forgeries(t, code) {
					for _, who := range []string{"rp", "other"} {
						r.want(r.token(who, codeForm(a, forged)), 400, "invalid_grant", name+" by "+who)
					}
				}
				if after := r.state(); after != before {
					t.Errorf("a forged code changed something: %s, before %s", after, before)
				}
				r.wantAlive("rp", first, "victim")
			}},
			{"at least 128 bits, guessed by nobody", func(t *testing.T, r *rig, a attempt, code string) {
				m := r.redeem(a, code)
				for name, s := range map[string]string{"code": code, "access token": text(m, "access_token"), "refresh token": text(m, "refresh_token")} {
					if e := entropy(s); e < 128 || len(s) < 43 {
						t.Errorf("%s: %d characters with %.0f bits, want 43 with 128 (OpenID conformance: more than 96)", name, len(s), e)
					}
					if n := r.ask(`SELECT COUNT(*) FROM grants WHERE data LIKE '%' || ? || '%' OR secret LIKE '%' || ? || '%' OR id = ?`, s, s, s); n != 0 {
						t.Errorf("the %s stands in the database", name)
					}
				}
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				a := request("rp", "openid profile")
				row.do(t, s, a, s.code(b.as(t), "a", a))
			})
		}
	})
}

// A code outlives the process that issued it, and so does its being used.
func TestCodesSurviveARestart(t *testing.T) {
	onRigs(t, func(_ *testing.T, r *rig) {
		r.register("rp", client.Metadata{})
		b := r.browser()
		a, again := request("rp", "openid"), request("rp", "openid")
		first, second := r.code(b, "a", a), r.code(b, "a", again)
		used := r.redeem(a, first)
		r.restart()
		r.want(r.token("rp", codeForm(a, first)), 400, "invalid_grant", "used before the restart")
		r.wantDead("rp", used, "after the replay")
		r.wantAlive("rp", r.redeem(again, second), "issued before the restart")
	})
}

// A replay noticed by one replica is known to all of them at once.
func TestReplayIsKnownToEveryReplica(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	r.register("rp", client.Metadata{})
	second, third := r.replica(), r.replica()
	a := request("rp", "openid")
	code := r.code(r.browser(), "a", a)
	m := second.redeem(a, code)
	third.wantAlive("rp", m, "before the replay")
	third.want(third.token("rp", codeForm(a, code)), 400, "invalid_grant", "replay at another replica")
	for _, s := range []*rig{r, second, third} {
		s.wantDead("rp", m, "after the replay")
		s.want(s.refresh("rp", text(m, "refresh_token")), 400, "invalid_grant", "refresh after the replay")
	}
}

// One bad verifier kills the code for everybody: nobody tries a stolen code
// twice, and no challenge can be talked away (RFC 7636 §4.6; RFC 9700 §2.1.1).
func TestAttacksOnPKCE(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{})
		r.register("relaxed", client.Metadata{PKCEOptional: true})
		r.register("public", client.Metadata{TokenEndpointAuthMethod: "none", PKCEOptional: true})
		b := r.browser()
		r.granted(b, "a", "rp", "openid")
		for _, id := range []string{"rp", "relaxed", "public"} {
			for _, row := range []struct {
				name      string
				challenge bool
				verifier  func(good string) []string
			}{
				{"no verifier", true, func(string) []string { return nil }},
				{"empty verifier", true, func(string) []string { return []string{""} }},
				{"another verifier", true, func(string) []string { return []string{randomText(32)} }},
				{"the challenge itself", true, func(good string) []string { return []string{challengeOf(good)} }},
				{"a character less", true, func(good string) []string { return []string{good[:42]} }},
				{"a character more", true, func(good string) []string { return []string{good + "A"} }},
				{"longer than 128", true, func(good string) []string { return []string{strings.Repeat(good, 4)} }},
				{"forbidden characters", true, func(good string) []string { return []string{"+/=" + good} }},
				{"a verifier nobody asked for", false, func(good string) []string { return []string{good} }},
			} {
				if !row.challenge && id != "relaxed" {
					continue // the authorization endpoint asks the others for a challenge
				}
				t.Run(id+" "+row.name, func(t *testing.T) {
					s := r.as(t)
					a := request(id, "openid")
					if !row.challenge {
						a.params.Del("code_challenge")
						a.params.Del("code_challenge_method")
					}
					code := s.code(b.as(t), "a", a)
					before := s.audited(audit.CodeBurned)
					bad := codeForm(a, code)
					bad["code_verifier"] = row.verifier(a.verifier)
					s.want(s.token(id, bad), 400, "invalid_grant", "bad verifier")
					bad.Del("code_verifier")
					s.want(s.token(id, bad), 400, "invalid_grant", "then none")
					s.want(s.token(id, codeForm(a, code)), 400, "invalid_grant", "then the right one")
					if n := s.audited(audit.CodeBurned) - before; n != 1 {
						t.Errorf("%d audit records of the burnt code, want 1", n)
					}
				})
			}
		}
		t.Run("none where none is needed", func(t *testing.T) {
			s := r.as(t)
			a := request("relaxed", "openid")
			a.params.Del("code_challenge")
			a.params.Del("code_challenge_method")
			a.verifier = ""
			s.wantAlive("relaxed", s.redeem(a, s.code(b.as(t), "a", a)), "code without PKCE")
		})
		t.Run("a stranger's bad verifier harms nobody", func(t *testing.T) {
			s := r.as(t)
			a := request("rp", "openid")
			code := s.code(b.as(t), "a", a)
			bad := codeForm(a, code)
			bad.Set("code_verifier", randomText(32))
			s.want(s.token("relaxed", bad), 400, "invalid_grant", "by another client")
			s.redeem(a, code)
		})
	})
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// forgeries are texts that somebody makes of a token of ours who has no key.
func forgeries(t *testing.T, token string) map[string]string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < 74 {
		t.Fatalf("not an opaque token: %d bytes, %v", len(b), err)
	}
	raw := base64.RawURLEncoding.EncodeToString
	flipped := func(i int) string {
		c := bytes.Clone(b)
		c[i] ^= 1
		return raw(c)
	}
	mac := len(b) - 32
	garbage := bytes.Repeat([]byte{0x2a}, mac)
	copy(garbage[:2], b)
	out := map[string]string{
		"garbage before the MAC":      raw(append(garbage, b[mac:]...)),
		"garbage for a MAC":           raw(append(bytes.Clone(b[:mac]), bytes.Repeat([]byte{7}, 32)...)),
		"no MAC":                      raw(b[:mac]),
		"half a MAC":                  raw(b[:len(b)-16]),
		"a character less":            token[:len(token)-1],
		"four characters less":        token[:len(token)-4],
		"the second half":             token[len(token)/2:],
		"a character more":            token + "A",
		"four characters more":        token + "AAAA",
		"twice":                       token + token,
		"padding":                     token + "=",
		"a space before":              " " + token,
		"a line end after":            token + "\n",
		"letters of the other base64": "+/" + token[2:],
		"all small":                   strings.ToLower(token),
		"all capital":                 strings.ToUpper(token),
		"far too long":                strings.Repeat("A", 12_000),
		"dots":                        token[:20] + "." + token[20:40] + "." + token[40:],
		"another kind":                flipped(0),
		"another key":                 flipped(1),
		"another grant":               flipped(5),
		"another generation":          flipped(21),
		"another end":                 flipped(26),
		"other noise":                 flipped(30),
		"first half of the MAC":       flipped(mac),
		"second half of the MAC":      flipped(len(b) - 1),
	}
	for i := 3; i < len(token); i += 13 { // the case of one letter
		if other := strings.ToUpper(token[i : i+1]); other != token[i:i+1] {
			out["capital at "+string(rune('0'+i/13))] = token[:i] + other + token[i+1:]
		} else if other := strings.ToLower(token[i : i+1]); other != token[i:i+1] {
			out["small at "+string(rune('0'+i/13))] = token[:i] + other + token[i+1:]
		}
	}
	for name, f := range out {
		if f == token {
			delete(out, name)
		}
	}
	return out
}

// entropy estimates the bits of s by the frequencies of its characters, as the
// conformance suite does.
func entropy(s string) float64 {
	n := map[rune]float64{}
	for _, c := range s {
		n[c]++
	}
	bits := 0.0
	for _, k := range n {
		bits -= k * math.Log2(k/float64(len(s)))
	}
	return bits
}
