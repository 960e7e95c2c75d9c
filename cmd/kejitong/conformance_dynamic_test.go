package main

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// dynamic is a plan whose clients register themselves: with an initial access
// token, by private_key_jwt, and with what they publish on a web site of theirs.
type dynamic struct {
	*plan
	initial string
	site    *site
}

// site is where a relying party publishes keys, request objects and lists.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]string // by path
	kinds map[string]string // Content-Type by path
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{pages: map[string]string{}, kinds: map[string]string{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		body, there := s.pages[r.URL.Path]
		if !there {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", s.kinds[r.URL.Path])
		_, _ = io.WriteString(w, body) // the provider hung up: it says so itself
	}))
	t.Cleanup(s.Close)
	return s
}

// publish puts a document on the site and gives its address.
func (s *site) publish(path, kind, body string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path], s.kinds[path] = body, kind
	return s.URL + path
}

// OpenID Connect Dynamic OP (oidcc-dynamic-certification-test-plan).
func TestConformanceDynamic(t *testing.T) {
	d := newDynamic(t)
	for _, response := range []string{"code", "code id_token", "id_token"} {
		d.sub(response, func(p *plan) {
			p.response = response
			o := *d
			o.plan = p
			for _, m := range dynamicModules {
				if response == "id_token" && slices.Contains(dynamicCodeOnly, m.name) {
					continue
				}
				o.module(m)
			}
		})
	}
}

// Third-Party-Initiated Login OP (oidcc-3rdparty-init-login-certification-test-plan).
func TestConformanceThirdPartyInitiatedLogin(t *testing.T) {
	d := newDynamic(t)
	for _, m := range []dynamicModule{
		{"oidcc-3rd_party-init-login", func(d *dynamic) {
			const uri = "https://www.certification.openid.net/test/a/kejitong/initiate_login"
			a := d.registers(map[string]any{"initiate_login_uri": uri})
			read := d.managed(http.MethodGet, a.body)
			if a.status != http.StatusCreated || text(a.body, "initiate_login_uri") != uri || read.status != http.StatusOK || text(read.body, "initiate_login_uri") != uri {
				d.fail("registered %s, read %s", a.raw, read.raw)
			}
		}},
		{"oidcc-3rd_party-init-login-nohttps", func(d *dynamic) {
			d.refusedRegistration(map[string]any{"initiate_login_uri": "http://www.certification.openid.net/test/a/kejitong/initiate_login"}, "invalid_client_metadata")
		}},
	} {
		d.module(m)
	}
}

// Basic OP, the three modules that dynamic clients have more
// (oidcc-basic-certification-test-plan, dynamic_client).
func TestConformanceBasicDynamic(t *testing.T) {
	d := newDynamic(t)
	for _, m := range []dynamicModule{
		{"oidcc-idtoken-signature", func(d *dynamic) {
			_, g := d.flow(d.agent(), d.party(nil))
			if h := headerOf(d.t, g.idToken); h["alg"] != "RS256" || text(h, "kid") == "" {
				d.fail("header %v", h)
			}
		}},
		{"oidcc-idtoken-unsigned", unsignedUnsupported},
		{"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", func(d *dynamic) {
			uri := d.site.publish("/unsigned", "application/oauth-authz-req+jwt", unsignedObject(map[string]any{"iss": "x"}))
			c := d.party(map[string]any{"request_uris": []string{uri}})
			d.refused(d.visit(d.agent(), d.ask(c, "request_uri", uri)), "invalid_request_object", "request_uri_not_supported")
		}},
	} {
		d.module(m)
	}
}

