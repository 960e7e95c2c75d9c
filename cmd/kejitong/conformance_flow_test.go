package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/html"
)

// granted is what a flow brought.
type granted struct {
	*party
	front, back     map[string]any // claims of the ID tokens
	access, refresh string
	idToken         string // the last one
	code            string
}

// claims are those of the ID token that came first.
func (g granted) claims() map[string]any {
	if g.front != nil {
		return g.front
	}
	return g.back
}

// flow walks through a whole flow of a client and holds everything on the way
// to the rules that the suite checks in every flow.
func (p *plan) flow(b *browser, c *party, more ...string) (outcome, granted) {
	p.t.Helper()
	o := p.visit(b, p.ask(c, more...))
	return o, p.success(c, o)
}

// success holds an outcome to be a good answer, redeems the code in it and
// shows the tokens at userinfo.
func (p *plan) success(c *party, o outcome) granted {
	p.t.Helper()
	p.arrived(o)
	if o.params.Has("error") {
		p.t.Fatalf("error %q: %s", o.params.Get("error"), o.params.Get("error_description"))
	}
	g := granted{party: c, access: o.params.Get("access_token"), code: o.params.Get("code")}
	kinds := strings.Fields(o.sent.Get("response_type"))
	for member, kind := range map[string]string{"code": "code", "access_token": "token", "id_token": "id_token"} {
		if o.params.Has(member) != slices.Contains(kinds, kind) {
			p.t.Fatalf("response_type %q: the answer holds %s: %v", kinds, member, o.params.Has(member))
		}
	}
	if raw := o.params.Get("id_token"); raw != "" {
		g.idToken, g.front = raw, p.verified(c, raw, o.sent)
		p.hashed(raw, g.front, "at_hash", g.access)
		p.hashed(raw, g.front, "c_hash", g.code)
		if (g.front["at_hash"] != nil) != (g.access != "") || (g.front["c_hash"] != nil) != (g.code != "") { // OpenID Connect Core §3.3.2.11
			p.fail("front-channel ID token: at_hash %v, c_hash %v", g.front["at_hash"], g.front["c_hash"])
		}
		if s := o.sent.Get("state"); s != "" {
			p.hashed(raw, g.front, "s_hash", s)
		}
		if g.access != "" {
			p.lean(g.front, o.sent)
		}
	}
	if g.access != "" {
		p.shown(g.access, g.front)
	}
	if g.code == "" {
		return g
	}
	a := p.redeem(c, o)
	if a.status != http.StatusOK {
		p.t.Fatalf("token endpoint: %s", a)
	}
	g.access, g.refresh, g.idToken = text(a.body, "access_token"), text(a.body, "refresh_token"), text(a.body, "id_token")
	g.back = p.verified(c, g.idToken, o.sent)
	p.lean(g.back, o.sent)
	p.hashed(g.idToken, g.back, "at_hash", g.access)
	p.hashed(g.idToken, g.back, "c_hash", g.code)
	if g.front != nil && (g.front["sub"] != g.back["sub"] || g.front["iss"] != g.back["iss"]) { // §3.3.3.6
		p.fail("the two ID tokens are of %v and %v", g.front["sub"], g.back["sub"])
	}
	p.shown(g.access, g.back)
	return g
}

// arrived holds an outcome to be an answer where it belongs, with the state as
// sent, and its members to the rules of answers.
func (p *plan) arrived(o outcome) {
	p.t.Helper()
	if o.params == nil {
		p.t.Fatalf("no answer but %d at %s:\n%s", o.page.StatusCode, o.page.Request.URL, o.page.body)
	}
	want := strings.TrimSuffix(o.sent.Get("response_mode"), ".jwt")
	if want == "" || want == "jwt" { // JARM §2.3.4: the default of the response type
		want = "query"
		if t := o.sent.Get("response_type"); strings.Contains(t, "token") { // OAuth 2.0 Multiple Response Types §5
			want = "fragment"
		}
	}
	if o.via != want {
		p.fail("the answer came by %s, want %s", o.via, want)
	}
	target := o.page.Header.Get("Location")
	if o.via == "form_post" {
		target = findForm(p.t, o.page.body, "iss").action
		if target != o.sent.Get("redirect_uri") {
			p.fail("the form goes to %q", target)
		}
	} else if !strings.HasPrefix(target, o.sent.Get("redirect_uri")) {
		p.fail("sent to %q, want %q", target, o.sent.Get("redirect_uri"))
	}
	if o.via == "form_post" {
		for _, breach := range examineAnswer(p.issuer, o.params) {
			p.fail("form_post: %s", breach)
		}
	}
	if state, sent := o.params["state"], o.sent["state"]; !slices.Equal(state, sent) {
		p.fail("state %q, want %q", state, sent)
	}
}

// refused holds an outcome to be one of these errors, at the client.
func (p *plan) refused(o outcome, codes ...string) {
	p.t.Helper()
	p.arrived(o)
	if !slices.Contains(codes, o.params.Get("error")) {
		p.fail("error %q, want one of %q", o.params.Get("error"), codes)
	}
}

// stays holds an outcome to be an error page of the provider's that sends
// nothing anywhere.
func (p *plan) stays(o outcome) {
	p.t.Helper()
	if o.params != nil {
		p.t.Fatalf("an answer was sent by %s: %v", o.via, o.params)
	}
	refusedHere(p.t, o.page)
}

