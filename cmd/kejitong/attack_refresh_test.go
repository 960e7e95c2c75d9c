package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// A refresh token is worth something once, and only to the client that has it
// (RFC 6749 §6, §10.4; RFC 9700 §4.14.2). What is refused rotates nothing.
func TestAttacksOnRefreshTokens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{})
		r.register("other", client.Metadata{})
		r.register("silent", client.Metadata{GrantTypes: []string{"authorization_code"}})
		b := r.browser()
		r.granted(b, "a", "rp", "openid")
		for _, row := range []struct {
			name string
			do   func(t *testing.T, r *rig, m map[string]any, shown string)
		}{
			{"shown by another client", func(_ *testing.T, r *rig, m map[string]any, shown string) {
				before := r.state()
				r.want(r.refresh("other", shown), 400, "invalid_grant", "other client")
				r.same(before, "another client's refresh")
				r.wantAlive("rp", m, "victim")
			}},
			{"shown without a client", func(_ *testing.T, r *rig, _ map[string]any, shown string) {
				before := r.state()
				r.want(r.refresh("", shown), 401, "invalid_client", "nobody")
				r.same(before, "a refresh by nobody")
			}},
			{"wider scope", func(_ *testing.T, r *rig, m map[string]any, shown string) {
				before := r.state()
				for _, scope := range []string{"openid profile phone", "phone", "openid profile admin", "openid PROFILE", "openid claim:phone"} {
					v := refreshForm(shown)
					v.Set("scope", scope)
					r.want(r.token("rp", v), 400, "invalid_scope", scope) // RFC 6749 §5.2: "exceeds the scope granted"
				}
				r.same(before, "a refresh for more")
				r.wantAlive("rp", m, "after the refusals")
			}},
			{"after seven idle days", func(_ *testing.T, r *rig, _ map[string]any, _ string) {
				m := r.granted(r.browser(), "a", "rp", "openid profile offline_access")
				late := r.late(7*24*time.Hour + time.Minute)
				late.want(late.refresh("rp", text(m, "refresh_token")), 400, "invalid_grant", "seven days and a minute")
				late.clock.move(-2 * time.Minute)
				late.want(late.refresh("rp", text(m, "refresh_token")), 200, "", "a minute before seven days")
			}},
			{"after thirty busy days", func(_ *testing.T, r *rig, _ map[string]any, _ string) {
				m := r.granted(r.browser(), "a", "rp", "openid offline_access")
				late := r.late(0)
				for range 5 { // 30 days less a little
					late.clock.move(6*24*time.Hour - time.Minute)
					got := late.refresh("rp", text(m, "refresh_token"))
					late.want(got, 200, "", "within thirty days")
					m = got.body
				}
				late.clock.move(6 * time.Minute)
				late.want(late.refresh("rp", text(m, "refresh_token")), 400, "invalid_grant", "after thirty days")
				late.wantDead("rp", m, "after thirty days")
			}},
			{"without offline_access after the session's twelve hours", func(_ *testing.T, r *rig, m map[string]any, shown string) {
				late := r.late(12*time.Hour + time.Minute)
				late.want(late.refresh("rp", shown), 400, "invalid_grant", "session over")
				late.wantDead("rp", m, "session over")
			}},
			{"after the grace", func(t *testing.T, r *rig, m map[string]any, shown string) {
				next := r.refresh("rp", shown).body
				r.exec(`UPDATE grants SET rt_rotated_at = rt_rotated_at - 11000 WHERE id = ?`, grantOf(t, shown))
				r.reused(m, next, shown)
			}},
			{"after the grace, by the provider's clock", func(_ *testing.T, r *rig, m map[string]any, shown string) {
				next := r.refresh("rp", shown).body
				r.clock.move(11 * time.Second)
				r.reused(m, next, shown)
			}},
			{"two generations old, within the grace", func(_ *testing.T, r *rig, m map[string]any, shown string) {
				next := r.refresh("rp", shown).body
				last := r.refresh("rp", text(next, "refresh_token")).body
				r.wantAlive("rp", last, "before the reuse")
				r.reused(next, last, shown)
				r.wantDead("rp", m, "first tokens")
			}},
			{"reused by another client, after the grace", func(_ *testing.T, r *rig, _ map[string]any, shown string) {
				next := r.refresh("rp", shown).body
				r.clock.move(11 * time.Second)
				before := r.state()
				r.want(r.refresh("other", shown), 400, "invalid_grant", "other client")
				r.same(before, "another client's reuse")
				r.wantAlive("rp", next, "victim")
			}},
			{"retried within the grace", func(t *testing.T, r *rig, _ map[string]any, shown string) {
				first := r.refresh("rp", shown)
				r.want(first, 200, "", "first")
				before, gen := r.audited(audit.RefreshReused), r.generation(shown)
				for range 3 {
					again := r.refresh("rp", shown)
					r.want(again, 200, "", "retry")
					if text(again.body, "refresh_token") != text(first.body, "refresh_token") {
						t.Error("a retry within the grace got another successor: two branches live")
					}
					r.wantAlive("rp", again.body, "retry")
				}
				r.clock.move(9 * time.Second)
				if again := r.refresh("rp", shown); text(again.body, "refresh_token") != text(first.body, "refresh_token") {
					t.Errorf("nine seconds later: %s", again)
				}
				if r.generation(shown) != gen || r.audited(audit.RefreshReused) != before {
					t.Error("a retry rotated again or was recorded as reuse")
				}
				r.wantAlive("rp", first.body, "after the retries")
			}},
			{"rotated", func(t *testing.T, r *rig, m map[string]any, shown string) {
				got := r.refresh("rp", shown)
				r.want(got, 200, "", "refresh")
				if next := text(got.body, "refresh_token"); next == "" || next == shown {
					t.Error("no new refresh token")
				}
				if text(got.body, "access_token") == text(m, "access_token") {
					t.Error("no new access token")
				}
				r.wantAlive("rp", got.body, "successor")
			}},
			{"narrower scope", func(t *testing.T, r *rig, m map[string]any, shown string) {
				v := refreshForm(shown)
				v.Set("scope", "openid")
				got := r.token("rp", v)
				r.want(got, 200, "", "narrower")
				if text(got.body, "scope") != "openid" {
					t.Errorf("scope %q, want openid", text(got.body, "scope"))
				}
				ui := r.info(text(got.body, "access_token"))
				if _, there := ui.body["name"]; there || ui.status != 200 {
					t.Errorf("userinfo of the narrowed token: %s, want no profile", ui)
				}
				if s := text(r.inspect("rp", text(got.body, "access_token")).body, "scope"); s != "openid" {
					t.Errorf("introspection of the narrowed token: scope %q", s)
				}
				// RFC 6749 §6: the new refresh token has the scope of the old one.
				whole := r.refresh("rp", text(got.body, "refresh_token"))
				if text(whole.body, "scope") != "openid profile" {
					t.Errorf("scope afterwards: %s", whole)
				}
				v = refreshForm(text(whole.body, "refresh_token"))
				v.Set("scope", "profile")
				got = r.token("rp", v)
				r.want(got, 200, "", "without openid")
				if text(got.body, "id_token") != "" {
					t.Error("an ID token without the scope openid")
				}
				r.want(r.info(text(got.body, "access_token")), 403, "insufficient_scope", "userinfo without openid")
			}},
			{"none for a client that registered no refreshing", func(t *testing.T, r *rig, _ map[string]any, shown string) {
				m := r.granted(b.as(t), "a", "silent", "openid")
				if text(m, "refresh_token") != "" {
					t.Error("a refresh token for a client that may not use it")
				}
				r.want(r.refresh("silent", shown), 400, "unauthorized_client", "refresh")
			}},
			{"forged", func(t *testing.T, r *rig, m map[string]any, shown string) {
				before := r.state()
				for name, forged := range forgeries(t, shown) {
					r.want(r.refresh("rp", forged), 400, "invalid_grant", name)
				}
				r.same(before, "forged refresh tokens")
				r.wantAlive("rp", m, "victim")
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				m := s.granted(b.as(t), "a", "rp", "openid profile")
				row.do(t, s, m, text(m, "refresh_token"))
			})
		}
	})
}

