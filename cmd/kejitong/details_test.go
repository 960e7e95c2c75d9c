package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
)

const otherUSCC = "91110000MA00000077"

// castOfDetails registers clients that ask for actions one by one.
func (r *rig) castOfDetails() {
	r.t.Helper()
	own, types := []entitlement.SystemID{hightech}, []string{entitlement.DetailType}
	scope := "openid org entitlements offline_access"
	r.register("rar", client.Metadata{BusinessSystems: own, AuthorizationDetailsTypes: types, Scope: scope, Audience: []string{api}})
	r.register("rar-jwt", client.Metadata{BusinessSystems: own, AuthorizationDetailsTypes: types, Scope: scope, AccessTokenFormat: "jwt"})
	r.register("rar-asks", client.Metadata{BusinessSystems: own, AuthorizationDetailsTypes: types, Scope: scope, Name: "某系统", Purpose: "代办申报"})
	r.register("untyped", client.Metadata{BusinessSystems: own, Scope: scope})
	r.register("systemless", client.Metadata{AuthorizationDetailsTypes: types, Scope: scope})
	r.register("rar-service", client.Metadata{BusinessSystems: own, AuthorizationDetailsTypes: types, GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
	r.register("rar-device", client.Metadata{BusinessSystems: own, AuthorizationDetailsTypes: types, Scope: scope, GrantTypes: []string{deviceGrant}, RedirectURIs: []string{}})
	r.register("api", client.Metadata{ResourceIdentifiers: []string{api}})
}

// detail is one entry of authorization_details as JSON.
func detail(system entitlement.SystemID, uscc string, actions ...string) string {
	b, err := json.Marshal(entitlement.Detail{System: system, Actions: actions, USCC: account.USCC(uscc)})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func details(entries ...string) string { return "[" + strings.Join(entries, ",") + "]" }

// same tells whether a decoded member is that JSON text.
func sameJSON(got any, want string) bool {
	var w any
	return json.Unmarshal([]byte(want), &w) == nil && reflect.DeepEqual(got, w)
}

// RFC 9396 §5: what is not understood is refused, at the authorization endpoint,
// in a pushed request, at the device's and at the token endpoint.
func TestRefusedAuthorizationDetails(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfDetails()
		b := r.browser()
		b.signIn(r.stage, b.get(r.issuer+"/login?other=1"), "b")
		apply := detail(hightech, "", "apply")
		const code = "invalid_authorization_details"
		for _, row := range []struct {
			name, id, text string
			more           []string
		}{
			{"no JSON", "rar", `[{`, nil},
			{"no array", "rar", apply, nil},
			{"unknown type", "rar", `[{"type":"account_information"}]`, nil},
			{"one of two unknown", "rar", details(apply, `{"type":"account_information"}`), nil},
			{"unknown member", "rar", `[{"type":"business_system","system":"hightech_enterprise","actions":["apply"],"identifier":"x"}]`, nil},
			{"a system of somebody else", "rar", details(detail(techSME, "", "apply")), nil},
			{"§10: type not registered", "untyped", details(apply), nil},
			{"a client without systems", "systemless", details(apply), nil},
			{"two units", "rar", details(detail(hightech, demoUSCC, "apply"), detail(hightech, otherUSCC, "report")), nil},
			{"another unit than org_hint", "rar", details(detail(hightech, demoUSCC, "apply")), []string{"org_hint", otherUSCC}},
		} {
			a := request(row.id, "openid")
			a.params.Set("authorization_details", row.text)
			for i := 0; i < len(row.more); i += 2 {
				a.params.Set(row.more[i], row.more[i+1])
			}
			if got := callback(t, b.get(r.authorizeURL(a))).Get("error"); got != code {
				t.Errorf("%s: %q, want %s", row.name, got, code)
			}
			r.want(r.call("/oauth2/par", a.params, r.creds(row.id)), 400, code, row.name+", pushed")
		}
		service := url.Values{"grant_type": {"client_credentials"}, "authorization_details": {details(apply)}}
		r.want(r.token("rar-service", service), 400, code, "without a user")
		r.want(r.device("rar-device", "authorization_details", details(detail(techSME, "", "apply"))), 400, code, "a device")

		// Not malformed but not to be had: the user is told, the client is not.
		a := request("rar", "openid")
		a.params.Set("authorization_details", details(detail(hightech, "", "audit")))
		if p := b.get(r.authorizeURL(a)); p.Request.URL.Path != "/refused" || p.StatusCode != http.StatusOK {
			t.Errorf("an action that the user may not: %d at %s, want the page that says so", p.StatusCode, p.Request.URL)
		}
		a.params.Set("prompt", "none")
		if got := callback(t, b.get(r.authorizeURL(a))).Get("error"); got != "access_denied" {
			t.Errorf("the same silently: %q, want access_denied", got)
		}
		a = request("rar", "openid")
		a.params.Set("authorization_details", details(detail(hightech, otherUSCC, "apply")))
		if p := b.get(r.authorizeURL(a)); p.Request.URL.Path != "/refused" {
			t.Errorf("a unit that is not the user's: %d at %s", p.StatusCode, p.Request.URL)
		}
		if n := r.ask(`SELECT COUNT(*) FROM grants`); n != 0 {
			t.Errorf("%d grants", n)
		}
	})
}

// RFC 9396 §6, §7, §9: what was granted is told to the client, to resource
// servers and in JWT access tokens, can be narrowed and never widened, and what
// ends is gone from it at once.
func TestAuthorizationDetails(t *testing.T) {
	jar := newSigner(t, "ES256", "k")
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		r.castOfDetails()
		r.register("rar-jar", client.Metadata{JWKS: jar.set(t), BusinessSystems: []entitlement.SystemID{hightech}, AuthorizationDetailsTypes: []string{entitlement.DetailType}, Scope: "openid"})
		put := func(g entitlement.Grant) {
			if err := r.app.db.PutGrant(t.Context(), g, audit.Event{Kind: audit.EntitlementMade, Actor: "test"}); err != nil {
				t.Fatal(err)
			}
		}
		// "report" will end in five minutes, by itself.
		for _, g := range r.person("b").Grants {
			if g.System == hightech {
				g.Actions = []string{"apply"}
				put(g)
				g.ID, g.Actions, g.Until = string(account.NewID()), []string{"report"}, r.clock.now().Add(5*time.Minute)
				put(g)
			}
		}
		b := r.browser()
		ask := func(id, text string, more ...string) map[string]any {
			t.Helper()
			a := request(id, "openid")
			a.params.Set("authorization_details", text)
			for i := 0; i < len(more); i += 2 {
				a.params.Set(more[i], more[i+1])
			}
			return r.redeem(a, r.code(b, "b", a))
		}
		// Asked for without a unit and with one action too many; the grant says for whom.
		m := ask("rar", details(detail(hightech, "", "report", "audit", "apply")))
		both, apply := details(detail(hightech, demoUSCC, "report", "apply")), details(detail(hightech, demoUSCC, "apply"))
		if !sameJSON(m["authorization_details"], both) {
			t.Errorf("§7: the token response says %v", m["authorization_details"])
		}
		for _, id := range []string{"rar", "api"} {
			if got := r.inspect(id, text(m, "access_token")); !sameJSON(got.body["authorization_details"], both) || got.body["entitlements"] != nil {
				t.Errorf("§9.2: introspection by %s: %s", id, got)
			}
		}
		// §6.1: narrowed for one token; the refresh token keeps all.
		for _, row := range []struct{ name, text string }{
			{"an action never granted", details(detail(hightech, "", "audit"))},
			{"another unit", details(detail(hightech, otherUSCC, "apply"))},
			{"another system", details(detail(techSME, "", "apply"))},
			{"malformed", `{}`},
		} {
			r.want(r.token("rar", with(refreshForm(text(m, "refresh_token")), "authorization_details", row.text)), 400, "invalid_authorization_details", row.name)
		}
		got := r.token("rar", with(refreshForm(text(m, "refresh_token")), "authorization_details", details(detail(hightech, "", "report"))))
		report := details(detail(hightech, demoUSCC, "report"))
		if !sameJSON(got.body["authorization_details"], report) || !sameJSON(r.inspect("api", text(got.body, "access_token")).body["authorization_details"], report) {
			t.Errorf("narrowed: %s", got)
		}
		narrow := text(got.body, "access_token")
		got = r.refresh("rar", text(got.body, "refresh_token"))
		if !sameJSON(got.body["authorization_details"], both) {
			t.Errorf("after the narrow one: %s", got)
		}

		j := ask("rar-jwt", details(detail(hightech, strings.ToLower(demoUSCC), "apply", "report")))
		c := r.genuine(text(j, "access_token"), "at+jwt", jose.ES256)
		if !sameJSON(c["authorization_details"], details(detail(hightech, demoUSCC, "apply", "report"))) {
			t.Errorf("§9.1: the JWT says %v", c["authorization_details"])
		}
		plain := r.granted(b, "b", "rar", "openid")
		if plain["authorization_details"] != nil || r.inspect("rar", text(plain, "access_token")).body["authorization_details"] != nil {
			t.Error("authorization details that nobody asked for")
		}
		r.want(r.token("rar", with(refreshForm(text(plain, "refresh_token")), "authorization_details", apply)), 400, "invalid_authorization_details", "never granted any")

		// By way of PAR and of a device.
		a := request("rar", "openid")
		a.params.Set("authorization_details", details(detail(hightech, demoUSCC, "apply")))
		uri := text(r.call("/oauth2/par", a.params, r.creds("rar")).body, "request_uri")
		p := b.get(r.issuer + "/oauth2/authorize?" + url.Values{"client_id": {"rar"}, "request_uri": {uri}}.Encode())
		if pushed := r.redeem(a, callback(t, p).Get("code")); !sameJSON(pushed["authorization_details"], apply) {
			t.Errorf("pushed: %v", pushed["authorization_details"])
		}
		// RFC 9101 §4: in a request object it is an array, not a text.
		signed := request("rar-jar", "openid")
		object := map[string]any{"iss": "rar-jar", "aud": r.name(), "exp": r.clock.now().Add(time.Minute).Unix(), "nbf": r.clock.now().Unix(), "authorization_details": json.RawMessage(apply)}
		for name := range signed.params {
			object[name] = signed.params.Get(name)
		}
		p = b.get(r.issuer + "/oauth2/authorize?" + url.Values{"client_id": {"rar-jar"}, "response_type": {"code"}, "scope": {"openid"}, "request": {jar.sign(t, object, nil)}}.Encode())
		if byObject := r.redeem(signed, callback(t, p).Get("code")); !sameJSON(byObject["authorization_details"], apply) {
			t.Errorf("in a request object: %v", byObject["authorization_details"])
		}
		d := r.call("/oauth2/device_authorization", url.Values{"authorization_details": {details(detail(hightech, "", "apply"))}}, r.creds("rar-device"))
		page := r.enter(b, "b", text(d.body, "user_code"))
		if !strings.Contains(page.body, "高新技术企业认定管理工作网: apply") {
			t.Errorf("the page does not say what the device will do:\n%s", page.body)
		}
		b.press(page, "decision=allow")
		if got := r.poll("rar-device", d); !sameJSON(got.body["authorization_details"], apply) {
			t.Errorf("device: %s", got)
		}

		r.clock.move(5 * time.Minute)
		left := func(what, token, want string) {
			t.Helper()
			if got := r.inspect("rar", token); got.body["active"] != true || !sameJSON(got.body["authorization_details"], want) {
				t.Errorf("%s, after an action ended: %s", what, got)
			}
		}
		left("both", text(m, "access_token"), apply)
		left("the one that ended", narrow, `[]`)
		got = r.refresh("rar", text(got.body, "refresh_token"))
		if !sameJSON(got.body["authorization_details"], apply) {
			t.Errorf("refreshed after an action ended: %s", got)
		}
	})
}

