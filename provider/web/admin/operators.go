package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"kejitong/provider/operator"
	"kejitong/templates"
)

func roleOptions(but operator.Role) (out []templates.DeskOption) {
	for _, r := range operator.Roles() {
		if r != but {
			out = append(out, templates.DeskOption{Value: string(r), Text: templates.Text{Key: "desk.role." + string(r)}})
		}
	}
	return out
}

// showOperators is GET /admin/operators.
func (h *Handler) showOperators(w http.ResponseWriter, r *http.Request, v visit) {
	h.operatorsPage(w, r, v, "", nil)
}

// operatorsPage shows the roster, with what is wrong with a proposal.
func (h *Handler) operatorsPage(w http.ResponseWriter, r *http.Request, v visit, login string, wrong error) {
	ctx, now := r.Context(), h.Now()
	p := templates.DeskOperators{Desk: h.frame(v, "operators")}
	p.Fields = []templates.DeskField{
		{Name: "login_name", Value: login, Max: 64}, {Name: "role", Type: "select", Value: r.PostForm.Get("role"), Options: roleOptions("")},
	}
	status := http.StatusOK
	if wrong != nil {
		text, ok := blame(p.Fields, wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, status = text, statusOf(wrong)
	}
	if r.URL.Query().Get("done") == "proposed" {
		p.Done = templates.T("desk.operators.proposed")
	}
	people, err := h.Desk.Store.Operators(ctx)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	all, err := h.Desk.Store.Proposals(ctx, heap)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	names, waits := namesOf(people), map[string]bool{}
	for _, x := range all {
		if x.Matter != operator.Roster {
			continue
		}
		if x.State == operator.Open && !x.Over(now) {
			waits[x.Subject] = true
		}
		if len(p.Proposals) < 20 {
			p.Proposals = append(p.Proposals, h.proposal(x, names, v))
		}
	}
	for _, o := range people {
		line := templates.DeskOperator{
			ID: o.ID, Login: o.LoginName, Role: string(o.Role), State: string(o.State), SeenAt: o.SeenAt, Self: o.ID == v.operator.ID, Waits: waits[o.ID],
			Deeds: []string{string(operator.Disable), string(operator.Reset)}, Others: roleOptions(o.Role),
		}
		if o.State == operator.Disabled {
			line.Deeds = []string{string(operator.Enable), string(operator.Reset)}
		}
		p.Operators = append(p.Operators, line)
	}
	h.Web.Show(w, r, status, p)
}

func namesOf(people []operator.Operator) map[string]string {
	names := map[string]string{}
	for _, o := range people {
		names[o.ID] = o.LoginName
	}
	return names
}

// names gives the login names of all operators by id.
func (h *Handler) names(ctx context.Context) (map[string]string, error) {
	people, err := h.Desk.Store.Operators(ctx)
	return namesOf(people), err
}

// called is an operator's login name, or the id of one that is not there.
func called(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name
	}
	return id
}

// proposal is a proposal as the pages show it.
func (h *Handler) proposal(x operator.Proposal, names map[string]string, v visit) templates.DeskProposal {
	now := h.Now()
	p := templates.DeskProposal{
		ID: x.ID, Matter: string(x.Matter), By: called(names, x.By), At: x.At, Until: x.Until, State: string(x.State),
		Mine:  x.MayDecide(v.operator, now),
		Fetch: x.Matter == operator.Export && x.By == v.operator.ID && x.State == operator.Approved && now.Before(x.Decided.Add(operator.FetchLife)),
	}
	if x.Over(now) {
		p.State = "over"
	}
	if x.Decider != "" {
		p.Decider = called(names, x.Decider)
	}
	switch x.Matter {
	case operator.Roster:
		c := x.Change()
		who := c.Login
		if x.Subject != "" {
			who = called(names, x.Subject)
		}
		p.What = templates.Text{Key: "desk.what." + string(c.Deed), Args: []any{who, templates.Text{Key: "desk.role." + string(c.Role)}}}
	case operator.Export:
		p.What = templates.T("desk.what.export")
		p.Lines = filterLines(x.What)
	}
	return p
}

