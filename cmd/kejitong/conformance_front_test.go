package main

import (
	"slices"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/store"
	"kejitong/store/storetest"
)

// OpenID Connect Implicit OP (oidcc-implicit-certification-test-plan).
func TestConformanceImplicit(t *testing.T) {
	frontPlan(t, storetest.Postgres(t), "", "id_token", "id_token token")
}

// OpenID Connect Hybrid OP (oidcc-hybrid-certification-test-plan).
func TestConformanceHybrid(t *testing.T) {
	frontPlan(t, storetest.SQLite(t), "", "code id_token", "code token", "code id_token token")
}

// OpenID Connect Form Post OP: oidcc-formpost-basic-, -implicit- and
// -hybrid-certification-test-plan.
func TestConformanceFormPost(t *testing.T) {
	frontPlan(t, storetest.SQLite(t), "form_post", "code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
}

// frontPlan plays the modules of each response type on one provider.
func frontPlan(t *testing.T, o store.Options, mode string, types ...string) {
	t.Helper()
	p := newPlan(t, o, variant{response: types[0], mode: mode, auth: "client_secret_basic"}, func(c *config.Config) { c.Protocol.FrontChannelTokens = true })
	for _, response := range types {
		p.sub(response, func(p *plan) {
			p.response = response
			p.first, p.second = p.party("first", suiteCallback), p.party("second", suiteCallback+"?dummy1=lorem&dummy2=ipsum")
			for _, m := range modulesOf(response) {
				p.sub(m.name, m.run)
			}
		})
	}
}

// modulesOf are the modules of a response type.
func modulesOf(response string) (out []module) {
	for _, m := range coreModules {
		if response == "id_token" && (strings.HasPrefix(m.name, "oidcc-userinfo-") || m.name == "oidcc-response-type-missing") {
			continue // there is no access token to show; the other is played once
		}
		out = append(out, m)
	}
	if strings.Contains(response, "code") {
		out = append(out, codeModules...)
	}
	if !strings.Contains(response, "id_token") {
		return out
	}
	// OpenID Connect Core §3.2.2.1, §3.3.2.11: with an ID token from the
	// authorization endpoint the nonce is required.
	out = slices.DeleteFunc(out, func(m module) bool { return m.name == "oidcc-ensure-request-without-nonce-succeeds-for-code-flow" })
	return append(out, module{"oidcc-ensure-request-without-nonce-fails", func(p *plan) {
		o := p.visit(p.agent(), p.ask(p.first, "nonce", "-"))
		if o.params == nil {
			p.stays(o)
			return
		}
		p.refused(o, "invalid_request")
	}})
}
