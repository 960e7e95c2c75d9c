package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store"
)

// plan is a certification plan of the OpenID Foundation's suite in one of its
// variants, played by relying parties that know the discovery document and
// nothing of ours, over https.
type plan struct {
	*arena
	variant
	ca      *authority
	clock   *clock
	direct  *http.Client
	doc     map[string]any
	checker *oidc.Provider
	first   *party
	second  *party
}

// variant is what a plan's name stands for: response type and mode, and how
// clients authenticate.
type variant struct {
	response string // response_type
	mode     string // response_mode; "" is the default of the type
	auth     string // token_endpoint_auth_method
}

// party is one relying party.
type party struct {
	id, secret, redirect string
	meta                 client.Metadata
	key                  signer
	cert                 identity
}

// module is a test module by the name that the suite gives it.
type module struct {
	name string
	run  func(p *plan)
}

// The suite's callback; nobody listens there, a browser stops before it.
const suiteCallback = "https://www.certification.openid.net/test/a/kejitong/callback"

// play runs the modules of a plan on one provider. A module has browsers
// without a past and the two clients of the plan.
func play(t *testing.T, o store.Options, v variant, modules []module, tweak func(*config.Config)) {
	t.Helper()
	p := newPlan(t, o, v, tweak)
	for _, m := range modules {
		p.sub(m.name, m.run)
	}
}