func newDynamic(t *testing.T) *dynamic {
	t.Helper()
	s := newSite(t)
	p := newPlan(t, storetest.Postgres(t), variant{response: "code", auth: "private_key_jwt"}, func(c *config.Config) {
		c.Protocol.FrontChannelTokens = true
		c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, s.Listener.Addr().String())
	}, func(a *app) {
		a.roots = x509.NewCertPool()
		a.roots.AddCert(s.Certificate())
	})
	token, digest, err := client.NewToken()
	if err == nil {
		err = p.app.db.PutInitialToken(t.Context(), client.InitialToken{
			ID: randomText(6), Digest: digest, Note: "certification", MaxUses: 10000, CreatedAt: p.clock.now(), ExpiresAt: p.clock.now().Add(24 * time.Hour),
			Policy: client.Policy{
				Reviewed: true, PKCEOptional: true, PrivateHosts: true, GrantTypes: []string{"authorization_code", "implicit", "refresh_token"},
				ResponseTypes: []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"},
			},
		}, audit.Event{Kind: audit.InitialMade, Actor: "test"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &dynamic{plan: p, initial: token, site: s}
}

type dynamicModule struct {
	name string
	run  func(d *dynamic)
}

func (d *dynamic) module(m dynamicModule) {
	d.sub(m.name, func(p *plan) {
		o := *d
		o.plan = p
		m.run(&o)
	})
}

// registers asks for a registration as the suite does; more are members that
// are added, changed or, when nil, left out. The keys have no kid.
func (d *dynamic) registers(more map[string]any) answer {
	d.t.Helper()
	m := map[string]any{
		"client_name": "OIDF conformance suite", "redirect_uris": []string{suiteCallback}, "response_types": []string{d.response}, "contacts": []string{"certification@oidf.org"},
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "private_key_jwt", "jwks": suiteKey(d.t).set(d.t),
	}
	switch {
	case d.response == "id_token":
		m["grant_types"] = []string{"implicit"}
	case d.response != "code":
		m["grant_types"] = []string{"authorization_code", "refresh_token", "implicit"}
	}
	for name, v := range more {
		if m[name] = v; v == nil {
			delete(m, name)
		}
	}
	return d.json(http.MethodPost, d.endpoint("registration_endpoint"), d.initial, m)
}

func (d *dynamic) json(method, target, bearer string, body any) answer {
	d.t.Helper()
	var reader io.Reader
	if body != nil {
		reader = strings.NewReader(encoded(d.t, body))
	}
	r, err := http.NewRequest(method, target, reader)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	return d.sent(r)
}

// managed calls the configuration endpoint of a registration (RFC 7592 §2).
func (d *dynamic) managed(method string, registration map[string]any) answer {
	d.t.Helper()
	return d.json(method, text(registration, "registration_client_uri"), text(registration, "registration_access_token"), nil)
}

// suiteKey is the key that the suite uses for all of its clients.
func suiteKey(t testing.TB) signer {
	suiteKeyOnce.Do(func() { suiteKeyMade = newSigner(t, "RS256", "") })
	return suiteKeyMade
}

var (
	suiteKeyOnce sync.Once
	suiteKeyMade signer
)

// party registers a client, holds the answer to RFC 7591 §3.2.1 and deletes the
// client afterwards (RFC 7592 §2.3).
func (d *dynamic) party(more map[string]any) *party {
	d.t.Helper()
	a := d.registers(more)
	if a.status != http.StatusCreated || text(a.body, "client_id") == "" {
		d.t.Fatalf("registration: %d %s", a.status, a.raw)
	}
	if _, secret := a.body["client_secret"]; secret != (a.body["client_secret_expires_at"] != nil) {
		d.fail("client_secret and client_secret_expires_at do not go together: %s", a.raw)
	}
	if uri := text(a.body, "registration_client_uri"); !strings.HasPrefix(uri, "https://") || text(a.body, "registration_access_token") == "" {
		d.fail("no management: %s", a.raw)
	}
	d.t.Cleanup(func() {
		if got := d.managed(http.MethodDelete, a.body); got.status != http.StatusNoContent {
			d.fail("DELETE: %d %s", got.status, got.raw)
		}
	})
	c := &party{id: text(a.body, "client_id"), secret: text(a.body, "client_secret"), redirect: suiteCallback, key: suiteKey(d.t)}
	if err := json.Unmarshal([]byte(a.raw), &c.meta); err != nil {
		d.t.Fatal(err)
	}
	if len(c.meta.RedirectURIs) > 0 {
		c.redirect = c.meta.RedirectURIs[0]
	}
	return c
}

// refusedRegistration: 400 with one of these errors (RFC 7591 §3.2.2).
func (d *dynamic) refusedRegistration(more map[string]any, codes ...string) {
	d.t.Helper()
	if a := d.registers(more); a.status != http.StatusBadRequest || !slices.Contains(codes, a.err()) {
		d.fail("registration: %d %s, want one of %q", a.status, a.raw, codes)
	}
}

// unsignedUnsupported: the suite skips what nobody offers.
func unsignedUnsupported(d *dynamic) {
	if slices.Contains(d.listed("id_token_signing_alg_values_supported"), "none") {
		d.fail("none is advertised")
	}
	d.refusedRegistration(map[string]any{"id_token_signed_response_alg": "none"}, "invalid_client_metadata")
}

// headerOf is the header of a JWT.
func headerOf(t testing.TB, compact string) map[string]any {
	t.Helper()
	head, _, _ := strings.Cut(compact, ".")
	return decoded(t, head)
}

// shows signs nobody in: it gives the sign-in page of a client.
func (d *dynamic) shows(c *party) page {
	d.t.Helper()
	at := d.agent().get(d.endpoint("authorization_endpoint") + "?" + d.ask(c).Encode())
	if !hasForm(d.t, at.body, "password") {
		d.t.Fatalf("no sign-in page:\n%s", at.body)
	}
	return at
}
