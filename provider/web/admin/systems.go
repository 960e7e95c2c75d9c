package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/templates"
)

// Systems is the catalogue as the desk sees it: what rests on it, and what became
// of it.
type Systems interface {
	// SystemHistory gives up to limit lines of what became of an entry, the newest
	// first.
	SystemHistory(ctx context.Context, id entitlement.SystemID, limit int) ([]entitlement.SystemChange, error)
}

// remembered is how many lines of a history a page shows.
const remembered = 50

// proposesSystems tells whether who looks may propose changes of the catalogue.
func proposesSystems(v visit) bool { return v.operator.Role == operator.SystemAdmin }

// catalogueProposals gives the proposals about the catalogue, of one system or all.
func (h *Handler) catalogueProposals(ctx context.Context, v visit, id entitlement.SystemID) (out []templates.DeskProposal, waits map[string]bool, err error) {
	all, err := h.Desk.Store.Proposals(ctx, heap)
	if err != nil {
		return nil, nil, err
	}
	names, err := h.names(ctx)
	if err != nil {
		return nil, nil, err
	}
	waits = map[string]bool{}
	for _, x := range all {
		if x.Matter != operator.Catalogue || id != "" && x.Subject != string(id) {
			continue
		}
		p, err := h.systemProposal(ctx, x, names, v)
		if err != nil {
			return nil, nil, err
		}
		if p.State == string(operator.Open) {
			waits[x.Subject] = true
		}
		if len(out) < 20 {
			out = append(out, p)
		}
	}
	return out, waits, nil
}

// systemProposal is proposal with what it would change.
func (h *Handler) systemProposal(ctx context.Context, x operator.Proposal, names map[string]string, v visit) (templates.DeskProposal, error) {
	p := h.proposal(x, names, v)
	r, err := entitlement.ReadRevision(x.What)
	if err != nil {
		return p, err
	}
	p.URL, p.Reason, p.Edits = "/admin/systems/"+x.Subject, r.Reason, deskEdits(r.Was, r.Next)
	if r.Was == nil {
		p.URL = ""
	}
	key := "desk.what.catalogue"
	if kind := r.Kind(); kind != "changed" {
		key += map[string]string{"entered": "_new", "closed": "_close", "reopened": "_reopen"}[kind]
	}
	p.What = templates.Text{Key: key, Args: []any{r.Next.NameZH}}
	if p.State != string(operator.Open) {
		return p, nil
	}
	uses, err := h.Census.Uses(ctx)
	if err != nil {
		return p, err
	}
	p.Effects = effects(r, uses[r.Next.ID])
	p.Stale, err = h.Catalogue.Stale(ctx, r)
	return p, err
}

// effects are what a revision means for those who hold something, in words.
func effects(r entitlement.Revision, use entitlement.Use) (out []templates.Text) {
	for _, e := range r.Effects() {
		text := templates.Text{Key: "desk.effect." + string(e)}
		if e == entitlement.EffectCloses {
			text.Args = []any{use.Grants}
		}
		out = append(out, text)
	}
	return out
}

// deskEdits is what changes, with codes in words.
func deskEdits(was *entitlement.System, next entitlement.System) (out []templates.DeskEdit) {
	for _, e := range entitlement.Edits(was, next) {
		line := templates.DeskEdit{Field: e.Field, After: inWords(e.Field, e.After)}
		if was != nil {
			line.Before = inWords(e.Field, e.Before)
		}
		out = append(out, line)
	}
	return out
}

func inWords(field, value string) (out []templates.Text) {
	prefix := map[string]string{"account_types": "account_type.", "unit_types": "unit_type.", "level": "level."}[field]
	none := map[string]string{"account_types": "desk.systems.all_kinds", "unit_types": "desk.systems.all_types", "level": "desk.systems.level_default"}[field]
	switch {
	case value == "" && none != "":
		return []templates.Text{{Key: none}}
	case value == "":
		return nil
	case field == "earned" || field == "closed":
		return []templates.Text{{Key: map[string]string{"true": "desk.systems.yes", "false": "desk.systems.no"}[value]}}
	case prefix == "":
		return []templates.Text{templates.T("desk.name", value)}
	}
	for _, code := range strings.Split(value, ", ") {
		out = append(out, templates.Text{Key: prefix + code})
	}
	return out
}

func systemLine(s entitlement.System, use entitlement.Use) templates.DeskSystemLine {
	l := templates.DeskSystemLine{
		URL: "/admin/systems/" + string(s.ID), Code: string(s.ID), NameZH: s.NameZH, NameEN: s.NameEN, Owner: s.Owner, Closed: s.Closed, Level: s.Level,
		Earned: s.Earned, Clients: len(use.Clients), Grants: use.Grants,
	}
	for _, k := range s.AccountKinds {
		l.Kinds = append(l.Kinds, string(k))
	}
	return l
}

