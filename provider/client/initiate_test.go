package client_test

import (
	"testing"

	"kejitong/provider/client"
)

// OpenID Connect Core §4: iss is required, target_link_uri is only for
// addresses of the client's own, so that nobody is led elsewhere through it.
func TestLoginLink(t *testing.T) {
	const iss = "https://op.example.cn"
	for _, c := range []struct {
		name, at, target, want string
		unreviewed             bool
	}{
		{"not registered", "", "https://rp.example.cn/", "", false},
		{"not reviewed", "https://rp.example.cn/start", "", "", true},
		{"another host", "https://rp.example.cn/start", "https://evil.test/", "https://rp.example.cn/start?iss=https%3A%2F%2Fop.example.cn", false},
		{"another scheme", "https://rp.example.cn/start", "http://rp.example.cn/", "https://rp.example.cn/start?iss=https%3A%2F%2Fop.example.cn", false},
		{"another port", "https://rp.example.cn/start", "https://rp.example.cn:8443/", "https://rp.example.cn/start?iss=https%3A%2F%2Fop.example.cn", false},
		{"a script", "https://rp.example.cn/start", "javascript:alert(1)", "https://rp.example.cn/start?iss=https%3A%2F%2Fop.example.cn", false},

		{"the sign-in itself", "https://rp.example.cn/start", "https://rp.example.cn/start", "https://rp.example.cn/start?iss=https%3A%2F%2Fop.example.cn", false},
		{"plain", "https://rp.example.cn/start", "", "https://rp.example.cn/start?iss=https%3A%2F%2Fop.example.cn", false},
		{"a query of its own", "https://rp.example.cn/start?a=b", "", "https://rp.example.cn/start?a=b&iss=https%3A%2F%2Fop.example.cn", false},
		{"with a target", "https://rp.example.cn/start", "https://rp.example.cn/desk?x=1", "https://rp.example.cn/start?iss=https%3A%2F%2Fop.example.cn&target_link_uri=https%3A%2F%2Frp.example.cn%2Fdesk%3Fx%3D1", false},
	} {
		rp := &client.Client{Reviewed: !c.unreviewed, Metadata: client.Metadata{InitiateLoginURI: c.at}}
		if got := rp.LoginLink(iss, c.target); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
