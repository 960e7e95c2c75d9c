package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

const aSecret = "0123456789abcdef0123456789abcdef0123456789abcdef"

func TestClientAddRefuses(t *testing.T) {
	d := newDesk(t, "")
	secret := d.file("secret", aSecret)
	rp := func(more ...string) []string {
		return append([]string{"client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb"}, more...)
	}
	for _, c := range []struct {
		name, flag string
		args       []string
		holds      []string
		never      []string
	}{
		{"no name", "name", []string{"client", "add", "--id", "rp", "--redirect-uri", "https://rp.example.cn/cb"}, nil, nil},
		{"no id", "id", []string{"client", "add", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb"}, nil, nil},
		{"id with a colon", "id", append(rp(), "--id", "a:b"), []string{"a:b"}, nil},
		{"name that turns the line around", "name", append(rp(), "--name", "科\u202e技"), nil, nil},
		{"no redirect URI", "redirect-uri", []string{"client", "add", "--id", "rp", "--name", "示例"}, nil, nil},
		{"redirect URI by script", "redirect-uri", rp("--redirect-uri", "JaVaScRiPt:alert(1)"), nil, nil},
		{"redirect URI over http", "redirect-uri", rp("--redirect-uri", "http://rp.example.cn/cb"), []string{"https"}, nil},
		{"redirect URI with a wildcard", "redirect-uri", rp("--redirect-uri", "https://*.example.cn/cb"), []string{"wildcard"}, nil},
		{"return from sign-out with a fragment", "post-logout-redirect-uri", rp("--post-logout-redirect-uri", "https://rp.example.cn/#x"), nil, nil},
		{"unknown grant", "grant-type", rp("--grant-type", "password"), []string{"client_credentials"}, nil},
		{"unknown scope", "scope", rp("--scope", "openid admin"), []string{"admin"}, nil},
		{"unknown profile", "profile", rp("--profile", "all"), nil, nil},
		{"unknown method", "auth-method", rp("--auth-method", "client_secret_digest"), nil, nil},
		{"unknown subject type", "subject-type", rp("--subject-type", "x"), nil, nil},
		{"unsigned ID tokens", "id-token-alg", rp("--id-token-alg", "none"), nil, nil},
		{"unknown token format", "access-token-format", rp("--access-token-format", "saml"), nil, nil},
		{"unknown level", "require-level", rp("--require-level", "L7"), nil, nil},
		{"unknown account type", "require-account-type", rp("--require-account-type", "robot"), nil, nil},
		{"unverified and a level", "allow-unverified", rp("--allow-unverified", "--require-level", "L2"), nil, nil},
		{"logo by script", "logo-uri", rp("--logo-uri", "javascript:1"), nil, nil},
		{"code of a system", "system", rp("--system", "High Tech"), nil, nil},
		{"assertions without keys", "jwks-file", rp("--auth-method", "private_key_jwt"), nil, nil},
		{"a private key set", "jwks-file", rp("--auth-method", "private_key_jwt", "--jwks-file", d.file("jwks", `{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a","use":"sig"}]}`)), []string{"private"}, []string{"c2VjcmV0"}},
		{"keys of the inner network", "jwks-uri", rp("--auth-method", "private_key_jwt", "--jwks-uri", "https://10.0.0.1/jwks"), []string{"clients.outbound_allow"}, nil},
		{"keys of the cloud's inner service", "jwks-uri", rp("--auth-method", "private_key_jwt", "--jwks-uri", "https://169.254.169.254/jwks"), nil, nil},
		{"sign-outs to this machine", "backchannel-logout-uri", rp("--backchannel-logout-uri", "http://127.0.0.1:9090/bc"), []string{"clients.outbound_allow"}, nil},
		{"sign-outs to another port", "backchannel-logout-uri", rp("--backchannel-logout-uri", "https://rp.example.cn:8443/bc"), nil, nil},
		{"sign-outs in frames of another host", "frontchannel-logout-uri", rp("--frontchannel-logout-uri", "https://other.example.cn/fc"), []string{"redirect URI"}, nil},
		{"a public client's secret", "public", rp("--public", "--secret-file", secret), nil, []string{aSecret}},
		{"a public client that authenticates", "public", rp("--public", "--auth-method", "client_secret_post"), nil, nil},
		{"a public client without PKCE", "pkce-optional", rp("--public", "--pkce-optional"), nil, nil},
		{"a secret beside keys", "secret-file", rp("--secret-file", secret, "--auth-method", "private_key_jwt", "--jwks-uri", "https://rp.example.cn/jwks"), nil, []string{aSecret}},
		{"a secret of eight characters", "secret-file", rp("--secret-file", d.file("weak", "hunter22")), nil, []string{"hunter22"}},
		{"a secret with a colon", "secret-file", rp("--secret-file", d.file("colon", aSecret+":"+aSecret)), nil, []string{aSecret}},
		{"no secret file", "secret-file", rp("--secret-file", "/nowhere"), nil, nil},
		{"metadata that are none", "metadata-file", rp("--metadata-file", d.file("broken", `[]`)), nil, nil},
		{"metadata with a misspelt member", "metadata-file", rp("--metadata-file", d.file("misspelt", `{"redirect_uri":"https://x.cn/"}`)), []string{"redirect_uri"}, nil},
		{"metadata with a secret", "metadata-file", rp("--metadata-file", d.file("secrets", `{"client_secret":"`+aSecret+`"}`)), []string{"client_secret"}, []string{aSecret}},
		{"metadata with an unknown response type", "response-type", rp("--metadata-file", d.file("implicit", `{"response_types":["token"]}`)), []string{"id_token token"}, nil},
		{"unknown response type", "response-type", rp("--grant-type", "implicit", "--response-type", "token"), nil, nil},
		{"tokens without the grant implicit", "response-type", rp("--response-type", "code id_token"), []string{"implicit"}, nil},
		{"the grant implicit without its response type", "response-type", rp("--grant-type", "authorization_code", "--grant-type", "implicit"), nil, nil},
		{"unknown response mode", "response-mode", rp("--response-mode", "web_message"), []string{"form_post.jwt"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) { d.as(t).refuses(c.flag, c.holds, c.never, c.args...) })
	}
	d.inside(func(a *app) {
		if _, err := a.db.Client(t.Context(), "rp"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a refused client is there: %v", err)
		}
	})
}

// A client of tokens from the browser, by flags; the words of a response type in
// any order.
func TestClientAddImplicit(t *testing.T) {
	d := newDesk(t, "")
	d.tells(&clientReport{}, "client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb", "--grant-type", "authorization_code", "--grant-type", "implicit",
		"--response-type", "code", "--response-type", "token id_token code", "--response-mode", "fragment", "--response-mode", "jwt")
	d.inside(func(a *app) {
		c, err := a.db.Client(t.Context(), "rp")
		if err != nil || !slices.Equal(c.Metadata.ResponseTypes, []string{"code", "code id_token token"}) || !slices.Equal(c.Metadata.ResponseModes, []string{"fragment", "jwt"}) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// TestClientLife registers, shows, disables and re-keys a client; its secret is
// shown when it is made and never again.
func TestClientLife(t *testing.T) {
	d := newDesk(t, "")
	for _, verb := range []string{"show", "disable", "enable", "secret"} {
		d.refuses("id", []string{"no such client"}, nil, "client", verb, "--id", "rp")
		d.refuses("id", nil, nil, "client", verb)
	}
	var made, again clientReport
	d.tells(&made, "client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb", "--redirect-uri", "https://rp.example.cn/other",
		"--system", "hightech_enterprise", "--first-party", "--require-level", "L2", "--contact", "a@example.cn", "--access-token-format", "jwt")
	if len(made.Secret) != 43 || len(made.Warnings) != 1 || !strings.Contains(made.Warnings[0], "hightech_enterprise") {
		t.Fatalf("got %+v", made)
	}
	knows := func(secret string, want bool) {
		t.Helper()
		d.inside(func(a *app) {
			c, err := a.db.Client(t.Context(), "rp")
			if err != nil || c.Knows(a.ring.Snapshot(), secret, now()) != want {
				t.Errorf("the secret is known: %v, %v; want %v", !want, err, want)
			}
		})
	}
	knows(made.Secret, true)
	d.refuses("id", []string{"--replace"}, nil, "client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb")

	for _, args := range [][]string{{"client", "list"}, {"client", "show", "--id", "rp"}, {"client", "disable", "--id", "rp"}, {"client", "enable", "--id", "rp"}} {
		for _, more := range [][]string{nil, {"--json"}} {
			out := d.does(append(args, more...)...)
			if !strings.Contains(out, "示例") || strings.Contains(out, made.Secret) || strings.Contains(strings.ToLower(out), "digest") {
				t.Errorf("%v prints %s", args, out)
			}
		}
	}
	var shown clientReport
	d.tells(&shown, "client", "show", "--id", "rp")
	m := shown.Metadata
	if m == nil || m.ClaimsProfile != client.Kejitong || m.Scope != "openid profile email phone org entitlements offline_access" || !m.FirstParty ||
		!slices.Equal(m.GrantTypes, []string{"authorization_code", "refresh_token"}) || len(m.RedirectURIs) != 2 || m.AccessTokenFormat != "jwt" ||
		!slices.Equal(m.BusinessSystems, []entitlement.SystemID{"hightech_enterprise"}) || m.RequiredLevel != "L2" {
		t.Errorf("got %+v", m)
	}

	d.tells(&again, "client", "disable", "--id", "rp")
	if again.State != client.Disabled {
		t.Errorf("got %+v", again)
	}
	d.does("client", "enable", "--id", "rp")
	again = clientReport{}
	d.tells(&again, "client", "add", "--id", "rp", "--replace", "--name", "改名", "--redirect-uri", "https://rp.example.cn/cb", "--frontchannel-logout-uri", "https://rp.example.cn/fc")
	var framed clientReport
	d.tells(&framed, "client", "show", "--id", "rp")
	if m := framed.Metadata; m == nil || m.FrontchannelLogoutURI != "https://rp.example.cn/fc" || !m.FrontchannelSessionNeeded {
		t.Errorf("got %+v", m)
	}
	if again.Secret != "" || again.Name != "改名" || !again.CreatedAt.Equal(shown.CreatedAt) {
		t.Errorf("got %+v", again)
	}
	knows(made.Secret, true)
	d.tells(&again, "client", "secret", "--id", "rp")
	knows(made.Secret, false)
	knows(again.Secret, true)
	if out := d.does("client", "secret", "--id", "rp", "--secret-file", d.file("secret", aSecret)); strings.Contains(out, aSecret) {
		t.Errorf("a secret that was given is printed: %s", out)
	}
	knows(aSecret, true)

	d.does("client", "add", "--id", "app", "--name", "应用", "--public", "--application-type", "native", "--redirect-uri", "cn.gov.example.app:/cb")
	d.refuses("id", []string{"no secret"}, nil, "client", "secret", "--id", "app")
}

func TestMetadataDocument(t *testing.T) {
	d := newDesk(t, "")
	file := d.file("metadata.json", `{"client_id":"rp","client_name":"From the file","redirect_uris":["https://rp.example.cn/cb"],"scope":"openid email",
		"token_endpoint_auth_method":"client_secret_post","default_max_age":600,"pkce_optional":true,"contacts":["a@example.cn"]}`)
	var r clientReport
	d.tells(&r, "client", "add", "--metadata-file", file, "--name", "From the flag", "--pkce-optional=false")
	d.tells(&r, "client", "show", "--id", "rp")
	m := r.Metadata
	if m.Name != "From the flag" || m.Scope != "openid email" || m.TokenEndpointAuthMethod != "client_secret_post" || *m.DefaultMaxAge != 600 || m.PKCEOptional ||
		!slices.Equal(m.GrantTypes, []string{"authorization_code"}) {
		t.Errorf("got %+v", m)
	}
}

// TestSectorIsRead: a client enters a sector only if the sector's own document
// lists its redirect URIs. The document is on this machine, so the operator has
// to allow it, and the test server's certificate is trusted by nobody.
func TestSectorIsRead(t *testing.T) {
	sector := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[]`)) }))
	sector.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake fails as it should
	sector.StartTLS()
	defer sector.Close()
	address := strings.TrimPrefix(sector.URL, "https://")
	closed := newDesk(t, "")
	file := closed.file("m.json", `{"client_name":"示例","redirect_uris":["https://rp.example.cn/cb"],"sector_identifier_uri":"`+sector.URL+`/s"}`)
	closed.refuses("metadata-file", []string{"clients.outbound_allow"}, nil, "client", "add", "--id", "rp", "--metadata-file", file)
	newDesk(t, "clients:\n  outbound_allow: ["+address+"]\n").refuses("metadata-file", []string{"cannot be read"}, nil, "client", "add", "--id", "rp", "--metadata-file", file)
}

// TestRegisterScript runs the script of the composed installation with a docker
// that hands its command line to us.
func TestRegisterScript(t *testing.T) {
	d := newDesk(t, "clients:\n  outbound_allow: [hightech.localhost:8443, sme.localhost:8443]\n")
	bin := t.TempDir()
	calls := filepath.Join(bin, "calls")
	docker := "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done >>" + calls + "\necho END >>" + calls + "\n"
	if err := os.WriteFile(filepath.Join(bin, "docker"), []byte(docker), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	script := exec.CommandContext(t.Context(), "sh", "../../config/deploy/register.sh")
	script.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(said), "END\n"), "END\n")
	if len(lines) != 4 { // two entries of the catalogue, two clients
		t.Fatalf("the script makes %d calls", len(lines))
	}
	for _, line := range lines {
		args := strings.Split(strings.TrimSuffix(line, "\n"), "\n")
		args = args[slices.Index(args, "register")+1:]
		for i, a := range args {
			switch {
			case a == "--config":
				args[i+1] = d.conf
			case strings.HasPrefix(a, "/run/secrets/"):
				args[i] = d.file(filepath.Base(a), aSecret+"\n")
			}
		}
		if args[0] == "grant" {
			d.does(args...)
			continue
		}
		d.makes(args...)
	}
	var list []clientReport
	d.tells(&list, "client", "list")
	if len(list) != 2 || list[0].ID != "hightech-enterprise" || list[1].ID != "tech-sme" || list[0].Method != "client_secret_basic" {
		t.Fatalf("got %+v", list)
	}
	var r clientReport
	d.tells(&r, "client", "show", "--id", "tech-sme")
	if !r.Metadata.FirstParty || r.Metadata.BackchannelLogoutURI != "https://sme.localhost:8443/backchannel-logout" || r.Metadata.ClaimsProfile != client.Kejitong {
		t.Errorf("got %+v", r.Metadata)
	}
}

// TestBlameNamesFlags: every member that has a flag is blamed on one that is
// there.
func TestBlameNamesFlags(t *testing.T) {
	f := newClientFlags("client add", &strings.Builder{})
	for member, flag := range flagOf {
		if f.Lookup(flag) == nil {
			t.Errorf("%s is blamed on --%s, which does not exist", member, flag)
		}
	}
}
