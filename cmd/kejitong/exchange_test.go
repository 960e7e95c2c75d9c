package main

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/store/storetest"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessType    = "urn:ietf:params:oauth:token-type:access_token"
	jwtType       = "urn:ietf:params:oauth:token-type:jwt"
)

// castOfExchange registers a chain: two front ends, a backend that may act for
// their users, one behind it, and those who may not.
func (r *rig) castOfExchange() {
	r.t.Helper()
	grants := []string{exchangeGrant, "client_credentials"}
	behind := client.Metadata{GrantTypes: grants, RedirectURIs: []string{}, Scope: "openid profile demo.read", Audience: []string{archive}}
	with := func(m client.Metadata, change func(*client.Metadata)) client.Metadata {
		change(&m)
		return m
	}
	front := client.Metadata{Audience: []string{api, archive}, Scope: "openid profile phone offline_access"}
	for id, m := range map[string]client.Metadata{
		"front":     front,
		"front-jwt": with(front, func(m *client.Metadata) { m.AccessTokenFormat = "jwt" }),
		"api":       with(behind, func(m *client.Metadata) { m.ResourceIdentifiers = []string{api} }),
		"api-jwt":   with(behind, func(m *client.Metadata) { m.ResourceIdentifiers, m.AccessTokenFormat = []string{api}, "jwt" }),
		"archive":   with(behind, func(m *client.Metadata) { m.ResourceIdentifiers, m.AccessTokenFormat = []string{archive}, "jwt" }),
		"stranger":  behind,
		"nongrant": with(behind, func(m *client.Metadata) {
			m.ResourceIdentifiers, m.GrantTypes = []string{api}, []string{"client_credentials"}
		}),
		"openly": with(behind, func(m *client.Metadata) { m.ResourceIdentifiers, m.TokenEndpointAuthMethod = []string{api}, "none" }),
		"gated": with(behind, func(m *client.Metadata) {
			m.ResourceIdentifiers, m.BusinessSystems = []string{api}, []entitlement.SystemID{hightech}
		}),
	} {
		r.register(id, m)
	}
}

// exchanging is a token exchange request for an access token.
func exchanging(subject string, more ...string) url.Values {
	return with(url.Values{"grant_type": {exchangeGrant}, "subject_token": {subject}, "subject_token_type": {accessType}}, more...)
}

