package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kejitong/provider/client"
	adminapi "kejitong/provider/web/api"
)

// apiAudience is what tokens for the administration interface name.
func (r *rig) apiAudience() string { return r.name() + adminapi.Base }

// administrator registers a client with the scopes and gives a token of it.
func (r *rig) administrator(id, scopes string, more ...func(*client.Metadata)) string {
	r.t.Helper()
	m := client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: scopes, Audience: []string{r.apiAudience()}, RedirectURIs: []string{}, ResponseTypes: []string{}}
	for _, f := range more {
		f(&m)
	}
	r.register(id, m)
	return r.interfaceToken(id)
}

func (r *rig) interfaceToken(id string) string {
	r.t.Helper()
	status, body := r.post("/oauth2/token", id, url.Values{"grant_type": {"client_credentials"}})
	token, _ := body["access_token"].(string)
	if status != http.StatusOK || token == "" {
		r.t.Fatalf("no token for %s: %d %v", id, status, body)
	}
	return token
}

// said is an answer of the administration interface.
type said struct {
	status int
	head   http.Header
	raw    string
	body   map[string]any
}

func (s said) text(name string) string {
	v, _ := s.body[name].(string)
	return v
}

func (s said) items() []map[string]any {
	var out []map[string]any
	list, _ := s.body["items"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		out = append(out, m)
	}
	return out
}

// admin calls the interface and holds the answer to what openapi.json says of it.
// head is names and values in turn.
func (r *rig) admin(token, method, path string, body any, head ...string) said {
	r.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			r.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.issuer+adminapi.Base+path, in)
	if err != nil {
		r.t.Fatal(err)
	}
	if in != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(head); i += 2 {
		q.Header.Set(head[i], head[i+1])
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil {
		r.t.Fatal(err)
	}
	s := said{status: res.StatusCode, head: res.Header, raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &s.body); err != nil {
			r.t.Fatalf("%s %s: %d is no JSON: %s", method, path, s.status, raw)
		}
	}
	contractOf(r.t).check(r.t, method, path, s)
	return s
}

// asks is admin with the status that must come.
func (r *rig) asks(status int, token, method, path string, body any, head ...string) said {
	r.t.Helper()
	s := r.admin(token, method, path, body, head...)
	if s.status != status {
		r.t.Errorf("%s %s: %d, want %d: %s", method, path, s.status, status, s.raw)
	}
	return s
}

// contract is openapi.json, read for checking answers.
type contract struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func contractOf(t testing.TB) *contract {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(adminapi.Document()))
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler()}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// member goes down the document.
func member(v any, names ...string) any {
	for _, n := range names {
		m, _ := v.(map[string]any)
		v = m[n]
	}
	return v
}

// operation finds the path of the document that a request meets.
func (c *contract) operation(method, path string) (template string, op map[string]any) {
	path, _, _ = strings.Cut(path, "?")
	paths, _ := c.doc["paths"].(map[string]any)
	best := -1
	for candidate := range paths {
		a, b := strings.Split(candidate, "/"), strings.Split(path, "/")
		same, fixed := len(a) == len(b), 0
		for i := 0; same && i < len(a); i++ {
			if strings.HasPrefix(a[i], "{") {
				continue
			}
			same, fixed = a[i] == b[i], fixed+1
		}
		if found, ok := member(paths, candidate, strings.ToLower(method)).(map[string]any); ok && same && fixed > best {
			template, op, best = candidate, found, fixed
		}
	}
	return template, op
}

func (c *contract) check(t testing.TB, method, path string, s said) {
	t.Helper()
	template, op := c.operation(method, path)
	if op == nil {
		t.Fatalf("%s %s is not in openapi.json", method, path)
	}
	status := http.StatusText(s.status)
	code := jsonNumber(s.status)
	pointer := "#/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(template) + "/" + strings.ToLower(method) + "/responses/" + code
	response, _ := member(op, "responses", code).(map[string]any)
	if response == nil {
		t.Errorf("%s %s answers %s %s, which openapi.json does not know: %s", method, path, code, status, s.raw)
		return
	}
	if ref, ok := response["$ref"].(string); ok {
		pointer = ref
		response, _ = member(c.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).(map[string]any)
	}
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if s.raw != "" {
			t.Errorf("%s %s: %s has a body: %s", method, path, code, s.raw)
		}
		return
	}
	kind := s.head.Get("Content-Type")
	if content[kind] == nil {
		t.Errorf("%s %s: %s is %q, want %v", method, path, code, kind, content)
		return
	}
	schema, err := c.compiler.Compile("openapi.json" + pointer + "/content/" + strings.ReplaceAll(kind, "/", "~1") + "/schema")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(s.raw))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s %s: %s is not what openapi.json says: %v\n%s", method, path, code, err, s.raw)
	}
	wanted, _ := response["headers"].(map[string]any)
	for name := range wanted {
		if s.head.Get(name) == "" {
			t.Errorf("%s %s: %s lacks the header %s", method, path, code, name)
		}
	}
}

func jsonNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}
