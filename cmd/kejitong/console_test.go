package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/integrator"
)

// atConsole is a browser of an account of the cast, signed in.
func (r *rig) atConsole(c string) *browser {
	r.t.Helper()
	b := r.browser()
	b.signIn(r.stage, b.get(r.issuer+"/login"), c)
	if p := b.get(r.issuer + "/console"); p.StatusCode != http.StatusOK || p.Request.URL.Path != "/console" {
		r.t.Fatalf("%s is not at the console: %d at %s", c, p.StatusCode, p.Request.URL)
	}
	return b
}

// consoleSend posts to a page of the console with the browser's form token.
func (r *rig) consoleSend(b *browser, path string, v url.Values) page {
	r.t.Helper()
	if v == nil {
		v = url.Values{}
	}
	v.Set("form_token", b.formToken(r.issuer+"/"))
	return b.deskSend(r.issuer+path, v, "Referer", r.issuer+"/console")
}

var shownSecret = regexp.MustCompile(`id="secret">([^<]+)<`)

func (r *rig) shown(p page) string {
	r.t.Helper()
	m := shownSecret.FindStringSubmatch(p.body)
	if p.StatusCode != http.StatusOK || m == nil || p.Header.Get("Cache-Control") != "no-store" {
		r.t.Fatalf("no secret but %d %s:\n%s", p.StatusCode, p.Header.Get("Location"), p.body)
	}
	return m[1]
}

const consoleCallback = "https://app.example.com/cb"

func describedSystem() url.Values {
	return url.Values{
		"name": {"示例业务系统"}, "purpose": {"办理科技项目申报"}, "redirect_uris": {consoleCallback}, "contacts": {"dev@example.com"},
		"reason_profile": {"显示姓名"}, "reason_org": {"按单位办理"}, "reason_entitlements": {"核对权限"}, "systems": {"hightech_enterprise"},
	}
}

// connected is a project that the unit's account made, with its first owner.
func (r *rig) connected() (*browser, integrator.Mine) {
	r.t.Helper()
	b := r.atConsole("b")
	form := describedSystem()
	form.Set("body", r.person("b").Unit.ID)
	p := r.consoleSend(b, "/console/new", form)
	loc := p.Header.Get("Location")
	if p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(loc, "/console/projects/") {
		r.t.Fatalf("apply: %d to %s\n%s", p.StatusCode, loc, p.body)
	}
	return b, r.project(strings.TrimPrefix(loc, "/console/projects/"))
}

