package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/integrator"
	"kejitong/provider/torch"
	"kejitong/store/storetest"
)

// sandbox is a project with test accounts, whose client takes migrated grants.
type sandbox struct {
	*rig
	dev      *browser
	project  integrator.Mine
	password string
}

func (r *rig) sandboxed() *sandbox {
	r.t.Helper()
	dev, m := r.connected()
	s := &sandbox{rig: r, dev: dev, project: m, password: r.shown(r.consoleSend(dev, "/console/projects/"+m.ID+"/sandbox", nil))}
	r.cast.Secrets[m.Sandbox] = r.shown(r.consoleSend(dev, "/console/clients/"+m.Sandbox+"/secret", url.Values{"deed": {"alone"}}))
	form := r.settings(dev, m.Sandbox)
	form.Set("accept_migrated_grants", "yes")
	if p := r.consoleSend(dev, "/console/clients/"+m.Sandbox, form); p.StatusCode != http.StatusSeeOther {
		r.t.Fatalf("settings of the sandbox: %d\n%s", p.StatusCode, p.body)
	}
	return s
}

func (s *sandbox) trials() map[string]integrator.Trial {
	s.t.Helper()
	o, err := s.app.console.Overview(s.t.Context(), s.person("b").Account.ID, s.project.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]integrator.Trial{}
	for _, t := range o.Trials {
		out[t.Name] = t
	}
	return out
}

// lookUp walks the pages with a test key to the answer.
func (s *sandbox) lookUp(b *browser, k integrator.Trial) page {
	s.t.Helper()
	if k.Unit {
		return b.press(b.get(s.issuer+"/lookup?key="+k.Key), "uscc", captcha()...)
	}
	p := b.press(b.get(s.issuer+"/lookup?kind=person&key="+k.Key), "mobile", captcha()...)
	if p.Request.URL.Path != "/lookup/code" {
		s.t.Fatalf("no code is asked for: %d at %s\n%s", p.StatusCode, p.Request.URL, p.body)
	}
	return b.press(p, "code", "code", k.SMS)
}

// enter sends a browser that is signed in to the sandbox, verifying the account on
// its way where that is asked for, and gives what the system learns.
func (s *sandbox) enter(b *browser) (verified bool, claims map[string]any, p page) {
	s.t.Helper()
	a := newAttempt("openid profile org entitlements")
	a.params.Set("client_id", s.project.Sandbox)
	a.params.Set("redirect_uri", consoleCallback)
	p = b.get(s.authorizeURL(a))
	if p.Request.URL.Path == "/refused" && strings.Contains(p.body, `name="verify"`) {
		verified = true
		p = b.submit(p, "verify=test", url.Values{"verify": {"test"}})
	}
	if p = admitted(b, p, "", "", ""); !arrived(p) {
		return verified, nil, p
	}
	return verified, s.claimed(a, p), p
}

