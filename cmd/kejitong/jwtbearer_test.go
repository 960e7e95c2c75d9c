package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store"
	"kejitong/store/storetest"
)

const bearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// onBearers runs fn on a rig of each database that offers the grant.
func onBearers(t *testing.T, fn func(t *testing.T, r *rig, key signer)) {
	t.Helper()
	key := newSigner(t, "ES256", "k")
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			r := newRig(t, o, func(c *config.Config) { c.Protocol.JWTBearerGrant = true }, nil)
			grants := []string{"authorization_code", "refresh_token", bearerGrant}
			r.register("batch", client.Metadata{GrantTypes: grants, JWKS: key.set(t), Audience: []string{api}, Scope: "openid profile phone offline_access"})
			r.register("batch2", client.Metadata{GrantTypes: grants, JWKS: key.set(t), Scope: "openid profile phone offline_access"})
			r.register("rp", client.Metadata{JWKS: key.set(t)})
			fn(t, r, key)
		})
	}
}

// speaking are the claims of an assertion for a subject (RFC 7523 §3).
func (r *rig) speaking(id, subject string) map[string]any {
	c := r.assertion(id)
	c["sub"] = subject
	return c
}

func bearing(assertion string, more ...string) url.Values {
	return with(url.Values{"grant_type": {bearerGrant}, "assertion": {assertion}}, more...)
}

// RFC 7523 §3, §3.1: a client's own JWT speaks for those who allowed it offline
// access, once each, and for nobody else.
func TestJWTBearerGrant(t *testing.T) {
	stranger := newSigner(t, "ES256", "k")
	onBearers(t, func(t *testing.T, r *rig, key signer) {
		b := r.browser()
		online := r.granted(b, "a", "batch", "openid profile")
		sub := text(r.info(text(online, "access_token")).body, "sub")
		r.want(r.token("batch", bearing(key.sign(t, r.speaking("batch", sub), nil))), 400, "invalid_grant", "somebody who did not allow offline access")
		m := r.granted(b, "a", "batch", "openid profile offline_access")
		other := r.granted(b, "a", "batch2", "openid profile offline_access")
		otherSub := text(r.info(text(other, "access_token")).body, "sub")

		edited := func(change func(c map[string]any)) url.Values {
			c := r.speaking("batch", sub)
			change(c)
			return bearing(key.sign(t, c, nil))
		}
		before := r.state()
		past := func(d time.Duration) int64 { return r.clock.now().Add(d).Unix() }
		for _, row := range []struct {
			name, id string
			form     url.Values
			code     string
		}{
			{"grant not registered", "rp", bearing(key.sign(t, r.speaking("rp", sub), nil)), "unauthorized_client"},
			{"no assertion", "batch", url.Values{"grant_type": {bearerGrant}}, "invalid_request"},
			{"no JWT", "batch", bearing("x.y.z"), "invalid_grant"},
			{"another key", "batch", bearing(stranger.sign(t, r.speaking("batch", sub), nil)), "invalid_grant"},
			{"alg none", "batch", bearing(unsecured(t, r.speaking("batch", sub))), "invalid_grant"},
			{"a key in the header", "batch", bearing(stranger.sign(t, r.speaking("batch", sub), map[string]any{"jwk": stranger.bare()})), "invalid_grant"},
			{"another kind of JWT", "batch", bearing(key.sign(t, r.speaking("batch", sub), map[string]any{"typ": "oauth-authz-req+jwt"})), "invalid_grant"},
			{"1: issued by somebody else", "batch", edited(func(c map[string]any) { c["iss"] = "batch2" }), "invalid_grant"},
			{"2: no subject", "batch", edited(func(c map[string]any) { delete(c, "sub") }), "invalid_grant"},
			{"2: about the client itself", "batch", edited(func(c map[string]any) { c["sub"] = "batch" }), "invalid_grant"},
			{"2: the account's own id", "batch", edited(func(c map[string]any) { c["sub"] = string(r.person("a").Account.ID) }), "invalid_grant"},
			{"2: the subject as another client knows it", "batch", edited(func(c map[string]any) { c["sub"] = otherSub }), "invalid_grant"},
			{"2: nobody", "batch", edited(func(c map[string]any) { c["sub"] = randomText(32) }), "invalid_grant"},
			{"3: no audience", "batch", edited(func(c map[string]any) { delete(c, "aud") }), "invalid_grant"},
			{"3: another audience", "batch", edited(func(c map[string]any) { c["aud"] = "https://evil.test" }), "invalid_grant"},
			{"3: another audience beside ours", "batch", edited(func(c map[string]any) { c["aud"] = []string{r.name(), "https://evil.test"} }), "invalid_grant"},
			{"3: another endpoint", "batch", edited(func(c map[string]any) { c["aud"] = r.name() + "/oauth2/userinfo" }), "invalid_grant"},
			{"4: no expiry", "batch", edited(func(c map[string]any) { delete(c, "exp") }), "invalid_grant"},
			{"4: expired", "batch", edited(func(c map[string]any) { c["exp"] = past(-time.Minute) }), "invalid_grant"},
			{"4: too long", "batch", edited(func(c map[string]any) { c["exp"] = past(6 * time.Minute) }), "invalid_grant"},
			{"5: not yet", "batch", edited(func(c map[string]any) { c["nbf"] = past(time.Minute) }), "invalid_grant"},
			{"6: issued later", "batch", edited(func(c map[string]any) { c["iat"] = past(time.Minute) }), "invalid_grant"},
			{"7: no jti", "batch", edited(func(c map[string]any) { delete(c, "jti") }), "invalid_grant"},
			{"a scope that was not allowed", "batch", bearing(key.sign(t, r.speaking("batch", sub), nil), "scope", "openid phone"), "invalid_scope"},
			{"a longer access", "batch", bearing(key.sign(t, r.speaking("batch", sub), nil), "scope", "offline_access"), "invalid_scope"},
		} {
			r.want(r.token(row.id, row.form), 400, row.code, row.name)
		}
		r.want(r.call("/oauth2/token", bearing(key.sign(t, r.speaking("batch", sub), nil)), nil), 401, "invalid_client", "without authentication")
		r.same(before, "refused assertions")
		v := bearing(key.sign(t, r.speaking("batch", sub), nil), "resource", "https://evil.test")
		r.want(r.token("batch", v), 400, "invalid_target", "a resource that was not granted")
		r.want(r.token("batch", v), 400, "invalid_grant", "that assertion again")

		form := bearing(key.sign(t, r.speaking("batch", sub), nil))
		got := r.token("batch", form)
		r.want(got, 200, "", "an assertion")
		if got.body["refresh_token"] != nil || got.body["id_token"] != nil || text(got.body, "scope") != "openid profile" {
			t.Errorf("%s", got)
		}
		if ui := r.info(text(got.body, "access_token")); ui.status != 200 || ui.body["sub"] != sub {
			t.Errorf("userinfo: %s", ui)
		}
		r.want(r.token("batch", form), 400, "invalid_grant", "7: once")
		asArray := r.speaking("batch", sub)
		asArray["aud"] = []string{r.name() + "/oauth2/token"}
		got = r.token("batch", bearing(key.sign(t, asArray, map[string]any{"typ": "JWT"}), "scope", "openid", "resource", api))
		r.want(got, 200, "", "for less")
		if aud := r.audOf("batch", text(got.body, "access_token")); aud != api || text(got.body, "scope") != "openid" {
			t.Errorf("aud %s, scope %s", aud, text(got.body, "scope"))
		}
		// It did not touch the refresh token.
		m = r.refresh("batch", text(m, "refresh_token")).body
		b.press(b.get(r.issuer+"/logout"), "logout=yes")
		r.want(r.token("batch", bearing(key.sign(t, r.speaking("batch", sub), nil))), 200, "", "after signing out: that is what offline access is for")
		r.clock.move(7*24*time.Hour + time.Second)
		r.want(r.token("batch", bearing(key.sign(t, r.speaking("batch", sub), nil))), 400, "invalid_grant", "when the refresh token is too old, too")
		r.want(r.refresh("batch", text(m, "refresh_token")), 400, "invalid_grant", "the refresh token")

		again := r.granted(r.browser(), "a", "batch", "openid offline_access")
		assertion := func() url.Values { return bearing(key.sign(t, r.speaking("batch", sub), nil)) }
		got = r.token("batch", assertion())
		r.want(got, 200, "", "after a new sign-in")
		if text(got.body, "scope") != "openid" {
			t.Errorf("scope %v, want that of the latest sign-in", got.body["scope"])
		}
		if err := r.app.db.WithdrawConsent(t.Context(), r.person("a").Account.ID, "batch", r.clock.now(), audit.Event{Kind: audit.ConsentWithdrawn, Actor: "test"}); err != nil {
			t.Fatal(err)
		}
		r.want(r.token("batch", assertion()), 400, "invalid_grant", "after the consent was withdrawn")
		if ui := r.info(text(got.body, "access_token")); ui.status != 401 {
			t.Errorf("userinfo after the withdrawal: %s", ui)
		}
		r.wantDead("batch", again, "after the withdrawal")
	})
}

