package client_test

import (
	"errors"
	"net/url"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// Front-Channel Logout 1.0 section 2: the address is absolute, has no fragment,
// and has the scheme, host and port of a redirect URI.
func TestFrontchannelAddress(t *testing.T) {
	for _, c := range []struct {
		name, uri string
		redirect  string // beside https://rp.example.cn/cb
		ok        bool
	}{
		{"another host", "https://other.example.cn/fc", "", false},
		{"a host above", "https://example.cn/fc", "", false},
		{"another port", "https://rp.example.cn:8443/fc", "", false},
		{"another scheme", "http://rp.example.cn/fc", "", false},
		{"a fragment", "https://rp.example.cn/fc#x", "", false},
		{"a user", "https://u@rp.example.cn/fc", "", false},
		{"relative", "/fc", "", false},
		{"without a host", "https:///fc", "", false},
		{"a sid of its own", "https://rp.example.cn/fc?sid=1", "", false},
		{"an iss of its own", "https://rp.example.cn/fc?a=1&iss=x", "", false},
		{"script", "javascript:alert(1)", "", false},
		{"script with a host", "javascript://rp.example.cn/%0aalert(1)", "", false},
		{"data", "data:text/html,x", "", false},
		{"a private scheme", "cn.example.app:/fc", "", false},
		{"a directive", "https://rp.example.cn/fc;script-src *", "", false},
		{"http elsewhere than loopback", "http://intra.example.cn/fc", "https://intra.example.cn/cb", false},
		{"an origin that no policy can name", "http://[::1]:9999/fc", "http://[::1]:9999/cb", false},
		{"of a redirect URI", "https://rp.example.cn/fc?a=1", "", true},
		{"the default port written out", "https://rp.example.cn:443/fc", "", true},
		{"of the second redirect URI", "https://two.example.cn/fc", "https://two.example.cn/cb", true},
		{"loopback", "http://127.0.0.1:9999/fc", "http://127.0.0.1:9999/cb", true},
	} {
		m := web(func(m *client.Metadata) {
			m.FrontchannelLogoutURI, m.FrontchannelSessionNeeded = c.uri, true
			if c.redirect != "" {
				m.RedirectURIs = append(m.RedirectURIs, c.redirect)
			}
		})
		_, err := m.Normalise()
		var f *fault.Error
		if c.ok && err != nil || !c.ok && (!errors.As(err, &f) || f.Field != "frontchannel_logout_uri") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var f *fault.Error
	if _, err := web(func(m *client.Metadata) { m.FrontchannelSessionNeeded = true }).Normalise(); !errors.As(err, &f) || f.Field != "frontchannel_logout_session_required" {
		t.Errorf("a session without an address: %v", err)
	}
}

// RFC 6454 section 6.2, as browsers write it.
func TestWebOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://RP.example.cn/cb": "https://rp.example.cn", "https://rp.example.cn:443/": "https://rp.example.cn", "http://127.0.0.1:80": "http://127.0.0.1",
		"http://rp.example.cn:443/": "http://rp.example.cn:443", "https://rp.example.cn:8443/cb?x#y": "https://rp.example.cn:8443",
		"cn.example.app:/cb": "", "cn.example.app://host/cb": "", "/cb": "", "https:opaque": "", "https:///cb": "",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := client.WebOrigin(u); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
