package main

import (
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/realname"
	"kejitong/store/storetest"
)

// newcomer makes a legal account as registration leaves it, with the password of
// case b.
func (s *stage) newcomer(e demoEntity) {
	s.t.Helper()
	uscc := account.USCC(e.USCC)
	u := account.Unit{ID: string(account.NewID()), USCC: uscc, Name: e.Name, Type: uscc.UnitType(), Region: uscc.Region(), RegistrationAuthority: e.USCC[:1],
		Status: account.UnitRegistered, State: account.Active, RealName: account.RealName{Status: account.StatusUnverified, Level: "L1"}}
	a := account.Account{ID: account.NewID(), Kind: account.LegalEntity, LoginName: e.USCC, UnitID: u.ID, RealName: u.RealName,
		Profile: account.Profile{Contact: &account.Person{Name: "王五", Phone: "+8613955550009", PhoneVerified: true}}}
	u.AccountID = a.ID
	s.cast.Secrets[e.USCC] = "Torch-newcomer-9a"
	ev := audit.Event{Kind: audit.AccountCreated, Actor: "test"}
	if err := s.app.db.PutUnit(s.t.Context(), u, ev); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cast.seedAccount(s.t.Context(), s.app, a, ev); err != nil {
		s.t.Fatal(err)
	}
	s.cast.accounts = append(s.cast.accounts, demoAccount{Case: "new unit", Kind: "legal_entity", Username: e.USCC, Password: s.cast.Secrets[e.USCC]})
}

var hrefs = regexp.MustCompile(`href="([^"]*)"`)

// follows takes the first link of the page that begins so.
func (b *browser) follows(p page, prefix string) page {
	b.t.Helper()
	for _, m := range hrefs.FindAllStringSubmatch(p.body, -1) {
		if to := html.UnescapeString(m[1]); strings.HasPrefix(to, prefix) {
			u, err := p.Request.URL.Parse(to)
			if err != nil {
				b.t.Fatal(err)
			}
			return b.get(u.String())
		}
	}
	b.t.Fatalf("no link to %s… on %s:\n%s", prefix, p.Request.URL.Path, p.body)
	return page{}
}

// settled reloads the status page as its meta refresh does, until there is a
// result.
func (b *browser) settled(p page) page {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); strings.Contains(p.body, `http-equiv="refresh"`); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("no result:\n%s", p.body)
		}
		p = b.get(p.Request.URL.String())
	}
	return p
}

// systemRequest is the first system's own request.
func (r *rig) systemRequest() attempt {
	a := newAttempt("openid profile org entitlements")
	a.params.Set("client_id", "hightech-enterprise")
	a.params.Set("redirect_uri", r.cast.systems[0].BaseURL+"/cb")
	return a
}

func entryForm(e demoEntity) url.Values {
	return url.Values{
		"unit_name": {e.Name}, "unit_type": {account.USCC(e.USCC).UnitType()}, "region": {"mainland"}, "legal_rep_name": {e.LegalRep.Name},
		"legal_rep_id_type": {account.DocResident}, "legal_rep_id_number": {e.LegalRep.IDNumber}, "handler_same": {"yes"},
		"handler_mobile": {e.LegalRep.Mobile}, "handler_until": {time.Now().AddDate(1, 0, 0).Format(time.DateOnly)},
	}
}

// From a business system's shut gate to 实名认证, through a failure with reasons
// at their fields, and back into the system: R4, R16, R19–R21, R40, without
// script.
func TestAUnitIsVerifiedAndTheSystemOpens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		e := demoEntities()[0]
		r.newcomer(e)
		b := r.browser()
		p := b.signIn(r.stage, b.get(r.authorizeURL(r.systemRequest())), "new unit")
		p.wants(t, 200, "/refused", "请先完成实名认证")
		p = b.follows(p, "/me/realname/status?next=")
		p.wants(t, 200, "/me/realname", "法人单位基本信息", "法定代表人信息", "法人授权信息", e.USCC)

		bad := entryForm(e)
		bad.Set("legal_rep_id_number", "110000199001010012")
		bad.Set("handler_until", "2001-01-01")
		p = b.submit(p, "unit_name", bad)
		p.wants(t, 422, "/me/realname", `id="legal_rep_id_number-why"`, `value="110000199001010012"`, `id="handler_until-why"`, `href="#handler_until"`, e.LegalRep.Name)
		other := entryForm(e)
		other.Set("uscc", demoEntities()[1].USCC)
		p = b.submit(p, "unit_name", other)
		p.wants(t, 422, "/me/realname", "统一社会信用代码不能修改")

		wrong := entryForm(e)
		wrong.Set("legal_rep_name", "孙力")
		p = b.settled(b.submit(p, "unit_name", wrong))
		p.wants(t, 200, "/me/realname/status", "认证失败", "法定代表人姓名", "与登记信息不一致", "上传材料人工认证")
		if strings.Contains(p.body, e.LegalRep.Name) || strings.Contains(p.body, e.LegalRep.IDNumber) {
			t.Error("the page tells what the register holds")
		}
		p = b.follows(p, "/me/realname?next=")
		if strings.Contains(p.body, e.LegalRep.IDNumber) {
			t.Error("the form shows the number in the clear")
		}
		right := entryForm(e)
		right.Set("legal_rep_id_number", "") // the one on file
		p = b.settled(b.submit(p, "unit_name", right))
		p.wants(t, 200, "/me/realname/status", "已认证", "返回业务系统继续办理")

		p = b.follows(p, "/oauth2/authorize?interaction=")
		if q := callback(t, p); q.Get("code") == "" {
			t.Fatalf("no code but %v", q)
		}
		b.get(r.issuer+"/me").wants(t, 200, "/me", "已认证", e.Name)
		for kind, want := range map[audit.Kind]int64{audit.RealNameEntered: 2, audit.RealNameFailed: 1, audit.RealNameVerified: 1} {
			if n := r.audited(kind); n != want {
				t.Errorf("%d rows of %s, want %d", n, kind, want)
			}
		}
	})
}

