package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/torch"
	"kejitong/store/storetest"
)

// moved is a rig on which the first rows of a generated file were brought over,
// with every outcome.
type moved struct {
	*rig
	g     synthetic
	first map[torch.Code]int
}

func bringOver(t *testing.T, r *rig) moved {
	t.Helper()
	const n = 40
	m := moved{r, synthetic{seed: 11}, map[torch.Code]int{}}
	path := filepath.Join(t.TempDir(), "torch.csv")
	if err := generateTorch(path, n, m.g.seed); err != nil {
		t.Fatal(err)
	}
	if err := m.g.platform(t.Context(), r.app, n); err != nil {
		t.Fatal(err)
	}
	r.bring("b", path)
	for i := n - 1; i >= 0; i-- {
		m.first[m.g.outcome(i)] = i
	}
	return m
}

// bring brings the accounts of a file over, as a batch of its own.
func (s *stage) bring(id, path string) {
	s.t.Helper()
	ctx, a := s.t.Context(), s.app
	b, err := a.db.OpenBatch(ctx, torch.Batch{ID: id, Digest: path, File: filepath.Base(path), By: "somebody", CreatedAt: a.clock()})
	if err == nil {
		stager := torch.Stager{Store: a.db, Now: a.clock, Chunk: 100, Report: func(e torch.RowError) { s.t.Error(e) }, Progress: func(int64, int64) {}}
		b, err = stager.Stage(ctx, b, rowsOf(path, nil))
	}
	if err == nil {
		_, err = torch.Commit(ctx, a.db, b.ID, a.clock, audit.Event{Kind: audit.ImportCommitted, Actor: "operator"})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// key is what the first account of an outcome is looked up by.
func (m moved) key(code torch.Code) (key, window string) {
	i := m.first[code]
	if m.g.unit(i) {
		return m.g.uscc(i), "legal_entity"
	}
	return m.g.mobile(i), "natural_person"
}

// lookUp walks the pages to the answer.
func (m moved) lookUp(b *browser, key string) page {
	m.t.Helper()
	if len(key) == 18 {
		return b.press(b.get(m.issuer+"/lookup"), "uscc", captcha("uscc", key)...)
	}
	n := len(m.told("+86" + key))
	p := b.press(b.get(m.issuer+"/lookup?kind=person"), "mobile", captcha("mobile", key)...)
	at(m.t.(*testing.T), p, "/lookup/code")
	return b.press(p, "code", "code", m.sms("+86"+key, n+1))
}

// From the look-up to a session, for every outcome that keeps a password: one
// button, the right window, the login name filled in.
func TestLookUpAndSignIn(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		m := bringOver(t, r)
		for _, row := range []struct {
			code   torch.Code
			login  string // before the key
			window string
			does   string // path of the button
		}{
			{torch.E1, "", "legal_entity", "/login"}, {torch.E3, "HJ_", "legal_entity", "/login"}, {torch.E4, "", "natural_person", "/login"}, {torch.E5, "HJ_", "natural_person", "/login"},
			{torch.I1, "", "natural_person", "/login"}, {torch.I3, "HJ_", "natural_person", "/login"},
			{torch.E2, "", "legal_entity", "/login"}, {torch.I2, "", "natural_person", "/login"}, {torch.I6, "", "natural_person", "/login"},
			{torch.I4, "", "", "/appeal/person"}, {torch.I5, "", "", "/appeal/person"},
		} {
			b := r.browser()
			key, _ := m.key(row.code)
			p := m.lookUp(b, key)
			at(t, p, "/lookup/answer")
			if !strings.Contains(p.body, ">"+string(row.code)+"<") || !strings.Contains(p.body, `href="`+row.does) {
				t.Errorf("%s: %s", row.code, p.body)
				continue
			}
			if row.does != "/login" {
				continue
			}
			p = b.click(p, "/login")
			if !strings.Contains(p.body, `value="`+row.login+key+`"`) || !strings.Contains(p.body, `name="window" value="`+row.window+`"`) {
				t.Errorf("%s: the sign-in page is not filled in: %s", row.code, p.body)
			}
			if !row.code.Makes().Keeps {
				continue
			}
			p = b.submit(p, "username", url.Values{"password": {m.g.password(key)}})
			if p.Request.URL.Path != "/" {
				t.Errorf("%s: the kept password leads to %s", row.code, p.Request.URL)
			}
		}
		// Once the owner has changed it, the look-up says so (R6).
		key, _ := m.key(torch.E1)
		a, err := r.app.db.AccountByLogin(t.Context(), strings.ToLower(key))
		if err != nil {
			t.Fatal(err)
		}
		phc, err := r.app.hasher.Hash(t.Context(), freshPassword)
		if err == nil {
			err = r.app.db.SetPassword(t.Context(), a.ID, phc, true, audit.Event{Kind: audit.PasswordChanged})
		}
		if err != nil {
			t.Fatal(err)
		}
		if p := m.lookUp(r.browser(), key); strings.Contains(p.body, "已修改过") {
			t.Error("the answer of a moment ago is not kept: the season's load would reach the database")
		}
		fresh := &torch.Lookup{Store: r.app.db, Now: r.app.clock}
		if got, err := fresh.Unit(t.Context(), account.USCC(key)); err != nil || !got.Changed || got.Code != torch.E1 {
			t.Errorf("after the change: %+v, %v", got, err)
		}
	})
}

