package main

import (
	"crypto/x509"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store"
	"kejitong/store/storetest"
)

// fapi is the FAPI 2.0 plan in one of its variants: the plan, and what its two
// clients prove who they are and what their tokens are bound by.
type fapi struct {
	*plan
	signed    bool     // requests in a request object (message signing)
	jarm      bool     // answers in a JWT
	bound     string   // what access tokens are bound by: dpop or mtls
	certifier identity // issues the clients' certificates
}

const fapiName = "fapi2-security-profile-final-"

// FAPI 2.0 Security Profile (fapi2-security-profile-final-test-plan,
// openid_connect, plain_fapi) with each way of authentication and of binding.
func TestConformanceFAPI2(t *testing.T) {
	t.Run("private_key_jwt, DPoP", func(t *testing.T) {
		playFAPI(t, storetest.Postgres(t), variant{response: "code", auth: "private_key_jwt"}, fapi{bound: "dpop"}, slices.Concat(fapiModules, fapiKeyModules, fapiDPoPModules))
	})
	t.Run("mTLS, mTLS", func(t *testing.T) {
		playFAPI(t, storetest.SQLite(t), variant{response: "code", auth: "tls_client_auth"}, fapi{bound: "mtls"}, fapiModules)
	})
	t.Run("private_key_jwt, mTLS", func(t *testing.T) {
		playFAPI(t, storetest.SQLite(t), variant{response: "code", auth: "private_key_jwt"}, fapi{bound: "mtls"}, slices.Concat(fapiModules, fapiKeyModules))
	})
}

type fapiModule struct {
	name string
	run  func(f *fapi)
}

func playFAPI(t *testing.T, o store.Options, v variant, f fapi, modules []fapiModule) {
	t.Helper()
	f.certifier = issue(t, nil, issuing)
	p := newPlan(t, o, v, nil, f.mutual(t))
	f.plan = p
	p.first, p.second = f.client("first", suiteCallback), f.client("second", suiteCallback+"?dummy1=lorem&dummy2=ipsum")
	for _, m := range modules {
		p.sub(fapiName+m.name, func(p *plan) {
			o := f
			o.plan = p
			m.run(&o)
		})
	}
}

// mutual opens a listener that asks for certificates.
func (f *fapi) mutual(t *testing.T) func(*app) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "ca.pem", string(f.certifier.pem()))
	return func(a *app) {
		a.mutual = l
		a.cfg.Listen.MTLS = config.MTLS{
			Address: l.Addr().String(), PublicURL: "https://localhost:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port), ClientCAFile: filepath.Join(dir, "ca.pem"), ProxyHeaderForm: "rfc9440",
		}
	}
}

// certified tells whether requests go out with the client's certificate, to the
// addresses of mtls_endpoint_aliases (RFC 8705 §5).
func (f *fapi) certified() bool { return f.bound == "mtls" || f.auth == "tls_client_auth" }

// at is where an endpoint of the discovery document is for these clients.
func (f *fapi) at(member string) string {
	f.t.Helper()
	if f.certified() {
		if aliases, _ := f.doc["mtls_endpoint_aliases"].(map[string]any); text(aliases, member) != "" {
			return text(aliases, member)
		}
		f.t.Fatalf("mtls_endpoint_aliases lacks %s", member)
	}
	return f.endpoint(member)
}

// send makes a direct request as the client does; bare leaves out its
// certificate.
func (f *fapi) send(c *party, bare bool, r *http.Request) answer {
	f.t.Helper()
	if !f.certified() {
		return f.sent(r)
	}
	who := c.cert
	if bare {
		who = identity{}
	}
	o := *f.plan
	direct := who.over(f.plan.ca.roots)
	base := r.URL.Scheme + "://" + r.URL.Host
	direct.Transport = watcher{f.t, direct.Transport, base}
	o.direct = direct
	return o.sent(r)
}

// client registers a client under the profile, with a PS256 key.
func (f *fapi) client(name, redirect string, change ...func(*client.Metadata)) *party {
	f.t.Helper()
	key := newSigner(f.t, "PS256", "fapi-"+name)
	cert := issue(f.t, &f.certifier, func(c *x509.Certificate) { c.Subject.CommonName = name + " " + randomText(4) })
	c := f.party(name, redirect, append([]func(*client.Metadata){func(m *client.Metadata) {
		m.PKCEOptional, m.SecurityProfile, m.IDTokenSignedResponseAlg = false, client.FAPI2, "PS256"
		m.JWKS, m.DPoPBoundTokens, m.TLSBoundTokens = key.set(f.t), f.bound == "dpop", f.bound == "mtls"
		if f.auth == "tls_client_auth" {
			m.TLSClientAuthSubjectDN = cert.cert.Subject.String()
		}
		m.RequireSignedRequestObject = f.signed
		if f.jarm { // this profile is both: signed requests and signed responses
			m.SecurityProfile, m.RequireSignedRequestObject = client.FAPI2Signed, false
		}
	}}, change...)...)
	c.key, c.cert = key, cert
	return c
}

