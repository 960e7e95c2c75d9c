package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// castOfDevices registers a device that cannot keep a secret, one that can, and
// clients that must not have the grant.
func (r *rig) castOfDevices() {
	r.t.Helper()
	both := []string{deviceGrant, "refresh_token"}
	r.register("tv", client.Metadata{Name: "展厅一体机", TokenEndpointAuthMethod: "none", GrantTypes: both, RedirectURIs: []string{}, IDTokenSignedResponseAlg: "ES256"})
	r.register("kiosk", client.Metadata{GrantTypes: both, RedirectURIs: []string{}, Audience: []string{api}, AccessTokenFormat: "jwt"})
	r.signers["fapi"] = newSigner(r.t, "ES256", "k")
	r.register("fapi", client.Metadata{GrantTypes: both, SecurityProfile: client.FAPI2, TokenEndpointAuthMethod: "private_key_jwt", JWKS: r.signers["fapi"].set(r.t)})
	r.register("rp", client.Metadata{})
	r.register("api", client.Metadata{ResourceIdentifiers: []string{api}})
}

// device asks for codes as the client.
func (r *rig) device(id string, more ...string) answer {
	r.t.Helper()
	return r.call("/oauth2/device_authorization", with(url.Values{"scope": {"openid profile"}}, more...), r.creds(id))
}

// poll asks for the tokens.
func (r *rig) poll(id string, d answer) answer {
	r.t.Helper()
	return r.token(id, url.Values{"grant_type": {deviceGrant}, "device_code": {text(d.body, "device_code")}})
}

// enter types the user code and signs in as the account of a case if it has to;
// it ends where the user is asked.
func (r *rig) enter(b *browser, c, code string) page {
	r.t.Helper()
	p := b.submit(b.get(r.issuer+"/device"), "user_code", url.Values{"user_code": {code}})
	if p.StatusCode == http.StatusOK && p.Request.URL.Path == "/login" {
		p = b.signIn(r.stage, p, c)
	}
	return p
}

// allow walks to the end and says yes.
func (r *rig) allow(b *browser, c string, d answer) page {
	r.t.Helper()
	p := b.press(r.enter(b, c, text(d.body, "user_code")), "decision=allow")
	if p.Request.URL.Path != "/device/done" || p.Request.URL.Query().Get("result") != "allowed" {
		r.t.Fatalf("allowing ended at %s with %d:\n%s", p.Request.URL, p.StatusCode, p.body)
	}
	return p
}

// RFC 8628 §3.1, §3.2: who may ask, for what, and what the answer holds.
func TestDeviceAuthorizationRequest(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfDevices()
		r.want(r.call("/oauth2/device_authorization", url.Values{"client_id": {"kiosk"}}, nil), 401, "invalid_client", "§3.1: a client with a secret that brings none")
		r.want(r.call("/oauth2/device_authorization", url.Values{}, nil), 401, "invalid_client", "nobody")
		for _, row := range []struct {
			name, id string
			more     []string
			code     string
		}{
			{"RFC 6749 §5.2: grant not registered", "rp", nil, "unauthorized_client"},
			{"a client under a security profile", "fapi", nil, "unauthorized_client"},
			{"RFC 8707 §2: resource not registered", "kiosk", []string{"resource", "https://evil.test"}, "invalid_target"},
			{"§3.1: scope twice", "kiosk", []string{"scope", "openid"}, "invalid_request"},
		} {
			r.want(r.device(row.id, row.more...), 400, row.code, row.name)
		}
		if n := r.ask(`SELECT COUNT(*) FROM device_requests`); n != 0 {
			t.Errorf("%d requests kept of refused ones", n)
		}
		for _, id := range []string{"tv", "kiosk"} {
			d := r.device(id)
			r.want(d, 200, "", id)
			user := text(d.body, "user_code")
			if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(user) || len(text(d.body, "device_code")) < 22 {
				t.Errorf("codes of %d and %d characters", len(text(d.body, "device_code")), len(user))
			}
			if text(d.body, "verification_uri") != r.name()+"/device" || text(d.body, "verification_uri_complete") != r.name()+"/device?user_code="+user {
				t.Errorf("addresses %v, %v", d.body["verification_uri"], d.body["verification_uri_complete"])
			}
			if d.body["expires_in"] != 600.0 || d.body["interval"] != 5.0 || len(d.body) != 6 {
				t.Errorf("%d members, expires_in %v, interval %v", len(d.body), d.body["expires_in"], d.body["interval"])
			}
			if n := r.ask(`SELECT COUNT(*) FROM device_requests WHERE key = ? OR user_key = ?`, text(d.body, "device_code"), user); n != 0 {
				t.Error("a code is kept as it is")
			}
		}
	})
}