// Every outcome of tables E and I: from the key in the console through the look-up
// page, the sign-in that it leads to and the first verification to the claims that
// the sandbox gets; and back to the beginning with one button.
func TestSandboxLookUpOutcomes(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		s := r.sandboxed()
		list := s.dev.get(r.issuer + "/console/projects/" + s.project.ID + "/lookup")
		at(t, list, "/console/projects/"+s.project.ID+"/lookup")
		trials, codes := s.trials(), map[string]bool{}
		self, handler := "self", "handler"
		const none, first, already, taken = "", "first", "already", "taken" // what the verification is like
		tokens := map[string]map[string]any{}
		for _, row := range []struct {
			name, login, window string // login before the key, "own" for another one
			to                  string // path of the button
			says                string // on the card
			verify              string
			relation            string // to the unit of the key
		}{
			{"E0a", "", "legal_entity", "/register/unit", "E0a", first, self},
			{"E0b", "", "legal_entity", "/login", "E0b", first, self},
			{"E0b-other", "own", "legal_entity", "/login", "E0b", first, self},
			{"E1", "", "legal_entity", "/login", "E1", first, self},
			{"E1-changed", "", "legal_entity", "/login", "E1", already, self},
			{"E2", "", "legal_entity", "/login", "E2", already, self},
			{"E3", "HJ_", "legal_entity", "/login", "E3", first, self},
			{"E4", "", "natural_person", "/login", "E4", first, handler},
			{"E5", "HJ_", "natural_person", "/login", "E5", first, handler},
			{"E6", "", "legal_entity", "/register/unit", "E6", first, self},
			{"E7", "HJ2_", "legal_entity", "/login", "E3·E7", first, self},
			{"I0", "", "natural_person", "/register/person", "I0", first, none},
			{"I0-known", "", "natural_person", "/login", "I0", already, none},
			{"I1", "", "natural_person", "/login", "I1", first, none},
			{"I2", "", "natural_person", "/login", "I2", already, none},
			{"I3", "HJ_", "natural_person", "/login", "I3", first, none},
			{"I4", "", "natural_person", "/appeal/person", "I4", already, none},
			{"I5", "", "natural_person", "/appeal/person", "I5", already, none},
			{"I6", "", "natural_person", "/login", "I6", taken, none},
		} {
			k, ok := trials[row.name]
			if !ok || !strings.Contains(list.body, ">"+k.Key+"<") || k.SMS != "" && !strings.Contains(list.body, ">"+k.SMS+"<") {
				t.Fatalf("%s is not in the console's list: %+v", row.name, k)
			}
			codes[k.Code] = true
			b := r.browser()
			card := s.lookUp(b, k)
			at(t, card, "/lookup/answer")
			if !strings.Contains(card.body, ">"+row.says+"<") || !strings.Contains(card.body, `href="`+row.to) || !strings.Contains(card.body, k.Key) {
				t.Errorf("%s: %s", row.name, card.body)
				continue
			}
			changed := strings.Contains(card.body, "已修改过")
			if changed != (row.name == "E1-changed") {
				t.Errorf("%s: the password is said to be changed: %v", row.name, changed)
			}
			login := k.Login
			var p page
			switch {
			case row.to != "/login" || k.Login == "": // an account that stands for who has done it
				login = k.Second
				p = b.get(r.issuer + "/login?window=" + row.window + "&username=" + login)
				if !strings.Contains(card.body, "username="+login) {
					t.Errorf("%s: no way on as %s", row.name, login)
				}
			case row.login == "own": // masked: who it is has to know
				if strings.Contains(card.body, login) {
					t.Errorf("R33: %s tells the login name", row.name)
				}
				p = b.click(card, "/login")
			default:
				if login != row.login+k.Key {
					t.Errorf("%s: login name %s", row.name, login)
				}
				p = b.click(card, "/login")
				if !strings.Contains(p.body, `value="`+login+`"`) || !strings.Contains(p.body, `name="window" value="`+row.window+`"`) {
					t.Errorf("%s: the sign-in page is not filled in: %s", row.name, p.body)
				}
			}
			p = b.submit(p, "username", url.Values{"username": {login}, "password": {s.password}})
			if p.StatusCode != http.StatusOK || p.Request.URL.Path == "/login" {
				t.Errorf("%s: sign-in leads to %d at %s", row.name, p.StatusCode, p.Request.URL)
				continue
			}
			verified, claims, p := s.enter(b)
			if row.verify == taken { // R9
				if p.StatusCode != http.StatusConflict {
					t.Errorf("%s: verified twice: %d at %s", row.name, p.StatusCode, p.Request.URL)
				}
				continue
			}
			if claims == nil || verified != (row.verify == first) {
				t.Errorf("%s: %d at %s (verified %v)\n%s", row.name, p.StatusCode, p.Request.URL, verified, p.body)
				continue
			}
			name, _ := claims["realname"].(map[string]any)
			org, _ := claims["org"].(map[string]any)
			if text(claims, "account_type") != row.window || text(name, "status") != "verified" || !entitledTo(claims, "hightech_enterprise:apply") {
				t.Errorf("%s: claims %v", row.name, claims)
			}
			if row.relation != none && (text(org, "uscc") != k.Key || text(org, "relation") != row.relation) || row.relation == none && org != nil {
				t.Errorf("%s: org %v", row.name, org)
			}
			tokens[row.name] = claims
		}
		for _, c := range torch.Codes() {
			if !codes[string(c)] {
				t.Errorf("no key for %s", c)
			}
		}
		if len(trials) != len(integrator.LookupCases()) || len(tokens) != len(trials)-1 {
			t.Errorf("%d keys, %d with claims", len(trials), len(tokens))
		}
		for _, k := range trials {
			if !k.Unit && len(r.told("+86"+k.Key)) != 0 {
				t.Errorf("a message went to %s", k.Key)
			}
		}

		// Start over: everything is as it was, subjects and keys too.
		k := trials["E4"]
		b := r.browser()
		if card := s.lookUp(b, k); strings.Contains(card.body, "尚未登录过") {
			t.Error("E4 was never used")
		}
		signIn := func(b *browser) {
			b.submit(b.get(r.issuer+"/login?window=natural_person"), "username", url.Values{"username": {k.Login}, "password": {s.password}})
		}
		signIn(b)
		if verified, claims, p := s.enter(b); verified || claims == nil {
			t.Errorf("E4 a second time: %v at %s", verified, p.Request.URL)
		}
		if p := r.consoleSend(s.dev, "/console/projects/"+s.project.ID+"/lookup", nil); p.StatusCode != http.StatusSeeOther {
			t.Fatalf("start over: %d\n%s", p.StatusCode, p.body)
		}
		if card := s.lookUp(r.browser(), k); !strings.Contains(card.body, "尚未登录过") {
			t.Errorf("begun anew, and used: %s", card.body)
		}
		if p := b.get(r.issuer + "/refused"); p.Request.URL.Path == "/refused" && p.StatusCode == http.StatusOK {
			t.Error("the session outlived the new beginning")
		}
		b = r.browser()
		signIn(b)
		verified, claims, p := s.enter(b)
		if !verified || claims == nil || claims["sub"] != tokens["E4"]["sub"] {
			t.Errorf("begun anew: verified %v, %v at %s", verified, claims, p.Request.URL)
		}
	})
}