// attempted is one authorization request under the profile.
type attempted struct {
	c        *party
	form     url.Values
	verifier string
	bind     signer // the DPoP key
	bare     bool   // no certificate is shown
}

// ask makes a complete request to push.
func (f *fapi) ask(c *party, more ...string) *attempted {
	f.t.Helper()
	a := newAttempt("openid")
	q := f.plan.ask(c, "code_challenge", a.params.Get("code_challenge"), "code_challenge_method", "S256")
	if f.jarm {
		q.Set("response_mode", "jwt")
	}
	q = attempt{params: q}.with(more...).params
	return &attempted{c: c, form: q, verifier: a.verifier, bind: newSigner(f.t, "ES256", "")}
}

// proof is a DPoP proof for an endpoint of the discovery document.
func (f *fapi) proof(a *attempted, method, member, access string, edit map[string]any) string {
	f.t.Helper()
	return a.bind.dpop(f.t, f.proofOf(method, f.at(member), access), edit)
}

func (f *fapi) proofOf(method, uri, access string) map[string]any {
	c := map[string]any{"jti": randomText(16), "htm": method, "htu": uri, "iat": f.clock.now().Unix()}
	if access != "" {
		c["ath"] = athOf(access)
	}
	return c
}

// assertion is what the suite sends under FAPI: for the issuer alone, as one
// text.
func (f *fapi) assertion(c *party, edit map[string]any) map[string]any {
	t := f.clock.now().Unix()
	claims := map[string]any{"iss": c.id, "sub": c.id, "aud": f.issuer, "jti": randomText(16), "iat": t, "nbf": t, "exp": t + 60}
	for name, v := range edit {
		if claims[name] = v; v == nil {
			delete(claims, name)
		}
	}
	return claims
}

// credentials authenticate the client in a form.
func (f *fapi) credentials(c *party, v url.Values) {
	f.t.Helper()
	v.Set("client_id", c.id)
	if f.auth == "tls_client_auth" {
		return
	}
	v.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	v.Set("client_assertion", c.key.sign(f.t, f.assertion(c, nil), nil))
}

