package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/integrator"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// steps says at which step of the stepper a project stands; one whose client in
// earnest is ready is a step further.
var steps = map[integrator.State]int{integrator.Testing: 1, integrator.Returned: 1, integrator.Submitted: 2, integrator.Approved: 3, integrator.Rejected: 2}

// showProject is GET /console/projects/{project}.
func (h *Handler) showProject(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	h.projectPage(w, r, v, nil)
}

func (h *Handler) projectPage(w http.ResponseWriter, r *http.Request, v *principal.Visit, wrong error) {
	m, err := h.Service.Overview(r.Context(), id(v), mux.Vars(r)["project"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.ConsoleOverview{
		ConsoleProject: shown(m.Project, string(m.Role)), Version: m.Version, Purpose: m.Form.Purpose, Reason: m.Reason, Sandbox: m.Sandbox,
		Production: m.Production, Step: steps[m.State], Open: m.State.Editable(),
		Edits: m.Role.AtLeast(integrator.Developer), Owns: m.Role.AtLeast(integrator.Owner),
	}
	if m.Ready {
		p.Step++
	}
	for _, a := range m.Tests {
		p.Tests = append(p.Tests, templates.ConsoleTest{Login: a.LoginName, Part: a.LoginName[strings.LastIndexByte(a.LoginName, '-')+1:]})
	}
	p.Trials = len(m.Trials)
	names := map[string]string{}
	for _, one := range m.Team {
		names[string(one.Account)] = h.name(r, one.Account)
		p.Team = append(p.Team, templates.ConsoleMember{ID: string(one.Account), Name: names[string(one.Account)], Role: string(one.Role), Self: one.Account == id(v)})
	}
	for _, i := range m.Invites {
		p.Invites = append(p.Invites, templates.ConsoleInvite{ID: i.ID, Name: masked(i.Login), Role: string(i.Role), Until: i.Until})
	}
	for _, c := range m.History {
		line := templates.ConsoleChange{What: c.What, Client: c.Client, Actor: names[c.Actor], At: c.At, Edits: edits(c.Edits)}
		if line.Actor == "" {
			line.Actor = "–" // an operator, or somebody who left
		}
		p.History = append(p.History, line)
	}
	code := http.StatusOK
	if wrong != nil {
		text, ok := blame(wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, code = text, status(wrong)
	} else if r.URL.Query().Get("done") == "submitted" {
		p.Done = templates.T("console.done.submitted")
	}
	h.Web.Show(w, r, code, p, named(v))
}

// name is what the pages call a member (C29).
func (h *Handler) name(r *http.Request, member account.ID) string {
	who, err := h.Principals.ByAccount(r.Context(), member)
	if err != nil {
		return "–"
	}
	return visitor.Name(who)
}

func masked(login string) string {
	if _, err := account.ParseMobile(login); err == nil {
		return account.MaskMobile(login)
	}
	return login
}

func edits(all []integrator.Edit) []templates.ConsoleEdit {
	var out []templates.ConsoleEdit
	for _, e := range all {
		before, after := e.Said()
		out = append(out, templates.ConsoleEdit{Member: e.Member, Before: before, After: after})
	}
	return out
}

// submit is POST /console/projects/{project}/submit.
func (h *Handler) submit(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	project := mux.Vars(r)["project"]
	if err := h.Service.Submit(r.Context(), asker(v, h.Now()), project, version(r)); err != nil {
		h.projectPage(w, r, v, err)
		return
	}
	onto(w, "/console/projects/"+project+"?done=submitted")
}

// openSandbox is POST /console/projects/{project}/sandbox; the password stands in
// the answer and nowhere else.
func (h *Handler) openSandbox(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	project := mux.Vars(r)["project"]
	password, err := h.Service.OpenSandbox(r.Context(), id(v), project)
	if err != nil {
		h.projectPage(w, r, v, err)
		return
	}
	h.once(w, r, v, templates.ConsoleSecret{Kind: "tests", Value: password, Back: "/console/projects/" + project})
}

func (h *Handler) once(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.ConsoleSecret) {
	w.Header().Set("Cache-Control", "no-store")
	h.Web.Show(w, r, http.StatusOK, p, named(v))
}

// changeTeam is POST /console/projects/{project}/team.
func (h *Handler) changeTeam(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, project, f := r.Context(), mux.Vars(r)["project"], r.PostForm
	member := account.ID(f.Get("member"))
	var err error
	switch deed := f.Get("deed"); deed {
	case "invite":
		err = h.Service.Invite(ctx, id(v), project, f.Get("login"), integrator.Role(f.Get("role")))
	case "uninvite":
		err = h.Service.Uninvite(ctx, id(v), project, f.Get("invite"))
	case "remove":
		err = h.Service.SetRole(ctx, id(v), project, member, "")
	case "owner", "developer", "viewer":
		err = h.Service.SetRole(ctx, id(v), project, member, integrator.Role(deed))
	default:
		err = fault.New(fault.NotFound, "no such deed")
	}
	switch {
	case err != nil:
		h.projectPage(w, r, v, err)
	case f.Get("deed") == "remove" && member == id(v):
		onto(w, "/console?done=left")
	default:
		onto(w, "/console/projects/"+project+"#team")
	}
}

// changeSecret is POST /console/clients/{client}/secret; the secret stands in the
// answer and nowhere else (S71).
func (h *Handler) changeSecret(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	clientID, deed := mux.Vars(r)["client"], r.PostForm.Get("deed")
	back := "/console/clients/" + clientID
	if deed == "end" {
		if err := h.Service.EndOldSecret(r.Context(), id(v), clientID); err != nil {
			h.clientPage(w, r, v, nil, err)
			return
		}
		onto(w, back+"?done=ended")
		return
	}
	secret, err := h.Service.NewSecret(r.Context(), id(v), clientID, deed == "overlap")
	if err != nil {
		h.clientPage(w, r, v, nil, err)
		return
	}
	p := templates.ConsoleSecret{Kind: "client", Value: secret, ID: clientID, Issuer: h.Issuer, Back: back, Until: time.Time{}}
	if deed == "overlap" {
		p.Until = h.Now().Add(integrator.Overlap)
	}
	h.once(w, r, v, p)
}

// withdraw is POST /console/clients/{client}/withdraw.
func (h *Handler) withdraw(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	clientID := mux.Vars(r)["client"]
	if err := h.Service.Withdraw(r.Context(), id(v), clientID, r.PostForm.Get("proposal")); err != nil {
		h.clientPage(w, r, v, nil, err)
		return
	}
	onto(w, "/console/clients/"+clientID)
}