// showSystems is GET /admin/systems.
func (h *Handler) showSystems(w http.ResponseWriter, r *http.Request, v visit) {
	p := templates.DeskSystems{Desk: h.frame(v, "systems"), Proposes: proposesSystems(v)}
	all, err := h.Catalogue.Store.Systems(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	uses, err := h.Census.Uses(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	var waits map[string]bool
	if p.Proposals, waits, err = h.catalogueProposals(r.Context(), v, ""); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, s := range all {
		line := systemLine(s, uses[s.ID])
		line.Waits = waits[line.Code]
		p.Systems = append(p.Systems, line)
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// showSystem is GET /admin/systems/{id}.
func (h *Handler) showSystem(w http.ResponseWriter, r *http.Request, v visit) {
	h.systemPage(w, r, v, nil)
}

func (h *Handler) systemPage(w http.ResponseWriter, r *http.Request, v visit, wrong error) {
	ctx := r.Context()
	s, err := h.Catalogue.System(ctx, entitlement.SystemID(mux.Vars(r)["id"]))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	uses, err := h.Census.Uses(ctx)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	use := uses[s.ID]
	p := templates.DeskSystem{
		Desk: h.frame(v, "systems"), Of: systemLine(s, use), EntryURL: s.EntryURL, Types: s.UnitTypes, Actions: s.Actions, Clients: use.Clients,
		Version: s.Version(), Reason: short(r.PostForm.Get("reason")), Proposes: proposesSystems(v),
	}
	code := http.StatusOK
	if wrong != nil {
		field, text, ok := told(wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		if code = statusOf(wrong); field == "reason" {
			p.Why = text
		} else {
			p.Error = text
		}
	} else if r.URL.Query().Get("done") == "proposed" {
		p.Done = templates.T("desk.systems.did_propose")
	}
	if p.Proposals, _, err = h.catalogueProposals(ctx, v, s.ID); err == nil {
		p.History, err = h.systemHistory(ctx, s.ID)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, code, p)
}

func (h *Handler) systemHistory(ctx context.Context, id entitlement.SystemID) (out []templates.DeskSystemStep, err error) {
	lines, err := h.Systems.SystemHistory(ctx, id, remembered)
	if err != nil {
		return nil, err
	}
	names, err := h.names(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range lines {
		step := templates.DeskSystemStep{At: c.At, By: called(names, c.Actor), Reason: c.Reason, New: c.Was == nil, Edits: deskEdits(c.Was, c.Now)}
		if c.Proposer != "" {
			step.Proposer = called(names, c.Proposer)
		}
		out = append(out, step)
	}
	return out, nil
}

// changeSystem is POST /admin/systems/{id}: a change, or that it admits nobody new.
func (h *Handler) changeSystem(w http.ResponseWriter, r *http.Request, v visit) {
	s, err := h.Catalogue.System(r.Context(), entitlement.SystemID(mux.Vars(r)["id"]))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	f := r.PostForm
	switch f.Get("deed") {
	case "change":
		h.draftSystem(w, r, v, s)
		return
	case "close", "reopen":
		s.Closed = f.Get("deed") == "close"
	default:
		h.systemPage(w, r, v, &fault.Error{Kind: fault.Invalid, Field: "deed", Msg: "desk.error.deed"})
		return
	}
	revision, wrong := h.Catalogue.Draft(r.Context(), f.Get("version"), s, f.Get("reason"))
	if len(wrong) > 0 {
		h.systemPage(w, r, v, wrong[0])
		return
	}
	if err := h.Desk.ProposeDeed(r.Context(), v.operator, operator.Catalogue, string(s.ID), revision); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	see(w, "/admin/systems/"+string(s.ID)+"?done=proposed")
}

// beginSystem is GET /admin/systems/new-entry; no code has a hyphen.
func (h *Handler) beginSystem(w http.ResponseWriter, r *http.Request, v visit) {
	h.Web.Show(w, r, http.StatusOK, h.systemForm(v, entitlement.System{}, true, "", ""))
}

// editSystem is GET /admin/systems/{id}/edit.
func (h *Handler) editSystem(w http.ResponseWriter, r *http.Request, v visit) {
	s, err := h.Catalogue.System(r.Context(), entitlement.SystemID(mux.Vars(r)["id"]))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, h.systemForm(v, s, false, s.Version(), ""))
}

// addSystem is POST /admin/systems.
func (h *Handler) addSystem(w http.ResponseWriter, r *http.Request, v visit) {
	h.draftSystem(w, r, v, entitlement.System{})
}

// draftSystem looks at what was typed over s, shows what would change, and proposes
// it when asked to.
func (h *Handler) draftSystem(w http.ResponseWriter, r *http.Request, v visit, s entitlement.System) {
	f, fresh := r.PostForm, s.ID == ""
	next, version := typedSystem(r, s), f.Get("version")
	switch {
	case fresh:
		version = ""
	case version == "": // of an entry that is there, which no form leaves out
		version = "none"
	}
	revision, wrong := h.Catalogue.Draft(r.Context(), version, next, f.Get("reason"))
	p, code := h.systemForm(v, next, fresh, version, f.Get("reason")), http.StatusOK
	if !fresh {
		p.Called = s.NameZH
	}
	for _, err := range wrong {
		if !atSystemField(&p, err) {
			h.Web.Fail(w, r, err)
			return
		}
		code = max(code, statusOf(err))
	}
	switch {
	case len(wrong) > 0:
	case f.Get("step") == "propose":
		if err := h.Desk.ProposeDeed(r.Context(), v.operator, operator.Catalogue, string(next.ID), revision); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		if fresh {
			see(w, "/admin/systems")
		} else {
			see(w, "/admin/systems/"+string(next.ID)+"?done=proposed")
		}
		return
	default:
		uses, err := h.Census.Uses(r.Context())
		if err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		use := uses[next.ID]
		p.Checked, p.Edits, p.Effects = true, deskEdits(revision.Was, next), effects(revision, use)
		p.Grants, p.Clients = use.Grants, len(use.Clients)
	}
	h.Web.Show(w, r, code, p)
}
