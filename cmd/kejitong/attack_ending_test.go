package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/session"
	"kejitong/store/storetest"
)

// holding is what somebody has from the provider at a moment: tokens with and
// without offline_access, and codes not yet redeemed.
type holding struct {
	id               string
	online, offline  map[string]any
	pending, another attempt
	codes            [2]string
	browser          *browser
}

func (r *rig) holds(c, id string) holding {
	r.t.Helper()
	b := r.browser()
	h := holding{id: id, browser: b, pending: request(id, "openid"), another: request(id, "openid offline_access")}
	if id == "hightech-enterprise" {
		h.pending.params.Set("redirect_uri", r.cast.systems[0].BaseURL+"/cb")
		h.another.params.Set("redirect_uri", r.cast.systems[0].BaseURL+"/cb")
	}
	first, second := h.pending, h.another
	h.online = r.redeem(first, r.code(b, c, first))
	h.offline = r.redeem(second, r.code(b, c, second))
	h.codes = [2]string{r.code(b, c, h.pending), r.code(b, c, h.another)}
	return h
}

// wantOver fails unless everything in h is refused, with nothing rotated or
// spent. clientGone says that the client itself is no longer one.
func (h holding) wantOver(r *rig, clientGone bool) {
	r.t.Helper()
	status, code := 400, "invalid_grant"
	if clientGone {
		status, code = 401, "invalid_client"
	}
	before := r.state()
	for name, m := range map[string]map[string]any{"online": h.online, "offline": h.offline} {
		r.want(r.refresh(h.id, text(m, "refresh_token")), status, code, name+" refresh")
		if got := r.info(text(m, "access_token")); got.status != http.StatusUnauthorized || got.err() != "invalid_token" {
			r.t.Errorf("%s userinfo: %s, want 401 invalid_token", name, got)
		}
		for _, kind := range []string{"access_token", "refresh_token"} {
			got := r.inspect("auditor", text(m, kind))
			if !clientGone {
				got = r.inspect(h.id, text(m, kind))
			}
			if got.status != 200 || got.body["active"] != false || len(got.body) != 1 { // RFC 7662 §2.2
				r.t.Errorf("%s introspection of the %s: %s, want active false and nothing else", name, kind, got)
			}
		}
	}
	r.want(r.token(h.id, codeForm(h.pending, h.codes[0])), status, code, "code")
	r.want(r.token(h.id, codeForm(h.another, h.codes[1])), status, code, "code with offline_access")
	r.same(before, "what was refused")
	if clientGone {
		r.want(r.call("/oauth2/par", h.pending.params, r.creds(h.id)), 401, "invalid_client", "pushed request")
	}
}