// A person is verified, and then it is permission that the system misses.
func TestAPersonIsVerified(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who := demoPersons()[0]
		b := r.browser()
		p := b.signIn(r.stage, b.get(r.authorizeURL(r.systemRequest())), "d")
		p = b.follows(p, "/me/realname/status?next=")
		form := url.Values{"name": {who.Name}, "id_type": {account.DocResident}, "id_number": {who.IDNumber}}
		p = b.settled(b.submit(p, "id_number", form))
		p.wants(t, 200, "/me/realname/status", "已认证")
		p = b.follows(p, "/oauth2/authorize?interaction=")
		p.wants(t, 200, "/refused", "尚未获得该系统的授权")
		me := b.get(r.issuer + "/me")
		me.wants(t, 200, "/me", "已认证", account.MaskName(who.Name))
		if strings.Contains(me.body, who.IDNumber) || strings.Contains(me.body, who.Name) {
			t.Error("我的信息 shows name or number in the clear (C29)")
		}
		// Editing what is verified needs a fresh sign-in, and what was typed stays (S63).
		r.clock.move(6 * time.Minute)
		p = b.submit(b.get(r.issuer+"/me/realname"), "id_number", url.Values{"name": {"陈晓晨"}, "id_type": {account.DocResident}, "id_number": {""}})
		p.wants(t, 403, "/me/realname", "请重新登录", `value="陈晓晨"`)
		if p := r.person("d"); p.Account.Profile.Name != who.Name {
			t.Errorf("changed all the same: %s", p.Account.Profile.Name)
		}
	})
}

// What no register answers for waits for documents at once (R22).
func TestAPassportIsForReviewers(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	b := r.browser()
	p := r.walkIn(b, "d", "/me/realname")
	p = b.submit(p, "id_number", url.Values{"name": {"John Smith"}, "id_type": {account.DocPassport}, "id_number": {"X1234567"}})
	p.wants(t, 422, "/me/realname", `id="nationality-why"`)
	p = b.submit(p, "id_number", url.Values{"name": {"John Smith"}, "id_type": {account.DocPassport}, "id_number": {"X1234567"}, "nationality": {"usa"}})
	p.wants(t, 200, "/me/realname/status", "待上传材料", "上传材料人工认证", "受理编号")
}

// The reference gateway and the http verifier keep the contract of
// docs/verification.md: the same story over it, and what others send it is worth
// nothing.
func TestVerifiedOverTheReferenceGateway(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	var gate *referenceGateway
	srv := httptest.NewUnstartedServer(nil)
	r := newRig(t, storetest.SQLite(t), func(c *config.Config) {
		c.RealName.Verifier = config.VerifierHTTP
		c.RealName.Gateway = config.Gateway{URL: "http://" + srv.Listener.Addr().String() + "/check", KeyID: "k1", Key: config.NewSecret(key), Timeout: 5 * time.Second}
	}, nil)
	gate = &referenceGateway{KeyID: "k1", Key: key, Verifier: realname.Registry{Register: r.app.db, Checker: demoAuthority}, Now: r.clock.now}
	srv.Config.Handler = gate
	srv.Start()
	defer srv.Close()
	who := demoPersons()[2]
	b := r.browser()
	p := r.walkIn(b, "d", "/me/realname")
	p = b.settled(b.submit(p, "id_number", url.Values{"name": {who.Name}, "id_type": {account.DocResident}, "id_number": {who.IDNumber}}))
	p.wants(t, 200, "/me/realname/status", "已认证")
	if rn := r.person("d").Account.RealName; rn.CheckOrganization != demoAuthority || rn.CheckID == "" {
		t.Errorf("%+v", rn)
	}
	body := `{"request_id":"a.1","kind":"person","person":{"name":"` + who.Name + `","id_type":"cn_resident_id","id_number":"` + who.IDNumber + `"}}`
	send := func(change func(*realname.Signature), key []byte, id string) int {
		s := realname.Signature{KeyID: "k1", Timestamp: r.clock.now().UnixMilli(), Nonce: randomText(16)}
		change(&s)
		if s.Value == "" {
			s.Value = realname.SignRequest(key, "POST", "/check", s, []byte(body))
		}
		req := httptest.NewRequest("POST", "/check", strings.NewReader(body))
		s.Write(req.Header)
		req.Header.Set("Idempotency-Key", id)
		w := httptest.NewRecorder()
		gate.ServeHTTP(w, req)
		return w.Code
	}
	same := func(s *realname.Signature) { s.Nonce = "the same nonce again" }
	for name, row := range map[string]struct {
		change func(*realname.Signature)
		key    []byte
		id     string
		want   int
	}{
		"right":            {func(*realname.Signature) {}, key, "a.1", 200},
		"another key":      {func(*realname.Signature) {}, []byte("another key of the same length.."), "a.1", 401},
		"unknown key":      {func(s *realname.Signature) { s.KeyID = "k2" }, key, "a.1", 401},
		"no signature":     {func(s *realname.Signature) { s.Value = "x" }, key, "a.1", 401},
		"old":              {func(s *realname.Signature) { s.Timestamp -= 600_000 }, key, "a.1", 409},
		"another question": {func(*realname.Signature) {}, key, "b.1", 400},
	} {
		if got := send(row.change, row.key, row.id); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
	if first, again := send(same, key, "a.1"), send(same, key, "a.1"); first != 200 || again != 409 {
		t.Errorf("a nonce twice: %d, %d", first, again)
	}
}
