package console

import (
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"kejitong/provider/integrator"
	"kejitong/provider/principal"
	"kejitong/templates"
)

// showTrials is GET /console/projects/{project}/lookup: the keys with which the
// sandbox goes through every outcome of 账号检索.
func (h *Handler) showTrials(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	m, err := h.Service.Overview(r.Context(), id(v), mux.Vars(r)["project"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.ConsoleTrials{ID: m.ID, System: m.Form.Name, Sandbox: m.Sandbox, Edits: m.Role.AtLeast(integrator.Developer)}
	if r.URL.Query().Get("done") == "restarted" {
		p.Done = templates.T("console.trials.restarted")
	}
	for _, t := range m.Trials {
		q := url.Values{"key": {t.Key}}
		if !t.Unit {
			q.Set("kind", "person")
		}
		p.Trials = append(p.Trials, templates.ConsoleTrial{
			Name: t.Name, Code: t.Code, Key: t.Key, SMS: t.SMS, Login: t.Login, Window: string(t.Window), Second: t.Second, URL: "/lookup?" + q.Encode(),
		})
	}
	h.Web.Show(w, r, http.StatusOK, p, named(v))
}

// startOver is POST /console/projects/{project}/lookup.
func (h *Handler) startOver(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	project := mux.Vars(r)["project"]
	if err := h.Service.StartOver(r.Context(), id(v), project); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	onto(w, "/console/projects/"+project+"/lookup?done=restarted")
}