// RFC 8693 §2.1, §2.2.2: what is no request for delegation is refused, and
// nothing is written.
func TestRefusedTokenExchanges(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfExchange()
		b := r.browser()
		m := r.granted(b, "a", "front", "openid profile phone")
		j := r.granted(b, "a", "front-jwt", "openid")
		subject := text(m, "access_token")
		narrow := text(r.token("front", with(refreshForm(text(m, "refresh_token")), "resource", archive)).body, "access_token")
		own := text(r.token("api", url.Values{"grant_type": {"client_credentials"}}).body, "access_token")
		alien := text(r.token("stranger", url.Values{"grant_type": {"client_credentials"}}).body, "access_token")
		over := r.granted(b, "a", "front", "openid")
		r.want(r.revoked("front", text(over, "access_token")), 200, "", "revoke")
		before := r.state()
		without := func(v url.Values, name string) url.Values { v.Del(name); return v }
		set := func(v url.Values, name, value string) url.Values { v.Set(name, value); return v }
		for _, row := range []struct {
			name, id string
			form     url.Values
			code     string
		}{
			{"grant not registered", "nongrant", exchanging(subject), "unauthorized_client"},
			{"a public client", "openly", exchanging(subject), "unauthorized_client"},
			{"neither holder nor audience", "stranger", exchanging(subject), "invalid_request"},
			{"audience narrowed to somebody else", "api", exchanging(narrow), "invalid_request"},
			{"no subject_token", "api", without(exchanging(subject), "subject_token"), "invalid_request"},
			{"no subject_token_type", "api", without(exchanging(subject), "subject_token_type"), "invalid_request"},
			{"a type that is not supported", "api", set(exchanging(subject), "subject_token_type", "urn:ietf:params:oauth:token-type:saml2"), "invalid_request"},
			{"a refresh token", "api", set(exchanging(text(m, "refresh_token")), "subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"},
			{"a refresh token as access token", "api", exchanging(text(m, "refresh_token")), "invalid_request"},
			{"an ID token as JWT", "api", set(exchanging(text(m, "id_token")), "subject_token_type", jwtType), "invalid_request"},
			{"an opaque token as JWT", "api", set(exchanging(subject), "subject_token_type", jwtType), "invalid_request"},
			{"a token that was revoked", "api", exchanging(text(over, "access_token")), "invalid_request"},
			{"garbage", "api", exchanging(randomText(74)), "invalid_request"},
			{"a token without a user", "api", exchanging(own), "invalid_request"},
			{"another requested type", "api", exchanging(subject, "requested_token_type", "urn:ietf:params:oauth:token-type:id_token"), "invalid_request"},
			{"a refresh token requested", "api", exchanging(subject, "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"},
			{"§2.1: actor_token without its type", "api", exchanging(subject, "actor_token", own), "invalid_request"},
			{"§2.1: actor_token_type alone", "api", exchanging(subject, "actor_token_type", accessType), "invalid_request"},
			{"an actor_token of somebody else", "api", exchanging(subject, "actor_token", alien, "actor_token_type", accessType), "invalid_request"},
			{"the subject's own token as actor", "api", exchanging(subject, "actor_token", subject, "actor_token_type", accessType), "invalid_request"},
			{"a scope that the subject token lacks", "api", exchanging(text(j, "access_token"), "scope", "openid profile"), "invalid_scope"},
			{"a scope that the client did not register", "api", exchanging(subject, "scope", "phone"), "invalid_scope"},
			{"a scope of the client itself", "api", exchanging(subject, "scope", "demo.read"), "invalid_scope"},
			{"offline access", "api", exchanging(subject, "scope", "openid offline_access"), "invalid_scope"},
			{"a target that nobody has", "api", exchanging(subject, "resource", "https://evil.test"), "invalid_target"},
			{"a target as audience", "api", exchanging(subject, "audience", "front"), "invalid_target"},
			{"one good target, one not", "api", exchanging(subject, "audience", archive, "resource", "https://evil.test"), "invalid_target"},
			{"details that were never granted", "api", exchanging(subject, "authorization_details", details(detail(hightech, "", "apply"))), "invalid_authorization_details"},
			{"whom the client does not let in", "gated", exchanging(subject), "invalid_request"},
			{"subject_token twice", "api", exchanging(subject, "subject_token", subject), "invalid_request"},
		} {
			r.want(r.token(row.id, row.form), 400, row.code, row.name)
		}
		r.want(r.call("/oauth2/token", exchanging(subject, "client_id", "api"), nil), 401, "invalid_client", "without authentication")
		r.same(before, "refused exchanges")
		repeated := with(refreshForm(text(m, "refresh_token")), "audience", api, "audience", archive)
		r.want(r.token("front", repeated), 400, "invalid_request", "audience repeated elsewhere")
	})
}