// Whatever ends ends everything that came of it, at every endpoint of every
// replica, within a second (S19, S30), for tokens that live with the session
// and for those that outlive it.
func TestEndings(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		did := audit.Event{Kind: audit.AccountChanged, Actor: "test"}
		all := []*rig{r}
		if r.options.Driver == "postgres" {
			all = append(all, r.replica(), r.replica())
		}
		r.register("rp", client.Metadata{Scope: "openid offline_access", Audience: []string{"https://api.example"}})
		r.register("auditor", client.Metadata{ResourceIdentifiers: []string{"https://api.example"}})
		must := func(r *rig, err error) {
			r.t.Helper()
			if err != nil {
				r.t.Fatal(err)
			}
		}
		for _, row := range []struct {
			name, c, id string
			clientGone  bool
			forGood     bool // what was issued before stays dead when it is undone
			end, undo   func(r *rig)
		}{
			{name: "account frozen", c: "e", id: "rp", end: func(r *rig) {
				must(r, r.app.db.FreezeAccount(r.t.Context(), r.person("e").Account.ID, r.clock.now(), did))
			}},
			{name: "account frozen past the provider", c: "a", id: "rp", end: func(r *rig) {
				r.exec(`UPDATE accounts SET state = 'frozen' WHERE id = ?`, string(r.person("a").Account.ID))
			}, undo: func(r *rig) {
				r.exec(`UPDATE accounts SET state = 'active' WHERE id = ?`, string(r.person("a").Account.ID))
			}},
			{name: "account closed", c: "d", id: "rp", end: func(r *rig) {
				must(r, r.app.db.SetAccountState(r.t.Context(), r.person("d").Account.ID, account.Closed, did))
			}},
			{name: "client disabled", c: "a", id: "rp", clientGone: true,
				end:  func(r *rig) { r.setClient("rp", client.Disabled) },
				undo: func(r *rig) { r.setClient("rp", client.Active) }},
			{name: "mandate revoked", c: "c", id: "hightech-enterprise", forGood: true, end: func(r *rig) {
				m := r.person("c").Mandates[0]
				m.State = entitlement.Revoked
				must(r, r.app.db.PutMandate(r.t.Context(), m, did))
			}, undo: func(r *rig) {
				m := r.person("c").Mandates[0]
				m.State = entitlement.Active
				must(r, r.app.db.PutMandate(r.t.Context(), m, did))
			}},
			{name: "mandate over from now on", c: "c", id: "hightech-enterprise", forGood: true, end: func(r *rig) {
				m := r.person("c").Mandates[0]
				m.Until = r.clock.now()
				must(r, r.app.db.PutMandate(r.t.Context(), m, did))
			}, undo: func(r *rig) {
				m := r.person("c").Mandates[0]
				m.Until = time.Time{}
				must(r, r.app.db.PutMandate(r.t.Context(), m, did))
			}},
			{name: "entitlement revoked", c: "c", id: "hightech-enterprise", forGood: true, end: func(r *rig) {
				for _, g := range r.person("c").Grants {
					g.State = entitlement.Revoked
					must(r, r.app.db.PutGrant(r.t.Context(), g, did))
				}
			}, undo: func(r *rig) {
				for _, g := range r.person("c").Grants {
					g.State = entitlement.Active
					must(r, r.app.db.PutGrant(r.t.Context(), g, did))
				}
			}},
			{name: "entitlement suspended", c: "c", id: "hightech-enterprise", forGood: true, end: func(r *rig) {
				must(r, r.moves("c", entitlement.Suspend))
			}, undo: func(r *rig) { must(r, r.moves("c", entitlement.Resume)) }},
			{name: "entitlement run out, and found by the background", c: "c", id: "hightech-enterprise", forGood: true, end: func(r *rig) {
				for _, g := range r.person("c").Grants {
					g.Until = r.clock.now().Add(time.Millisecond)
					must(r, r.app.db.PutGrant(r.t.Context(), g, did))
				}
				r.clock.move(time.Second)
				if n, err := r.app.rights.Expire(r.t.Context()); err != nil || n == 0 {
					r.t.Fatalf("expired %d: %v", n, err)
				}
				if g := r.person("c").Grants[0]; g.State != entitlement.Expired {
					r.t.Errorf("left %+v", g)
				}
			}, undo: func(r *rig) {
				for _, g := range r.person("c").Grants {
					g.State, g.Until = entitlement.Active, r.clock.now().AddDate(1, 0, 0)
					must(r, r.app.db.PutGrant(r.t.Context(), g, did))
				}
			}},
			{name: "entitlement altered past the provider", c: "c", id: "hightech-enterprise", forGood: true, end: func(r *rig) {
				r.exec(`UPDATE entitlements SET valid_until = 0 WHERE account_id = ?`, string(r.person("c").Account.ID))
			}, undo: func(r *rig) {
				for _, g := range r.person("c").Grants {
					g.State = entitlement.Active
					must(r, r.app.db.PutGrant(r.t.Context(), g, did))
				}
			}},
			{name: "mandate altered past the provider", c: "c", id: "hightech-enterprise", forGood: true, end: func(r *rig) {
				r.exec(`UPDATE mandates SET relation = 'legal_rep' WHERE account_id = ?`, string(r.person("c").Account.ID))
			}, undo: func(r *rig) {
				m := r.person("c").Mandates[0]
				m.State, m.Relation = entitlement.Active, entitlement.Handler
				must(r, r.app.db.PutMandate(r.t.Context(), m, did))
			}},
			{name: "unit frozen, for its handler", c: "c", id: "hightech-enterprise", end: func(r *rig) {
				u := r.person("c").Mandates[0].Unit
				u.State = account.Frozen
				must(r, r.app.db.PutUnit(r.t.Context(), u, did))
			}, undo: func(r *rig) {
				u := r.person("c").Mandates[0].Unit
				u.State = account.Active
				must(r, r.app.db.PutUnit(r.t.Context(), u, did))
			}},
			{name: "unit deregistered, for its own account", c: "b", id: "hightech-enterprise", end: func(r *rig) {
				u := *r.person("b").Unit
				u.Status = account.UnitDeregistered
				must(r, r.app.db.PutUnit(r.t.Context(), u, did))
			}, undo: func(r *rig) {
				u := *r.person("b").Unit
				u.Status = account.UnitRegistered
				must(r, r.app.db.PutUnit(r.t.Context(), u, did))
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				h := s.holds(row.c, row.id)
				for _, x := range all {
					x.as(t).wantAlive(h.id, h.online, "before")
					x.as(t).wantAlive(h.id, h.offline, "before")
				}
				row.end(s)
				for _, x := range all {
					x.clock.move(time.Second) // caches have a second to notice, no more
					h.wantOver(x.as(t), row.clientGone)
				}
				h.wantNoNewCode(s, row.clientGone)
				if row.undo == nil {
					return
				}
				row.undo(s)
				for _, x := range all {
					x.clock.move(time.Second)
				}
				if row.forGood {
					h.wantOver(s, row.clientGone)
					return
				}
				// Nothing was rotated or spent by being refused: what outlives the
				// session works again.
				s.want(s.refresh(h.id, text(h.offline, "refresh_token")), 200, "", "offline refresh after it was undone")
			})
		}
	})
}

