package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/client"
)

// proof adds to a request what authenticates its client, or fails to.
type proof func(q *http.Request, v url.Values)

func basically(id, secret string) proof {
	return func(q *http.Request, _ url.Values) { q.SetBasicAuth(id, secret) }
}

func header(value string) proof {
	return func(q *http.Request, _ url.Values) { q.Header.Add("Authorization", value) }
}

func raw(credentials string) proof {
	return header("Basic " + base64.StdEncoding.EncodeToString([]byte(credentials)))
}

func inBody(more ...string) proof {
	return func(_ *http.Request, v url.Values) {
		for i := 0; i < len(more); i += 2 {
			v.Add(more[i], more[i+1])
		}
	}
}

func both(all ...proof) proof {
	return func(q *http.Request, v url.Values) {
		for _, p := range all {
			p(q, v)
		}
	}
}

// escaped URL-encodes every single byte.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// A client proves itself by the method that it registered and by no other, by
// one method at a time (RFC 6749 §2.3, §5.2; OpenID Connect Core §9). The same
// holds at every endpoint that clients call.
func TestClientAuthentication(t *testing.T) {
	keyed := newSigner(t, "ES256", "k1")
	onRigs(t, func(t *testing.T, r *rig) {
		jwks := keyed.set(t)
		for id, m := range map[string]client.Metadata{
			"basic": {}, "post": {TokenEndpointAuthMethod: "client_secret_post"}, "public": {TokenEndpointAuthMethod: "none"},
			"pinned-basic": {TokenEndpointAuthPinned: true},
			"pinned-post":  {TokenEndpointAuthMethod: "client_secret_post", TokenEndpointAuthPinned: true},
			"jwt":          {TokenEndpointAuthMethod: "private_key_jwt", JWKS: jwks},
		} {
			r.register(id, m)
		}
		r.register("gone", client.Metadata{})
		r.setClient("gone", client.Disabled)
		// A client that changed from a secret to a key still knows the secret.
		r.cast.Secrets["jwt"] = randomText(32)
		r.exec(`UPDATE clients SET secret_digest = ? WHERE id = 'jwt'`, client.Digest(r.app.ring.Snapshot(), "jwt", r.cast.Secrets["jwt"]))
		secret := func(id string) string { return r.secret(id) }
		posted := func(id string) proof { return inBody("client_id", id, "client_secret", secret(id)) }
		asserted := func(id string) proof {
			return func(_ *http.Request, v url.Values) { keyed.prove(t, r, id)(nil, v) }
		}

		const bad, unclear = "invalid_client", "invalid_request"
		for _, row := range []struct {
			name  string
			prove proof
			want  string // error code; empty: authenticated
		}{
			{"nobody", nil, bad},
			{"unknown client", basically("nobody", "x"), bad},
			{"disabled client", basically("gone", secret("gone")), bad},
			{"unknown public client", inBody("client_id", "nobody"), bad},
			{"wrong secret", basically("basic", secret("post")), bad},
			{"wrong secret in the body", inBody("client_id", "post", "client_secret", "x"), bad},
			{"no secret", basically("basic", ""), bad},
			{"secret without an id", inBody("client_secret", secret("post")), bad},
			{"the secret, and more", basically("basic", secret("basic")+"x"), bad},
			{"the secret, but less", basically("basic", secret("basic")[:42]), bad},
			{"the secret in capitals", basically("basic", strings.ToUpper(secret("basic"))), bad},
			{"the id in capitals", basically("BASIC", secret("basic")), bad},
			{"confidential client without proof", inBody("client_id", "basic"), bad},
			{"confidential client with an empty secret", inBody("client_id", "basic", "client_secret", ""), bad},
			{"key client without proof", inBody("client_id", "jwt"), bad},
			{"key client with a secret", basically("jwt", secret("jwt")), bad},
			{"key client with a secret in the body", posted("jwt"), bad},
			{"secret client with an assertion", asserted("basic"), bad},
			{"public client with an assertion", asserted("public"), bad},
			{"public client with a secret", inBody("client_id", "public", "client_secret", "x"), bad},
			{"public client with Basic", basically("public", "x"), bad},
			{"public client with Basic and no secret", basically("public", ""), bad},
			{"pinned to Basic, in the body", posted("pinned-basic"), bad},
			{"pinned to the body, by Basic", basically("pinned-post", secret("pinned-post")), bad},
			{"another client's id in the body", both(basically("basic", secret("basic")), inBody("client_id", "post")), bad},
			{"assertion of another type", inBody("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "client_assertion", "x"), bad},
			{"assertion without its type", func(_ *http.Request, v url.Values) {
				asserted("jwt")(nil, v)
				v.Del("client_assertion_type")
			}, bad},
			{"two Basic headers", both(basically("basic", secret("basic")), header("Basic x")), bad},
			{"Bearer", header("Bearer " + secret("basic")), bad},
			{"Digest", header(`Digest username="basic"`), bad},
			{"Basic and nothing", header("Basic"), bad},
			{"not base64", header("Basic !!!!"), bad},
			{"base64 and a tab", header("Basic " + base64.StdEncoding.EncodeToString([]byte("basic:"+secret("basic"))) + "\t"), ""}, // RFC 9110 §5.5: white space around a field is no part of it
			{"base64 and more", header("Basic " + base64.StdEncoding.EncodeToString([]byte("basic:"+secret("basic"))) + ", x"), bad},
			{"no colon", raw("basic" + secret("basic")), bad},
			{"no id", raw(":" + secret("basic")), bad},
			{"a NUL", raw("basic:" + secret("basic") + "\x00"), bad},
			{"a line end", raw("basic:" + secret("basic") + "\r\n"), bad},
			{"stray bytes", raw("basic\xff:" + secret("basic")), bad},
			{"broken escape", raw("basic:%zz" + secret("basic")), bad},
			{"Basic and body", both(basically("basic", secret("basic")), inBody("client_secret", secret("basic"))), unclear},
			{"Basic and another's body", both(basically("basic", secret("basic")), posted("post")), unclear},
			{"Basic and assertion", both(basically("basic", secret("basic")), asserted("jwt")), unclear},
			{"body and assertion", both(posted("post"), asserted("jwt")), unclear},
			{"two ids", inBody("client_id", "basic", "client_id", "post", "client_secret", secret("basic")), unclear},
			{"two secrets", inBody("client_id", "post", "client_secret", secret("post"), "client_secret", "x"), unclear},
			{"secret in the URL", func(q *http.Request, _ url.Values) {
				q.URL.RawQuery = url.Values{"client_id": {"post"}, "client_secret": {secret("post")}}.Encode()
			}, unclear},
			{"form as JSON", func(q *http.Request, _ url.Values) {
				q.SetBasicAuth("basic", secret("basic"))
				q.Header.Set("Content-Type", "application/json")
			}, unclear},

			{"Basic", basically("basic", secret("basic")), ""},
			{"Basic, every byte escaped", raw(escaped("basic") + ":" + escaped(secret("basic"))), ""}, // RFC 6749 §2.3.1
			{"basic in small letters", header("basic " + base64.StdEncoding.EncodeToString([]byte("basic:"+secret("basic")))), ""},
			{"Basic, and the id again", both(basically("basic", secret("basic")), inBody("client_id", "basic")), ""},
			{"Basic client in the body", posted("basic"), ""},
			{"body", posted("post"), ""},
			{"body client by Basic", basically("post", secret("post")), ""},
			{"pinned to Basic", basically("pinned-basic", secret("pinned-basic")), ""},
			{"pinned to the body", posted("pinned-post"), ""},
			{"public", inBody("client_id", "public"), ""},
			{"assertion", asserted("jwt"), ""},
			{"assertion, and the id", both(asserted("jwt"), inBody("client_id", "jwt")), ""},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				before := s.state()
				for path, form := range map[string]url.Values{
					"/oauth2/token": refreshForm("garbage"), "/oauth2/revoke": {"token": {"garbage"}},
					"/oauth2/introspect": {"token": {"garbage"}}, "/oauth2/par": {"response_type": {"none"}},
				} {
					got := s.call(path, form, row.prove)
					switch {
					case row.want == bad:
						s.want(got, 401, bad, path)
						if c := got.header.Get("WWW-Authenticate"); !strings.HasPrefix(c, "Basic ") {
							t.Errorf("%s: challenge %q, want Basic (RFC 6749 section 5.2)", path, c)
						}
					case row.want == unclear:
						s.want(got, 400, unclear, path)
					case path == "/oauth2/introspect" && row.name == "public":
						s.want(got, 401, bad, path+" by a public client") // RFC 7662 §2.1
					case path == "/oauth2/token":
						s.want(got, 400, "invalid_grant", path)
					case path == "/oauth2/par":
						s.want(got, 400, "invalid_request", path)
					default:
						s.want(got, 200, "", path)
					}
				}
				if !strings.HasPrefix(row.name, "assertion") && !strings.Contains(row.name, "and assertion") {
					s.same(before, row.name)
				}
			})
		}
		// Nothing tells an unknown client from a wrong secret.
		unknown, wrong := r.call("/oauth2/token", refreshForm("x"), basically("nobody", "x")), r.call("/oauth2/token", refreshForm("x"), basically("basic", "x"))
		disabled := r.call("/oauth2/token", refreshForm("x"), basically("gone", secret("gone")))
		if unknown.raw != wrong.raw || unknown.raw != disabled.raw {
			t.Errorf("unknown, wrong and disabled differ:\n%s\n%s\n%s", unknown.raw, wrong.raw, disabled.raw)
		}
	})
}
