package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// An operator changes single members of a client; all others stay, and every rule
// is asked of the whole.
func TestClientUpdate(t *testing.T) {
	d := newDesk(t, "")
	var made, r clientReport
	d.tells(&made, "client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb", "--contact", "a@example.cn", "--first-party")
	for flag, args := range map[string][]string{
		"id":            {"--name", "改名"},
		"redirect-uri":  {"--id", "rp", "--redirect-uri", "javascript:1"},
		"scope":         {"--id", "rp", "--scope", "openid admin"},
		"jwks-file":     {"--id", "rp", "--auth-method", "private_key_jwt"},
		"jwks-uri":      {"--id", "rp", "--auth-method", "private_key_jwt", "--jwks-uri", "https://10.0.0.1/jwks"},
		"metadata-file": {"--id", "rp", "--metadata-file", d.file("m.json", `{"client_id":"other"}`)},
	} {
		d.refuses(flag, nil, nil, append([]string{"client", "update"}, args...)...)
	}
	d.refuses("id", []string{"no such client"}, nil, "client", "update", "--id", "nobody", "--name", "改名")

	d.tells(&r, "client", "update", "--id", "rp", "--name", "改名", "--scope", "openid email", "--first-party=false")
	if r.Secret != "" || r.Name != "改名" {
		t.Errorf("%+v", r)
	}
	d.tells(&r, "client", "update", "--id", "rp", "--metadata-file", d.file("m.json", `{"default_max_age":600,"contacts":["b@example.cn"]}`))
	r = clientReport{}
	d.tells(&r, "client", "show", "--id", "rp")
	if m := r.Metadata; m.Name != "改名" || m.Scope != "openid email" || m.FirstParty || *m.DefaultMaxAge != 600 || !slices.Equal(m.Contacts, []string{"b@example.cn"}) ||
		!slices.Equal(m.RedirectURIs, []string{"https://rp.example.cn/cb"}) || !slices.Equal(m.GrantTypes, []string{"authorization_code", "refresh_token"}) {
		t.Errorf("%+v", m)
	}
	// A method that needs the secret itself needs a new one.
	r = clientReport{}
	d.tells(&r, "client", "update", "--id", "rp", "--auth-method", "client_secret_jwt")
	if len(r.Secret) != 43 || r.Secret == made.Secret {
		t.Errorf("%+v", r)
	}
}

// Two secrets are good while a system is changed over, and never three.
func TestClientRotateSecret(t *testing.T) {
	d := newDesk(t, "")
	var first, second, third clientReport
	d.tells(&first, "client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb")
	good := func(at time.Time, want map[string]bool) {
		t.Helper()
		d.inside(func(a *app) {
			c, err := a.db.Client(t.Context(), "rp")
			if err != nil {
				t.Fatal(err)
			}
			for secret, is := range want {
				if c.Knows(a.ring.Snapshot(), secret, at) != is {
					t.Errorf("a secret is good: %v, want %v", !is, is)
				}
			}
		})
	}
	rotate := func(more ...string) []string {
		return append([]string{"client", "rotate-secret", "--id", "rp"}, more...)
	}
	d.refuses("id", []string{"no secret before"}, nil, rotate("--end")...)
	d.refuses("overlap", nil, nil, rotate("--overlap", "1s")...)
	d.refuses("overlap", nil, nil, rotate("--overlap", "800h")...)
	d.refuses("id", nil, nil, "client", "rotate-secret")

	d.tells(&second, rotate("--overlap", "48h")...)
	if len(second.Secret) != 43 || second.FormerUntil == nil {
		t.Fatalf("%+v", second)
	}
	good(now(), map[string]bool{first.Secret: true, second.Secret: true})
	good(now().Add(49*time.Hour), map[string]bool{first.Secret: false, second.Secret: true})
	d.tells(&third, rotate()...)
	good(now(), map[string]bool{first.Secret: false, second.Secret: true, third.Secret: true})
	if out := d.does(rotate("--end")...); strings.Contains(out, "secret (shown") {
		t.Errorf("a secret is shown: %s", out)
	}
	good(now(), map[string]bool{second.Secret: false, third.Secret: true})

	d.does("client", "add", "--id", "app", "--name", "应用", "--public", "--application-type", "native", "--redirect-uri", "cn.gov.example.app:/cb")
	d.refuses("id", []string{"no secret"}, nil, "client", "rotate-secret", "--id", "app")
}

// An operator sees what a client would be told about a user, and what else the
// request would lead to.
func TestClientPreviewOnTheCommandLine(t *testing.T) {
	d := newDesk(t, "")
	d.does("client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb", "--scope", "openid email", "--allow-unverified")
	d.does("client", "add", "--id", "strict", "--name", "示例二", "--redirect-uri", "https://two.example.cn/cb", "--system", "hightech_enterprise")
	d.does("account", "add", "--kind", "natural_person", "--login", "lantern", "--generate-password", "--email", "a@example.cn")
	preview := func(more ...string) (p previewReport) {
		t.Helper()
		d.tells(&p, append([]string{"client", "preview", "--login", "lantern"}, more...)...)
		return p
	}
	p := preview("--id", "rp")
	if p.Step != "issue" || p.Scope != "openid email" || p.IDToken["sub"] == nil || p.IDToken["aud"] == nil || p.Userinfo["sub"] != p.IDToken["sub"] {
		t.Errorf("%+v", p)
	}
	if p := preview("--id", "rp", "--scope", "openid"); p.Userinfo["email"] != nil || p.Scope != "openid" {
		t.Errorf("a narrower request: %+v", p)
	}
	if p := preview("--id", "strict"); p.Step == "issue" || p.IDToken != nil || p.Userinfo != nil {
		t.Errorf("of somebody who is not verified: %+v", p)
	}
	if p := preview("--id", "rp", "--claims", "{"); p.Error != "invalid_request" {
		t.Errorf("%+v", p)
	}
	d.refuses("login", nil, nil, "client", "preview", "--id", "rp", "--login", "nobody")
	d.refuses("login", nil, nil, "client", "preview", "--id", "rp")
	d.refuses("id", nil, nil, "client", "preview", "--id", "nobody", "--login", "lantern")
	d.does("client", "disable", "--id", "rp")
	d.refuses("id", []string{"disabled"}, nil, "client", "preview", "--id", "rp", "--login", "lantern")
}
