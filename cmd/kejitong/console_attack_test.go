package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"kejitong/provider/integrator"
	"kejitong/provider/web/visitor"
	"kejitong/store/storetest"
)

// settings is the form of a client as the page shows it.
func (r *rig) settings(b *browser, clientID string) url.Values {
	r.t.Helper()
	p := b.get(r.issuer + "/console/clients/" + clientID)
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil || p.StatusCode != http.StatusOK {
		r.t.Fatalf("client page: %d, %v", p.StatusCode, err)
	}
	v := url.Values{}
	for n := range root.Descendants() {
		_, checked := attrOf(n, "checked")
		_, selected := attrOf(n, "selected")
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "input" && (attr(n, "type") != "checkbox" || checked) && attr(n, "name") != "":
			v.Set(attr(n, "name"), attr(n, "value"))
		case n.Data == "textarea" && n.FirstChild != nil:
			v.Set(attr(n, "name"), n.FirstChild.Data)
		case n.Data == "option" && selected:
			v.Set(attr(n.Parent, "name"), attr(n, "value"))
		}
	}
	if v.Get("client_name") == "" || v.Get("version") == "" || v.Get("redirect_uris") == "" {
		r.t.Fatalf("the form is not there: %v", v)
	}
	return v
}

func attrOf(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// held tells what may not change while somebody attacks.
func (r *rig) held() string {
	r.t.Helper()
	var b strings.Builder
	for _, q := range []string{
		`SELECT COUNT(*) FROM integrator_projects`, `SELECT COALESCE(SUM(version), 0) FROM integrator_projects`, `SELECT COUNT(*) FROM integrator_members`,
		`SELECT COUNT(*) FROM integrator_invites`, `SELECT COALESCE(SUM(version), 0) FROM clients`, `SELECT COUNT(*) FROM integrator_proposals WHERE state = 'open'`,
	} {
		fmt.Fprint(&b, r.ask(q), " ")
	}
	return b.String()
}

// S66, S67, S69, S70: what the form of a client, or of an application, refuses. It
// says so, and nothing changes.
func TestConsoleFormAttacks(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	b, m := r.inEarnest()
	before := r.held()
	for _, row := range []struct{ name, field, value string }{
		{"a script", "redirect_uris", "javascript:alert(1)"},
		{"a script in mixed case", "redirect_uris", "JaVaScRiPt:alert(1)"},
		{"data", "redirect_uris", "data:text/html,x"},
		{"a fragment", "redirect_uris", consoleCallback + "#x"},
		{"a wildcard", "redirect_uris", "https://*.example.com/cb"},
		{"a user name", "redirect_uris", "https://app.example.com@evil.example/cb"},
		{"what looks like loopback", "redirect_uris", "http://localhost.evil.test/cb"},
		{"a good one and a script", "redirect_uris", consoleCallback + "\nvbscript:x"},
		{"none at all", "redirect_uris", ""},
		{"huge", "redirect_uris", "https://app.example.com/" + strings.Repeat("x", 5000)},
		{"sign-out to a script", "post_logout_redirect_uris", "javascript:x"},
		{"a logo over http", "logo_uri", "http://app.example.com/logo.png"},
		{"a logo that runs", "logo_uri", "javascript:x"},
		{"terms in data", "tos_uri", "data:text/html,x"},
		{"a sign-in started over http", "initiate_login_uri", "http://app.example.com/start"},
		{"keys on this machine", "jwks_uri", "https://127.0.0.1/jwks"},
		{"keys in the metadata service", "jwks_uri", "https://169.254.169.254/jwks"},
		{"keys on a mapped address", "jwks_uri", "https://[::ffff:10.0.0.1]/jwks"},
		{"sign-out told to the inside", "backchannel_logout_uri", "https://10.0.0.1/bc"},
		{"a private key", "jwks", `{"keys":[{"kty":"oct","k":"AAAA","kid":"1"}]}`},
		{"keys that are none", "jwks", `{"keys":[`},
		{"an age that is none", "default_max_age", "soon"},
		{"a scope of the administration", "scope", "kejitong.admin"},
		{"an algorithm that is none", "id_token_signed_response_alg", "none"},
		{"an unheard-of authentication", "token_endpoint_auth_method", "telepathy"},
		{"a name that runs backwards", "client_name", "科技部\u202egnp.exe"},
		{"an invisible letter", "client_name", "科\u200b技"},
		{"a control character", "client_name", "a\x07b"},
		{"a name of 10 kB", "client_name", strings.Repeat("长", 3400)},
		{"a contact with a header", "contacts", "a@b.example\rBcc: c@d.example"},
	} {
		for _, id := range []string{m.Sandbox, m.Production} {
			form := r.settings(b, id)
			form.Set(row.field, row.value)
			if row.field == "jwks_uri" || row.field == "jwks" {
				form.Set("token_endpoint_auth_method", "private_key_jwt")
			}
			p := r.consoleSend(b, "/console/clients/"+id, form)
			if p.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(p.body, `role="alert"`) {
				t.Errorf("%s at %s: %d", row.name, id, p.StatusCode)
			}
		}
		field, known := map[string]string{"redirect_uris": "redirect_uris", "client_name": "name", "contacts": "contacts"}[row.field]
		if !known {
			continue
		}
		form := describedSystem()
		form.Set("body", r.person("b").Unit.ID)
		form.Set(field, row.value)
		if p := r.consoleSend(b, "/console/new", form); p.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(p.body, `id="f-`+field+`-why"`) {
			t.Errorf("%s in an application: %d", row.name, p.StatusCode)
		}
	}
	for _, row := range []struct{ name, field, value string }{
		{"a scope of the administration", "reason_kejitong.admin", "because"}, // no field of the form: not wanted
		{"a reason that runs backwards", "reason_profile", "\u202egnp"},
		{"a system that is none", "systems", "payroll"},
	} {
		form := describedSystem()
		form.Set("body", r.person("b").Unit.ID)
		form.Set(row.field, row.value)
		if row.field == "reason_kejitong.admin" {
			form.Del("purpose")
		}
		if p := r.consoleSend(b, "/console/new", form); p.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", row.name, p.StatusCode)
		}
	}
	if after := r.held(); after != before {
		t.Errorf("something changed: %s, then %s", before, after)
	}
}