// proposeOperator is POST /admin/operators.
func (h *Handler) proposeOperator(w http.ResponseWriter, r *http.Request, v visit) {
	login := short(r.PostForm.Get("login_name"))
	h.proposed(w, r, v, login, operator.Change{Deed: operator.Add, Login: login, Role: operator.Role(r.PostForm.Get("role"))})
}

// proposeChange is POST /admin/operators/{id}.
func (h *Handler) proposeChange(w http.ResponseWriter, r *http.Request, v visit) {
	c := operator.Change{Deed: operator.Deed(r.PostForm.Get("deed")), Operator: mux.Vars(r)["id"]}
	if c.Deed == operator.SetRole {
		c.Role = operator.Role(r.PostForm.Get("role"))
	}
	if c.Deed == operator.Add {
		c.Deed = ""
	}
	h.proposed(w, r, v, "", c)
}

func (h *Handler) proposed(w http.ResponseWriter, r *http.Request, v visit, login string, c operator.Change) {
	if err := h.Desk.ProposeChange(r.Context(), v.operator, c); err != nil {
		h.operatorsPage(w, r, v, login, err)
		return
	}
	see(w, "/admin/operators?done=proposed")
}

// showApprovals is GET /admin/approvals.
func (h *Handler) showApprovals(w http.ResponseWriter, r *http.Request, v visit) {
	h.approvalsPage(w, r, v, nil)
}

func (h *Handler) approvalsPage(w http.ResponseWriter, r *http.Request, v visit, wrong error) {
	p := templates.DeskApprovals{Desk: h.frame(v, "approvals")}
	status := http.StatusOK
	if wrong != nil {
		text, ok := blame(nil, wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, status = text, statusOf(wrong)
	}
	if done := r.URL.Query().Get("done"); done == string(operator.Approved) || done == string(operator.Refused) {
		p.Done = templates.Text{Key: "desk.approvals." + done}
	}
	names, err := h.names(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	all, err := h.Desk.Store.Proposals(r.Context(), heap)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, x := range all {
		// An auditor has no business with the rest beyond what the trail says.
		if x.Matter != operator.Export && v.operator.Role != operator.SecurityAdmin {
			continue
		}
		line := h.proposal(x, names, v)
		if x.Matter == operator.Catalogue {
			if line, err = h.systemProposal(r.Context(), x, names, v); err != nil {
				h.Web.Fail(w, r, err)
				return
			}
		}
		p.Proposals = append(p.Proposals, line)
	}
	h.Web.Show(w, r, status, p)
}

// decideApproval is POST /admin/approvals/{id}. A one-time secret that comes of it
// is shown in the answer and nowhere else.
func (h *Handler) decideApproval(w http.ResponseWriter, r *http.Request, v visit) {
	decision := r.PostForm.Get("decision")
	if decision != "approve" && decision != "refuse" {
		h.Web.Problem(w, r, http.StatusBadRequest, templates.T("desk.error.decision"))
		return
	}
	o, secret, err := h.Desk.Decide(r.Context(), v.operator, mux.Vars(r)["id"], decision == "approve")
	switch {
	case err != nil:
		h.approvalsPage(w, r, v, err)
	case secret != "":
		h.Web.Show(w, r, http.StatusOK, templates.DeskIssued{
			Desk: h.frame(v, "approvals"), Who: o.LoginName, Secret: secret, URL: strings.TrimSuffix(h.Web.Issuer.String(), "/") + "/admin/enrol", Until: o.InviteUntil,
		})
	case decision == "approve":
		see(w, "/admin/approvals?done="+string(operator.Approved))
	default:
		see(w, "/admin/approvals?done="+string(operator.Refused))
	}
}