// RFC 8628 §3.5: what polls are told, to the millisecond, at any replica.
func TestDevicePolls(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		r.castOfDevices()
		d := r.device("tv")
		other := r.device("kiosk")
		for _, row := range []struct {
			name, id string
			form     url.Values
			code     string
		}{
			{"no device_code", "tv", url.Values{"grant_type": {deviceGrant}}, "invalid_request"},
			{"a wrong one", "tv", url.Values{"grant_type": {deviceGrant}, "device_code": {randomText(43)}}, "invalid_grant"},
			{"the user code", "tv", url.Values{"grant_type": {deviceGrant}, "device_code": {text(d.body, "user_code")}}, "invalid_grant"},
			{"§5.2: another client's", "tv", url.Values{"grant_type": {deviceGrant}, "device_code": {text(other.body, "device_code")}}, "invalid_grant"},
			{"grant not registered", "rp", url.Values{"grant_type": {deviceGrant}, "device_code": {text(d.body, "device_code")}}, "unauthorized_client"},
			{"a client under a security profile", "fapi", url.Values{"grant_type": {deviceGrant}, "device_code": {text(d.body, "device_code")}}, "unauthorized_client"},
			{"device_code twice", "tv", url.Values{"grant_type": {deviceGrant}, "device_code": {text(d.body, "device_code"), "x"}}, "invalid_request"},
		} {
			r.want(r.token(row.id, row.form), 400, row.code, row.name)
		}
		const pending, slow = "authorization_pending", "slow_down"
		for i, step := range []struct {
			wait time.Duration
			code string
		}{
			{0, pending}, // none of the above counted as a poll
			{4999 * time.Millisecond, slow},
			{5 * time.Second, slow}, // the interval is 10 s now, counted from the latest poll
			{14999 * time.Millisecond, slow},
			{20 * time.Second, pending}, // 5 and three times 5 more
			{20 * time.Second, pending},
			{0, slow},
			{24999 * time.Millisecond, slow},
			{30 * time.Second, pending},
		} {
			r.clock.move(step.wait)
			if got := r.poll("tv", d); got.err() != step.code || got.status != 400 {
				t.Fatalf("poll %d, %v after the one before: %s, want %s", i, step.wait, got, step.code)
			}
		}
		r.restart()
		r.clock.move(29999 * time.Millisecond)
		r.want(r.poll("tv", d), 400, slow, "the interval survives a restart")
		r.want(r.poll("kiosk", other), 400, pending, "another device's pace is its own")
		r.clock.move(10 * time.Minute)
		r.want(r.poll("tv", d), 400, "expired_token", "after ten minutes")
		r.want(r.poll("tv", d), 400, "expired_token", "at once again")
		p := r.enter(r.browser(), "a", text(d.body, "user_code"))
		if p.Request.URL.Path != "/device" || !strings.Contains(p.body, `id="failure"`) {
			t.Errorf("an expired code leads to %s", p.Request.URL)
		}
		if n, err := r.app.db.SweepExpired(t.Context(), r.clock.now(), 100); err != nil || n < 1 {
			t.Errorf("swept %d, %v", n, err)
		}
		r.clock.move(2 * time.Minute)
		if _, err := r.app.db.SweepExpired(t.Context(), r.clock.now(), 100); err != nil || r.ask(`SELECT COUNT(*) FROM device_requests`) != 0 {
			t.Errorf("requests that expired are still there, %v", err)
		}
	})
}

