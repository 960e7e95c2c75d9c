package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	adminapi "kejitong/provider/web/api"
	"kejitong/store/storetest"
)

const everyAdminScope = "admin.clients admin.systems admin.grants admin.accounts admin.audit.read admin.webhooks"

// Every route is in openapi.json with the scopes that open it, and nothing else is;
// what clients may be registered with is there as well.
func TestTheInterfaceIsWhatItsDocumentSays(t *testing.T) {
	c := contractOf(t)
	paths, _ := c.doc["paths"].(map[string]any)
	described := map[string]bool{}
	for path, v := range paths {
		for method := range v.(map[string]any) {
			described[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, rule := range (&adminapi.Handler{}).Policy() {
		route := rule.Method + " " + rule.Path
		if !described[route] {
			t.Errorf("%s is not described", route)
		}
		delete(described, route)
		var scopes []string
		security, _ := member(paths, rule.Path, strings.ToLower(rule.Method), "security").([]any)
		for _, s := range security {
			for _, scope := range member(s, "token").([]any) {
				scopes = append(scopes, scope.(string))
			}
		}
		if !slices.Equal(scopes, rule.Scopes) {
			t.Errorf("%s: the document says %v, the policy %v", route, scopes, rule.Scopes)
		}
	}
	for route := range described {
		t.Errorf("%s is described and does not exist", route)
	}
	known, _ := member(c.doc, "components", "schemas", "ClientMetadata", "properties").(map[string]any)
	fields := reflect.TypeFor[client.Metadata]()
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
		if known[name] == nil {
			t.Errorf("the member %s of clients is not described", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("the member %s is described and does not exist", name)
	}
}

// S78: no route opens without one of its scopes, whatever other scopes a token has,
// nor without a token, nor with one of a person or for another audience.
func TestNoRouteOfTheInterfaceOpensWithoutItsScope(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		person := fmt.Sprint(r.tokens(b, "a", "openid")["access_token"])
		r.register("elsewhere", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: everyAdminScope, RedirectURIs: []string{}, ResponseTypes: []string{}})
		elsewhere := r.interfaceToken("elsewhere")
		tokens := map[string]string{}
		for i, s := range client.AdminScopes() {
			tokens[s] = r.administrator(fmt.Sprintf("one-%d", i), s)
		}
		for _, rule := range (&adminapi.Handler{}).Policy() {
			path := strings.ReplaceAll(rule.Path, "{id}", "nothing")
			if rule.Path == "/audit" {
				path += "?limit=1"
			}
			for who, token := range map[string]string{"nobody": "", "nonsense": "xyz", "a person": person, "another audience": elsewhere} {
				if s := r.admin(token, rule.Method, path, nil); s.status != http.StatusUnauthorized || s.head.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s by %s: %d %s", rule.Method, path, who, s.status, s.raw)
				}
			}
			for scope, token := range tokens {
				s := r.admin(token, rule.Method, path, nil)
				if opened := s.status != http.StatusForbidden && s.status != http.StatusUnauthorized; opened != slices.Contains(rule.Scopes, scope) {
					t.Errorf("%s %s with %s: %d %s", rule.Method, path, scope, s.status, s.raw)
				}
			}
		}
	})
}

