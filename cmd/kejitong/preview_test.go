package main

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// own is the preview of the visitor's own claims as the page shows it.
func (r *rig) previewed(b *browser, id string, q url.Values) (idToken, info, access map[string]any) {
	r.t.Helper()
	p := b.get(r.issuer + "/console/clients/" + id + "/preview?" + q.Encode())
	blocks := regexp.MustCompile(`(?s)<pre class="json" tabindex="0">(.*?)</pre>`).FindAllStringSubmatch(p.body, -1)
	if len(blocks) != 3 {
		r.t.Fatalf("%d blocks at %s: %d\n%s", len(blocks), p.Request.URL, p.StatusCode, p.body)
	}
	for i, to := range []*map[string]any{&idToken, &info, &access} {
		if err := json.Unmarshal([]byte(html.UnescapeString(blocks[i][1])), to); err != nil {
			r.t.Fatal(err)
		}
	}
	return idToken, info, access
}

// The preview shows exactly what is issued: the same claims with the same values,
// but for those that name the token at hand.
func TestPreviewIsWhatIsIssued(t *testing.T) {
	team := &teamOf{person: "a", client: "opaque"}
	r := newRig(t, storetest.SQLite(t), nil, func(a *app) { a.team = team })
	team.rig = r
	r.castOfTokens()
	own := []string{"iat", "exp", "jti", "sid", "at_hash", "nonce", "auth_time"}
	without := func(m map[string]any) map[string]any {
		for _, name := range own {
			delete(m, name)
		}
		return m
	}
	same := func(what string, shown, issued map[string]any) {
		t.Helper()
		if shown, issued = without(shown), without(issued); !reflect.DeepEqual(shown, issued) || len(issued) < 2 {
			t.Errorf("%s\nshown  %v\nissued %v", what, shown, issued)
		}
	}
	b := r.browser()
	for _, id := range []string{"opaque", "jwt"} {
		team.client = id
		const scope = "openid profile phone offline_access"
		for _, extra := range []string{"", `{"userinfo":{"phone_number":null},"id_token":{"name":null}}`} {
			a := request(id, scope)
			if extra != "" {
				a.params.Set("scope", "openid")
				a.params.Set("claims", extra)
			}
			m := r.redeem(a, r.code(b, "a", a))
			idToken, info, access := r.previewed(b, id, url.Values{"user": {"self"}, "scope": {a.params.Get("scope")}, "claims": {extra}})
			same(id+" ID token "+extra, idToken, r.genuine(text(m, "id_token"), "JWT", jose.RS256))
			same(id+" userinfo "+extra, info, r.info(text(m, "access_token")).body)
			if id == "jwt" {
				same("access token "+extra, access, r.genuine(text(m, "access_token"), "at+jwt", jose.ES256))
			} else {
				same("introspection "+extra, access, r.inspect(id, text(m, "access_token")).body)
			}
		}
	}
	if p := b.get(r.issuer + "/console/clients/jwt/preview?user=self&claims=%7B"); !strings.Contains(p.body, "invalid_request") {
		t.Error("a claims parameter that is no JSON is not refused as it would be")
	}
	if p := b.get(r.issuer + "/console/clients/jwt/preview"); p.StatusCode != http.StatusOK || strings.Contains(p.body, `class="json"`) {
		t.Error("claims are shown though nobody was chosen")
	}
	if n := r.ask(`SELECT COUNT(*) FROM grants WHERE session_id = 'preview'`); n != 0 {
		t.Errorf("%d grants were made by previews", n)
	}
}

// Nobody's claims are shown but the visitor's and those of the client's own test
// accounts (S79).
func TestPreviewOfOthersIsRefused(t *testing.T) {
	team := &teamOf{person: "a", client: "mine"}
	tester := account.ID("")
	r := newRig(t, storetest.SQLite(t), nil, func(a *app) {
		a.team = team
		a.testers = func(_ context.Context, c *client.Client) ([]account.Account, error) {
			if c.ID == "mine" {
				return []account.Account{{ID: tester, LoginName: "tester"}}, nil
			}
			return nil, nil
		}
	})
	team.rig = r
	tester = r.person("d").Account.ID
	r.register("mine", client.Metadata{Scope: "openid profile phone"})
	member, stranger := r.browser(), r.browser()
	r.granted(member, "a", "mine", "openid")
	r.granted(stranger, "b", "mine", "openid")
	at := func(b *browser, id string, user account.ID) page {
		return b.get(r.issuer + "/console/clients/" + id + "/preview?" + url.Values{"user": {string(user)}}.Encode())
	}
	for _, row := range []struct {
		name, client string
		b            *browser
		user         account.ID
		status       int
	}{
		{"a real person", "mine", member, r.person("b").Account.ID, 404},
		{"one's own id, which is no test account", "mine", member, r.person("a").Account.ID, 404},
		{"nobody", "mine", member, "x' OR '1'='1", 404},
		{"a stranger to the client", "mine", stranger, "self", 404},
		{"a stranger, a test account", "mine", stranger, tester, 404},
		{"another client", "jwt", member, "self", 404},
		{"a test account", "mine", member, tester, 200},
		{"oneself", "mine", member, "self", 200},
	} {
		if p := at(row.b, row.client, row.user); p.StatusCode != row.status || strings.Contains(p.body, `class="json"`) != (row.status == 200) && row.user != tester {
			t.Errorf("%s: %d, want %d", row.name, p.StatusCode, row.status)
		}
	}
}