// RFC 8628 §3.3 to §3.5 without script: the code, the sign-in, the page that
// shows who asks and the code again, yes; tokens once; and no.
func TestDeviceStory(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfDevices()
		b := r.browser()
		d := r.device("tv", "scope", "") // the empty one is refused below
		r.want(d, 400, "invalid_request", "scope twice")
		d = r.device("tv")
		user := text(d.body, "user_code")

		p := b.get(text(d.body, "verification_uri_complete"))
		if p.StatusCode != 200 || !strings.Contains(p.body, `value="`+user+`"`) {
			t.Fatalf("the code of the address is not filled in: %d", p.StatusCode)
		}
		r.want(r.poll("tv", d), 400, "authorization_pending", "a link alone decides nothing")
		p = r.enter(b, "a", " "+strings.ToLower(strings.Replace(user, "-", "—", 1))+" ")
		if p.Request.URL.Path != "/consent" || !strings.Contains(p.body, user) || !strings.Contains(p.body, "展厅一体机") || !strings.Contains(p.body, "不同意") {
			t.Fatalf("asked at %s:\n%s", p.Request.URL, p.body)
		}
		if n := r.ask(`SELECT COUNT(*) FROM grants`); n != 0 {
			t.Errorf("%d grants before the user said yes", n)
		}
		again := p
		p = b.press(p, "decision=allow")
		if p.Request.URL.Path != "/device/done" || p.StatusCode != 200 {
			t.Fatalf("allowing ended at %s with %d", p.Request.URL, p.StatusCode)
		}
		if p = b.press(again, "decision=allow"); p.Request.URL.String() != r.issuer+"/device/done?result=allowed" {
			t.Errorf("sending the form again ended at %s", p.Request.URL)
		}
		if n := r.audited(audit.DeviceAllowed); n != 1 {
			t.Errorf("%d records of allowing, want 1", n)
		}
		got := r.poll("tv", d) // at once: the pace is for those who wait
		r.want(got, 200, "", "the poll after")
		if text(got.body, "token_type") != "Bearer" || text(got.body, "scope") != "openid profile" || text(got.body, "refresh_token") == "" {
			t.Errorf("%s", got)
		}
		id := r.genuine(text(got.body, "id_token"), "JWT", jose.ES256)
		if id["aud"] != "tv" || id["nonce"] != nil || id["at_hash"] == nil || id["sub"] != text(r.info(text(got.body, "access_token")).body, "sub") {
			t.Errorf("ID token %v", id)
		}
		r.want(r.poll("tv", d), 400, "invalid_grant", "once is enough")
		if ui := r.info(text(got.body, "access_token")); ui.status != 200 {
			t.Errorf("a second poll ended the tokens: %s", ui)
		}
		next := r.refresh("tv", text(got.body, "refresh_token"))
		r.want(next, 200, "", "refresh")
		if n := r.audited(audit.ClaimsReleased); n != 1 {
			t.Errorf("%d records of release, want 1", n)
		}
		p = r.enter(b, "a", user)
		if p.Request.URL.Path != "/device" || !strings.Contains(p.body, `id="failure"`) {
			t.Errorf("a used code leads to %s", p.Request.URL)
		}

		no := r.device("kiosk")
		p = b.press(r.enter(b, "a", text(no.body, "user_code")), "decision=deny")
		if p.Request.URL.String() != r.issuer+"/device/done?result=refused" {
			t.Errorf("refusing ended at %s", p.Request.URL)
		}
		r.want(r.poll("kiosk", no), 400, "access_denied", "§3.5")
		r.want(r.poll("kiosk", no), 400, "access_denied", "for good")
		if n := r.audited(audit.DeviceRefused); n != 1 {
			t.Errorf("%d records of refusing, want 1", n)
		}

		// RFC 8707: the audience that the device asked for.
		k := r.device("kiosk", "resource", api)
		r.allow(b, "a", k)
		c := r.genuine(text(r.poll("kiosk", k).body, "access_token"), "at+jwt", jose.ES256)
		if fmt.Sprint(c["aud"]) != fmt.Sprint([]any{api, r.name()}) {
			t.Errorf("aud %v", c["aud"])
		}

		// Without offline_access a device is signed in for as long as the browser.
		b.press(b.get(r.issuer+"/logout"), "logout=yes")
		r.want(r.refresh("tv", text(next.body, "refresh_token")), 400, "invalid_grant", "after signing out")
	})
}