// S65, S80: nobody comes by scopes of the interface but by an operator's hand:
// not by registering himself, whatever the policy of his initial token, nor
// through the interface itself, nor by taking over a client that has them.
func TestScopesOfTheInterfaceComeFromOperatorsAlone(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		if err := (client.Policy{Scopes: []string{"openid", "admin.clients"}}).Check(); err == nil {
			t.Error("a policy may offer admin.clients")
		}
		// Even a policy that came past Check gives nothing.
		lax := client.Policy{GrantTypes: []string{"client_credentials"}, Scopes: []string{"demo.read", "admin.clients"}}
		m, err := lax.Apply(client.Metadata{Name: "x", GrantTypes: []string{"client_credentials"}, Scope: "demo.read admin.clients"})
		if err != nil || m.Administers() {
			t.Errorf("registration under a lax policy: %q, %v", m.Scope, err)
		}
		if _, err := (client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: "admin.audit.read"}).Normalise(); err == nil {
			t.Error("Normalise admits a scope of the interface")
		}
		for _, m := range []client.Metadata{
			{Scope: "openid admin.clients", GrantTypes: []string{"authorization_code", "client_credentials"}, RedirectURIs: []string{"https://rp.example/cb"}},
			{Scope: "admin.everything", GrantTypes: []string{"client_credentials"}}, {Scope: "admin", GrantTypes: []string{"client_credentials"}},
		} {
			if _, err := m.NormaliseByOperator(); err == nil {
				t.Errorf("%+v is registered", m)
			}
		}

		token := r.administrator("small", "admin.clients")
		r.administrator("great", everyAdminScope)
		service := map[string]any{"client_name": "增权", "grant_types": []string{"client_credentials"}, "scope": "admin.audit.read"}
		r.asks(400, token, "POST", "/clients", map[string]any{"metadata": service})
		tag := r.asks(200, token, "GET", "/clients/great", nil).head.Get("ETag")
		for _, deed := range []string{"/secret", "/disable", "/enable"} {
			r.asks(403, token, "POST", "/clients/great"+deed, nil)
		}
		service["scope"] = "demo.read"
		r.asks(403, token, "PUT", "/clients/great", map[string]any{"metadata": service}, "If-Match", tag)
		if !r.knows("great") {
			t.Error("the secret of the great client has changed")
		}
	})
}

// knows tells whether the client still authenticates by its secret.
func (r *rig) knows(id string) bool {
	status, _ := r.post("/oauth2/token", id, url.Values{"grant_type": {"client_credentials"}})
	return status == http.StatusOK
}

// Tokens of every kind open the interface to their holder alone.
func TestTokensOfTheInterface(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	jwt := r.administrator("jwt", "admin.clients.read", func(m *client.Metadata) { m.AccessTokenFormat = "jwt" })
	if strings.Count(jwt, ".") != 2 {
		t.Fatal("no JWT")
	}
	r.asks(200, jwt, "GET", "/clients", nil)

	k := newSigner(t, "ES256", "k")
	r.register("bound", client.Metadata{
		GrantTypes: []string{"client_credentials"}, Scope: "admin.clients.read", Audience: []string{r.apiAudience()}, RedirectURIs: []string{}, ResponseTypes: []string{}, DPoPBoundTokens: true,
	})
	token, _ := r.tokenBy("bound", k, url.Values{"grant_type": {"client_credentials"}}).body["access_token"].(string)
	if token == "" {
		t.Fatal("no bound token")
	}
	s := r.asks(401, token, "GET", "/clients", nil) // RFC 9449 §7.1: as a bearer token it is worth nothing
	if !strings.HasPrefix(s.head.Get("WWW-Authenticate"), "DPoP") {
		t.Errorf("challenge %q", s.head.Get("WWW-Authenticate"))
	}
	proof := k.dpop(t, r.proofClaims("GET", adminapi.Base+"/clients", token), nil)
	r.asks(200, "", "GET", "/clients", nil, "Authorization", "DPoP "+token, "DPoP", proof)
	r.asks(401, "", "GET", "/clients", nil, "Authorization", "DPoP "+token, "DPoP", proof) // again

	r.asks(200, jwt, "GET", "/clients", nil)
	r.setClient("jwt", client.Disabled)
	r.clock.move(2 * time.Second)
	r.asks(401, jwt, "GET", "/clients", nil)
}