// moves does d to all grants of the case.
func (r *rig) moves(c string, d entitlement.Deed) error {
	for _, g := range r.person(c).Grants {
		change := func(g entitlement.Grant) (entitlement.Grant, error) { return g.After(d, r.clock.now()) }
		if err := r.app.db.ChangeGrant(r.t.Context(), g.ID, change, audit.Event{Kind: audit.EntitlementSet, Actor: "test"}); err != nil {
			return err
		}
	}
	return nil
}

// wantNoNewCode fails if the browser that h was got with gets another code.
func (h holding) wantNoNewCode(r *rig, clientGone bool) {
	r.t.Helper()
	a := h.pending
	a.params = url.Values{}
	for name, v := range h.pending.params {
		a.params[name] = v
	}
	a.params.Set("prompt", "none")
	p := h.browser.as(r.t).get(r.authorizeURL(a))
	if clientGone {
		if p.StatusCode != http.StatusBadRequest || p.Header.Get("Location") != "" {
			r.t.Errorf("authorization request of a disabled client: %d to %q, want a page with 400", p.StatusCode, p.Header.Get("Location"))
		}
		return
	}
	if q := callback(r.t, p); q.Get("code") != "" || q.Get("error") == "" {
		r.t.Errorf("a new code or no error: %v", q)
	}
}

// Signing out ends what lives with the session and leaves what was asked to
// outlive it (offline_access). Signing out of everything, as after a stolen
// password, leaves nothing (S19, S47).
func TestSignOutEndsTokens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{Scope: "openid offline_access"})
		t.Run("one browser", func(t *testing.T) {
			s := r.as(t)
			h, elsewhere := s.holds("a", "rp"), s.holds("a", "rp")
			p := h.browser.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(h.online, "id_token")}}.Encode())
			if p.StatusCode != http.StatusOK || p.Request.URL.Path != "/logout/done" {
				t.Fatalf("sign-out ended at %s with %d", p.Request.URL.Path, p.StatusCode)
			}
			s.wantDead("rp", h.online, "signed out")
			s.want(s.refresh("rp", text(h.online, "refresh_token")), 400, "invalid_grant", "signed out")
			s.want(s.token("rp", codeForm(h.pending, h.codes[0])), 400, "invalid_grant", "code from before signing out")
			s.wantAlive("rp", h.offline, "offline_access")
			got := s.refresh("rp", text(h.offline, "refresh_token"))
			s.want(got, 200, "", "offline_access")
			s.wantAlive("rp", got.body, "offline_access, refreshed")
			s.wantAlive("rp", elsewhere.online, "another browser's session")
		})
		t.Run("all browsers", func(t *testing.T) {
			s := r.as(t)
			h, elsewhere := s.holds("a", "rp"), s.holds("a", "rp")
			_, err := s.app.db.EndSessions(t.Context(), session.Which{Account: s.person("a").Account.ID}, s.clock.now(), audit.Event{Kind: audit.SessionEnded, Actor: "test"})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range []holding{h, elsewhere} {
				x.wantOver(s, false)
			}
		})
		t.Run("all browsers but this", func(t *testing.T) {
			s := r.as(t)
			h, elsewhere := s.holds("a", "rp"), s.holds("a", "rp")
			_, err := s.app.db.EndSessions(t.Context(), session.Which{Account: s.person("a").Account.ID, ExceptKey: h.browser.sessionKey(s)},
				s.clock.now(), audit.Event{Kind: audit.SessionEnded, Actor: "test"})
			if err != nil {
				t.Fatal(err)
			}
			elsewhere.wantOver(s, false)
			s.wantAlive("rp", h.online, "the browser that was left")
			s.wantAlive("rp", h.offline, "the browser that was left, offline_access")
		})
	})
}