// What nobody real has may stand in for nobody real, and the other way round.
func TestSandboxKeysAreNobodys(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		s := r.sandboxed()
		ctx, trials := t.Context(), s.trials()
		e1, i1 := trials["E1"], trials["I1"]
		find := &torch.Lookup{Store: r.app.db, Now: r.app.clock}
		// A real key never finds a sandbox, not even one that stands there by mistake.
		real := account.USCC(r.person("b").Unit.USCC)
		if err := r.app.db.AddTestKey(ctx, integrator.TestKey{Project: s.project.ID, Name: "planted", Key: string(real), Code: "E4", Main: e1.Main}); err != nil {
			t.Fatal(err)
		}
		if a, err := find.Unit(ctx, real); err != nil || a.Test || a.Code == torch.E4 {
			t.Errorf("a planted key answers for a real unit: %+v %v", a, err)
		}
		// The control: the same row answers where nothing parts the ranges.
		if f, err := r.app.db.FindTest(ctx, string(real)); err != nil || f.Outcome != torch.E4 {
			t.Fatalf("control: the planted key is not there: %+v %v", f, err)
		}
		// R33: the code of a test number is good for no real number, and a real number
		// gets a message, not that code.
		b := r.browser()
		const mobile = "13911110077"
		p := b.press(b.get(r.issuer+"/lookup?kind=person"), "mobile", captcha("mobile", mobile)...)
		at(t, p, "/lookup/code")
		for _, code := range []string{i1.SMS, r.app.codes.TestCode("+86" + mobile), r.app.codes.TestCode("+86" + i1.Key)} {
			if q := b.press(p, "code", "code", code); q.Request.URL.Path != "/lookup/code" {
				t.Errorf("R33: %s opens a real number: %s", code, q.Request.URL)
			}
		}
		if got := r.sms("+86"+mobile, 1); got == r.app.codes.TestCode("+86"+mobile) {
			t.Error("a real number was sent the code of test numbers")
		}
		// The code of one test number is none for another.
		other := r.browser()
		p = other.press(other.get(r.issuer+"/lookup?kind=person"), "mobile", captcha("mobile", trials["I2"].Key)...)
		if q := other.press(p, "code", "code", i1.SMS); q.Request.URL.Path != "/lookup/code" {
			t.Errorf("the code of another number: %s", q.Request.URL)
		}
		// A number of the range that no sandbox has is asked for its code alike.
		unknown := string(account.NewTestMobile())
		third := r.browser()
		if q := third.press(third.get(r.issuer+"/lookup?kind=person"), "mobile", captcha("mobile", unknown)...); scrubbed(q, unknown) != scrubbed(p, trials["I2"].Key) {
			t.Error("the page tells which test numbers there are")
		}
		// The captcha stands in front of test keys, too.
		for _, fill := range [][]string{{"uscc", e1.Key, "captcha", "0"}, {"uscc", e1.Key}} {
			if q := b.press(b.get(r.issuer+"/lookup"), "uscc", fill...); q.Request.URL.Path != "/lookup" {
				t.Errorf("without a captcha: %s", q.Request.URL)
			}
		}
		// Nobody registers, is verified or files with these numbers.
		for name, err := range map[string]error{
			"login name USCC":    account.CheckNewLogin(e1.Key, account.LegalEntity, ""),
			"own USCC":           account.CheckNewUnitLogin(e1.Key, account.USCC(e1.Key), ""),
			"login name mobile":  account.CheckNewLogin(i1.Key, account.NaturalPerson, i1.Key),
			"with +86":           account.CheckNewLogin("+86"+i1.Key, account.NaturalPerson, "+86"+i1.Key),
			"of the test people": account.CheckNewLogin(integrator.TestLogin(s.project.ID, integrator.PartUnit), account.LegalEntity, ""),
		} {
			if err == nil {
				t.Errorf("%s can be registered", name)
			}
		}
		if _, err := account.ParseRealUSCC(e1.Key); err == nil {
			t.Error("a test code passes for a real one")
		}
		if _, err := account.ParseMobile(i1.Key); err == nil {
			t.Error("a test number passes for a mobile")
		}
		if _, wrong := torch.ReadRecord(1, map[string]string{"user_name": e1.Key, "unit_name": "测试"}, "", r.clock.now()); len(wrong) != 1 || wrong[0].Field != torch.ColumnKey {
			t.Errorf("an import takes a test code: %v", wrong)
		}
		if _, wrong := torch.ReadRecord(1, map[string]string{"kind": "自然人", "user_name": i1.Key}, "", r.clock.now()); len(wrong) == 0 {
			t.Error("an import takes a test number")
		}
		// Nothing of it is counted at the desk.
		if n := r.ask(`SELECT COUNT(*) FROM torch_records`); n != 0 {
			t.Errorf("%d records", n)
		}
		if got, err := r.app.db.EndingRights(ctx, r.clock.now()); err != nil || len(got) != 0 {
			t.Errorf("the desk counts what ends: %v %v", got, err)
		}

		// They enter their own sandbox alone, whoever offers them.
		r.signsInNowhereElse(s, trials)

		// Only the team sees the list and begins anew.
		before := r.word(`SELECT CAST(MAX(since) AS TEXT) FROM test_keys`)
		viewer, stranger := r.atConsole("a"), r.atConsole("c")
		if err := r.app.db.PutMember(ctx, integrator.Member{Project: s.project.ID, Account: r.person("a").Account.ID, Role: integrator.Viewer, Since: r.clock.now()}); err != nil {
			t.Fatal(err)
		}
		path := "/console/projects/" + s.project.ID + "/lookup"
		for _, row := range []struct {
			name      string
			b         *browser
			get, post int
		}{{"a stranger", stranger, 404, 404}, {"a viewer", viewer, 200, 403}} {
			if p := row.b.get(r.issuer + path); p.StatusCode != row.get || row.get != 200 && strings.Contains(p.body, e1.Key) {
				t.Errorf("%s reads the list: %d", row.name, p.StatusCode)
			}
			if p := r.consoleSend(row.b, path, nil); p.StatusCode != row.post {
				t.Errorf("%s begins anew: %d", row.name, p.StatusCode)
			}
		}
		if p := s.dev.deskSend(r.issuer+path, url.Values{}, "Referer", r.issuer+"/console"); p.StatusCode != http.StatusForbidden {
			t.Errorf("S53: without a form token: %d", p.StatusCode)
		}
		if after := r.word(`SELECT CAST(MAX(since) AS TEXT) FROM test_keys`); after != before {
			t.Error("somebody else began anew")
		}
	})
}