// A client's whole life through the interface; the failures first.
func TestClientsThroughTheInterface(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		token := r.administrator("ops", "admin.clients")
		good := func() map[string]any {
			return map[string]any{"client_name": "新系统", "redirect_uris": []string{"https://rp.example/cb"}}
		}
		for name, body := range map[string]any{
			"no JSON": "{", "a list": "[]", "two documents": `{"metadata":{}}{}`, "an unknown member": `{"metadata":{},"owner":"x"}`,
			"privileged by another name": `{"metadata":{"trusted":true}}`, "a member twice": `{"metadata":{"client_name":"a","client_name":"b"}}`,
			"a wrong type": `{"metadata":{"client_name":1}}`, "no name": `{"metadata":{"redirect_uris":["https://rp.example/cb"]}}`,
			"a bad redirect": `{"metadata":{"client_name":"x","redirect_uris":["javascript:alert(1)"]}}`, "a bad id": map[string]any{"client_id": "a b", "metadata": good()},
			"an inner address": `{"metadata":{"client_name":"x","redirect_uris":["https://rp.example/cb"],"jwks_uri":"https://169.254.169.254/k"}}`,
		} {
			before := r.ask(`SELECT COUNT(*) FROM clients`)
			r.asks(400, token, "POST", "/clients", body)
			if n := r.ask(`SELECT COUNT(*) FROM clients`); n != before {
				t.Errorf("%s: a client was made", name)
			}
		}
		r.asks(413, token, "POST", "/clients", `{"metadata":{"client_name":"`+strings.Repeat("x", 40<<10)+`"}}`)
		r.asks(409, token, "POST", "/clients", map[string]any{"client_id": "ops", "metadata": good()})

		made := r.asks(201, token, "POST", "/clients", map[string]any{"client_id": "new-one", "metadata": good()}, "Idempotency-Key", "k1")
		secret := made.text("client_secret")
		if len(secret) < 43 {
			t.Fatalf("no secret: %s", made.raw)
		}
		again := r.asks(201, token, "POST", "/clients", map[string]any{"client_id": "new-one", "metadata": good()}, "Idempotency-Key", "k1")
		if again.text("client_secret") != "" || again.text("client_id") != "new-one" || again.head.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the same again: %s", again.raw)
		}
		r.asks(409, token, "POST", "/clients", map[string]any{"client_id": "other", "metadata": good()}, "Idempotency-Key", "k1")

		path := "/clients/new-one"
		got := r.asks(200, token, "GET", path, nil)
		tag := got.head.Get("ETag")
		if strings.Contains(got.raw, secret) || got.body["client_secret"] != nil { // S71
			t.Error("a secret is shown again")
		}
		next := good()
		next["client_name"] = "改名"
		r.asks(428, token, "PUT", path, map[string]any{"metadata": next})
		r.asks(412, token, "PUT", path, map[string]any{"metadata": next}, "If-Match", `"1"`)
		changed := r.asks(200, token, "PUT", path, map[string]any{"metadata": next}, "If-Match", tag)
		r.asks(412, token, "PUT", path, map[string]any{"metadata": next}, "If-Match", tag)
		if changed.head.Get("ETag") == tag || !strings.Contains(changed.raw, "改名") {
			t.Errorf("not changed: %s", changed.raw)
		}
		r.asks(200, token, "POST", path+"/disable", nil)
		r.asks(409, token, "POST", path+"/disable", nil)
		r.asks(200, token, "POST", path+"/enable", nil)
		rotated := r.asks(200, token, "POST", path+"/secret", nil)
		if s := rotated.text("client_secret"); s == "" || s == secret {
			t.Errorf("no new secret: %s", rotated.raw)
		}
		for _, p := range []string{"", "/disable", "/enable", "/secret"} {
			method := map[bool]string{true: "GET", false: "POST"}[p == ""]
			r.asks(404, token, method, "/clients/nobody"+p, nil)
		}
		// S85: one row a deed, with the client as actor.
		n := r.ask(`SELECT COUNT(*) FROM audit WHERE actor = 'ops' AND object = 'new-one' AND kind IN ('client.created', 'client.changed')`)
		if n != 5 {
			t.Errorf("%d rows of the trail, want 5", n)
		}
	})
}