func newPlan(t *testing.T, o store.Options, v variant, tweak func(*config.Config), alter ...func(*app)) *plan {
	t.Helper()
	p := &plan{variant: v, clock: &clock{}}
	p.arena, p.ca = newSecureArena(t, o, tweak, func(a *app) {
		a.clock = p.clock.now
		for _, change := range alter {
			change(a)
		}
	})
	p.wholePerson()
	p.direct = &http.Client{Transport: p.watch(), Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := p.direct.Get(p.issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&p.doc); err != nil {
		t.Fatal(err)
	}
	if p.checker, err = oidc.NewProvider(p.context(), p.issuer); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(v.auth, "client_secret") { // who has a key is registered with it
		p.first, p.second = p.party("first", suiteCallback), p.party("second", suiteCallback+"?dummy1=lorem&dummy2=ipsum")
	}
	return p
}

// sub is a module of the same plan.
func (p *plan) sub(name string, run func(p *plan)) {
	p.t.Run(name, func(t *testing.T) {
		st, a, o := *p.stage, *p.arena, *p
		st.t, a.t = t, t
		a.stage, o.arena = &st, &a
		o.direct = &http.Client{Transport: o.watch(), Timeout: p.direct.Timeout, CheckRedirect: p.direct.CheckRedirect}
		run(&o)
	})
}

// context makes go-oidc and x/oauth2 trust the provider's certificate and pass
// by the checks of every response.
func (p *plan) context() context.Context {
	return oidc.ClientContext(context.WithoutCancel(p.t.Context()), p.direct)
}

// party registers a client as an operator does for a certification run: it
// signs people in, is reviewed, asks for consent and sends no PKCE.
func (p *plan) party(name, redirect string, change ...func(*client.Metadata)) *party {
	p.t.Helper()
	m := client.Metadata{
		Name: "Conformance " + name, Purpose: "certification", PKCEOptional: true, RedirectURIs: []string{redirect},
		PostLogoutRedirectURIs:  []string{"https://www.certification.openid.net/test/a/kejitong/post_logout_redirect"},
		Scope:                   "openid profile email address phone offline_access",
		GrantTypes:              []string{"authorization_code", "refresh_token"},
		ResponseTypes:           []string{p.response},
		TokenEndpointAuthMethod: p.auth, ClaimsProfile: client.Standard,
	}
	if p.response != "code" {
		m.GrantTypes = append(m.GrantTypes, "implicit")
		if !strings.Contains(p.response, "code") {
			m.GrantTypes = []string{"implicit"}
		}
	}
	o := &party{id: name + "-" + strings.ToLower(randomText(4)), redirect: redirect}
	o.id = strings.ReplaceAll(o.id, "_", "-")
	for _, c := range change {
		c(&m)
	}
	m, err := m.Normalise()
	if err != nil {
		p.t.Fatalf("registration of %s: %v", name, err)
	}
	p.client(o.id, func(c *client.Client) {
		c.Metadata = m
		if !m.HasSecret() {
			c.SecretDigest = ""
		}
	})
	o.secret, o.meta = p.secret(o.id), m
	return o
}

// ask makes an authorization request of a client as the suite does: with state
// and nonce, without PKCE. more are names and values in turn, "-" takes one
// away.
func (p *plan) ask(c *party, more ...string) url.Values {
	q := url.Values{
		"client_id": {c.id}, "redirect_uri": {c.redirect}, "response_type": {p.response}, "scope": {"openid"}, "state": {randomText(10)}, "nonce": {randomText(10)},
	}
	if p.mode != "" {
		q.Set("response_mode", p.mode)
	}
	return attempt{params: q}.with(more...).params
}

// outcome is where an authorization request ended.
type outcome struct {
	sent     url.Values
	page     page
	params   url.Values // the authorization response, nil if there was none
	via      string     // query, fragment or form_post
	logins   int        // sign-in pages shown on the way
	consents int
}

// agent is a browser without a past whose every response is checked.
func (p *plan) agent() *browser {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	home, err := url.Parse(p.issuer)
	if err != nil {
		p.t.Fatal(err)
	}
	b := &browser{t: p.t, home: home}
	b.http = &http.Client{Jar: jar, Transport: p.watch(), Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != home.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// visit sends the browser to the authorization endpoint and does what the user
// is asked to do.
func (p *plan) visit(b *browser, q url.Values) outcome {
	p.t.Helper()
	return p.through(b, q, b.get(p.endpoint("authorization_endpoint")+"?"+q.Encode()))
}

// endpoint is an address of the discovery document.
func (p *plan) endpoint(member string) string {
	p.t.Helper()
	v := text(p.doc, member)
	if v == "" {
		p.t.Fatalf("discovery has no %s", member)
	}
	return v
}

// through walks the pages from at on until the browser leaves, or ends on a
// page that asks nothing.
func (p *plan) through(b *browser, q url.Values, at page) outcome {
	p.t.Helper()
	o := outcome{sent: q, page: at}
	for range 8 {
		if o.page.StatusCode >= 300 && o.page.StatusCode < 400 {
			u, err := o.page.Location()
			if err != nil {
				p.t.Fatal(err)
			}
			o.via, o.params = "query", u.Query()
			if f := u.EscapedFragment(); f != "" || strings.Contains(o.page.Header.Get("Location"), "#") {
				o.via = "fragment"
				if o.params, err = url.ParseQuery(f); err != nil {
					p.t.Fatalf("fragment %q: %v", f, err)
				}
			}
			return o
		}
		switch {
		case hasForm(p.t, o.page.body, "password"):
			o.logins++
			o.page = b.press(o.page, "password", "username", "whole-person", "password", p.secret("whole-person"))
		case hasForm(p.t, o.page.body, "decision=allow"):
			o.consents++
			o.page = b.press(o.page, "decision=allow")
		case strings.Contains(o.page.body, `id="response"`):
			f := findForm(p.t, o.page.body, "iss")
			o.via, o.params = "form_post", f.values
			return o
		default:
			return o
		}
	}
	p.t.Fatalf("the pages never end:\n%s", o.page.body)
	return o
}

// hasForm tells whether a page has a form with the field or button.
func hasForm(t testing.TB, body, has string) bool {
	t.Helper()
	for f := range forms(t, body) {
		if slices.Contains(f, has) {
			return true
		}
	}
	return false
}

// call posts a form to an endpoint of the discovery document as the client.
func (p *plan) call(c *party, member string, v url.Values) answer {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodPost, p.endpoint(member), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	v = maps.Clone(v)
	if c != nil {
		p.prove(c, r, v)
	}
	body := v.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return p.sent(r)
}

// prove authenticates a client by its method. RFC 6749 §2.3.1: Basic
// credentials are form-urlencoded first.
func (p *plan) prove(c *party, r *http.Request, v url.Values) {
	p.t.Helper()
	switch c.meta.TokenEndpointAuthMethod {
	case "client_secret_basic":
		r.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret))
	case "client_secret_post":
		v.Set("client_id", c.id)
		v.Set("client_secret", c.secret)
	case "private_key_jwt":
		v.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		v.Set("client_assertion", c.key.sign(p.t, p.assertion(c), nil))
	default:
		v.Set("client_id", c.id)
	}
}

// assertion is what the suite sends outside of FAPI: for the token endpoint.
func (p *plan) assertion(c *party) map[string]any {
	t := p.clock.now().Unix()
	return map[string]any{"iss": c.id, "sub": c.id, "aud": p.endpoint("token_endpoint"), "jti": randomText(16), "iat": t, "nbf": t, "exp": t + 60}
}

// sent makes a direct request.
func (p *plan) sent(r *http.Request) answer {
	p.t.Helper()
	res, err := p.direct.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			p.t.Fatalf("%s %s: %d with no JSON: %s", r.Method, r.URL.Path, res.StatusCode, raw)
		}
	}
	return a
}

// fail reports with the name of the rule.
func (p *plan) fail(format string, args ...any) {
	p.t.Helper()
	p.t.Errorf(format, args...)
}
