package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/provider/outbound"
)

const publisher = "https://publisher.example.gov.cn"

// A system registers itself by a software statement, is told what came of it, and
// is held to it when it changes (RFC 7591 §2.3, §3.2.1; RFC 7592 §2.2; S65, S68).
func TestRegistrationByASoftwareStatement(t *testing.T) {
	key := newSigner(t, "PS256", "k")
	file := publisherFile(t, "issuers: [{issuer: "+publisher+", jwks_file: keys.json, algorithms: [PS256], claims: [client_name, redirect_uris, scope]}]", key.set(t))
	trusting := func(c *config.Config) { c.Clients.StatementIssuersFile = file }
	onRegistrars(t, client.Policy{StatementRequired: true}, trusting, func(t *testing.T, g registrar) {
		say := func(more map[string]any) string {
			c := map[string]any{"iss": publisher, "aud": g.name(), "exp": g.clock.now().Unix() + 600, "software_id": "soft-1", "client_name": "某某软件", "redirect_uris": []string{rpcb}, "scope": "openid profile"}
			for k, v := range more {
				c[k] = v
			}
			return key.sign(t, c, nil)
		}
		for name, c := range map[string]struct {
			body map[string]any
			code string
		}{
			"without one":                    {metadata(), "invalid_client_metadata"},
			"by a stranger":                  {metadata("software_statement", newSigner(t, "PS256", "k").sign(t, map[string]any{"iss": publisher, "exp": g.clock.now().Unix() + 600}, nil)), "invalid_software_statement"},
			"by nobody":                      {metadata("software_statement", "e30.e30."), "invalid_software_statement"},
			"of somebody else":               {metadata("software_statement", say(map[string]any{"iss": "https://other.example"})), "unapproved_software_statement"},
			"that says too much":             {metadata("software_statement", say(map[string]any{"jwks_uri": "https://evil.test/"})), "unapproved_software_statement"},
			"that is no text":                {metadata("software_statement", 7), "invalid_client_metadata"},
			"that names a dangerous address": {metadata("software_statement", say(map[string]any{"redirect_uris": []string{"javascript:x"}})), "invalid_redirect_uri"},
		} {
			if a := g.registers(c.body); a.status != http.StatusBadRequest || a.err() != c.code {
				t.Errorf("%s: %d %s, want 400 %s", name, a.status, a.raw, c.code)
			}
		}
		statement := say(map[string]any{"client_id": "demo-code", "client_secret": strings.Repeat("s", 43), "first_party": true, "scope": "openid profile admin.clients"})
		c := g.gets(metadata("client_name", "mine", "redirect_uris", []string{"https://evil.test/cb"}, "software_statement", statement))
		if text(c, "client_name") != "某某软件" || text(c, "scope") != "openid profile" || text(c, "software_id") != "soft-1" || text(c, "software_statement") != statement ||
			text(c, "client_id") == "demo-code" || text(c, "client_secret") == strings.Repeat("s", 43) {
			t.Errorf("registered %v", c)
		}
		id := text(c, "client_id")
		stored, err := g.app.db.Client(t.Context(), id)
		if err != nil || stored.Metadata.FirstParty || stored.Metadata.RedirectURIs[0] != rpcb || stored.Reviewed {
			t.Errorf("%+v, %v", stored, err)
		}
		if n := g.ask(`SELECT COUNT(*) FROM audit WHERE kind = 'client.registered' AND object = '` + id + `' AND detail = 'statement of ` + publisher + ` for soft-1'`); n != 1 {
			t.Errorf("%d rows in the trail name issuer and software", n)
		}
		read := g.at(http.MethodGet, text(c, "registration_client_uri"), text(c, "registration_access_token"), nil)
		if text(read.body, "software_statement") != statement {
			t.Errorf("read: %s", read.raw)
		}
		// Left out, it stays in force, and long after exp.
		g.clock.move(30 * 24 * time.Hour)
		a := g.puts(c, "software_statement", "-", "client_name", "mine", "contacts", []string{"a@rp.example.gov.cn"})
		if a.status != http.StatusOK || text(a.body, "client_name") != "某某软件" || text(a.body, "software_statement") != statement {
			t.Fatalf("change: %d %s", a.status, a.raw)
		}
		c = a.body
		for name, other := range map[string]string{"of another software": say(map[string]any{"software_id": "soft-2"}), "expired": say(map[string]any{"exp": 1})} {
			if a := g.puts(c, "software_statement", other); a.status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
		}
		next := say(map[string]any{"client_name": "某某软件 2", "software_version": "2"})
		if a := g.puts(c, "software_statement", next); a.status != http.StatusOK || text(a.body, "client_name") != "某某软件 2" || text(a.body, "software_statement") != next {
			t.Errorf("the next one: %d %s", a.status, a.raw)
		}
	})
}

func publisherFile(t *testing.T, text string, keys json.RawMessage) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "statements.yaml")
	for name, b := range map[string][]byte{path: []byte(text), filepath.Join(dir, "keys.json"): keys} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// A file of publishers with a mistake keeps the service from starting, and says
// which.
func TestFilesOfPublishers(t *testing.T) {
	keys := newSigner(t, "PS256", "k").set(t)
	const one = "issuer: " + publisher + ", algorithms: [PS256], claims: [client_name]"
	out := &outbound.Client{}
	for name, c := range map[string]struct{ text, why string }{
		"no YAML":            {"issuers: [", "not valid YAML"},
		"nobody":             {"issuers: []", "names no issuers"},
		"an unknown key":     {"issuers: [{" + one + ", jwks_file: keys.json, trust: all}]", "trust"},
		"no keys":            {"issuers: [{" + one + "}]", "jwks_file"},
		"keys that are away": {"issuers: [{" + one + ", jwks_file: other.json}]", "cannot be read"},
		"two kinds of keys":  {"issuers: [{" + one + ", jwks_file: keys.json, jwks: {keys: []}}]", "want one of them"},
		"keys inside":        {"issuers: [{" + one + ", jwks_uri: 'https://10.0.0.1/jwks'}]", "may not be called"},
		"twice":              {"issuers: [{" + one + ", jwks_file: keys.json}, {" + one + ", jwks_file: keys.json}]", "twice"},
		"alg none":           {"issuers: [{issuer: " + publisher + ", algorithms: [none], jwks_file: keys.json}]", "algorithms"},
	} {
		if _, err := publishers(publisherFile(t, c.text, keys), out); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
	shipped, err := os.ReadFile("../../config/statements.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := publishers(publisherFile(t, strings.Replace(string(shipped), "publisher.jwks.json", "keys.json", 1), keys), out)
	if err != nil || len(all) != 1 || all[0].Issuer != publisher || len(all[0].JWKS) == 0 {
		t.Errorf("the example: %+v, %v", all, err)
	}
	if _, err := publishers("", out); err != nil {
		t.Errorf("no file: %v", err)
	}
}