func (r *rig) signsInNowhereElse(s *sandbox, trials map[string]integrator.Trial) {
	r.t.Helper()
	for name, k := range trials {
		login, window := k.Login, string(k.Window)
		if login == "" {
			continue
		}
		if name != "E1" && name != "E4" && name != "I1" && name != "I2" {
			continue
		}
		b := r.browser()
		b.submit(b.get(r.issuer+"/login?window="+window), "username", url.Values{"username": {login}, "password": {s.password}})
		if p := b.get(r.authorizeURL(newAttempt("openid"))); p.Request.URL.Path != "/refused" || !strings.Contains(p.Request.URL.RawQuery, "test_account") || strings.Contains(p.body, `name="verify"`) {
			r.t.Errorf("%s at a client in earnest: %d at %s", name, p.StatusCode, p.Request.URL)
		}
		if p := b.get(r.issuer + "/me"); p.StatusCode != http.StatusForbidden {
			r.t.Errorf("%s at our own pages: %d", name, p.StatusCode)
		}
	}
	// A real, unverified person gets nothing by the test accounts' button.
	if err := r.app.console.VerifyTest(r.t.Context(), r.person("d").Account.ID); err == nil || r.person("d").Account.RealName.Verified() {
		r.t.Error("somebody real was verified as a test account")
	}
}