// Idempotency keys under a race: of many at once one makes a client (S85, once
// means once).
func TestOneKeyMakesOneClient(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		token := r.administrator("ops", "admin.clients")
		body := map[string]any{"metadata": map[string]any{"client_name": "一个", "redirect_uris": []string{"https://rp.example/cb"}}}
		before := r.ask(`SELECT COUNT(*) FROM clients`)
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids, secrets := map[string]bool{}, 0
		for range 16 {
			wg.Go(func() {
				s := r.admin(token, "POST", "/clients", body, "Idempotency-Key", "same")
				mu.Lock()
				defer mu.Unlock()
				if s.status == 201 {
					ids[s.text("client_id")] = true
				}
				if s.text("client_secret") != "" {
					secrets++
				}
			})
		}
		wg.Wait()
		if n := r.ask(`SELECT COUNT(*) FROM clients`) - before; n != 1 || len(ids) != 1 || secrets != 1 {
			t.Errorf("%d clients, %d ids, %d secrets", n, len(ids), secrets)
		}
		// Control: without a key, each request makes one.
		for range 2 {
			r.asks(201, token, "POST", "/clients", body)
		}
		if n := r.ask(`SELECT COUNT(*) FROM clients`) - before; n != 3 {
			t.Errorf("control: %d clients", n)
		}
	})
}

// S83: pages by cursors that nobody makes up, alters or carries over.
func TestCursorsOfTheInterface(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	token, other := r.administrator("ops", "admin.clients admin.audit.read"), r.administrator("spy", "admin.clients.read")
	seen, cursor := []string{}, ""
	for {
		s := r.asks(200, token, "GET", "/clients?limit=2&cursor="+url.QueryEscape(cursor), nil)
		for _, c := range s.items() {
			seen = append(seen, fmt.Sprint(c["client_id"]))
		}
		if cursor = s.text("next_cursor"); cursor == "" {
			break
		}
		r.asks(400, other, "GET", "/clients?cursor="+url.QueryEscape(cursor), nil)
		r.asks(400, token, "GET", "/audit?cursor="+url.QueryEscape(cursor), nil)
		r.asks(400, token, "GET", "/clients?cursor="+url.QueryEscape(cursor[:len(cursor)-2]+"AA"), nil)
	}
	if n := r.ask(`SELECT COUNT(*) FROM clients`); int64(len(seen)) != n || !slices.IsSorted(seen) {
		t.Errorf("%d of %d clients: %v", len(seen), n, seen)
	}
	for _, q := range []string{"?limit=0", "?limit=201", "?limit=x", "?sort=id", "?limit=1&limit=2", "?cursor=%27%3B--"} {
		r.asks(400, token, "GET", "/clients"+q, nil)
	}
	rows := r.asks(200, token, "GET", "/audit?limit=1&kind=client.&actor=test", nil)
	if len(rows.items()) != 1 || rows.text("next_cursor") == "" {
		t.Errorf("the trail: %s", rows.raw)
	}
	for _, q := range []string{"since=yesterday", "until=1", "kind[]=x"} {
		r.asks(400, token, "GET", "/audit?"+q, nil)
	}
	if n := len(r.asks(200, token, "GET", "/audit?object="+url.QueryEscape("' OR 1=1 --"), nil).items()); n != 0 {
		t.Errorf("%d rows by injection", n)
	}
}