// S63: what is sensitive asks for a fresh sign-in and does nothing without it; no
// form is taken without its token (S53).
func TestConsoleAsksForAFreshSignIn(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	b, m := r.connected()
	token := b.formToken(r.issuer + "/")
	r.clock.move(visitor.FreshFor + time.Minute)
	before := r.held()
	for path, deeds := range map[string][]url.Values{
		"/console/projects/" + m.ID + "/submit":  {{"version": {str(m.Version)}}},
		"/console/projects/" + m.ID + "/sandbox": {{}},
		"/console/projects/" + m.ID + "/team": {
			{"deed": {"invite"}, "login": {"somebody"}, "role": {"owner"}}, {"deed": {"remove"}, "member": {string(r.person("b").Account.ID)}},
			{"deed": {"viewer"}, "member": {string(r.person("b").Account.ID)}},
		},
		"/console/clients/" + m.Sandbox + "/secret": {{"deed": {"alone"}}, {"deed": {"overlap"}}, {"deed": {"end"}}},
		"/console/invites/x":                        {{"answer": {"accept"}}},
	} {
		for _, v := range deeds {
			if p := b.deskSend(r.issuer+path, v, "Referer", r.issuer+"/console"); p.StatusCode != http.StatusForbidden {
				t.Errorf("%s %v without a token: %d", path, v, p.StatusCode)
			}
			v.Set("form_token", token)
			p := b.deskSend(r.issuer+path, v, "Referer", r.issuer+"/console")
			if p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != "/login?again=1&next=%2Fconsole" {
				t.Errorf("%s %v: %d to %s", path, v, p.StatusCode, p.Header.Get("Location"))
			}
		}
	}
	if after := r.held(); after != before {
		t.Errorf("something changed: %s, then %s", before, after)
	}
}

