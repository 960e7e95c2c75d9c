package admin

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"kejitong/provider/operator"
)

// access is who may come through a door. The zero value lets nobody in.
type access struct {
	public bool // no session is needed
	due    bool // also for those whose password has to be changed first
	roles  []operator.Role
}

func (a access) allows(r operator.Role) bool { return slices.Contains(a.roles, r) }

// door is one way into the desk.
type door struct {
	method string
	path   string
	who    access
	do     page
}

// page answers a request of an operator; v is empty where the door is public.
type page func(w http.ResponseWriter, r *http.Request, v visit)

// doors is the policy: every route with the roles that may use it. There is no
// other way to mount a page (S78, C7). Whoever decides cases edits no account, and
// the auditor changes nothing but the exports that he asks for (C6).
func (h *Handler) doors() []door {
	const (
		sys, sec = operator.SystemAdmin, operator.SecurityAdmin
		aud, rev = operator.Auditor, operator.Reviewer
	)
	anyone := access{public: true}
	everybody := access{due: true, roles: operator.Roles()}
	only := func(roles ...operator.Role) access { return access{roles: roles} }
	get, post := http.MethodGet, http.MethodPost
	return []door{
		{get, "/admin/login", anyone, h.showSignIn},
		{post, "/admin/login", anyone, h.signIn},
		{get, "/admin/enrol", anyone, h.showInvite},
		{post, "/admin/enrol", anyone, h.invite},
		{get, "/admin/enrol/factor", anyone, h.showEnrol},
		{post, "/admin/enrol/factor", anyone, h.enrol},

		{post, "/admin/logout", everybody, h.signOut},
		{get, "/admin/self", everybody, h.showSelf},
		{post, "/admin/self", everybody, h.changePassword},
		{post, "/admin/self/accounts", only(sys, sec, aud, rev), h.own},
		{get, "/admin", only(sys, sec, aud, rev), h.home},

		{get, "/admin/cases", only(rev), h.cases},
		{get, "/admin/cases/{id}", only(rev), h.showCase},
		{post, "/admin/cases/{id}", only(rev), h.decideCase},
		{get, "/admin/cases/{id}/papers/{paper}", only(rev), h.casePaper},
		{get, "/admin/appeals", only(rev), h.appeals},
		{get, "/admin/appeals/{id}", only(rev), h.showAppeal},
		{post, "/admin/appeals/{id}", only(rev), h.decideAppeal},
		{get, "/admin/appeals/{id}/papers/{paper}", only(rev), h.appealPaper},

		{get, "/admin/accounts", only(rev, sec), h.searchAccounts},
		{post, "/admin/accounts", only(rev, sec), h.findAccounts},
		{get, "/admin/accounts/{id}", only(rev, sec), h.showAccount},
		{post, "/admin/accounts/{id}/reveal", only(rev, sec), h.reveal},
		{post, "/admin/accounts/{id}", only(sec), h.changeAccount},
		{get, "/admin/accounts/{id}/rights", only(rev, sec), h.showRights},
		{post, "/admin/accounts/{id}/rights", only(sec), h.decree},

		{get, "/admin/import", only(sys, sec, rev), h.showImports},
		{post, "/admin/import", only(rev, sec), h.findRecords},
		{get, "/admin/import/batches/{id}", only(sys, sec, rev), h.showBatch},
		{get, "/admin/import/conflicts", only(rev, sec), h.showConflicts},
		{get, "/admin/import/records/{id}", only(rev, sec), h.showRecord},
		{post, "/admin/import/records/{id}/reveal", only(rev, sec), h.revealRecord},

		{get, "/admin/audit", only(aud), h.searchTrail},
		{post, "/admin/audit/verify", only(aud), h.verifyTrail},
		{post, "/admin/audit/exports", only(aud), h.askExport},
		{post, "/admin/audit/exports/{id}", only(aud), h.fetchExport},

		{get, "/admin/operators", only(sys), h.showOperators},
		{post, "/admin/operators", only(sys), h.proposeOperator},
		{post, "/admin/operators/{id}", only(sys), h.proposeChange},
		{get, "/admin/approvals", only(sec, aud), h.showApprovals},
		{post, "/admin/approvals/{id}", only(sec, aud), h.decideApproval},

		{get, "/admin/clients/{id}/log", only(sys, sec), h.showClientLog},
		{get, "/admin/integrators", only(sec), h.showIntegrators},
		{post, "/admin/integrators/persons", only(sec), h.changePersons},
		{post, "/admin/integrators/changes/{id}", only(sec), h.decideChange},
		{get, "/admin/integrators/{id}", only(sec), h.showIntegrator},
		{post, "/admin/integrators/{id}", only(sec), h.decideIntegrator},

		{get, "/admin/systems", only(sys, sec), h.showSystems},
		{post, "/admin/systems", only(sys), h.addSystem},
		{get, "/admin/systems/new-entry", only(sys), h.beginSystem},
		{get, "/admin/systems/{id}", only(sys, sec), h.showSystem},
		{post, "/admin/systems/{id}", only(sys), h.changeSystem},
		{get, "/admin/systems/{id}/edit", only(sys), h.editSystem},

		{get, "/admin/webhooks", only(sys, sec), h.showWebhooks},
		{post, "/admin/webhooks", only(sys), h.addWebhook},
		{get, "/admin/webhooks/{id}", only(sys, sec), h.showWebhook},
		{post, "/admin/webhooks/{id}", only(sys), h.changeWebhook},
		{post, "/admin/webhooks/{id}/deliveries/{delivery}", only(sys), h.redeliver},

		{get, "/admin/notices", only(sys), h.showNotices},
		{post, "/admin/notices", only(sys), h.postNotice},
		{post, "/admin/notices/{id}", only(sys), h.endNotice},
	}
}

// Rule is a line of the policy, for tests and documents.
type Rule struct {
	Method, Path string
	Public       bool
	Roles        []operator.Role
}

// Policy gives the table that the routes are made from.
func (h *Handler) Policy() []Rule {
	var out []Rule
	for _, d := range h.doors() {
		out = append(out, Rule{d.method, d.path, d.who.public, d.who.roles})
	}
	return out
}

// Mount makes the routes. A door without anybody to let in is a mistake in the
// table, which must not wait for a request to be noticed.
func (h *Handler) Mount(r *mux.Router) {
	for _, d := range h.doors() {
		if !d.who.public && len(d.who.roles) == 0 || d.do == nil {
			panic("admin: a door without a policy: " + d.method + " " + d.path)
		}
		methods := []string{d.method}
		if d.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		r.Handle(d.path, h.enter(d)).Methods(methods...)
	}
}

// places are the links of the navigation, in order; a role sees those that it may
// open.
var places = [...]struct{ key, path string }{
	{"home", "/admin"}, {"cases", "/admin/cases"}, {"appeals", "/admin/appeals"}, {"accounts", "/admin/accounts"}, {"imports", "/admin/import"}, {"audit", "/admin/audit"},
	{"operators", "/admin/operators"}, {"approvals", "/admin/approvals"}, {"systems", "/admin/systems"}, {"integrators", "/admin/integrators"}, {"webhooks", "/admin/webhooks"}, {"notices", "/admin/notices"}, {"self", "/admin/self"},
}

// may tells whether the role may open the path.
func (h *Handler) may(role operator.Role, path string) bool {
	return slices.ContainsFunc(h.doors(), func(d door) bool {
		return d.method == http.MethodGet && d.path == path && d.who.allows(role)
	})
}
