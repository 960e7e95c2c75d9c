package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/operator"
	"kejitong/store/storetest"

	"golang.org/x/net/html"
)

// Every page of the manual answers in both languages, and no link in it leads
// nowhere.
func TestTheManualLeadsSomewhere(t *testing.T) {
	s := newStage(t, storetest.SQLite(t), nil)
	b := s.browser()
	seen, queue := map[string]bool{"/help": true}, []string{"/help"}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		p := b.get(s.issuer + path)
		if p.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, p.StatusCode)
			continue
		}
		if !strings.HasPrefix(path, "/help") {
			continue // it exists: that is all the manual says of it
		}
		if en := b.get(s.issuer + path + "?lang=en"); en.StatusCode != http.StatusOK || !strings.Contains(en.body, `<html lang="en">`) {
			t.Errorf("%s in English: %d", path, en.StatusCode)
		}
		for _, link := range linksOf(t, p.body) {
			if u, err := url.Parse(link); err == nil && u.Host == "" && strings.HasPrefix(link, "/") && u.Path != "/lang" && !seen[link] {
				seen[link] = true
				queue = append(queue, link)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d pages", len(seen))
	}
}

func linksOf(t testing.TB, body string) (out []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" {
			out = append(out, attr(n, "href"))
		}
	}
	return out
}

// Without script the check knows about cookies, browser and clock.
func TestHelpCheck(t *testing.T) {
	s := newStage(t, storetest.SQLite(t), nil)
	b := s.browser()
	p := b.get(s.issuer + "/help/check")
	p.wants(t, http.StatusOK, "/help/check", "data-now=")
	if !strings.Contains(p.body, "badge ok") || strings.Contains(p.body, "没有带回 Cookie") {
		t.Error("cookies work, and it does not say so")
	}
	b.submit(p, "form_token", nil).wants(t, http.StatusOK, "/help/check")
	res, err := http.Get(s.issuer + "/help/check?again=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	bare := s.browser()
	bare.http.Jar = nil
	if p := bare.get(s.issuer + "/help/check"); !strings.Contains(p.body, "没有带回 Cookie") {
		t.Error("no cookie comes back, and it does not say so")
	}
}

// What operators post stands on every page until its time is over.
func TestNoticesStandOnPages(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	at := r.clock.now()
	n := operator.Notice{ID: "n1", TextZH: "申报高峰期间请错峰办理<b>", TextEN: "Busy season", Severity: operator.Warning, From: at, Until: at.Add(time.Hour), By: "op", At: at}
	if err := r.app.db.PutNotice(t.Context(), n, audit.Event{Kind: audit.NoticePosted, Actor: "op", Object: "n1"}); err != nil {
		t.Fatal(err)
	}
	r.app.readNotices(t.Context())
	r.browser().get(r.issuer+"/login").wants(t, http.StatusOK, "/login", "错峰办理&lt;b&gt;")
	r.browser().get(r.issuer+"/help?lang=en").wants(t, http.StatusOK, "/help", "Busy season")
	r.clock.move(2 * time.Hour)
	if p := r.browser().get(r.issuer + "/login"); strings.Contains(p.body, "错峰办理") {
		t.Error("it stands there still")
	}
}