// S79: ids of another's project, client, invitation, proposal, member or unit are
// found below the own ones by nobody, a member who was removed can do no more from
// a page that is still open, and who comes late is told so.
func TestConsoleForeignIDs(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		ctx, s := t.Context(), r.app.console
		b, m := r.inEarnest()
		// Another person's system, with an invitation and a proposal that wait.
		zhang := r.person("a").Account
		op := integrator.Reviewer{ID: "op-tester"}
		if err := s.Admit(ctx, op, zhang.LoginName); err != nil {
			t.Fatal(err)
		}
		who := integrator.Asker{Account: zhang}
		theirs, err := s.Apply(ctx, who, "", integrator.Form{Name: "张三的系统", Purpose: "测试", RedirectURIs: []string{consoleCallback}, Contacts: []string{"z@example.com"}})
		if err == nil {
			err = s.Submit(ctx, who, theirs.ID, theirs.Version)
		}
		if err == nil {
			err = s.Decide(ctx, op, theirs.ID, theirs.Version+1, integrator.Approve, "")
		}
		if err == nil {
			err = s.Invite(ctx, zhang.ID, theirs.ID, "somebody", integrator.Viewer)
		}
		if err != nil {
			t.Fatal(err)
		}
		if theirs, err = r.app.db.Project(ctx, theirs.ID); err != nil {
			t.Fatal(err)
		}
		c, err := r.app.db.Client(ctx, theirs.Production)
		if err != nil {
			t.Fatal(err)
		}
		want := c.Metadata
		want.Name = "别的名称"
		if _, err := s.Change(ctx, zhang.ID, c.ID, c.Version, want); err != nil {
			t.Fatal(err)
		}
		invites, err := r.app.db.TeamInvites(ctx, theirs.ID, r.clock.now())
		open, wrong := r.app.db.ClientProposals(ctx, theirs.ID, 1)
		if err != nil || wrong != nil || len(invites) != 1 || len(open) != 1 {
			t.Fatal(invites, open, err, wrong)
		}
		before := r.held()
		own := "/console/projects/" + m.ID
		application := describedSystem()
		application.Set("body", "") // as a person, who is not admitted
		for _, row := range []struct {
			name, path string
			v          url.Values
			status     int
		}{
			{"their invitation below the own project", own + "/team", url.Values{"deed": {"uninvite"}, "invite": {invites[0].ID}}, 404},
			{"their member below the own project", own + "/team", url.Values{"deed": {"viewer"}, "member": {string(zhang.ID)}}, 404},
			{"their invitation, answered by another", "/console/invites/" + invites[0].ID, url.Values{"answer": {"accept"}}, 404},
			{"their proposal below the own client", "/console/clients/" + m.Production + "/withdraw", url.Values{"proposal": {open[0].ID}}, 404},
			{"their client", "/console/clients/" + theirs.Production, r.settings(b, m.Production), 404},
			{"their secret", "/console/clients/" + theirs.Production + "/secret", url.Values{"deed": {"alone"}}, 404},
			{"their test accounts", "/console/projects/" + theirs.ID + "/sandbox", nil, 404},
			{"their trial", "/console/clients/" + theirs.Sandbox + "/try", url.Values{"scope": {"openid"}}, 404},
			{"a client that no project has", "/console/clients/demo-code", r.settings(b, m.Production), 404},
			{"in the name of a person who is not admitted", "/console/new", application, 403},
		} {
			if p := r.consoleSend(b, row.path, row.v); p.StatusCode != row.status {
				t.Errorf("%s: %d, want %d", row.name, p.StatusCode, row.status)
			}
		}
		for _, page := range []string{"", "/log", "/preview", "/try"} {
			if p := b.get(r.issuer + "/console/clients/" + theirs.Sandbox + page); p.StatusCode != http.StatusNotFound {
				t.Errorf("their client%s is shown: %d", page, p.StatusCode)
			}
		}
		if after := r.held(); after != before {
			t.Errorf("something changed: %s, then %s", before, after)
		}

		// A developer who was removed while the form stood open.
		developer := r.atConsole("a")
		if err := r.app.db.PutMember(ctx, integrator.Member{Project: m.ID, Account: zhang.ID, Role: integrator.Developer, Since: r.clock.now()}); err != nil {
			t.Fatal(err)
		}
		form := r.settings(developer, m.Sandbox)
		form.Set("contacts", "mine@example.com")
		if p := r.consoleSend(b, own+"/team", url.Values{"deed": {"remove"}, "member": {string(zhang.ID)}}); p.StatusCode != http.StatusSeeOther {
			t.Fatalf("remove: %d", p.StatusCode)
		}
		if p := r.consoleSend(developer, "/console/clients/"+m.Sandbox, form); p.StatusCode != http.StatusNotFound {
			t.Errorf("a removed developer: %d", p.StatusCode)
		}
		// Of two who change the same settings the later one is told.
		form = r.settings(b, m.Sandbox)
		form.Set("contacts", "first@example.com")
		if p := r.consoleSend(b, "/console/clients/"+m.Sandbox, form); p.StatusCode != http.StatusSeeOther {
			t.Errorf("the first change: %d", p.StatusCode)
		}
		form.Set("contacts", "second@example.com")
		if p := r.consoleSend(b, "/console/clients/"+m.Sandbox, form); p.StatusCode != http.StatusConflict || !strings.Contains(p.body, "second@example.com") {
			t.Errorf("the second change: %d, or what was typed is gone", p.StatusCode)
		}
		if c, err := r.app.db.Client(ctx, m.Sandbox); err != nil || c.Metadata.Contacts[0] != "first@example.com" {
			t.Errorf("contacts %v, %v", c.Metadata.Contacts, err)
		}
	})
}

