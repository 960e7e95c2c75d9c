package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

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