// RFC 8693 §2.2.1, §4.1: what an exchange gives: a token of the asker's own, for
// the same subject, naming who acts, with no more in it than there was.
func TestTokenExchange(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		r.castOfExchange()
		b := r.browser()
		m := r.granted(b, "a", "front", "openid profile phone")
		subject := text(m, "access_token")
		r.clock.move(4 * time.Minute) // six of ten are left

		got := r.token("api", exchanging(subject))
		r.want(got, 200, "", "exchange")
		if text(got.body, "issued_token_type") != accessType || text(got.body, "token_type") != "Bearer" || got.body["refresh_token"] != nil || got.body["id_token"] != nil {
			t.Errorf("§2.2.1: %s", got)
		}
		if n, _ := got.body["expires_in"].(float64); n > 360 || n < 350 || text(got.body, "scope") != "openid profile" {
			t.Errorf("expires_in %v, scope %v, want the rest of the subject token's", got.body["expires_in"], got.body["scope"])
		}
		first := text(got.body, "access_token")
		seen := r.inspect("archive", first)
		own := r.inspect("front", subject)
		if seen.body["active"] != true || seen.body["client_id"] != "api" || !reflect.DeepEqual(seen.body["act"], map[string]any{"sub": "api"}) ||
			seen.body["scope"] != "openid profile" || fmt.Sprint(seen.body["aud"]) != "["+api+" "+archive+" "+r.name()+"]" || seen.body["auth_time"] != own.body["auth_time"] {
			t.Errorf("introspection: %s", seen)
		}
		if seen.body["sub"] == own.body["sub"] || seen.body["sub"] == nil {
			t.Errorf("OpenID Connect Core §8: the backend sees sub %v, the front end %v", seen.body["sub"], own.body["sub"])
		}
		if ui := r.info(first); ui.status != 200 || ui.body["sub"] != seen.body["sub"] || ui.body["phone_number"] != nil {
			t.Errorf("userinfo: %s", ui)
		}
		if again := r.inspect("front", first); again.body["active"] != false {
			t.Errorf("the front end sees the backend's token: %s", again)
		}
		if n := r.audited(audit.TokenExchanged); n != 1 {
			t.Errorf("%d records, want 1", n)
		}

		// The chain: each actor nested in the next one, three at most.
		got = r.token("archive", exchanging(first, "audience", archive, "scope", "openid"))
		r.want(got, 200, "", "second exchange")
		c := r.genuine(text(got.body, "access_token"), "at+jwt", jose.ES256)
		chain := map[string]any{"sub": "archive", "act": map[string]any{"sub": "api"}}
		if !reflect.DeepEqual(c["act"], chain) || c["client_id"] != "archive" || fmt.Sprint(c["aud"]) != "["+archive+"]" || c["scope"] != "openid" {
			t.Errorf("the JWT of the chain: %v", c)
		}
		if ui := r.info(text(got.body, "access_token")); ui.status != 401 {
			t.Errorf("userinfo takes a token that is not for the provider: %s", ui)
		}
		got = r.token("archive", with(exchanging(text(got.body, "access_token")), "requested_token_type", accessType))
		r.want(got, 200, "", "third exchange")
		third := text(got.body, "access_token")
		if seen = r.inspect("archive", third); !reflect.DeepEqual(seen.body["act"], map[string]any{"sub": "archive", "act": chain}) {
			t.Errorf("the third: %s", seen)
		}
		r.want(r.token("archive", exchanging(third)), 400, "invalid_request", "§4.1: a fourth")

		// JWT subject tokens, and an actor token of the asker's own.
		j := r.granted(b, "a", "front-jwt", "openid")
		actor := text(r.token("api-jwt", url.Values{"grant_type": {"client_credentials"}}).body, "access_token")
		v := exchanging(text(j, "access_token"), "actor_token", actor, "actor_token_type", jwtType, "resource", archive, "audience", r.name())
		v.Set("subject_token_type", jwtType)
		got = r.token("api-jwt", v)
		r.want(got, 200, "", "JWT for JWT")
		c = r.genuine(text(got.body, "access_token"), "at+jwt", jose.ES256)
		if !reflect.DeepEqual(c["act"], map[string]any{"sub": "api-jwt"}) || fmt.Sprint(c["aud"]) != "["+archive+" "+r.name()+"]" {
			t.Errorf("act %v, aud %v", c["act"], c["aud"])
		}
		// Who holds a token himself may narrow it this way, too, and is named.
		r.register("front", client.Metadata{Audience: []string{api, archive}, GrantTypes: []string{"authorization_code", "refresh_token", exchangeGrant}})
		r.clock.move(2 * time.Second)
		got = r.token("front", exchanging(subject, "resource", api))
		r.want(got, 200, "", "by the holder")
		if seen = r.inspect("api", text(got.body, "access_token")); !reflect.DeepEqual(seen.body["act"], map[string]any{"sub": "front"}) || fmt.Sprint(seen.body["aud"]) != "["+api+"]" {
			t.Errorf("by the holder: %s", seen)
		}
		r.clock.move(6 * time.Minute)
		for name, token := range map[string]string{"first": first, "third": third} {
			if seen = r.inspect("archive", token); seen.body["active"] != false {
				t.Errorf("the %s outlives the subject token: %s", name, seen)
			}
		}
	})
}