// The page to try a client at runs the real flow against a sandbox, whose team is
// refused there as anybody real is: a test account signs in, and comes back with
// the trial that the team began. It sees nothing else, and no trial of others.
func TestTrySandbox(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	s := r.sandboxed()
	back := r.name() + "/console/try/callback"
	form := r.settings(s.dev, s.project.Sandbox)
	form.Set("redirect_uris", consoleCallback+"\n"+back)
	if p := r.consoleSend(s.dev, "/console/clients/"+s.project.Sandbox, form); p.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", p.StatusCode, p.body)
	}
	base := r.issuer + "/console/clients/" + s.project.Sandbox
	begun := s.dev.submit(s.dev.get(base+"/try"), "scope", url.Values{"scope": {"openid profile"}})
	at(t, begun, "/login")
	tester := integrator.TestLogin(s.project.ID, integrator.PartPerson)
	tried := admitted(s.dev, begun, tester, s.password, "natural_person")
	at(t, tried, "/console/try/callback")
	if other := r.browser().get(tried.Request.URL.String()); other.Request.URL.Path == "/console/try/callback" && other.StatusCode == http.StatusOK {
		t.Error("another browser takes the trial up")
	}
	done := s.dev.submit(tried, "client_secret", url.Values{"client_secret": {r.secret(s.project.Sandbox)}})
	if done.StatusCode != http.StatusOK || strings.Contains(done.body, `badge warn"`) || strings.Count(done.body, `class="badge ok"`) < 10 || !strings.Contains(done.body, `href="/logout"`) {
		t.Errorf("%d: not all checks pass\n%s", done.StatusCode, done.body)
	}
	for _, path := range []string{base, base + "/try", base + "/log", base + "/preview", r.issuer + "/console"} {
		if p := s.dev.get(path); p.StatusCode != http.StatusForbidden {
			t.Errorf("a test account at %s: %d", path, p.StatusCode)
		}
	}
	// A trial of another client, begun by its team in this browser, is none of a test
	// account's.
	m := s.project
	other, err := r.app.console.Apply(t.Context(), integrator.Asker{Account: r.person("b").Account, Units: r.person("b").Units(r.clock.now())}, m.UnitID, m.Form)
	if err != nil {
		t.Fatal(err)
	}
	b := r.atConsole("b")
	form = r.settings(b, other.Sandbox)
	form.Set("redirect_uris", back)
	r.consoleSend(b, "/console/clients/"+other.Sandbox, form)
	begun = b.submit(b.get(r.issuer+"/console/clients/"+other.Sandbox+"/try"), "scope", url.Values{"scope": {"openid"}})
	refused := admitted(b, begun, tester, s.password, "natural_person")
	at(t, refused, "/refused")
	if p := b.submit(refused, "cancel=yes", url.Values{"cancel": {"yes"}}); p.Request.URL.Path != "/console/try/callback" || p.StatusCode != http.StatusNotFound {
		t.Errorf("a test account of another sandbox comes back with a trial: %d at %s", p.StatusCode, p.Request.URL)
	}
}
