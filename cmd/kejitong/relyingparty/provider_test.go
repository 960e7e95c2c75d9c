package relyingparty_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// op is a small OpenID provider: it signs in whoever it is told to, checks
// what it is sent as a provider must, and can be bent to lie.
type op struct {
	*httptest.Server
	t     *testing.T
	clock *clock

	mu        sync.Mutex
	id        map[string]any // claims of the person at the keyboard, ID token
	info      map[string]any // the same, userinfo
	codes     map[string]url.Values
	refresh   map[string]string // refresh token → nonce
	asked     []url.Values      // authorization requests
	goodbyes  []url.Values      // end_session requests
	exchanges int

	// How it lies.
	down       bool
	mum        bool // does not promise iss
	editHeader func(map[string]any)
	editID     func(map[string]any)
	editAnswer func(url.Values)
	editToken  func(map[string]any)
	sign       func(header, claims map[string]any) string
	refuses    string // error code at the token endpoint
}

var (
	ownKey     = sync.OnceValue(newKey)
	foreignKey = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

const (
	clientID     = "hightech-enterprise"
	clientSecret = "s3cret of+the&system"
	uscc         = "91110108MA01ET88XL"
	otherUSCC    = "91310000MA1FL2BR3K"
)

func newOP(t *testing.T, c *clock) *op {
	o := &op{t: t, clock: c, codes: map[string]url.Values{}, refresh: map[string]string{}}
	o.be(legal())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", o.discovery)
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ownKey().Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", o.authorize)
	mux.HandleFunc("POST /token", o.token)
	mux.HandleFunc("GET /userinfo", o.userinfo)
	mux.HandleFunc("POST /introspect", o.introspect)
	mux.HandleFunc("GET /logout", o.logout)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

// be puts another person at the keyboard.
func (o *op) be(id, info map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.id, o.info = id, info
}

// lie changes how the provider behaves from now on.
func (o *op) lie(f func(*op)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

func (o *op) discovery(w http.ResponseWriter, r *http.Request) {
	answer(w, 200, map[string]any{
		"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token",
		"userinfo_endpoint": o.URL + "/userinfo", "jwks_uri": o.URL + "/jwks", "introspection_endpoint": o.URL + "/introspect",
		"end_session_endpoint": o.URL + "/logout", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"},
		"authorization_response_iss_parameter_supported": !o.mum,
	})
}

func (o *op) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	o.asked = append(o.asked, q)
	if q.Get("client_id") != clientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("nonce")) < 32 || len(q.Get("state")) < 32 {
		o.t.Errorf("authorization request %v", q)
	}
	code := rand.Text()
	o.codes[code] = q
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	if !o.mum {
		back.Set("iss", o.URL)
	}
	if o.editAnswer != nil {
		o.editAnswer(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (o *op) token(w http.ResponseWriter, r *http.Request) {
	o.exchanges++
	user, password, _ := r.BasicAuth()
	user, _ = url.QueryUnescape(user)
	password, _ = url.QueryUnescape(password)
	if user != clientID || password != clientSecret {
		answer(w, 401, map[string]string{"error": "invalid_client"})
		return
	}
	if o.refuses != "" {
		answer(w, 400, map[string]string{"error": o.refuses, "error_description": "no longer"})
		return
	}
	var nonce string
	switch r.FormValue("grant_type") {
	case "authorization_code":
		q, ok := o.codes[r.FormValue("code")]
		delete(o.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") || r.FormValue("redirect_uri") != q.Get("redirect_uri") {
			answer(w, 400, map[string]string{"error": "invalid_grant"})
			return
		}
		nonce = q.Get("nonce")
	case "refresh_token":
		was, ok := o.refresh[r.FormValue("refresh_token")]
		delete(o.refresh, r.FormValue("refresh_token"))
		if !ok {
			answer(w, 400, map[string]string{"error": "invalid_grant"})
			return
		}
		nonce = was
	}
	next := rand.Text()
	o.refresh[next] = nonce
	access := "at-" + rand.Text()
	claims := o.stamped(map[string]any{"exp": o.clock.Now().Add(10 * time.Minute).Unix(), "nonce": nonce, "auth_time": 1795250000, "azp": clientID, "at_hash": halfHash(access)})
	maps.Copy(claims, o.id)
	if o.editID != nil {
		o.editID(claims)
	}
	header := map[string]any{"typ": "JWT"}
	if o.editHeader != nil {
		o.editHeader(header)
	}
	out := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 600, "refresh_token": next, "id_token": o.signed(header, claims)}
	if o.editToken != nil {
		o.editToken(out)
	}
	answer(w, 200, out)
}

func (o *op) userinfo(w http.ResponseWriter, r *http.Request) {
	if o.info == nil || len(r.Header.Get("Authorization")) < 20 {
		answer(w, 401, map[string]string{"error": "invalid_token"})
		return
	}
	answer(w, 200, o.info)
}

func (o *op) introspect(w http.ResponseWriter, r *http.Request) {
	if _, password, _ := r.BasicAuth(); password != url.QueryEscape(clientSecret) || r.FormValue("token") == "" {
		answer(w, 401, map[string]string{"error": "invalid_client"})
		return
	}
	answer(w, 200, map[string]any{"active": true, "client_id": clientID, "scope": "openid org entitlements"})
}

func (o *op) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	o.goodbyes = append(o.goodbyes, q)
	http.Redirect(w, r, q.Get("post_logout_redirect_uri")+"?state="+url.QueryEscape(q.Get("state")), http.StatusSeeOther)
}

// stamped are the claims of any token of ours, with more on top.
func (o *op) stamped(more map[string]any) map[string]any {
	claims := map[string]any{"iss": o.URL, "aud": clientID, "iat": o.clock.Now().Unix(), "jti": rand.Text()}
	maps.Copy(claims, more)
	return claims
}

func (o *op) signed(header, claims map[string]any) string {
	if o.sign != nil {
		return o.sign(header, claims)
	}
	return sign(o.t, jose.RS256, ownKey(), header, claims)
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, header, claims map[string]any) string {
	options := (&jose.SignerOptions{}).WithHeader("kid", "k1")
	for name, value := range header {
		options = options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(mustJSON(claims))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// unsigned is a token with alg none and no signature.
func unsigned(header, claims map[string]any) string {
	h := maps.Clone(header)
	h["alg"] = "none"
	return base64.RawURLEncoding.EncodeToString(mustJSON(h)) + "." + base64.RawURLEncoding.EncodeToString(mustJSON(claims)) + "."
}

func halfHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(mustJSON(v))
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// legal is a verified legal account with a named handler.
func legal() (map[string]any, map[string]any) {
	org := map[string]any{"uscc": uscc, "name": "示例科技有限公司", "type": "enterprise", "relation": "self"}
	grants := []string{"hightech_enterprise:apply", "hightech_enterprise:report", "tech_sme:apply"}
	id := map[string]any{"sub": "Lw9legalB", "sid": "s7f1", "acr": "urn:fuwu:aal:2", "amr": []string{"pwd", "sms"}, "account_type": "legal_entity",
		"realname": map[string]any{"status": "verified", "level": "L2", "method": "auto"}, "org": org, "act": map[string]any{"sub": "op7handler"}, "entitlements": grants}
	info := map[string]any{"sub": "Lw9legalB", "org": org, "entitlements": slices.Clone(grants), "name": "未经核验的名字",
		"verified_claims": map[string]any{"verification": map[string]any{"trust_framework": "https://op.test/trust/realname"},
			"claims": map[string]any{"organization_name": "示例科技有限公司（已核验）"}}}
	return id, info
}

// person is a natural person who acts for nobody.
func person(status, level, name string) (map[string]any, map[string]any) {
	id := map[string]any{"sub": "k3vQpairwiseA", "sid": "s7f1", "acr": "urn:fuwu:aal:1", "amr": []string{"pwd"}, "account_type": "natural_person",
		"realname": map[string]any{"status": status, "level": level}, "entitlements": []string{}}
	info := map[string]any{"sub": "k3vQpairwiseA", "name": "自称的名字", "entitlements": []string{}}
	if name != "" {
		info["verified_claims"] = map[string]any{"verification": map[string]any{"trust_framework": "https://op.test/trust/realname"}, "claims": map[string]any{"name": name}}
	}
	return id, info
}

// handler is a natural person who acts for a unit.
func handler(number string, grants ...string) (map[string]any, map[string]any) {
	id, info := person("verified", "L2", "王五")
	org := map[string]any{"uscc": number, "name": "单位 " + number, "type": "enterprise", "relation": "handler"}
	id["org"], info["org"] = org, org
	id["entitlements"], info["entitlements"] = grants, grants
	return id, info
}