// S69: a name that passes for another's waits for an operator, who is told why to
// look twice; one that says nothing of the kind waits without a warning.
func TestConsoleNamesThatDeceive(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	b, m := r.inEarnest()
	desk := r.atDesk(r.securityAdmin())
	warnings := map[string]string{"same": "名称与其他系统或平台相近", "mixed": "名称混用了外形相近的不同文字", "official": "名称像政府部门"}
	for _, row := range []struct{ name, value, warned string }{
		{"another system's name", "高新技术 企业认定", "same"},
		{"the platform's, spaced out", strings.Join(strings.Split(r.app.cfg.Platform.NameZH, ""), " "), "same official"},
		{"two alphabets", "Tоrch tools", "mixed"},
		{"an authority", "科技部申报", "official"},
		{"a plain one", "申报助手", ""},
	} {
		form := r.settings(b, m.Production)
		form.Set("client_name", row.value)
		if p := r.consoleSend(b, "/console/clients/"+m.Production, form); p.Header.Get("Location") != "/console/clients/"+m.Production+"?done=waits" {
			t.Fatalf("%s: %d %s\n%s", row.name, p.StatusCode, p.Header.Get("Location"), p.body)
		}
		page := desk.get(r.issuer + "/admin/integrators").body
		for kind, says := range warnings {
			if strings.Contains(page, says) != slices.Contains(strings.Fields(row.warned), kind) {
				t.Errorf("%s: the operator sees the warning %q: %v", row.name, says, strings.Contains(page, says))
			}
		}
		open, err := r.app.db.OpenProposals(t.Context(), 1)
		if err != nil || len(open) != 1 {
			t.Fatal(open, err)
		}
		if p := r.consoleSend(b, "/console/clients/"+m.Production+"/withdraw", url.Values{"proposal": {open[0].ID}}); p.StatusCode != http.StatusSeeOther {
			t.Fatalf("withdraw: %d", p.StatusCode)
		}
	}
}
