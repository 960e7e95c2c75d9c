package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/store/storetest"
)

// teamOf is a team that a test chooses.
type teamOf struct {
	rig    *rig
	person string // the claims case of the one member
	client string
}

func (o *teamOf) MayRead(_ context.Context, id account.ID, clientID string) (bool, error) {
	return o.rig != nil && clientID == o.client && id == o.rig.person(o.person).Account.ID, nil
}

// A client's log is its team's: nobody else, and nobody's other client (S79).
func TestClientLogIsTheTeams(t *testing.T) {
	team := &teamOf{person: "a", client: "mine"}
	r := newRig(t, storetest.SQLite(t), nil, func(a *app) { a.team = team })
	team.rig = r
	if err := r.cast.seedDesk(t.Context(), r.app); err != nil {
		t.Fatal(err)
	}
	r.register("mine", client.Metadata{Name: "Mine <b>"})
	r.register("others", client.Metadata{})
	member, stranger := r.browser(), r.browser()
	r.granted(member, "a", "mine", "openid")
	r.granted(stranger, "b", "mine", "openid")
	for _, id := range []string{"mine", "others"} {
		a := request(id, "openid")
		a.params.Set("redirect_uri", "https://evil.example/cb")
		stranger.get(r.authorizeURL(a))
	}
	if got := r.reasons("mine"); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	page := func(b *browser, id, query string) page {
		return b.get(r.issuer + "/console/clients/" + id + "/log" + query)
	}
	for _, row := range []struct {
		name, id string
		b        *browser
		status   int
	}{
		{"nobody", "mine", r.browser().still(), http.StatusSeeOther},
		{"a stranger", "mine", stranger, http.StatusNotFound},
		{"another's client", "others", member, http.StatusNotFound},
		{"no client", "none", member, http.StatusNotFound},
		{"a member", "mine", member, http.StatusOK},
	} {
		p := page(row.b, row.id, "")
		if p.StatusCode != row.status || strings.Contains(p.body, "evil.example") != (row.status == http.StatusOK) {
			t.Errorf("%s: %d, want %d", row.name, p.StatusCode, row.status)
		}
	}
	if p := page(member, "mine", "?kind=client_secret&live=1"); strings.Contains(p.body, "evil.example") || !strings.Contains(p.body, `http-equiv="refresh"`) {
		t.Error("the filter does not filter, or the page does not refresh itself")
	}
	if p := page(member, "mine", "?kind=%27%20OR%201=1&live=x"); !strings.Contains(p.body, "evil.example") || strings.Contains(p.body, `http-equiv="refresh"`) { // S83
		t.Error("an unknown kind is not all kinds")
	}
	if p := r.atDesk("secadmin").get(r.issuer + "/admin/clients/mine/log"); p.StatusCode != http.StatusOK || !strings.Contains(p.body, "evil.example") {
		t.Errorf("the desk sees %d", p.StatusCode)
	}
	if p := r.atDesk("reviewer").get(r.issuer + "/admin/clients/mine/log"); p.StatusCode != http.StatusForbidden {
		t.Errorf("a reviewer sees %d", p.StatusCode)
	}
}

func TestClientLogCommand(t *testing.T) {
	d := newDesk(t, "")
	d.does("client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb")
	d.refuses("kind", []string{"redirect_uri"}, nil, "client", "log", "--id", "rp", "--kind", "x")
	d.refuses("id", nil, nil, "client", "log", "--id", "nobody")
	d.inside(func(a *app) {
		err := a.db.AddDiagnoses(t.Context(), []diagnosis.Event{
			{ID: "1", Client: "rp", At: now(), Kind: diagnosis.RedirectURI, Expected: "https://rp.example.cn/cb", Received: "https://rp.example.cn/", Request: "q1"},
			{ID: "2", Client: "rp", At: now(), Kind: diagnosis.Clock},
		}, 10, now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
	})
	var list []loggedFailure
	if d.tells(&list, "client", "log", "--client", "rp"); len(list) != 2 || list[0].Kind != diagnosis.Clock {
		t.Errorf("%+v", list)
	}
	if d.tells(&list, "client", "log", "--id", "rp", "--kind", "redirect_uri"); len(list) != 1 || list[0].Received != "https://rp.example.cn/" || list[0].Request != "q1" {
		t.Errorf("%+v", list)
	}
	if text := d.does("client", "log", "--id", "rp"); !strings.Contains(text, "https://rp.example.cn/") || !strings.Contains(text, "q1") {
		t.Error(text)
	}
}