func (r *rig) project(id string) integrator.Mine {
	r.t.Helper()
	m, err := r.app.console.Project(r.t.Context(), r.person("b").Account.ID, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// inEarnest is connected with the approval of an operator.
func (r *rig) inEarnest() (*browser, integrator.Mine) {
	r.t.Helper()
	b, m := r.connected()
	who := integrator.Asker{Account: r.person("b").Account, Units: r.person("b").Units(r.clock.now())}
	if err := r.app.console.Submit(r.t.Context(), who, m.ID, m.Version); err != nil {
		r.t.Fatal(err)
	}
	if err := r.app.console.Decide(r.t.Context(), integrator.Reviewer{ID: "op-tester"}, m.ID, m.Version+1, integrator.Approve, ""); err != nil {
		r.t.Fatal(err)
	}
	return b, r.project(m.ID)
}

// entered sends somebody to a client and gives where the browser ends up.
func (r *rig) entered(b *browser, clientID, login, password, window string) page {
	r.t.Helper()
	a := newAttempt("openid profile")
	a.params.Set("client_id", clientID)
	a.params.Set("redirect_uri", consoleCallback)
	return admitted(b, b.get(r.authorizeURL(a)), login, password, window)
}

// admitted does from the page p on what a person is asked to do, until the browser
// leaves or is refused.
func admitted(b *browser, p page, login, password, window string) page {
	b.t.Helper()
	if p.Request.URL.Path == "/login" && login != "" {
		p = b.get(p.Request.URL.String() + "&window=" + window)
		p = b.submit(p, "username", url.Values{"username": {login}, "password": {password}})
	}
	if p.Request.URL.Path == "/login/unit" {
		p = b.submit(p, "org", url.Values{"org": {findForm(b.t, p.body, "org").values.Get("org")}})
	}
	if p.Request.URL.Path == "/consent" {
		p = b.submit(p, "decision=allow", url.Values{"decision": {"allow"}})
	}
	return p
}

func arrived(p page) bool {
	return p.StatusCode == http.StatusSeeOther && strings.HasPrefix(p.Header.Get("Location"), consoleCallback+"?") && strings.Contains(p.Header.Get("Location"), "code=")
}

// An integrator applies, tries the sandbox, is approved and goes live. Real people
// are refused at the sandbox, its test accounts everywhere else.
func TestConsoleFromApplicationToProduction(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		b, m := r.connected()
		if m.LegalName != r.person("b").Unit.Name || m.State != integrator.Testing || m.Sandbox == "" || m.Production != "" {
			t.Fatalf("project %+v", m)
		}
		password := r.shown(r.consoleSend(b, "/console/projects/"+m.ID+"/sandbox", nil))
		secret := r.shown(r.consoleSend(b, "/console/clients/"+m.Sandbox+"/secret", url.Values{"deed": {"alone"}}))
		testers := map[integrator.Part]string{}
		for _, part := range integrator.Parts() {
			testers[part] = integrator.TestLogin(m.ID, part)
		}

		t.Run("who may enter the sandbox", func(t *testing.T) {
			r := r.as(t)
			zhang := r.account("a")
			for _, row := range []struct {
				name, login, password, window, at string
			}{
				{"a real person", zhang.Username, zhang.Password, zhang.Kind, "/refused"},
				{"the frozen test account", testers[integrator.PartFrozen], password, "natural_person", "/login"},
				{"the unverified test account", testers[integrator.PartUnverified], password, "natural_person", "/refused"},
				{"the one entitled to nothing", testers[integrator.PartBare], password, "natural_person", "/refused"},
				{"case a", testers[integrator.PartPerson], password, "natural_person", ""},
				{"case b", testers[integrator.PartUnit], password, "legal_entity", ""},
			} {
				p := r.entered(r.browser(), m.Sandbox, row.login, row.password, row.window)
				if row.at == "" && !arrived(p) || row.at != "" && (arrived(p) || p.Request.URL.Path != row.at) {
					t.Errorf("%s: %d at %s to %s", row.name, p.StatusCode, p.Request.URL, p.Header.Get("Location"))
				}
			}
			// A test account in the browser is good for nothing else here.
			b := r.browser()
			r.entered(b, m.Sandbox, testers[integrator.PartPerson], password, "natural_person")
			for _, path := range []string{"/me", "/console", "/me/realname"} {
				if p := b.get(r.issuer + path); p.StatusCode != http.StatusForbidden {
					t.Errorf("a test account at %s: %d", path, p.StatusCode)
				}
			}
			if p := b.get(r.authorizeURL(newAttempt("openid"))); p.Request.URL.Path != "/refused" {
				t.Errorf("a test account at a real system: %d at %s", p.StatusCode, p.Request.URL)
			}
		})

		m = r.project(m.ID)
		if p := r.consoleSend(b, "/console/projects/"+m.ID+"/submit", url.Values{"version": {str(m.Version)}}); p.StatusCode != http.StatusSeeOther {
			t.Fatalf("submit: %d\n%s", p.StatusCode, p.body)
		}
		desk := r.atDesk(r.securityAdmin())
		token := desk.formToken(r.issuer + "/admin/self")
		address := r.issuer + "/admin/integrators/" + m.ID
		m = r.project(m.ID)
		decide := func(decision, reason string) page {
			return desk.deskSend(address, url.Values{"form_token": {token}, "version": {str(m.Version)}, "decision": {decision}, "reason": {reason}})
		}
		if p := decide("reject", ""); p.StatusCode == http.StatusSeeOther || r.project(m.ID).State != integrator.Submitted {
			t.Errorf("rejected without a reason: %d", p.StatusCode)
		}
		if p := decide("approve", ""); p.StatusCode != http.StatusSeeOther {
			t.Fatalf("approve: %d\n%s", p.StatusCode, p.body)
		}
		if p := decide("reject", "too late"); p.StatusCode != http.StatusConflict {
			t.Errorf("decided twice: %d", p.StatusCode)
		}
		m = r.project(m.ID)
		if m.State != integrator.Approved || m.Production == "" || r.audited(audit.ProjectDecided) != 1 {
			t.Fatalf("after approval %+v", m)
		}
		live := r.shown(r.consoleSend(b, "/console/clients/"+m.Production+"/secret", url.Values{"deed": {"alone"}}))
		if live == secret {
			t.Error("one secret for two clients")
		}
		legal := r.account("b")
		if p := r.entered(r.browser(), m.Production, testers[integrator.PartPerson], password, "natural_person"); p.Request.URL.Path != "/refused" {
			t.Errorf("a test account in production: %d at %s", p.StatusCode, p.Request.URL)
		}
		if p := r.entered(r.browser(), m.Production, legal.Username, legal.Password, legal.Kind); !arrived(p) {
			t.Errorf("a real account in production: %d at %s\n%s", p.StatusCode, p.Request.URL, p.body)
		}
	})
}

