package oidc

import (
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/client"
)

// The sector identifier (OpenID Connect Core §8.1): clients of one sector see
// one subject, all others another.
func TestSector(t *testing.T) {
	for _, c := range []struct {
		name, sectorURI string
		uris            []string
		want            string
	}{
		{"two hosts and no sector_identifier_uri", "", []string{"https://a.example.cn/cb", "https://b.example.cn/cb"}, "client:rp"},
		{"loopback", "", []string{"http://127.0.0.1/cb"}, "client:rp"},
		{"IPv6 loopback", "", []string{"http://[::1]:8080/cb"}, "client:rp"},
		{"another loopback address", "", []string{"http://127.9.9.9/cb"}, "client:rp"},
		{"localhost", "", []string{"http://localhost:8080/cb"}, "client:rp"},
		{"below localhost", "", []string{"http://app.LOCALHOST/cb"}, "client:rp"},
		{"custom scheme", "", []string{"cn.example.app:/cb"}, "client:rp"},
		{"custom scheme with a host", "", []string{"cn.example.app://a.example.cn/cb"}, "client:rp"},
		{"loopback beside a host", "", []string{"https://a.example.cn/cb", "http://127.0.0.1/cb"}, "client:rp"},
		{"custom scheme beside a host", "", []string{"https://a.example.cn/cb", "cn.example.app:/cb"}, "client:rp"},
		{"no redirect URI", "", nil, "client:rp"},
		{"a URI that does not parse", "", []string{"https://a.example.cn/%zz"}, "client:rp"},
		{"one host", "", []string{"https://a.example.cn/cb"}, "a.example.cn"},
		{"one host, two paths", "", []string{"https://a.example.cn/cb", "https://a.example.cn/cb2"}, "a.example.cn"},
		{"one host in two spellings", "", []string{"https://A.example.cn/cb", "https://a.EXAMPLE.cn/cb"}, "a.example.cn"},
		// RFC 3986 §3.2.2: the port is no part of the host.
		{"one host, default port spelled out", "", []string{"https://a.example.cn:443/cb"}, "a.example.cn"},
		{"one host, two ports", "", []string{"https://a.example.cn/cb", "https://a.example.cn:8443/cb"}, "a.example.cn"},
		{"sector_identifier_uri with a port", "https://sector.example.cn:8443/uris.json", nil, "sector.example.cn"},
		{"sector_identifier_uri", "https://sector.example.cn/uris.json", []string{"https://a.example.cn/cb", "https://b.example.cn/cb"}, "sector.example.cn"},
		{"sector_identifier_uri of a native client", "https://Sector.example.cn/uris.json", []string{"cn.example.app:/cb"}, "sector.example.cn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := sector(&client.Client{ID: "rp", Metadata: client.Metadata{SectorIdentifierURI: c.sectorURI, RedirectURIs: c.uris}})
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Subjects are pairwise unless the client registered public ones: the same for
// the clients of a sector, unlinkable between sectors (OpenID Connect Core §8).
func TestSubjects(t *testing.T) {
	h := newHouse(t)
	s := h.Keys.Snapshot()
	of := func(id, uri, subjectType string) *client.Client {
		return &client.Client{ID: id, Metadata: client.Metadata{RedirectURIs: []string{uri}, SubjectType: subjectType}}
	}
	zhang, wang := account.ID("AAAAAAAAAAAAAAAAAAAAAA"), account.ID("CCCCCCCCCCCCCCCCCCCCCC")
	a, sameHost, b := of("a", "https://x.example.cn/a", ""), of("b", "https://x.example.cn/b", "pairwise"), of("c", "https://y.example.cn/cb", "")
	native1, native2 := of("n1", "http://127.0.0.1/cb", ""), of("n2", "http://127.0.0.1/cb", "")
	impostor := of("d", "https://client%3An1/cb", "")
	for _, c := range []struct {
		name       string
		one, other string
		equal      bool
	}{
		{"two accounts", subjectOf(s, a, zhang), subjectOf(s, a, wang), false},
		{"two hosts", subjectOf(s, a, zhang), subjectOf(s, b, zhang), false},
		{"two native clients on the same loopback", subjectOf(s, native1, zhang), subjectOf(s, native2, zhang), false},
		{"a host that is spelled like another client's sector", subjectOf(s, native1, zhang), subjectOf(s, impostor, zhang), false},
		{"subject and session id", subjectOf(s, native1, zhang), sidOf(s, "n1", string(zhang)), false},
		{"session ids at two clients", sidOf(s, "a", "session"), sidOf(s, "b", "session"), false},
		{"two sessions", sidOf(s, "a", "session"), sidOf(s, "a", "session2"), false},
		{"the account's own id is not shown", subjectOf(s, a, zhang), string(zhang), false},
		{"again", subjectOf(s, a, zhang), subjectOf(s, a, zhang), true},
		{"two clients of one host", subjectOf(s, a, zhang), subjectOf(s, sameHost, zhang), true},
		{"public", subjectOf(s, of("p", "https://x.example.cn/cb", "public"), zhang), subjectOf(s, of("q", "https://y.example.cn/cb", "public"), zhang), true},
		{"session id again", sidOf(s, "a", "session"), sidOf(s, "a", "session"), true},
	} {
		if (c.one == c.other) != c.equal {
			t.Errorf("%s: %s and %s", c.name, c.one, c.other)
		}
	}
	before := subjectOf(s, a, zhang)
	if err := h.Keys.RotateSigning(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if after := subjectOf(h.Keys.Snapshot(), a, zhang); after != before { // OpenID Connect Core §5.7: sub is stable
		t.Error("rotating signing keys changes subjects")
	}
}