// One token is for one unit: the details choose it as org_hint does, and the
// page shows what is asked, each time.
func TestAuthorizationDetailsAreAskedAbout(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfDetails()
		b := r.browser()
		for round := range 2 {
			a := request("rar-asks", "openid")
			a.params.Set("authorization_details", details(detail(hightech, otherUSCC, "apply", "report")))
			p := b.get(r.authorizeURL(a))
			if round == 0 {
				p = b.signIn(r.stage, p, "e") // who acts for two units and would have to choose
			}
			if p.Request.URL.Path != "/consent" || !strings.Contains(p.body, "高新技术企业认定管理工作网: apply") || strings.Contains(p.body, "report") || !strings.Contains(p.body, otherUSCC) {
				t.Fatalf("round %d: asked at %s:\n%s", round, p.Request.URL, p.body)
			}
			m := r.redeem(a, callback(t, b.press(p, "decision=allow")).Get("code"))
			if !sameJSON(m["authorization_details"], details(detail(hightech, otherUSCC, "apply"))) {
				t.Errorf("round %d: %v", round, m["authorization_details"])
			}
		}
		silent := request("rar-asks", "openid")
		silent.params.Set("prompt", "none")
		silent.params.Set("authorization_details", details(detail(hightech, otherUSCC, "apply")))
		if got := callback(t, b.get(r.authorizeURL(silent))).Get("error"); got != "consent_required" {
			t.Errorf("silently: %q, want consent_required", got)
		}
		if n := fmt.Sprint(r.ask(`SELECT COUNT(*) FROM grants`)); n != "2" {
			t.Errorf("%s grants, want 2", n)
		}
	})
}