func str(n int64) string { return strconv.FormatInt(n, 10) }

func (r *rig) securityAdmin() string {
	for _, o := range r.cast.operators() {
		if o.Role == "security_admin" {
			return o.Username
		}
	}
	r.t.Fatal("no security administrator")
	return ""
}

// S79, S68, S71: others find nothing, a viewer changes nothing, what users see waits
// for an operator, and of two secrets both are good for as long as was said.
func TestConsoleGuards(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		b, m := r.connected()
		ctx := t.Context()
		viewer, stranger := r.atConsole("a"), r.atConsole("c")
		if err := r.app.db.PutMember(ctx, integrator.Member{Project: m.ID, Account: r.person("a").Account.ID, Role: integrator.Viewer, Since: r.clock.now()}); err != nil {
			t.Fatal(err)
		}
		before := r.project(m.ID)
		for _, row := range []struct {
			path string
			v    url.Values
		}{
			{"/console/projects/" + m.ID + "/edit", describedSystem()},
			{"/console/projects/" + m.ID + "/submit", url.Values{"version": {str(m.Version)}}},
			{"/console/projects/" + m.ID + "/sandbox", url.Values{}},
			{"/console/projects/" + m.ID + "/team", url.Values{"deed": {"invite"}, "login": {"somebody"}, "role": {"owner"}}},
			{"/console/projects/" + m.ID + "/team", url.Values{"deed": {"owner"}, "member": {string(r.person("a").Account.ID)}}},
			{"/console/projects/" + m.ID + "/team", url.Values{"deed": {"remove"}, "member": {string(r.person("b").Account.ID)}}},
			{"/console/clients/" + m.Sandbox, url.Values{"client_name": {"other"}}},
			{"/console/clients/" + m.Sandbox + "/secret", url.Values{"deed": {"alone"}}},
		} {
			if p := r.consoleSend(stranger, row.path, row.v); p.StatusCode != http.StatusNotFound {
				t.Errorf("a stranger at %s %v: %d", row.path, row.v, p.StatusCode)
			}
			if p := r.consoleSend(viewer, row.path, row.v); p.StatusCode != http.StatusForbidden {
				t.Errorf("a viewer at %s %v: %d", row.path, row.v, p.StatusCode)
			}
		}
		for _, path := range []string{"/console/projects/" + m.ID, "/console/clients/" + m.Sandbox, "/console/clients/" + m.Sandbox + "/log"} {
			if p := stranger.get(r.issuer + path); p.StatusCode != http.StatusNotFound {
				t.Errorf("a stranger reads %s: %d", path, p.StatusCode)
			}
			if p := viewer.get(r.issuer + path); p.StatusCode != http.StatusOK {
				t.Errorf("a viewer at %s: %d", path, p.StatusCode)
			}
		}
		if now := r.project(m.ID); now.Version != before.Version {
			t.Errorf("something changed: %+v", now)
		}
		if p := r.consoleSend(b, "/console/projects/"+m.ID+"/team", url.Values{"deed": {"remove"}, "member": {string(r.person("b").Account.ID)}}); p.StatusCode != http.StatusConflict {
			t.Errorf("the last owner left: %d", p.StatusCode)
		}

		// Secrets overlap for a bounded time.
		first := r.shown(r.consoleSend(b, "/console/clients/"+m.Sandbox+"/secret", url.Values{"deed": {"alone"}}))
		second := r.shown(r.consoleSend(b, "/console/clients/"+m.Sandbox+"/secret", url.Values{"deed": {"overlap"}}))
		good := func(secret string) bool {
			c, err := r.app.db.Client(ctx, m.Sandbox)
			if err != nil {
				t.Fatal(err)
			}
			return c.Knows(r.app.ring.Snapshot(), secret, r.clock.now())
		}
		if !good(first) || !good(second) || good("") {
			t.Error("no overlap")
		}
		r.clock.move(integrator.Overlap + time.Second)
		if good(first) || !good(second) {
			t.Error("the overlap has no end, or the new secret none too")
		}
	})
}

