package client_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// Privileged are the members that no request sets. A new member of Metadata has
// to be put here or into the list of requestable ones.
var privileged = []string{
	"legal_name", "purpose", "business_systems", "claims_profile", "required_realname_level", "required_account_types", "required_acr",
	"accept_migrated_grants", "allow_unverified", "first_party", "pkce_optional", "access_token_format", "access_token_signed_response_alg", "audience",
	"resource_identifiers", "full_id_token", "substitute_email", "authorization_details_types",
}

// Every member is either for a request to set or privileged, and what a request
// says of privileged ones goes nowhere (S65).
func TestEveryMemberIsEitherRequestableOrPrivileged(t *testing.T) {
	typ := reflect.TypeFor[client.Metadata]()
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		value := map[reflect.Kind]string{reflect.String: `"x"`, reflect.Bool: "true", reflect.Slice: `["x"]`, reflect.Pointer: "1"}[typ.Field(i).Type.Kind()]
		if name == "jwks" {
			value = `{"keys":[]}`
		}
		r, err := client.ParseRequest([]byte(`{"` + name + `":` + value + `}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		taken := !reflect.ValueOf(r.Metadata).Field(i).IsZero()
		if taken == slices.Contains(privileged, name) {
			t.Errorf("%s: set by a request %v; put a new member into requestable or into privileged", name, taken)
		}
		stricter := strings.HasPrefix(name, "require_") && name != "require_auth_time" || strings.HasSuffix(name, "_access_tokens") ||
			slices.Contains([]string{"security_profile", "token_endpoint_auth_pinned", "strict_assertion_audience"}, name)
		if taken && !stricter {
			if err := (client.Policy{Fixed: &r.Metadata}).Check(); err == nil {
				t.Errorf("%s: a policy fixes what is for the request to set", name)
			}
		}
	}
}

func TestParseRequest(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": ``, "text": `"x"`, "number": `7`, "list": `[]`, "null": `null`, "cut off": `{"client_name":"x"`, "cut off in a list": `{"contacts":["x"`,
		"two": `{} {}`, "followed by text": `{} x`, "twice": `{"client_name":"a","client_name":"b"}`, "twice by an escape": `{"client_name":"a","client\u005fname":"b"}`,
		"twice inside": `{"jwks":{"keys":[{"kty":"RSA","kty":"RSA"}]}}`, "twice in what is ignored": `{"x":{"a":1,"a":2}}`, "not UTF-8": "{\"x\":\"\xff\"}",
		"too deep": `{"x":[[[[[[[[[]]]]]]]]]}`, "a number as a name": `{"client_name":1}`, "a list as text": `{"scope":["openid"]}`, "text as a list": `{"redirect_uris":"https://a.example/"}`,
		"text as a flag": `{"require_auth_time":"yes"}`, "a fraction of a second": `{"default_max_age":1.5}`, "an id that is none": `{"client_id":7}`, "a secret that is none": `{"client_secret":{}}`, "a statement that is none": `{"software_statement":{}}`,
	} {
		if r, err := client.ParseRequest([]byte(body)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v, want it refused", name, r, err)
		}
	}
	r, err := client.ParseRequest([]byte(` {"client_id":"c","client_secret":"s","client_name":"名","Client_Name":"other","contacts":null,"x":{"a":[{"a":1},{"a":2}],"b":{"a":3}},"software_statement":"s"} `))
	want := client.Request{ClientID: "c", Secret: "s", Statement: "s", Metadata: client.Metadata{Name: "名"}}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v, %v", r, err)
	}
}

// What is registered under the narrowest policy is never more than that, and
// what was registered can be registered again.
func FuzzRegistration(f *testing.F) {
	f.Add([]byte(`{"client_name":"名","redirect_uris":["https://rp.example/cb"],"scope":"openid admin","first_party":true}`))
	f.Add([]byte(`{"redirect_uris":["https://a.example/","https://b.example/"],"subject_type":"public","response_types":["code"],"grant_types":["authorization_code"]}`))
	f.Add([]byte(`{"redirect_uris":["https://rp.example/cb"],"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},"token_endpoint_auth_method":"private_key_jwt"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := client.ParseRequest(body)
		if err != nil {
			return
		}
		m, err := client.Policy{}.Apply(r.Metadata)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if m.FirstParty || m.PKCEOptional || m.AllowUnverified || m.BusinessSystems != nil || m.ResourceIdentifiers != nil || m.Audience != nil ||
			m.ClaimsProfile != client.Standard || m.TokenEndpointAuthMethod == client.AuthNone {
			t.Fatalf("a privilege was registered: %+v", m)
		}
		for _, uri := range m.RedirectURIs {
			if strings.HasPrefix(strings.ToLower(uri), "http:") || strings.ContainsAny(uri, "#*<>\" ") {
				t.Fatalf("registered %q", uri)
			}
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := client.ParseRequest(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		next, err := client.Policy{}.Apply(again.Metadata)
		if err != nil || !m.Stands(next) {
			t.Fatalf("%s\nregistered again is %+v, %v", b, next, err)
		}
	})
}