// reused shows a refresh token that is dead by reuse and wants the family
// revoked, with one record.
func (r *rig) reused(earlier, later map[string]any, shown string) {
	r.t.Helper()
	before := r.audited(audit.RefreshReused)
	r.want(r.refresh("rp", shown), 400, "invalid_grant", "reuse")
	r.wantDead("rp", earlier, "after reuse")
	r.wantDead("rp", later, "after reuse")
	r.want(r.refresh("rp", text(later, "refresh_token")), 400, "invalid_grant", "the thief's or the victim's branch")
	if n := r.audited(audit.RefreshReused) - before; n != 1 {
		r.t.Errorf("%d audit records of the reuse, want 1", n)
	}
}

// same fails if a grant, the trail or an assertion changed.
func (r *rig) same(before, why string) {
	r.t.Helper()
	if after := r.state(); after != before {
		r.t.Errorf("%s changed something:\n%s, before\n%s", why, after, before)
	}
}

// late is the same provider some time ahead, until the subtest ends.
func (r *rig) late(d time.Duration) *rig {
	r.t.Helper()
	ahead := time.Duration(r.clock.ahead.Load())
	r.t.Cleanup(func() { r.clock.ahead.Store(int64(ahead)) })
	r.clock.move(d)
	return r
}

// The grace, the rotation and the reuse are rows, so a restart forgets none.
func TestRefreshSurvivesARestart(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{})
		m := r.granted(r.browser(), "a", "rp", "openid")
		shown := text(m, "refresh_token")
		first := r.refresh("rp", shown)
		r.restart()
		again := r.refresh("rp", shown)
		r.want(again, 200, "", "retry after a restart")
		if text(again.body, "refresh_token") != text(first.body, "refresh_token") {
			t.Error("another successor after the restart: two branches live")
		}
		last := r.refresh("rp", text(again.body, "refresh_token"))
		r.want(last, 200, "", "successor after a restart")
		r.restart()
		r.reused(again.body, last.body, shown)
	})
}

