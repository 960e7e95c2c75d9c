package main

import (
	"net/url"
	"slices"
	"testing"

	"kejitong/provider/client"
)

// Session Management 1.0 section 2, whatever brings the answer: session_state
// stands beside what the response type names, in the query, the fragment or the
// form, or inside the signed response (JARM section 2.3).
func TestSessionStateInEveryMode(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.fronted("spa", func(m *client.Metadata) {
			m.ResponseModes = []string{"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
		})
		in, out := s.browser(), s.browser()
		in.in(s, "a")
		for _, kind := range append([]string{"code"}, frontTypes...) {
			for _, mode := range []string{"", "query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
				if kind != "code" && (mode == "query" || mode == "query.jwt") {
					continue // refused: TestFrontChannelRefusals
				}
				s.run(kind+" "+mode, func(t *testing.T, s *arena) {
					for who, b := range map[string]*browser{"in": in.as(t), "out": out.as(t)} {
						a := asking("spa", "openid", "response_type", kind, "response_mode", mode, "prompt", "none")
						if mode == "" {
							a.params.Del("response_mode")
						}
						q := s.answer(a, b.get(s.authorizeURL(a)))
						if q.Has("error") != (who == "out") {
							t.Fatalf("%s: %v", who, q)
						}
						if !fits(b, q.Get("session_state"), "spa", "https://rp.example.gov.cn") {
							t.Errorf("%s: session_state %q", who, q.Get("session_state"))
						}
					}
				})
			}
		}
	})
}

// A client that has its ID token through the browser alone took part in the
// session like every other, and hears of its end (Front-Channel Logout 1.0
// section 3, Back-Channel Logout 1.0 section 2.5).
func TestLogoutReachesClientsWithoutACode(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.fronted("spa", func(m *client.Metadata) { m.FrontchannelLogoutURI = "https://rp.example.gov.cn/fc" })
		for _, kind := range frontTypes {
			s.run(kind, func(t *testing.T, s *arena) {
				b := s.browser()
				b.in(s, "a")
				a := asking("spa", "openid", "response_type", kind)
				q := s.answer(a, b.get(s.authorizeURL(a)))
				sid := ""
				if q.Has("id_token") {
					sid = text(claimsOf(t, q.Get("id_token")), "sid")
				} else {
					sid = text(idToken(t, s.redeemed(a, q.Get("code"))), "sid")
				}
				before := s.count(`SELECT COUNT(*) FROM audit WHERE kind = 'session.ended'`)
				frames := framesOf(t, b.press(b.get(s.issuer+"/logout"), "logout=yes"))
				want := "https://rp.example.gov.cn/fc?" + url.Values{"iss": {s.issuer}, "sid": {sid}}.Encode()
				if sid == "" || !slices.Equal(frames, []string{want}) {
					t.Errorf("frames %q, want %s", frames, want)
				}
				if after := s.count(`SELECT COUNT(*) FROM audit WHERE kind = 'session.ended'`); after != before+1 {
					t.Errorf("%d sessions ended", after-before)
				}
				if q.Has("access_token") {
					if status, m := s.userinfo(q.Get("access_token")); status != 401 {
						t.Errorf("the token from the browser lives on: %d %v", status, m)
					}
				}
			})
		}
	})
}

// redeemed exchanges a code that was read already.
func (s *arena) redeemed(a attempt, code string) map[string]any {
	s.t.Helper()
	status, m := s.exchange(a, code)
	if status != 200 {
		s.t.Fatalf("token endpoint: %d %v", status, m)
	}
	return m
}