// S68: what users see of a client in earnest, and where its tokens go, waits; what
// is harmless takes effect; an approval does what was seen.
func TestConsoleReview(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		_, m := r.inEarnest()
		ctx, s, owner := t.Context(), r.app.console, r.person("b").Account.ID
		op := integrator.Reviewer{ID: "op-tester"}
		read := func() *client.Client {
			c, err := r.app.db.Client(ctx, m.Production)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		for _, row := range []struct {
			name   string
			change func(*client.Metadata)
			waits  bool
		}{
			{"another host", func(c *client.Metadata) {
				c.RedirectURIs = append(c.RedirectURIs, "https://evil.example/cb")
				c.SubjectType = "public"
			}, true},
			{"another port", func(c *client.Metadata) { c.RedirectURIs = append(c.RedirectURIs, "https://app.example.com:8443/cb") }, true},
			{"more scopes", func(c *client.Metadata) { c.Scope += " phone" }, true},
			{"another name", func(c *client.Metadata) { c.Name = "科技部" }, true},
			{"a logo", func(c *client.Metadata) { c.LogoURI = "https://app.example.com/logo.png" }, true},
			{"no authentication", func(c *client.Metadata) { c.TokenEndpointAuthMethod = "none" }, true},
			{"a lower level", func(c *client.Metadata) { c.RequiredLevel = "L1" }, true},
			{"a path on the host", func(c *client.Metadata) { c.RedirectURIs = append(c.RedirectURIs, "https://app.example.com/cb2") }, false},
			{"contacts", func(c *client.Metadata) { c.Contacts = []string{"ops@example.com"} }, false},
			{"fewer scopes", func(c *client.Metadata) { c.Scope = "openid profile org" }, false},
		} {
			c := read()
			want := c.Metadata
			want.RedirectURIs = slices.Clone(want.RedirectURIs)
			row.change(&want)
			out, err := s.Change(ctx, owner, m.Production, c.Version, want)
			if err != nil || len(out.Waits) > 0 != row.waits {
				t.Errorf("%s: %+v %v", row.name, out, err)
			}
			if after := read(); row.waits && after.Version != c.Version {
				t.Errorf("%s took effect", row.name)
			}
			if row.waits {
				open, err := r.app.db.ClientProposals(ctx, m.ID, 1)
				if err != nil || len(open) != 1 || s.Withdraw(ctx, owner, m.Production, open[0].ID) != nil {
					t.Fatalf("%s: no proposal to take back: %v %v", row.name, open, err)
				}
			}
		}
		// What is not for integrators to decide is left as it is, whatever was asked.
		c := read()
		want := c.Metadata
		want.FirstParty, want.AllowUnverified, want.PKCEOptional, want.LegalName = true, true, true, "国务院"
		want.Contacts = []string{"new@example.com"}
		if _, err := s.Change(ctx, owner, m.Production, c.Version, want); err != nil {
			t.Fatal(err)
		}
		if now := read().Metadata; now.FirstParty || now.AllowUnverified || now.PKCEOptional || now.LegalName != m.LegalName || now.Contacts[0] != "new@example.com" {
			t.Errorf("an integrator set %+v", now)
		}
		// An approval does what was seen, once.
		c = read()
		want = c.Metadata
		want.Name = "新名称"
		if _, err := s.Change(ctx, owner, m.Production, c.Version, want); err != nil {
			t.Fatal(err)
		}
		open, err := r.app.db.OpenProposals(ctx, 5)
		if err != nil || len(open) != 1 {
			t.Fatal(open, err)
		}
		own := integrator.Reviewer{ID: "op-own", Accounts: []account.ID{owner}}
		if err := s.DecideChange(ctx, own, open[0].ID, integrator.Approve, ""); !fault.Is(err, fault.Refused) {
			t.Errorf("decided about the own system: %v", err)
		}
		if err := s.DecideChange(ctx, op, open[0].ID, integrator.Approve, ""); err != nil || read().Metadata.Name != "新名称" {
			t.Errorf("approved: %v, %s", err, read().Metadata.Name)
		}
		if err := s.DecideChange(ctx, op, open[0].ID, integrator.Approve, ""); !fault.Is(err, fault.Conflict) {
			t.Errorf("approved twice: %v", err)
		}
	})
}
