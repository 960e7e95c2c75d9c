package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/integrator"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

func reviewer(v visit) integrator.Reviewer {
	return integrator.Reviewer{ID: v.operator.ID, Accounts: v.operator.Accounts}
}

// showIntegrators is GET /admin/integrators: what waits for a decision.
func (h *Handler) showIntegrators(w http.ResponseWriter, r *http.Request, v visit) {
	h.integratorsPage(w, r, v, nil)
}

func (h *Handler) integratorsPage(w http.ResponseWriter, r *http.Request, v visit, wrong error) {
	ctx := r.Context()
	p := templates.DeskIntegrators{Desk: h.frame(v, "integrators")}
	code := http.StatusOK
	if wrong != nil {
		text, ok := blame(nil, wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, code = text, statusOf(wrong)
	} else if r.URL.Query().Get("done") == "decided" {
		p.Done = templates.T("console.desk.decided")
	}
	waiting, err := h.Integrators.Store.ProjectsIn(ctx, integrator.Submitted, heap)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, x := range waiting {
		p.Projects = append(p.Projects, deskProject(x))
	}
	changes, err := h.Integrators.Waiting(ctx, heap)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, x := range changes {
		line := templates.ConsoleProposal{ID: x.ID, Client: x.Client, System: x.System, At: x.At, Doubts: spelt(x.Doubts)}
		for _, e := range x.Edits {
			before, after := e.Said()
			line.Edits = append(line.Edits, templates.ConsoleEdit{Member: e.Member, Before: before, After: after})
		}
		p.Proposals = append(p.Proposals, line)
	}
	persons, err := h.Integrators.Store.AllAdmitted(ctx, heap)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, id := range persons {
		name := "–"
		if who, err := h.Principals.ByAccount(ctx, id); err == nil {
			name = visitor.Name(who)
		}
		p.Persons = append(p.Persons, templates.ConsoleMember{ID: string(id), Name: name})
	}
	h.Web.Show(w, r, code, p)
}

func spelt(doubts []client.Doubt) []string {
	var out []string
	for _, d := range doubts {
		out = append(out, string(d))
	}
	return out
}

func deskProject(x integrator.Project) templates.ConsoleProject {
	return templates.ConsoleProject{ID: x.ID, Name: x.Form.Name, Legal: x.LegalName, State: string(x.State), At: x.SubmitAt}
}

// showIntegrator is GET /admin/integrators/{id}.
func (h *Handler) showIntegrator(w http.ResponseWriter, r *http.Request, v visit) {
	h.integratorPage(w, r, v, nil)
}

func (h *Handler) integratorPage(w http.ResponseWriter, r *http.Request, v visit, wrong error) {
	x, err := h.Integrators.Store.Project(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.DeskIntegrator{
		Desk: h.frame(v, "integrators"), Of: deskProject(x), Version: x.Version, Purpose: x.Form.Purpose, URIs: x.Form.RedirectURIs,
		Contacts: x.Form.Contacts, Waits: x.State == integrator.Submitted, Reason: short(r.PostForm.Get("reason")),
	}
	for _, wish := range x.Form.Wishes {
		p.Scopes = append(p.Scopes, templates.ConsoleEdit{Member: wish.Scope, After: wish.Reason})
	}
	for _, s := range x.Form.Systems {
		p.Systems = append(p.Systems, string(s))
	}
	doubts, err := h.Integrators.Doubts(r.Context(), x)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p.Doubts = spelt(doubts)
	code := http.StatusOK
	if wrong != nil {
		text, ok := blame(nil, wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, code = text, statusOf(wrong)
	}
	h.Web.Show(w, r, code, p)
}

// decideIntegrator is POST /admin/integrators/{id}.
func (h *Handler) decideIntegrator(w http.ResponseWriter, r *http.Request, v visit) {
	f := r.PostForm
	version, _ := strconv.ParseInt(f.Get("version"), 10, 64) // anything else is no version
	if err := h.Integrators.Decide(r.Context(), reviewer(v), mux.Vars(r)["id"], version, integrator.Decision(f.Get("decision")), f.Get("reason")); err != nil {
		h.integratorPage(w, r, v, err)
		return
	}
	h.decided(w)
}

// decideChange is POST /admin/integrators/changes/{id}.
func (h *Handler) decideChange(w http.ResponseWriter, r *http.Request, v visit) {
	f := r.PostForm
	if err := h.Integrators.DecideChange(r.Context(), reviewer(v), mux.Vars(r)["id"], integrator.Decision(f.Get("decision")), f.Get("reason")); err != nil {
		h.integratorsPage(w, r, v, err)
		return
	}
	h.decided(w)
}

func (h *Handler) decided(w http.ResponseWriter) {
	h.Outbox.Wake()
	see(w, "/admin/integrators?"+url.Values{"done": {"decided"}}.Encode())
}

// changePersons is POST /admin/integrators/persons: who may connect systems in
// their own name.
func (h *Handler) changePersons(w http.ResponseWriter, r *http.Request, v visit) {
	var err error
	if id := r.PostForm.Get("dismiss"); id != "" {
		err = h.Integrators.Dismiss(r.Context(), reviewer(v), account.ID(id))
	} else {
		err = h.Integrators.Admit(r.Context(), reviewer(v), strings.TrimSpace(r.PostForm.Get("login")))
	}
	if err != nil {
		h.integratorsPage(w, r, v, err)
		return
	}
	h.decided(w)
}