// An exchanged token dies with what it came from, however deep, and with each who
// acts in it.
func TestExchangedTokensDieWithTheirParents(t *testing.T) {
	did := audit.Event{Kind: audit.AccountChanged, Actor: "test"}
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfExchange()
		for _, row := range []struct {
			name string
			end  func(r *rig, m map[string]any, b *browser)
			undo func(r *rig)
		}{
			{"the subject token is revoked", func(r *rig, m map[string]any, _ *browser) {
				r.want(r.revoked("front", text(m, "refresh_token")), 200, "", "revoke")
			}, nil},
			{"a refresh token is reused", func(r *rig, m map[string]any, _ *browser) {
				r.refresh("front", text(m, "refresh_token"))
				r.clock.move(time.Minute)
				r.want(r.refresh("front", text(m, "refresh_token")), 400, "invalid_grant", "reuse")
			}, nil},
			{"the user signs out", func(r *rig, _ map[string]any, b *browser) {
				b.press(b.get(r.issuer+"/logout"), "logout=yes")
			}, nil},
			{"the front end is disabled", func(r *rig, _ map[string]any, _ *browser) { r.setClient("front", client.Disabled) }, func(r *rig) { r.setClient("front", client.Active) }},
			{"the backend is disabled", func(r *rig, _ map[string]any, _ *browser) { r.setClient("api", client.Disabled) }, func(r *rig) { r.setClient("api", client.Active) }},
			{"the grant in the middle is revoked", func(r *rig, _ map[string]any, _ *browser) {
				r.exec(`UPDATE grants SET state = 2 WHERE client_id = 'api'`)
			}, nil},
			{"the user withdraws from the front end", func(r *rig, _ map[string]any, _ *browser) {
				if err := r.app.db.WithdrawConsent(r.t.Context(), r.person("a").Account.ID, "front", r.clock.now(), did); err != nil {
					r.t.Fatal(err)
				}
			}, nil},
			{"the account is frozen", func(r *rig, _ map[string]any, _ *browser) {
				if err := r.app.db.FreezeAccount(r.t.Context(), r.person("a").Account.ID, r.clock.now(), did); err != nil {
					r.t.Fatal(err)
				}
			}, nil},
		} {
			t.Run(strings.ReplaceAll(row.name, " ", "_"), func(t *testing.T) {
				r := r.as(t)
				b := r.browser()
				m := r.granted(b, "a", "front", "openid profile")
				got := r.token("api", exchanging(text(m, "access_token")))
				r.want(got, 200, "", "exchange")
				first := text(got.body, "access_token")
				second := text(r.token("archive", exchanging(first)).body, "access_token")
				for name, token := range map[string]string{"first": first, "second": second} {
					if ui := r.info(token); ui.status != 200 {
						t.Fatalf("%s: %s before the end", name, ui)
					}
				}
				row.end(r, m, b)
				r.clock.move(time.Second) // the registry of clients looks twice a second
				for name, token := range map[string]string{"first": first, "second": second} {
					if ui := r.info(token); ui.status != 401 {
						t.Errorf("userinfo takes the %s: %s", name, ui)
					}
					if seen := r.inspect("archive", token); seen.body["active"] != false {
						t.Errorf("the %s is active: %s", name, seen)
					}
				}
				if row.undo != nil {
					row.undo(r)
					r.clock.move(time.Second)
				}
			})
		}
	})
}

// What was bound to a key does not become a bearer token (RFC 9449 §1): its
// holder proves that key, a resource server binds the new one to its own.
func TestExchangeOfBoundTokens(t *testing.T) {
	holder, other := newSigner(t, "ES256", "k"), newSigner(t, "ES256", "o")
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfExchange()
		r.register("front", client.Metadata{Audience: []string{api, archive}, GrantTypes: []string{"authorization_code", "refresh_token", exchangeGrant}})
		a := request("front", "openid profile")
		got := r.tokenBy("front", holder, codeForm(a, r.code(r.browser(), "a", a)))
		r.want(got, 200, "", "a bound token")
		subject := text(got.body, "access_token")
		before := r.ask(`SELECT COUNT(*) FROM grants`)
		r.want(r.token("front", exchanging(subject)), 400, "invalid_request", "its holder without a proof")
		r.want(r.tokenBy("front", other, exchanging(subject)), 400, "invalid_request", "its holder with another key")
		r.want(r.token("api", exchanging(subject)), 400, "invalid_request", "a resource server for a bearer token")
		if n := r.ask(`SELECT COUNT(*) FROM grants`); n != before {
			t.Errorf("%d grants made by refused exchanges", n-before)
		}
		got = r.tokenBy("front", holder, exchanging(subject, "resource", api))
		r.want(got, 200, "", "its holder")
		if seen := r.inspect("api", text(got.body, "access_token")); text(got.body, "token_type") != "DPoP" || !reflect.DeepEqual(seen.body["cnf"], map[string]any{"jkt": holder.thumb(t)}) {
			t.Errorf("%s, %s", got, seen)
		}
		got = r.tokenBy("api", other, exchanging(subject))
		r.want(got, 200, "", "a resource server by its own key")
		if seen := r.inspect("archive", text(got.body, "access_token")); !reflect.DeepEqual(seen.body["cnf"], map[string]any{"jkt": other.thumb(t)}) {
			t.Errorf("%s", seen)
		}
	})
}