// sessionKey is what the browser's session is stored under.
func (b *browser) sessionKey(r *rig) string {
	b.t.Helper()
	home, err := url.Parse(r.issuer)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(home) {
		if strings.HasSuffix(c.Name, "kejitong_session") {
			return session.Key(c.Value)
		}
	}
	b.t.Fatal("the browser has no session")
	return ""
}

// Whoever registers the login name of a closed account is somebody else: a new
// sub everywhere, and nothing is inherited (S31).
func TestLoginNameReborn(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		for _, m := range []struct{ id, subject string }{{"pairwise", ""}, {"public", "public"}} {
			r.register(m.id, client.Metadata{Scope: "openid offline_access", SubjectType: m.subject})
		}
		r.register("asks", client.Metadata{Scope: "openid profile offline_access", Purpose: "to see whether consent is inherited"})
		sub := func(m map[string]any) string { return text(r.info(text(m, "access_token")).body, "sub") }
		old := r.browser()
		pairwise, public := r.granted(old, "d", "pairwise", "openid offline_access"), r.granted(old, "d", "public", "openid offline_access")
		were := []string{sub(pairwise), sub(public)}
		a := request("asks", "openid profile")
		q := callback(t, old.submit(old.get(r.authorizeURL(a)), "decision=allow", url.Values{"decision": {"allow"}, "scope": {"openid", "profile"}}))
		asked := r.redeem(a, q.Get("code"))

		did := audit.Event{Kind: audit.AccountChanged, Actor: "test"}
		was := r.person("d").Account
		heir := was
		was.State, was.LoginName, was.LoginKey = account.Closed, "closed "+string(was.ID), "closed "+string(was.ID)
		if err := r.app.db.PutAccount(t.Context(), was, "", did); err != nil {
			t.Fatal(err)
		}
		heir.ID, heir.Version = account.NewID(), 0
		phc, err := r.app.hasher.Hash(t.Context(), r.cast.Secrets[heir.LoginName])
		if err != nil {
			t.Fatal(err)
		}
		if err := r.app.db.PutAccount(t.Context(), heir, phc, did); err != nil {
			t.Fatal(err)
		}
		for id, m := range map[string]map[string]any{"pairwise": pairwise, "public": public, "asks": asked} {
			r.wantDead(id, m, "tokens of the closed account")
			r.want(r.refresh(id, text(m, "refresh_token")), 400, "invalid_grant", "refresh for the closed account")
		}
		a.params.Set("prompt", "none")
		if e := callback(t, old.get(r.authorizeURL(a))).Get("error"); e != "login_required" {
			t.Errorf("the closed account's browser: %q, want login_required", e)
		}
		b := r.browser()
		for i, m := range []map[string]any{r.granted(b, "d", "pairwise", "openid"), r.granted(b, "d", "public", "openid")} {
			if now := sub(m); now == "" || now == were[i] {
				t.Errorf("sub %q after %q: the new account is taken for the old one", now, were[i])
			}
		}
		if e := callback(t, b.get(r.authorizeURL(a))).Get("error"); e != "consent_required" {
			t.Errorf("the new account's consent: %q, want consent_required", e)
		}
	})
}

// A session that a replica ended is over for every other, though each of them
// has seen it alive a moment ago.
func TestSignOutAcrossReplicas(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	r.register("rp", client.Metadata{Scope: "openid offline_access"})
	second := r.replica()
	h := r.holds("a", "rp")
	second.wantAlive("rp", h.online, "before")
	h.browser.get(r.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(h.online, "id_token")}}.Encode())
	second.wantDead("rp", h.online, "signed out at another replica")
	second.want(second.refresh("rp", text(h.online, "refresh_token")), 400, "invalid_grant", "signed out at another replica")
	second.wantAlive("rp", h.offline, "offline_access")
}
