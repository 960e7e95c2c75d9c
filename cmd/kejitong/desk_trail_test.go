package main

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kejitong/provider/audit"
)

var nextPage = regexp.MustCompile(`/admin/audit\?[^"]*page=[^"]+`)

// The auditor searches the trail, page by page; tokens of pages are sealed (S83).
func TestDeskReadsTheTrail(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		for i := range 120 {
			ev := audit.Event{Kind: audit.SignInFailed, Actor: "somebody", Object: "nobody", Result: "failed", Detail: strings.Repeat("x", i%7)}
			if err := r.app.db.Record(t.Context(), ev); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.app.chain.Extend(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := r.atDesk("auditor")
		seen, address := 0, r.issuer+"/admin/audit?kind=sign_in.failed"
		var token string
		for pages := 0; address != "" && pages < 10; pages++ {
			p := b.get(address)
			if p.StatusCode != http.StatusOK {
				t.Fatalf("page %d: %d", pages, p.StatusCode)
			}
			seen += strings.Count(p.body, `<td class="code">sign_in.failed</td>`)
			address = ""
			if next := nextPage.FindString(p.body); next != "" {
				address = r.issuer + strings.ReplaceAll(next, "&amp;", "&")
				token = address
			}
		}
		if seen != 120 {
			t.Errorf("%d rows on all pages, want 120", seen)
		}
		u, err := url.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		good := u.Query().Get("page")
		for name, q := range map[string]url.Values{
			"flipped":        {"kind": {"sign_in.failed"}, "page": {flipped(good)}},
			"another search": {"kind": {"operator."}, "page": {good}},
			"made up":        {"page": {"12"}},
			"SQL":            {"page": {"' OR 1=1 --"}},
			"no date":        {"since": {"yesterday"}},
		} {
			if p := b.get(r.issuer + "/admin/audit?" + q.Encode()); p.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d", name, p.StatusCode)
			}
		}
		for _, hostile := range []string{"' OR '1'='1", "%", "_", "x'; DROP TABLE audit; --"} {
			for _, field := range []string{"kind", "actor", "object", "client", "request", "result"} {
				p := b.get(r.issuer + "/admin/audit?" + url.Values{field: {hostile}}.Encode())
				if p.StatusCode != http.StatusOK || strings.Contains(p.body, `<td class="code">sign_in`) {
					t.Errorf("%s = %q: %d", field, hostile, p.StatusCode)
				}
			}
		}
		verified := b.deskSend(r.issuer+"/admin/audit/verify", url.Values{"form_token": {b.formToken(r.issuer + "/admin/self")}})
		if verified.StatusCode != http.StatusOK || !strings.Contains(verified.body, "日志完整") {
			t.Errorf("verify: %d\n%s", verified.StatusCode, verified.body)
		}
	})
}

// S80, S81: the trail leaves the house when a second person agrees, once, to who
// asked, as text that no spreadsheet runs.
func TestDeskExportsTheTrail(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		for _, agent := range []string{`=cmd|' /C calc'!A0`, "+1", "-1", "@SUM(1)", "\tx", "＝1", `quote"d, and split`} {
			if err := r.app.db.Record(t.Context(), audit.Event{Kind: audit.SignInFailed, Object: "hostile", UserAgent: agent}); err != nil {
				t.Fatal(err)
			}
		}
		b := r.atDesk("auditor")
		p := b.get(r.issuer + "/admin/audit?object=hostile")
		f := findForm(t, p.body[strings.Index(p.body, "/admin/audit/exports")-60:], "form_token")
		if got := b.deskSend(r.issuer+"/admin/audit/exports", f.values); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("asked: %d", got.StatusCode)
		}
		var id string
		if err := r.beside.QueryRowContext(t.Context(), `SELECT id FROM proposals`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		fetch := func(b *browser) page {
			return b.deskSend(r.issuer+"/admin/audit/exports/"+id, url.Values{"form_token": {b.formToken(r.issuer + "/admin/self")}})
		}
		decide := func(b *browser) page {
			return b.deskSend(r.issuer+"/admin/approvals/"+id, url.Values{"form_token": {b.formToken(r.issuer + "/admin/self")}, "decision": {"approve"}})
		}
		if got := fetch(b); got.StatusCode != http.StatusConflict {
			t.Errorf("fetched without anybody's word: %d", got.StatusCode)
		}
		if got := decide(b); got.StatusCode != http.StatusForbidden {
			t.Errorf("approved by who asked: %d", got.StatusCode)
		}
		sec := r.atDesk("secadmin")
		if got := decide(sec); got.StatusCode != http.StatusSeeOther {
			t.Errorf("approved: %d", got.StatusCode)
		}
		if got := fetch(sec); got.StatusCode != http.StatusForbidden {
			t.Errorf("fetched by who approved: %d", got.StatusCode)
		}
		got := fetch(b)
		if got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/csv") {
			t.Fatalf("fetched: %d\n%s", got.StatusCode, got.body)
		}
		rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
		if err != nil || len(rows) != 8 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows[1:] {
			if agent := row[9]; strings.ContainsAny(agent[:1], "=+-@\t") || strings.HasPrefix(agent, "＝") {
				t.Errorf("a spreadsheet would run %q", agent)
			}
		}
		if got := fetch(b); got.StatusCode != http.StatusConflict {
			t.Errorf("fetched twice: %d", got.StatusCode)
		}
		if r.audited(audit.TrailExported) != 1 {
			t.Error("the trail does not tell that it was exported")
		}
	})
}

// flipped is s with another first character: all its bits count, which those of
// the last one of base64 need not.
func flipped(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}
