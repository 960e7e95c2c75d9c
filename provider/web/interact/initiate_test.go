package interact_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/client"
)

// OpenID Connect Core §4: where a client is known, the way to it is the address
// at which it starts a sign-in itself, with the issuer, so that nobody arrives
// as a stranger.
func TestStartingAtTheSystem(t *testing.T) {
	h := lone(t)
	start := "https://gaoqi.example.gov.cn/start?from=portal"
	link := func(target string) string {
		q := url.Values{"iss": {h.url}}
		if target != "" {
			q.Set("target_link_uri", target)
		}
		return `href="` + strings.ReplaceAll(start+"&"+q.Encode(), "&", "&amp;") + `"`
	}
	b := h.browser()
	b.in("zhangsan", "natural_person")
	if p := b.get("/"); strings.Contains(p.body, "/start") || !strings.Contains(p.body, `href="https://gaoqi.example.gov.cn/"`) {
		t.Error("a system that starts nothing is not entered as the catalogue says")
	}
	h.client("gaoqi", func(m *client.Metadata) { m.InitiateLoginURI = start })
	h.wait(time.Second) // the registry keeps clients for as long as that
	if p := b.get("/"); !strings.Contains(p.body, link("https://gaoqi.example.gov.cn/")) {
		t.Errorf("home lacks %s:\n%s", link("https://gaoqi.example.gov.cn/"), p.body)
	}
	begun := b.begin(request("gaoqi"))
	if p := b.get("/refused?reason=not_entitled&interaction=" + begun); p.status != 200 || !strings.Contains(p.body, link("")) {
		t.Errorf("%d: the page of a refusal lacks %s", p.status, link(""))
	}
	h.wait(time.Hour) // longer than any interaction
	if p := b.get("/login?interaction=" + begun); p.status != 410 || !strings.Contains(p.body, link("")) {
		t.Errorf("%d: the page of an expired request lacks %s:\n%s", p.status, link(""), p.body)
	}
	if p := h.browser().get("/login?interaction=" + begun); strings.Contains(p.body, "/start") {
		t.Error("another browser is told which system it was")
	}
}