// C29: what is told of accounts is masked; freezing takes effect at once and says
// who did it.
func TestAccountsThroughTheInterface(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		token := r.administrator("ops", "admin.accounts")
		b := r.browser()
		users := fmt.Sprint(r.tokens(b, "a", "openid")["access_token"])
		for _, body := range []any{`{}`, `{"by":"name","value":"张三"}`, `{"by":"mobile","value":"123"}`, `{"by":"uscc","value":"x"}`, `{"by":"login","value":""}`} {
			r.asks(400, token, "POST", "/accounts/search", body)
		}
		var found said
		for by, value := range map[string]string{"login": "zhangsan", "mobile": "18711111111", "document": "11000019900101003x"} {
			found = r.asks(200, token, "POST", "/accounts/search", map[string]string{"by": by, "value": value})
			if len(found.items()) != 1 {
				t.Fatalf("by %s: %s", by, found.raw)
			}
			for _, secret := range []string{"张三", "18711111111", "11000019900101003X", "zhangsan@example.com"} {
				if strings.Contains(found.raw, secret) {
					t.Errorf("by %s: %s is told", by, secret)
				}
			}
		}
		if n := len(r.asks(200, token, "POST", "/accounts/search", `{"by":"login","value":"nobody_at_all"}`).items()); n != 0 {
			t.Errorf("%d found of nobody", n)
		}
		unit := r.asks(200, token, "POST", "/accounts/search", map[string]string{"by": "uscc", "value": demoUSCC}).items()
		if len(unit) != 1 || unit[0]["name"] != "示例科技有限公司" {
			t.Errorf("the unit: %v", unit)
		}
		path := "/accounts/" + fmt.Sprint(found.items()[0]["id"])
		r.asks(200, token, "GET", path, nil)
		r.asks(400, token, "POST", path+"/freeze", `{"ground":"because"}`)
		r.asks(200, token, "POST", path+"/freeze", `{"ground":"abuse"}`)
		r.asks(409, token, "POST", path+"/freeze", `{"ground":"abuse"}`)
		if status, _ := r.userinfo(users); status != http.StatusUnauthorized {
			t.Errorf("a frozen account's token: %d", status)
		}
		r.asks(200, token, "POST", path+"/unfreeze", `{"ground":"owner"}`)
		for _, p := range []string{"/accounts/x", "/accounts/" + string(account.NewID())} {
			r.asks(404, token, "GET", p, nil)
			r.asks(404, token, "POST", p+"/freeze", `{"ground":"abuse"}`)
		}
		for kind, want := range map[audit.Kind]int64{audit.AccountsSearched: 5, audit.AccountViewed: 1, audit.AccountChanged: 2} {
			if n := r.ask(`SELECT COUNT(*) FROM audit WHERE actor = 'ops' AND kind = ?`, string(kind)); n != want {
				t.Errorf("%s: %d rows, want %d", kind, n, want)
			}
		}
		if n := r.ask(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%18711111111%' OR object LIKE '%18711111111%'`); n != 0 {
			t.Error("the trail holds a number")
		}
	})
}

// A client that asks too often is told when to come back.
func TestRequestsOfTheInterfaceAreCounted(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	r.clock.stop()
	token := r.administrator("ops", "admin.clients.read")
	r.exec(`INSERT INTO throttle (key, n, last_at, expires_at) VALUES ('interface ops', 600, ?, ?)`, r.clock.now().UnixMilli(), r.clock.now().Add(30*time.Second).UnixMilli())
	s := r.asks(429, token, "GET", "/clients", nil)
	if s.head.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	r.clock.move(31 * time.Second)
	r.asks(200, token, "GET", "/clients", nil)
}

// The document is for everybody, and discovery does not name the scopes.
func TestWhoReadsTheDocument(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	res, err := http.Get(r.issuer + adminapi.Base + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var doc map[string]any
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil || res.StatusCode != 200 || doc["openapi"] != "3.1.0" {
		t.Errorf("%d %v", res.StatusCode, err)
	}
	q, err := http.NewRequest(http.MethodGet, r.issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, found := r.send(q)
	if strings.Contains(fmt.Sprint(found["scopes_supported"]), "admin") {
		t.Error("discovery names scopes of the interface")
	}
}