// Tokens of a look-up are worth nothing elsewhere, and nothing without proof.
func TestLookUpRefuses(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	m := bringOver(t, r)
	b, thief := r.browser(), r.browser()
	unit, _ := m.key(torch.E1)
	mobile, _ := m.key(torch.I1)
	for name, p := range map[string]page{
		"wrong captcha":    b.press(b.get(r.issuer+"/lookup"), "uscc", "uscc", unit, "captcha", "0"),
		"no captcha":       b.press(b.get(r.issuer+"/lookup"), "uscc", "uscc", unit),
		"wrong check":      b.press(b.get(r.issuer+"/lookup"), "uscc", captcha("uscc", unit[:17]+"I")...),
		"captcha of forms": b.press(b.get(r.issuer+"/lookup?kind=person"), "mobile", "mobile", mobile, "captcha", "1"),
	} {
		if p.Request.URL.Path != "/lookup" || !strings.Contains(p.body, "-why") {
			t.Errorf("%s: %s", name, p.Request.URL)
		}
	}
	answer := b.press(b.get(r.issuer+"/lookup"), "uscc", captcha("uscc", unit)...)
	at(t, answer, "/lookup/answer")
	if p := thief.get(answer.Request.URL.String()); p.StatusCode != http.StatusGone {
		t.Errorf("another browser reads the answer: %d", p.StatusCode)
	}
	p := b.press(b.get(r.issuer+"/lookup?kind=person"), "mobile", captcha("mobile", mobile)...)
	at(t, p, "/lookup/code")
	if q := b.get(r.issuer + "/lookup/answer?" + p.Request.URL.RawQuery); q.StatusCode != http.StatusGone || strings.Contains(q.body, "I1") {
		t.Errorf("a number without its code: %d", q.StatusCode)
	}
	if q := b.press(p, "code", "code", "000000"); q.Request.URL.Path != "/lookup/code" || !strings.Contains(q.body, "code-why") {
		t.Errorf("a wrong code: %s", q.Request.URL)
	}
	for _, token := range []string{"", "x", "s1.AAAAAAAAAAAAAAAA.AAAA"} {
		if q := b.get(r.issuer + "/lookup/answer?t=" + token); q.StatusCode != http.StatusGone {
			t.Errorf("token %q: %d", token, q.StatusCode)
		}
	}
}

// The same over JSON.
func TestLookUpAPI(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	m := bringOver(t, r)
	ask := func(path string, body any) (status int, out map[string]any) {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Post(r.issuer+path, "application/json", strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return res.StatusCode, out
	}
	_, c := ask("/api/v1/torch/challenge", map[string]string{})
	unit, _ := m.key(torch.E4)
	with := func(more map[string]string) map[string]string {
		q := map[string]string{"session": c["session"].(string), "captcha_id": c["captcha_id"].(string), "captcha": demoCaptcha}
		for k, v := range more {
			q[k] = v
		}
		return q
	}
	if !strings.HasPrefix(c["picture"].(string), "data:image/png;base64,") {
		t.Errorf("%v", c)
	}
	for name, body := range map[string]map[string]string{
		"nothing": {}, "both": with(map[string]string{"uscc": unit, "mobile": "18711111111"}), "no captcha": {"session": c["session"].(string), "uscc": unit},
		"unknown member": with(map[string]string{"uscc": unit, "admin": "1"}), "session made up": {"session": "x", "uscc": unit, "captcha_id": c["captcha_id"].(string), "captcha": demoCaptcha},
	} {
		if status, out := ask("/api/v1/torch/lookup", body); status != http.StatusBadRequest || out["error"] == nil || out["outcome"] != nil {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
	_, c = ask("/api/v1/torch/challenge", map[string]string{})
	status, out := ask("/api/v1/torch/lookup", with(map[string]string{"uscc": " " + strings.ToLower(unit)}))
	if status != http.StatusOK || out["outcome"] != "E4" || out["login_name"] != unit || out["window"] != "natural_person" || out["password_kept"] != true || !strings.HasPrefix(out["next"].(string), "/login?") {
		t.Errorf("%d %v", status, out)
	}
	mobile, _ := m.key(torch.I3)
	_, c = ask("/api/v1/torch/challenge", map[string]string{})
	if status, out := ask("/api/v1/torch/code", with(map[string]string{"mobile": mobile})); status != http.StatusOK {
		t.Errorf("%d %v", status, out)
	}
	status, out = ask("/api/v1/torch/lookup", with(map[string]string{"mobile": mobile, "code": m.sms("+86"+mobile, 1)}))
	if status != http.StatusOK || out["outcome"] != "I3" || out["login_name"] != "HJ_"+mobile {
		t.Errorf("%d %v", status, out)
	}
}

// The bound on look-ups of an address is counted in the database: it holds over
// all replicas together, for the pages and the JSON interface alike.
func TestLookUpsAreCountedOverReplicas(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	other := r.replica()
	b := map[*rig]*browser{r: r.browser(), other: other.browser()}
	forms := map[*rig]page{r: b[r].get(r.issuer + "/lookup"), other: b[other].get(other.issuer + "/lookup")}
	status := map[int]int{}
	for i := range 62 {
		at := []*rig{r, other}[i%2]
		if i%3 == 0 {
			res, err := http.Post(at.issuer+"/api/v1/torch/challenge", "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			status[res.StatusCode]++
			continue
		}
		status[b[at].press(forms[at], "uscc", "uscc", demoUSCC, "captcha", "0").StatusCode]++
	}
	if status[http.StatusOK] != 60 || status[http.StatusTooManyRequests] != 2 {
		t.Errorf("of 62 look-ups: %v", status)
	}
}
