package client_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/fault"
)

var someKeys = json.RawMessage(`{"keys":[{"kty":"OKP","use":"sig","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)

// Request objects (OpenID Connect Registration §2, RFC 9101 §10.5) and the
// address at which others start a sign-in (OpenID Connect Core §4).
func TestHowRequestsAreRegistered(t *testing.T) {
	keyed := func(change func(*client.Metadata)) client.Metadata {
		return web(func(m *client.Metadata) { m.JWKS = someKeys; change(m) })
	}
	uris := func(list ...string) client.Metadata {
		return keyed(func(m *client.Metadata) { m.RequestURIs = list })
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = "https://rp.example.cn/" + strings.Repeat("r", i+1)
	}
	for _, c := range []struct {
		name, field string
		in          client.Metadata
	}{
		{"request_uri over http", "request_uris", uris("http://rp.example.cn/r")},
		{"request_uri by file", "request_uris", uris("file:///etc/passwd")},
		{"request_uri that is a URN", "request_uris", uris("urn:ietf:params:oauth:request_uri:x")},
		{"request_uri by script", "request_uris", uris("javascript:alert(1)")},
		{"request_uri with a user name", "request_uris", uris("https://u:p@rp.example.cn/r")},
		{"request_uri with a wildcard", "request_uris", uris("https://rp.example.cn/*")},
		{"request_uri without a host", "request_uris", uris("https:///r")},
		{"request_uri with two fragments", "request_uris", uris("https://rp.example.cn/r#a#b")},
		{"request_uri with a line break behind", "request_uris", uris("https://rp.example.cn/r#a\nb")},
		{"an empty request_uri", "request_uris", uris("")},
		{"one bad among good", "request_uris", uris("https://rp.example.cn/r", "ftp://rp.example.cn/r")},
		{"a request_uri of 2 KiB", "request_uris", uris("https://rp.example.cn/r#" + strings.Repeat("h", 2048))},
		{"51 request_uris", "request_uris", uris(many...)},
		{"request_uris without keys", "request_uris", web(func(m *client.Metadata) { m.RequestURIs = []string{"https://rp.example.cn/r"} })},
		{"unsigned objects", "request_object_signing_alg", keyed(func(m *client.Metadata) { m.RequestObjectSigningAlg = "none" })}, // P4
		{"objects with a shared secret", "request_object_signing_alg", keyed(func(m *client.Metadata) { m.RequestObjectSigningAlg = "HS256" })},
		{"objects with RS512", "request_object_signing_alg", keyed(func(m *client.Metadata) { m.RequestObjectSigningAlg = "RS512" })},
		{"RS256 for FAPI", "request_object_signing_alg", keyed(func(m *client.Metadata) {
			m.RequestObjectSigningAlg, m.SecurityProfile = "RS256", client.FAPI2Signed
			m.TokenEndpointAuthMethod = client.AuthJWT
		})},
		{"signed requests without keys", "require_signed_request_object", web(func(m *client.Metadata) { m.RequireSignedRequestObject = true })},
		{"login start over http", "initiate_login_uri", web(func(m *client.Metadata) { m.InitiateLoginURI = "http://rp.example.cn/start" })},
		{"login start over http on loopback", "initiate_login_uri", web(func(m *client.Metadata) { m.InitiateLoginURI = "http://127.0.0.1/start" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.in.Normalise()
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != c.field {
				t.Fatalf("got %v, want a fault of %s", err, c.field)
			}
		})
	}
	good := keyed(func(m *client.Metadata) {
		m.RequestURIs = []string{"https://rp.example.cn/r#v1", "https://rp.example.cn/r#v1", "http://127.0.0.1:8080/r?a=b"}
		m.RequestObjectSigningAlg, m.RequireSignedRequestObject, m.InitiateLoginURI = "ES256", true, "https://rp.example.cn/start?a=b"
	})
	got, err := good.Normalise()
	if err != nil || len(got.RequestURIs) != 2 {
		t.Fatalf("%v: %v", got.RequestURIs, err)
	}
	want := map[string]string{"request_uris[0]": "https://rp.example.cn/r", "request_uris[1]": "http://127.0.0.1:8080/r?a=b"}
	if f := got.Fetched(); !reflect.DeepEqual(f, want) {
		t.Errorf("fetched %v, want %v", f, want)
	}
}
