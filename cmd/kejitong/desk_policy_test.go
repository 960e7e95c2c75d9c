package main

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"kejitong/config"
	"kejitong/provider/operator"
	"kejitong/provider/web/admin"
	"kejitong/store/storetest"
)

// walked lists what is mounted, by asking the router.
func walked(t *testing.T, h *admin.Handler) (out []admin.Rule) {
	t.Helper()
	router := mux.NewRouter()
	h.Mount(router)
	err := router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		for _, m := range methods {
			out = append(out, admin.Rule{Method: m, Path: path})
		}
		return err
	})
	if err != nil || len(out) < 40 {
		t.Fatal(len(out), err)
	}
	return out
}

// ruleOf is the policy's line for a mounted route; HEAD goes with GET.
func ruleOf(policy []admin.Rule, method, path string) (admin.Rule, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	i := slices.IndexFunc(policy, func(r admin.Rule) bool { return r.Method == method && r.Path == path })
	if i < 0 {
		return admin.Rule{}, false
	}
	return policy[i], true
}

// somewhere is an address of the route with ids that nothing has.
func somewhere(path string) string {
	return strings.NewReplacer("{id}", "kZ0aV5bW2c3d4e5f6g7h8g", "{paper}", "kZ0aV5bW2c3d4e5f6g7h8w").Replace(path)
}

// S78, S80, C7: every role tries every route with every method; the table that the
// routes are made from says who gets in, and nobody else does. Who is not signed in
// is asked to; what another site sends is refused.
func TestDeskPolicy(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	h := r.deskSurface()
	policy := h.Policy()
	routes := walked(t, h)
	browsers := map[operator.Role]*browser{}
	for _, o := range r.cast.operators() {
		if browsers[operator.Role(o.Role)] == nil {
			browsers[operator.Role(o.Role)] = r.atDesk(o.Username)
		}
	}
	stranger := r.browser()
	strange := stranger.formToken(r.issuer + "/admin/login")
	for _, route := range routes {
		rule, ok := ruleOf(policy, route.Method, route.Path)
		if !ok {
			t.Errorf("%s %s is mounted without a policy", route.Method, route.Path)
			continue
		}
		if rule.Public || route.Path == "/admin/logout" {
			continue
		}
		address := r.issuer + somewhere(route.Path)
		ask := func(b *browser, token string, header ...string) page {
			if route.Method == http.MethodPost {
				return b.deskSend(address, url.Values{"form_token": {token}}, header...)
			}
			req, err := http.NewRequest(route.Method, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			return b.still().do(req)
		}
		if p := ask(stranger, strange); p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/admin/login") {
			t.Errorf("%s %s: a stranger gets %d to %s", route.Method, route.Path, p.StatusCode, p.Header.Get("Location"))
		}
		for role, b := range browsers {
			token := b.formToken(r.issuer + "/admin/self")
			may := slices.Contains(rule.Roles, role)
			p := ask(b, token)
			if got := p.StatusCode != http.StatusForbidden; got != may {
				t.Errorf("%s %s: %s gets %d, may %v", route.Method, route.Path, role, p.StatusCode, may)
			}
			if p.StatusCode >= 500 {
				t.Errorf("%s %s: %s gets %d", route.Method, route.Path, role, p.StatusCode)
			}
			if route.Method != http.MethodPost || !may {
				continue
			}
			for name, header := range map[string][]string{
				"another site": {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, "a system of ours": {"Sec-Fetch-Site", "same-site", "Origin", r.cast.systems[0].BaseURL},
				"no origin at all": {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
			} {
				if p := ask(b, token, header...); p.StatusCode != http.StatusForbidden {
					t.Errorf("%s %s: %s from %s gets %d", route.Method, route.Path, role, name, p.StatusCode)
				}
			}
			if p := ask(b, strange); p.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: %s with another browser's token gets %d", route.Method, route.Path, role, p.StatusCode)
			}
		}
	}
}

// C6: nobody who decides a case can change its account, and nobody who acts reads
// the trail of the acts.
func TestDeskRolesAreSeparate(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	can := map[operator.Role]map[string]bool{}
	for _, role := range operator.Roles() {
		can[role] = map[string]bool{}
	}
	for _, rule := range r.deskSurface().Policy() {
		if !rule.Public && len(rule.Roles) == 0 {
			t.Errorf("%s %s: nobody may, so why is it there", rule.Method, rule.Path)
		}
		for _, role := range rule.Roles {
			can[role][rule.Method+" "+rule.Path] = true
		}
	}
	for role, deeds := range can {
		for _, decide := range []string{"POST /admin/cases/{id}", "POST /admin/appeals/{id}"} {
			if deeds[decide] && deeds["POST /admin/accounts/{id}"] {
				t.Errorf("%s decides (%s) and changes accounts", role, decide)
			}
			if deeds[decide] && deeds["GET /admin/audit"] {
				t.Errorf("%s decides (%s) and reads the trail", role, decide)
			}
		}
		if deeds["POST /admin/operators"] && deeds["POST /admin/approvals/{id}"] {
			t.Errorf("%s proposes and confirms operators", role)
		}
	}
	if !can[operator.Auditor]["GET /admin/audit"] || !can[operator.Reviewer]["POST /admin/cases/{id}"] {
		t.Error("the table is empty: this test holds vacuously")
	}
}

// Whoever is not in the networks of the desk finds nothing there, not even its
// sign-in.
func TestDeskNetworks(t *testing.T) {
	for network, want := range map[string]int{"10.0.0.0/8": http.StatusNotFound, "127.0.0.0/8": http.StatusOK} {
		r := newRig(t, storetest.SQLite(t), func(c *config.Config) { c.Admin.Networks = []netip.Prefix{netip.MustParsePrefix(network)} }, nil)
		b := r.browser()
		for _, path := range []string{"/admin/login", "/admin/enrol"} {
			if p := b.get(r.issuer + path); p.StatusCode != want {
				t.Errorf("%s from outside of %s: %d", path, network, p.StatusCode)
			}
		}
	}
}