// A person who is signed in at the asking client can be the actor; a unit's
// handler stays the innermost one; and the asker sees his own systems alone.
func TestWhoActsInAnExchange(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		own := func(system entitlement.SystemID) client.Metadata {
			return client.Metadata{BusinessSystems: []entitlement.SystemID{system}, AuthorizationDetailsTypes: []string{entitlement.DetailType},
				Audience: []string{api}, Scope: "openid org entitlements"}
		}
		desk := own(techSME)
		desk.ResourceIdentifiers, desk.GrantTypes, desk.AcceptMigrated = []string{api}, []string{"authorization_code", exchangeGrant}, true
		r.register("desk", desk)
		r.register("portal", own(hightech))
		for _, id := range []string{"desk", "portal"} { // entitlements are of the kejitong profile
			r.exec(`UPDATE clients SET metadata = REPLACE(metadata, '"claims_profile":"standard"', '"claims_profile":"kejitong"') WHERE id = ?`, id)
		}
		r.restart()
		unit := r.browser()
		a := request("portal", "openid org entitlements")
		a.params.Set("authorization_details", details(detail(hightech, "", "apply")))
		unit.signIn(r.stage, unit.get(r.issuer+"/login?other=1"), "b")
		r.exec(`UPDATE sessions SET actor_id = ? WHERE account_id = ?`, string(r.person("e").Account.ID), string(r.person("b").Account.ID))
		m := r.redeem(a, r.code(unit, "b", a))
		clerk := r.granted(r.browser(), "c", "desk", "openid")
		got := r.token("desk", exchanging(text(m, "access_token"), "actor_token", text(clerk, "access_token"), "actor_token_type", accessType))
		r.want(got, 200, "", "with a clerk as actor")
		token := text(got.body, "access_token")
		seen := r.inspect("desk", token)
		clerkSub := r.info(text(clerk, "access_token")).body["sub"]
		act, _ := seen.body["act"].(map[string]any)
		inner, _ := act["act"].(map[string]any)
		if act["sub"] != clerkSub || inner["sub"] == nil || inner["sub"] == clerkSub || inner["act"] != nil {
			t.Errorf("act %v, want the clerk %v and the handler in it", act, clerkSub)
		}
		if fmt.Sprint(seen.body["entitlements"]) != "[tech_sme:apply]" || !strings.Contains(fmt.Sprint(seen.body["org"]), demoUSCC) {
			t.Errorf("entitlements %v, org %v: want the asker's own system and the same unit", seen.body["entitlements"], seen.body["org"])
		}
		if d := fmt.Sprint(seen.body["authorization_details"]); strings.Contains(d, "hightech") || got.body["authorization_details"] != nil {
			t.Errorf("details of another client's system: %s", d)
		}
		// The clerk is frozen: nobody acts in his name any more.
		r.exec(`UPDATE accounts SET state = 'frozen' WHERE id = ?`, string(r.person("c").Account.ID))
		if seen = r.inspect("desk", token); seen.body["active"] != false {
			t.Errorf("after the actor was frozen: %s", seen)
		}
	})
}

// Switched off, it is not there.
func TestNoTokenExchange(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, func(a *app) { a.cfg.Protocol.TokenExchange = false })
	r.castOfExchange()
	r.want(r.token("api", exchanging(randomText(74))), 400, "unsupported_grant_type", "off")
	if p := r.browser().get(r.issuer + "/.well-known/openid-configuration"); strings.Contains(p.body, "token-exchange") {
		t.Error("discovery tells of it")
	}
}
