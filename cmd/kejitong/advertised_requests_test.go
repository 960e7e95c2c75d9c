package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// object is the request a as the members of a request object (RFC 9101 §4).
func (s *arena) object(a attempt, more ...any) map[string]any {
	id := a.params.Get("client_id")
	m := map[string]any{"iss": id, "aud": s.issuer, "iat": now().Unix(), "nbf": now().Unix(), "exp": now().Add(5 * time.Minute).Unix()}
	for name := range a.params {
		m[name] = a.params.Get(name)
	}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

// outside is the request a as it goes beside an object: what OAuth makes
// mandatory, and nothing that only the object should say.
func outside(a attempt, more ...string) attempt {
	return a.with("state", "-", "nonce", "-", "code_challenge", "-", "code_challenge_method", "-").with(more...)
}

// signed walks a flow with the request in an object that key signed.
func (d *advertised) signed(t *testing.T, id string, key signer) {
	t.Helper()
	b := d.browser()
	b.in(d.arena, "a")
	a := asking(id, "openid")
	p := b.get(d.authorizeURL(outside(a, "request", key.sign(t, d.object(a), nil))))
	if got := idToken(t, d.redeem(a, p))["nonce"]; got != a.params.Get("nonce") {
		t.Errorf("nonce %v", got)
	}
}

func provesObject(t *testing.T, d *advertised, v string) {
	d.client("by-object", func(c *client.Client) { c.Metadata.JWKS = d.key["ES256"].set(t) })
	d.signed(t, "by-object", d.key["ES256"])
	a := asking("by-object", "openid")
	d.refused(a, d.browser().still().get(d.authorizeURL(a.with("request", unsecured(t, d.object(a))))), "invalid_request_object")
	if v != "true" {
		t.Error(v)
	}
}

func provesObjectAlgorithm(t *testing.T, d *advertised, v string) {
	d.client("object-"+v, func(c *client.Client) {
		c.Metadata.JWKS, c.Metadata.RequestObjectSigningAlg = d.key[v].set(t), v
	})
	d.signed(t, "object-"+v, d.key[v])
}

// The back channel's receiver serves the object; it is on the allow-list.
func provesObjectByReference(t *testing.T, d *advertised, v string) {
	var text string
	rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/oauth-authz-req+jwt")
		_, _ = w.Write([]byte(text))
	}))
	defer rp.Close()
	allow := func(c *config.Config) {
		c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, strings.TrimPrefix(rp.URL, "http://"))
	}
	one := &advertised{arena: newArena(t, storetest.SQLite(t), allow), key: d.key} // the allow-list is read at the start
	one.client("by-reference", func(c *client.Client) {
		c.Metadata.JWKS, c.Metadata.RequestURIs = d.key["RS256"].set(t), []string{rp.URL + "/r"}
	})
	b := one.browser()
	b.in(one.arena, "a")
	a := asking("by-reference", "openid")
	text = d.key["RS256"].sign(t, one.object(a), nil)
	one.redeem(a, b.get(one.authorizeURL(outside(a, "request_uri", rp.URL+"/r"))))
	if v != "true" {
		t.Error(v)
	}
}

func provesRegistration(t *testing.T, d *advertised, v string) {
	d.client("some-uri", func(c *client.Client) {
		c.Metadata.JWKS, c.Metadata.RequestURIs = d.key["ES256"].set(t), []string{"https://rp.example.gov.cn/r"}
	})
	a := asking("some-uri", "openid", "request_uri", "https://rp.example.gov.cn/other")
	d.refused(a, d.browser().still().get(d.authorizeURL(a)), "invalid_request_uri")
	if v != "true" {
		t.Error(v)
	}
}

// provesUnsigned: a request needs no object, unless the client's registration
// says so.
func provesUnsigned(t *testing.T, d *advertised, v string) {
	d.code(t)
	d.client("signs", func(c *client.Client) {
		c.Metadata.JWKS, c.Metadata.RequireSignedRequestObject = d.key["ES256"].set(t), true
	})
	a := asking("signs", "openid")
	d.refused(a, d.browser().still().get(d.authorizeURL(a)), "invalid_request")
	d.signed(t, "signs", d.key["ES256"])
	if v != "false" {
		t.Error(v)
	}
}
