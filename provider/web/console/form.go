package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/integrator"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/templates"
)

// typed is the description as it was posted. A scope is wanted if it has a reason.
func typed(r *http.Request) integrator.Form {
	f := r.PostForm
	out := integrator.Form{
		Name: f.Get("name"), Purpose: f.Get("purpose"), RedirectURIs: perLine(f.Get("redirect_uris")), Contacts: perLine(f.Get("contacts")),
	}
	for _, s := range client.SignInScopes() {
		if why := strings.TrimSpace(f.Get("reason_" + s)); why != "" && s != "openid" {
			out.Wishes = append(out.Wishes, integrator.Wish{Scope: s, Reason: why})
		}
	}
	for _, s := range f["systems"] {
		if len(out.Systems) < 50 {
			out.Systems = append(out.Systems, entitlement.SystemID(s))
		}
	}
	return out
}

// formPage shows the form with what stands in it and what is wrong with that.
func (h *Handler) formPage(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.ConsoleForm, f integrator.Form, wrong error) {
	p.Fields = []templates.ConsoleField{
		{Name: "name", Value: f.Name, Max: 64}, {Name: "purpose", Type: "textarea", Value: f.Purpose, Max: 200, Hint: true},
		{Name: "redirect_uris", Type: "textarea", Value: strings.Join(f.RedirectURIs, "\n"), Hint: true},
		{Name: "contacts", Type: "textarea", Value: strings.Join(f.Contacts, "\n"), Max: 640},
	}
	for _, s := range client.SignInScopes() {
		if s == "openid" {
			continue
		}
		field := templates.ConsoleField{Name: "reason_" + s, Max: 200}
		for _, w := range f.Wishes {
			if w.Scope == s {
				field.Value = w.Reason
			}
		}
		p.Scopes = append(p.Scopes, field)
	}
	systems, err := h.Service.Store.Systems(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, s := range systems {
		field := templates.ConsoleField{Name: string(s.ID), Options: []string{s.Name(web.Locale(r.Context()) == templates.English)}}
		if slices.Contains(f.Systems, s.ID) {
			field.Value = "yes"
		}
		p.Systems = append(p.Systems, field)
	}
	code := http.StatusOK
	if wrong != nil {
		text, ok := blame(wrong, p.Fields, p.Scopes)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, code = text, status(wrong)
	}
	h.Web.Show(w, r, code, p, named(v))
}

func (h *Handler) bodies(w http.ResponseWriter, r *http.Request, v *principal.Visit) ([]templates.DeskOption, bool) {
	all, err := h.Service.Bodies(r.Context(), asker(v, h.Now()))
	if err != nil {
		h.Web.Fail(w, r, err)
		return nil, false
	}
	if len(all) == 0 {
		onto(w, "/console") // which says why
		return nil, false
	}
	var out []templates.DeskOption
	for _, b := range all {
		out = append(out, templates.DeskOption{Value: b.UnitID, Text: templates.T("console.body", b.Name)})
	}
	return out, true
}

// showNew is GET /console/new.
func (h *Handler) showNew(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if bodies, ok := h.bodies(w, r, v); ok {
		h.formPage(w, r, v, templates.ConsoleForm{Bodies: bodies}, integrator.Form{}, nil)
	}
}

// apply is POST /console/new.
func (h *Handler) apply(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	f, body := typed(r), r.PostForm.Get("body")
	p, err := h.Service.Apply(r.Context(), asker(v, h.Now()), body, f)
	if err != nil {
		if bodies, ok := h.bodies(w, r, v); ok {
			h.formPage(w, r, v, templates.ConsoleForm{Bodies: bodies, Body: body}, f, err)
		}
		return
	}
	onto(w, "/console/projects/"+p.ID)
}

// showEdit is GET /console/projects/{project}/edit.
func (h *Handler) showEdit(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	m, err := h.Service.Project(r.Context(), id(v), mux.Vars(r)["project"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.formPage(w, r, v, templates.ConsoleForm{ID: m.ID, Version: m.Version}, m.Form, nil)
}

// describe is POST /console/projects/{project}/edit.
func (h *Handler) describe(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	project, f := mux.Vars(r)["project"], typed(r)
	if err := h.Service.Describe(r.Context(), asker(v, h.Now()), project, version(r), f); err != nil {
		h.formPage(w, r, v, templates.ConsoleForm{ID: project, Version: version(r)}, f, err)
		return
	}
	onto(w, "/console/projects/"+project)
}
