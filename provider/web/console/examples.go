package console

import (
	"embed"
	"strings"
	"text/template"

	"kejitong/templates"
)

// Examples of clients, one a file. Secrets are never filled in: they come from the
// environment of whoever runs it.
//
//go:embed examples
var exampleFiles embed.FS

// examples are in the order in which the page shows them.
var examples = [...]struct{ name, file string }{
	{"Spring Security", "spring.yaml"}, {"Node.js / Next.js (openid-client)", "node.mjs"}, {"Flask (Authlib)", "flask.py"}, {"Go (go-oidc)", "main.go.txt"},
	{"ASP.NET Core", "aspnet.cs"}, {"PHP (jumbojett/openid-connect-php)", "php.php"}, {"oauth2-proxy", "oauth2-proxy.cfg"}, {"Apache APISIX / nginx", "apisix.yaml"},
	{"mod_auth_openidc", "mod_auth_openidc.conf"},
}

// Examples fills the examples in for a client.
func Examples(issuer, clientID, redirect, scope string, public bool) []templates.TryExample {
	var out []templates.TryExample
	data := map[string]any{"Issuer": issuer, "ClientID": clientID, "Redirect": redirect, "Scope": scope, "Scopes": strings.Fields(scope), "Public": public}
	for _, e := range examples {
		text, err := exampleFiles.ReadFile("examples/" + e.file)
		if err != nil {
			continue // a test reads them all
		}
		t, err := template.New(e.file).Parse(string(text))
		if err != nil {
			continue
		}
		var b strings.Builder
		if t.Execute(&b, data) != nil {
			continue
		}
		out = append(out, templates.TryExample{Name: e.name, Text: b.String()})
	}
	return out
}