// redeem exchanges the code of an outcome.
func (p *plan) redeem(c *party, o outcome, more ...string) answer {
	p.t.Helper()
	v := url.Values{"grant_type": {"authorization_code"}, "code": {o.params.Get("code")}, "redirect_uri": {o.sent.Get("redirect_uri")}}
	return p.call(c, "token_endpoint", attempt{params: v}.with(more...).params)
}

// verified holds an ID token to OpenID Connect Core §3.1.3.7 by go-oidc, and to
// the suite's own rules about keys and claims.
func (p *plan) verified(c *party, raw string, sent url.Values) map[string]any {
	p.t.Helper()
	alg := c.meta.IDTokenSignedResponseAlg
	id, err := p.checker.Verifier(&oidc.Config{ClientID: c.id, SupportedSigningAlgs: []string{alg}, Now: p.clock.now}).Verify(p.context(), raw)
	if err != nil {
		p.t.Fatalf("ID token: %v", err)
	}
	p.keyOf(raw)
	var m map[string]any
	if err := id.Claims(&m); err != nil {
		p.t.Fatal(err)
	}
	for _, breach := range examineClaims(m) {
		p.fail("ID token: %s", breach)
	}
	if aud, single := m["aud"].(string); !single || aud != c.id {
		if azp := text(m, "azp"); azp != c.id {
			p.fail("ID token: aud %v, azp %q", m["aud"], azp)
		}
	}
	now := float64(p.clock.now().Unix())
	if iat, _ := m["iat"].(float64); iat < now-300 || iat > now+300 {
		p.fail("ID token: iat %v, now %v", m["iat"], now)
	}
	if exp, _ := m["exp"].(float64); exp <= now {
		p.fail("ID token: exp %v, now %v", m["exp"], now)
	}
	if nonce := sent.Get("nonce"); text(m, "nonce") != nonce || (m["nonce"] != nil) != (nonce != "") {
		p.fail("ID token: nonce %v, sent %q", m["nonce"], nonce)
	}
	if acr, there := m["acr"]; there && acr != text(m, "acr") {
		p.fail("ID token: acr %v", acr)
	}
	return m
}

// keyOf holds a JWT to be signed by the one key of the JWKS that has its kid, a
// key that is for signatures and for this algorithm alone.
func (p *plan) keyOf(raw string) {
	p.t.Helper()
	algs := []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
	jws, err := jose.ParseSignedCompact(raw, algs)
	if err != nil {
		p.t.Fatal(err)
	}
	h := jws.Signatures[0].Header
	found := p.keys().Key(h.KeyID)
	if h.KeyID == "" || len(found) != 1 {
		p.t.Fatalf("kid %q names %d keys", h.KeyID, len(found))
	}
	if k := found[0]; k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != h.Algorithm {
		p.fail("the key is for %s and %s, the header says %s", k.Use, k.Algorithm, h.Algorithm)
	}
	if _, err := jws.Verify(found[0]); err != nil {
		p.t.Fatal(err)
	}
}

// hashed holds a hash of an ID token, where it is there, to the value that it
// is of (OpenID Connect Core §3.1.3.6, §3.3.2.11).
func (p *plan) hashed(raw string, m map[string]any, name, value string) {
	p.t.Helper()
	got, there := m[name]
	if !there {
		return
	}
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		p.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(value))
	half := sum[:16]
	if jws.Signatures[0].Header.Algorithm == "EdDSA" { // Ed25519 hashes with SHA-512
		sum := sha512.Sum512([]byte(value))
		half = sum[:32]
	}
	if got != base64.RawURLEncoding.EncodeToString(half) {
		p.fail("%s is not that of the %s at hand", name, name)
	}
}

// lean: an ID token beside an access token holds nothing that nobody asked for.
func (p *plan) lean(m map[string]any, sent url.Values) {
	p.t.Helper()
	for name := range m {
		if !slices.Contains([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash", "c_hash", "s_hash", "jti", "nbf", "txn"}, name) &&
			!strings.Contains(sent.Get("claims"), `"`+name+`"`) {
			p.fail("ID token: %s was not asked for", name)
		}
	}
}

// shown calls userinfo with an access token and gives the claims; its subject is
// that of the ID token.
func (p *plan) shown(access string, id map[string]any) map[string]any {
	p.t.Helper()
	a := p.userinfo(access)
	if a.status != http.StatusOK || a.body == nil {
		p.t.Fatalf("userinfo: %s %s", a, a.header.Get("Content-Type"))
	}
	if id != nil && a.body["sub"] != id["sub"] { // OpenID Connect Core §5.3.2
		p.fail("userinfo is about %v, the ID token about %v", a.body["sub"], id["sub"])
	}
	return a.body
}

func (p *plan) userinfo(access string) answer {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodGet, p.endpoint("userinfo_endpoint"), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	return p.sent(r)
}

// forms gives the names and "name=value" of the fields and buttons of every
// form of a page.
func forms(t testing.TB, body string) iter.Seq[[]string] {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func([]string) bool) {
		for n := range root.Descendants() {
			if n.Type != html.ElementNode || n.Data != "form" {
				continue
			}
			var names []string
			for f := range n.Descendants() {
				if f.Type == html.ElementNode && (f.Data == "input" || f.Data == "button") && attr(f, "name") != "" {
					names = append(names, attr(f, "name"), attr(f, "name")+"="+attr(f, "value"))
				}
			}
			if !yield(names) {
				return
			}
		}
	}
}

// keys are what jwks_uri serves now.
func (p *plan) keys() *jose.JSONWebKeySet {
	p.t.Helper()
	res, err := p.direct.Get(p.endpoint("jwks_uri"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		p.t.Fatal(err)
	}
	return &set
}