// What one replica rotated the others answer alike.
func TestRefreshAcrossReplicas(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	r.register("rp", client.Metadata{})
	second := r.replica()
	m := r.granted(r.browser(), "a", "rp", "openid")
	shown := text(m, "refresh_token")
	first, again := r.refresh("rp", shown), second.refresh("rp", shown)
	second.want(again, 200, "", "retry at another replica")
	if text(first.body, "refresh_token") != text(again.body, "refresh_token") {
		t.Error("two replicas gave two successors")
	}
	last := second.refresh("rp", text(first.body, "refresh_token"))
	second.want(last, 200, "", "successor at another replica")
	r.reused(again.body, last.body, shown)
	second.wantDead("rp", last.body, "after reuse at another replica")
}

// A grant that the client did not register, or nobody knows (RFC 6749 §5.2).
func TestGrantTypes(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{})
		r.register("service", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		a := request("rp", "openid")
		code := r.code(r.browser(), "a", a)
		m := r.redeem(a, code)
		foreign := func(v url.Values, more ...string) url.Values {
			for i := 0; i < len(more); i += 2 {
				v.Add(more[i], more[i+1])
			}
			return v
		}
		for _, row := range []struct {
			name, id string
			form     url.Values
			status   int
			code     string
		}{
			{"code", "service", codeForm(a, code), 400, "unauthorized_client"},
			{"refresh", "service", refreshForm(text(m, "refresh_token")), 400, "unauthorized_client"},
			{"client credentials", "rp", url.Values{"grant_type": {"client_credentials"}}, 400, "unauthorized_client"},
			{"password", "rp", url.Values{"grant_type": {"password"}, "username": {"zhangsan"}, "password": {"x"}}, 400, "unsupported_grant_type"},
			{"implicit", "rp", url.Values{"grant_type": {"implicit"}}, 400, "unsupported_grant_type"},
			{"device code", "rp", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {"x"}}, 400, "unauthorized_client"},
			{"token exchange", "rp", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {text(m, "access_token")}}, 400, "unauthorized_client"},
			{"JWT bearer", "rp", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {text(m, "id_token")}}, 400, "unsupported_grant_type"},
			{"two grants in one", "rp", foreign(refreshForm(text(m, "refresh_token")), "code", code, "grant_type", "authorization_code"), 400, "invalid_request"},
			{"two words", "rp", url.Values{"grant_type": {"authorization_code refresh_token"}, "code": {code}}, 400, "unsupported_grant_type"},
			{"capitals", "rp", url.Values{"grant_type": {"Refresh_Token"}, "refresh_token": {text(m, "refresh_token")}}, 400, "unsupported_grant_type"},
			{"none", "rp", url.Values{"code": {code}}, 400, "invalid_request"},
			{"empty", "rp", url.Values{"grant_type": {""}, "code": {code}}, 400, "invalid_request"},
			{"repeated code", "rp", foreign(codeForm(a, code), "code", "x"), 400, "invalid_request"},         // §3.2
			{"code missing", "rp", url.Values{"grant_type": {"authorization_code"}}, 400, "invalid_request"}, // RFC 6749 §5.2
			{"refresh token missing", "rp", url.Values{"grant_type": {"refresh_token"}}, 400, "invalid_request"},
			{"body beyond 16 KiB", "rp", foreign(refreshForm("x"), "scope", strings.Repeat("a ", 9000)), 413, "invalid_request"},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				before := s.state()
				s.want(s.token(row.id, row.form), row.status, row.code, row.name)
				s.same(before, row.name)
			})
		}
		r.wantAlive("rp", m, "after all of it")
	})
}