// Nothing that the user may not do elsewhere works by way of a device.
func TestDeviceAttacks(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfDevices()
		b := r.browser()
		d := r.device("tv")
		asked := r.enter(b, "a", text(d.body, "user_code"))

		// RFC 8628 §5.4: the interaction is worth something in its browser alone.
		if p := r.browser().get(asked.Request.URL.String()); p.StatusCode != http.StatusForbidden {
			t.Errorf("the page in another browser: %d, want 403", p.StatusCode)
		}
		// No client can make an authorization request out of a device's.
		for _, more := range [][]string{{"device", "x"}, {"response_type", "device"}} {
			a := request("rp", "openid")
			a.params.Set(more[0], more[1])
			p := b.get(r.authorizeURL(a))
			if loc, err := p.Location(); err != nil || !strings.HasPrefix(loc.String(), callbackOf("rp")) {
				t.Errorf("%v: %d", more, p.StatusCode)
			}
		}
		// Cross-site and without the form token.
		for _, origin := range []string{r.issuer, "https://evil.test"} {
			q, err := http.NewRequest(http.MethodPost, r.issuer+"/device", strings.NewReader(url.Values{"user_code": {text(d.body, "user_code")}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			q.Header.Set("Origin", origin)
			if p := b.do(q); p.StatusCode != http.StatusForbidden {
				t.Errorf("posted from %s without a token: %d, want 403", origin, p.StatusCode)
			}
		}
		// Two browsers with one code: who comes second is told that it is over.
		second := r.browser()
		late := r.enter(second, "c", text(d.body, "user_code"))
		b.press(asked, "decision=allow")
		if p := second.press(late, "decision=allow"); p.StatusCode != http.StatusGone {
			t.Errorf("the second to allow: %d at %s, want 410", p.StatusCode, p.Request.URL)
		}
		if n := r.ask(`SELECT COUNT(*) FROM grants WHERE client_id = 'tv'`); n != 1 {
			t.Errorf("%d grants of one device code", n)
		}
		// What was allowed dies with the session before it is fetched.
		b.press(b.get(r.issuer+"/logout"), "logout=yes")
		r.want(r.poll("tv", d), 400, "invalid_grant", "signed out before the poll")

		// The client is disabled between the two halves.
		k := r.device("kiosk")
		p := r.enter(second, "c", text(k.body, "user_code"))
		r.setClient("kiosk", client.Disabled)
		r.clock.move(2 * time.Second)
		if p = second.press(p, "decision=allow"); p.Request.URL.Path == "/device/done" {
			t.Error("a disabled client's device was allowed")
		}
		r.want(r.poll("kiosk", k), 401, "invalid_client", "disabled")
	})
}

// RFC 8628 §5.1: user codes cannot be guessed; the counters are in the database.
func TestDeviceCodesAreNotGuessed(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		r.castOfDevices()
		d := r.device("tv")
		guess := func(b *browser, code string) page {
			return b.submit(b.get(r.issuer+"/device"), "user_code", url.Values{"user_code": {code}})
		}
		b := r.browser()
		for i := range 10 {
			if p := guess(b, "BBBB-BBBB"); p.StatusCode != 200 || !strings.Contains(p.body, `id="failure"`) {
				t.Fatalf("guess %d: %d", i, p.StatusCode)
			}
		}
		p := guess(b, text(d.body, "user_code"))
		if p.StatusCode != http.StatusTooManyRequests || p.Header.Get("Retry-After") != "900" {
			t.Errorf("the eleventh try of a browser: %d, Retry-After %s", p.StatusCode, p.Header.Get("Retry-After"))
		}
		if n := r.audited(audit.DeviceThrottled); n != 1 {
			t.Errorf("%d records, want 1", n)
		}
		r.restart()
		for i := 11; i < 30; i++ { // a new browser for each
			if p := guess(r.browser(), "BBBB-BBBB"); p.StatusCode != 200 {
				t.Fatalf("guess %d from new browsers: %d", i, p.StatusCode)
			}
		}
		if p := guess(r.browser(), text(d.body, "user_code")); p.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the 31st try of an address: %d, want 429", p.StatusCode)
		}
		r.clock.move(15 * time.Minute)
		d = r.device("tv")
		b = r.browser()
		if p := guess(b, text(d.body, "user_code")); p.Request.URL.Path != "/login" {
			t.Errorf("after the window: %d at %s", p.StatusCode, p.Request.URL)
		}
		// Whoever is signed in is counted by session, whatever other cookies he drops.
		b.signIn(r.stage, b.get(r.issuer+"/login?other=1"), "a")
		for range 10 {
			guess(b, "BBBB-BBBB")
		}
		bare := r.browser()
		for _, c := range b.http.Jar.Cookies(b.home) {
			if strings.Contains(c.Name, "session") {
				bare.http.Jar.SetCookies(b.home, []*http.Cookie{c})
			}
		}
		if p = guess(bare, text(d.body, "user_code")); p.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the eleventh try of a session: %d, want 429", p.StatusCode)
		}
		if p = guess(r.browser(), text(d.body, "user_code")); p.StatusCode != http.StatusOK || p.Request.URL.Path != "/login" {
			t.Errorf("somebody else at the same address: %d, want to go on", p.StatusCode)
		}
	})
}