// One assertion shown by 64 gives one token.
func TestOneBearerAssertionShownByMany(t *testing.T) {
	onBearers(t, func(t *testing.T, r *rig, key signer) {
		b := r.browser()
		m := r.granted(b, "a", "batch", "openid offline_access")
		sub := text(r.info(text(m, "access_token")).body, "sub")
		form := bearing(key.sign(t, r.speaking("batch", sub), nil))
		c := contest{r, []string{r.issuer}, 1, b}
		won := c.winners(0, race(t, racers, func(int) *http.Request { return r.form("/oauth2/token", maps.Clone(form), r.creds("batch")) }))
		if len(won) != 1 {
			t.Errorf("%d got a token, want 1", len(won))
		}
		// What authenticated the client is no assertion about somebody, nor the
		// other way round.
		r.register("keyed", client.Metadata{TokenEndpointAuthMethod: "private_key_jwt", JWKS: key.set(t), GrantTypes: []string{"authorization_code", "refresh_token", bearerGrant}})
		spoken := r.speaking("keyed", sub)
		r.want(r.call("/oauth2/token", bearing(key.sign(t, spoken, nil)), assert(key.sign(t, spoken, nil))), 401, "invalid_client", "as client assertion")
		self := key.sign(t, r.assertion("keyed"), nil)
		r.want(r.call("/oauth2/token", bearing(self), assert(self)), 400, "invalid_grant", "a client assertion as grant")
	})
}

// It is off unless the operator wants it.
func TestNoJWTBearerGrant(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	r.register("rp", client.Metadata{})
	r.want(r.token("rp", bearing("x.y.z")), 400, "unsupported_grant_type", "off")
	var doc struct {
		Grants []string `json:"grant_types_supported"`
	}
	p := r.browser().get(r.issuer + "/.well-known/openid-configuration")
	if err := json.Unmarshal([]byte(p.body), &doc); err != nil || strings.Contains(strings.Join(doc.Grants, " "), "jwt-bearer") {
		t.Errorf("discovery lists %v, %v", doc.Grants, err)
	}
}
