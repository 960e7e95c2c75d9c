package main

import (
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// While all signing keys are rotated again and again, every token that is made
// meanwhile verifies with the key set as it is served at that moment, and with
// the last one; introspection and its signed answers go on.
func TestRotationUnderTraffic(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("busy", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: "demo.read", AccessTokenFormat: "jwt", IntrospectionSignedResponseAlg: "PS256"})
		var made []string
		kids := map[string]bool{}
		one := func() {
			token := text(r.serviceToken("busy", "demo.read"), "access_token")
			if c, typ := r.published(token, "ES256"); typ != "at+jwt" || c["client_id"] != "busy" {
				t.Errorf("typ %q, %v", typ, c)
			}
			made = append(made, token)
			kids[kidOf(t, token)] = true
			c, _ := r.published(r.inspect("busy", token).raw, "PS256")
			if said, _ := c["token_introspection"].(map[string]any); said["active"] != true {
				t.Errorf("introspection: %v", c)
			}
		}
		const rotations = 3
		for range rotations {
			for range 3 {
				one()
			}
			done := make(chan error, 1)
			go func() { done <- r.app.ring.RotateSigning(t.Context(), "test") }()
			for rotated := false; !rotated; {
				select {
				case err := <-done:
					if rotated = true; err != nil {
						t.Fatal(err)
					}
				default:
					one()
				}
			}
		}
		one()
		for _, token := range made {
			r.published(token, "ES256")
			if got := r.inspect("busy", token).raw; got == "" {
				t.Error("no answer about an old token")
			}
		}
		if len(kids) != rotations+1 {
			t.Errorf("%d keys signed, want %d", len(kids), rotations+1)
		}
	})
}

// kidOf reads the kid of a JWS.
func kidOf(t testing.TB, token string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return jws.Signatures[0].Protected.KeyID
}