// posts sends a form to an endpoint with the credentials of the client and a
// proof of the attempt's key; edit may change both.
func (f *fapi) posts(a *attempted, member string, v url.Values, edit ...func(url.Values, http.Header)) answer {
	f.t.Helper()
	v = maps.Clone(v)
	f.credentials(a.c, v)
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if member == "token_endpoint" && f.bound == "dpop" {
		h.Set("DPoP", f.proof(a, http.MethodPost, member, "", nil))
	}
	for _, e := range edit {
		e(v, h)
	}
	r, err := http.NewRequest(http.MethodPost, f.at(member), strings.NewReader(v.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header = h
	return f.send(a.c, a.bare, r)
}

// pushes sends the request ahead of the browser (RFC 9126 §2).
func (f *fapi) pushes(a *attempted, edit ...func(url.Values, http.Header)) answer {
	f.t.Helper()
	form := a.form
	if f.signed {
		form = url.Values{"request": {a.c.key.sign(f.t, f.object(a, nil), map[string]any{"typ": "oauth-authz-req+jwt"})}}
	}
	return f.posts(a, "pushed_authorization_request_endpoint", form, edit...)
}

// object is the request as the claims of a request object.
func (f *fapi) object(a *attempted, edit map[string]any) map[string]any {
	t := f.clock.now().Unix()
	claims := map[string]any{"iss": a.c.id, "aud": f.issuer, "iat": t, "nbf": t, "exp": t + 300}
	for name, values := range a.form {
		claims[name] = values[0]
	}
	for name, v := range edit {
		if claims[name] = v; v == nil {
			delete(claims, name)
		}
	}
	return claims
}

// pushed is pushes for what must succeed; it gives what the browser asks with.
func (f *fapi) pushed(a *attempted, edit ...func(url.Values, http.Header)) url.Values {
	f.t.Helper()
	got := f.pushes(a, edit...)
	if got.status != http.StatusCreated {
		f.t.Fatalf("pushed: %s", got)
	}
	return url.Values{"client_id": {a.c.id}, "request_uri": {text(got.body, "request_uri")}}
}

// walks pushes the request and takes the browser to the answer.
func (f *fapi) walks(b *browser, a *attempted) outcome {
	f.t.Helper()
	return f.browses(b, a, f.pushed(a))
}

// browses takes the browser to the answer; what came is held against what was
// pushed.
func (f *fapi) browses(b *browser, a *attempted, q url.Values) outcome {
	f.t.Helper()
	o := f.through(b, a.form, b.get(f.endpoint("authorization_endpoint")+"?"+q.Encode()))
	if f.jarm && o.params != nil {
		f.opened(a.c, &o)
	}
	return o
}

// tokens redeems the code of an answer.
func (f *fapi) redeems(a *attempted, o outcome, edit ...func(url.Values, http.Header)) answer {
	f.t.Helper()
	return f.posts(a, "token_endpoint", url.Values{
		"grant_type": {"authorization_code"}, "code": {o.params.Get("code")}, "redirect_uri": {a.form.Get("redirect_uri")}, "code_verifier": {a.verifier},
	}, edit...)
}

// reads shows an access token at userinfo; edit may change the request.
func (f *fapi) reads(a *attempted, access string, edit ...func(*http.Request)) answer {
	f.t.Helper()
	r, err := http.NewRequest(http.MethodGet, f.at("userinfo_endpoint"), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Authorization", f.scheme()+" "+access)
	if f.bound == "dpop" {
		r.Header.Set("DPoP", f.proof(a, http.MethodGet, "userinfo_endpoint", access, nil))
	}
	for _, e := range edit {
		e(r)
	}
	return f.send(a.c, a.bare, r)
}

// scheme is that of access tokens.
func (f *fapi) scheme() string {
	if f.bound == "dpop" {
		return "DPoP"
	}
	return "Bearer"
}

// completes walks the whole flow and gives what it brought.
func (f *fapi) completes(b *browser, a *attempted) (outcome, granted) {
	f.t.Helper()
	o := f.walks(b, a)
	return o, f.finishes(a, o)
}

// finishes redeems the code in a good answer and reads userinfo.
func (f *fapi) finishes(a *attempted, o outcome) granted {
	f.t.Helper()
	f.arrived(o)
	if o.params.Get("code") == "" {
		f.t.Fatalf("no code but %v", o.params)
	}
	got := f.redeems(a, o)
	if got.status != http.StatusOK || !strings.EqualFold(text(got.body, "token_type"), f.scheme()) {
		f.t.Fatalf("token endpoint: %s", got)
	}
	g := granted{party: a.c, access: text(got.body, "access_token"), refresh: text(got.body, "refresh_token"), idToken: text(got.body, "id_token"), code: o.params.Get("code")}
	g.back = f.verified(a.c, g.idToken, a.form)
	f.lean(g.back, a.form)
	f.hashed(g.idToken, g.back, "at_hash", g.access)
	if ui := f.reads(a, g.access); ui.status != http.StatusOK || ui.body["sub"] != g.back["sub"] || ui.header.Get("Date") == "" {
		f.t.Fatalf("userinfo: %s", ui)
	}
	return g
}

// refusedBy holds an answer of a direct endpoint to be a 400 or, for client
// authentication, a 401 with one of these errors.
func (f *fapi) refusedBy(got answer, what string, codes ...string) {
	f.t.Helper()
	if got.status != http.StatusBadRequest && !(got.status == http.StatusUnauthorized && got.err() == "invalid_client") || !slices.Contains(codes, got.err()) {
		f.fail("%s: %s, want one of %q", what, got, codes)
	}
}

// refusedResource: 400 or 401.
func (f *fapi) refusedResource(got answer, what string) {
	f.t.Helper()
	if got.status != http.StatusBadRequest && got.status != http.StatusUnauthorized {
		f.fail("%s: %s, want 400 or 401", what, got)
	}
}

// fails holds a push, or the answer that it leads to, to be an error.
func (f *fapi) fails(a *attempted, edit func(url.Values, http.Header), codes ...string) {
	f.t.Helper()
	got := f.pushes(a, edit)
	if got.status != http.StatusCreated {
		f.refusedBy(got, "pushed", codes...)
		return
	}
	o := f.browses(f.agent(), a, url.Values{"client_id": {a.c.id}, "request_uri": {text(got.body, "request_uri")}})
	if o.params == nil {
		f.stays(o)
		return
	}
	f.refused(o, codes...)
}

// later lets time go by.
func (f *fapi) later(d time.Duration) { f.clock.move(d) }
