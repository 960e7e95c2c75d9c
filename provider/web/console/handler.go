package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/integrator"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Handler serves the console. All fields must be set before Mount.
type Handler struct {
	Web        *web.Kit
	Visitors   *visitor.Hall
	Service    *integrator.Service
	Principals principal.Reader
	Issuer     string
	Now        func() time.Time
}

// Mount adds the pages to r. What is posted passes web.Kit.Guard; secrets, the team
// and a submission ask for a fresh sign-in (S63).
func (h *Handler) Mount(r *mux.Router) {
	get := func(path string, p visitor.Page) {
		r.Handle(path, h.Visitors.In(p)).Methods(http.MethodGet, http.MethodHead)
	}
	post := func(path string, p visitor.Page) {
		r.Handle(path, h.Web.Guard(h.Visitors.In(p))).Methods(http.MethodPost)
	}
	fresh := func(path string, p visitor.Page) {
		r.Handle(path, h.Web.Guard(h.Visitors.Fresh(p))).Methods(http.MethodPost)
	}
	get("/console", h.showHome)
	get("/console/new", h.showNew)
	post("/console/new", h.apply)
	fresh("/console/invites/{invite}", h.answer)
	get("/console/projects/{project}", h.showProject)
	get("/console/projects/{project}/edit", h.showEdit)
	post("/console/projects/{project}/edit", h.describe)
	fresh("/console/projects/{project}/submit", h.submit)
	fresh("/console/projects/{project}/sandbox", h.openSandbox)
	fresh("/console/projects/{project}/team", h.changeTeam)
	get("/console/projects/{project}/lookup", h.showTrials)
	post("/console/projects/{project}/lookup", h.startOver)
	get("/console/clients/{client}", h.showClient)
	post("/console/clients/{client}", h.changeClient)
	fresh("/console/clients/{client}/secret", h.changeSecret)
	post("/console/clients/{client}/withdraw", h.withdraw)
}

func asker(v *principal.Visit, now time.Time) integrator.Asker {
	return integrator.Asker{Account: v.Principal.Account, Units: v.Principal.Units(now)}
}

func id(v *principal.Visit) account.ID { return v.Principal.Account.ID }

func onto(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

func named(v *principal.Visit) web.Option { return web.As(visitor.Name(v.Principal), "") }

// blame says err at its field, or gives the text to show above; false if it is not
// for the page to tell.
func blame(err error, fields ...[]templates.ConsoleField) (templates.Text, bool) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Msg == "" {
		return templates.Text{}, false
	}
	switch f.Kind {
	case fault.Invalid, fault.Conflict, fault.Refused:
	default:
		return templates.Text{}, false
	}
	said := templates.Text{Key: f.Msg}
	if !strings.HasPrefix(f.Msg, "console.error.") { // the rules of registration speak to developers
		said = templates.T("console.error.said", f.Msg)
	}
	for _, list := range fields {
		for i := range list {
			if list[i].Name == f.Field {
				list[i].Why = said
				return templates.T("console.error.fields"), true
			}
		}
	}
	if f.Field != "" && !strings.HasPrefix(f.Msg, "console.error.") {
		said = templates.T("console.error.said", f.Field+": "+f.Msg)
	}
	return said, true
}

func status(err error) int {
	switch fault.KindOf(err) {
	case fault.Conflict:
		return http.StatusConflict
	case fault.Refused:
		return http.StatusForbidden
	}
	return http.StatusUnprocessableEntity
}

// perLine gives the lines of a text that hold something.
func perLine(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" && len(out) < 100 {
			out = append(out, l)
		}
	}
	return out
}

func version(r *http.Request) int64 {
	n, _ := strconv.ParseInt(r.PostForm.Get("version"), 10, 64) // anything else is no version of anything
	return n
}

// showHome is GET /console.
func (h *Handler) showHome(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx := r.Context()
	mine, err := h.Service.Store.ProjectsOf(ctx, id(v))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	bodies, err := h.Service.Bodies(ctx, asker(v, h.Now()))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	invites, projects, err := h.Service.Invited(ctx, v.Principal.Account)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.ConsoleHome{May: len(bodies) > 0}
	for _, m := range mine {
		p.Projects = append(p.Projects, shown(m.Project, string(m.Role)))
	}
	for _, i := range invites {
		p.Invites = append(p.Invites, templates.ConsoleInvite{ID: i.ID, Name: projects[i.Project].Form.Name, Role: string(i.Role), Until: i.Until})
	}
	if r.URL.Query().Get("done") == "left" {
		p.Done = templates.T("console.done.left")
	}
	h.Web.Show(w, r, http.StatusOK, p, named(v))
}

func shown(p integrator.Project, role string) templates.ConsoleProject {
	return templates.ConsoleProject{ID: p.ID, Name: p.Form.Name, Legal: p.LegalName, State: string(p.State), Role: role, At: p.SubmitAt}
}

// answer is POST /console/invites/{invite}.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	accept := r.PostForm.Get("answer") == "accept"
	project, err := h.Service.Answer(r.Context(), v.Principal.Account, mux.Vars(r)["invite"], accept)
	switch {
	case err != nil:
		h.Web.Fail(w, r, err)
	case accept:
		onto(w, "/console/projects/"+project)
	default:
		onto(w, "/console?done=left")
	}
}