// Of 64 that fetch what was allowed, one gets tokens, and keeps them; of 64
// polls at one moment, one is in time.
func TestDeviceRaces(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfDevices()
		b := r.browser()
		for round := range 5 {
			d := r.device("tv")
			r.allow(b, "a", d)
			c := contest{r, []string{r.issuer}, 1, b}
			won := c.winners(round, race(t, racers, func(int) *http.Request {
				return r.form("/oauth2/token", url.Values{"grant_type": {deviceGrant}, "device_code": {text(d.body, "device_code")}}, r.creds("tv"))
			}))
			if len(won) != 1 {
				t.Fatalf("round %d: %d got tokens, want 1", round, len(won))
			}
			if ui := r.info(text(won[0].body, "access_token")); ui.status != 200 {
				t.Fatalf("round %d: the winner's token is dead: %s", round, ui)
			}
		}
		r.clock.stop()
		d := r.device("tv")
		codes := map[string]int{}
		for _, a := range race(t, racers, func(int) *http.Request {
			return r.form("/oauth2/token", url.Values{"grant_type": {deviceGrant}, "device_code": {text(d.body, "device_code")}}, r.creds("tv"))
		}) {
			codes[a.err()]++
		}
		if codes["authorization_pending"] != 1 || codes["slow_down"] != racers-1 {
			t.Errorf("64 polls at one moment: %v", codes)
		}
		r.clock.move(5*time.Second*racers - time.Millisecond)
		r.want(r.poll("tv", d), 400, "slow_down", "63 times five seconds were added to five")
	})
}

// Switched off, nothing of it is there.
func TestNoDeviceGrant(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, func(a *app) { a.cfg.Protocol.DeviceGrant = false })
	r.castOfDevices()
	r.want(r.token("tv", url.Values{"grant_type": {deviceGrant}, "device_code": {randomText(43)}}), 400, "unsupported_grant_type", "off")
	for _, path := range []string{"/device", "/device/done", "/oauth2/device_authorization"} {
		if p := r.browser().get(r.issuer + path); p.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, p.StatusCode)
		}
	}
	if p := r.browser().get(r.issuer + "/.well-known/openid-configuration"); strings.Contains(p.body, "device") {
		t.Error("discovery tells of devices")
	}
}
