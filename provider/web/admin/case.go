package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/principal"
	"kejitong/provider/realname"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// What a reviewer does with a case; the values of its buttons.
const (
	claimCase   = "claim"
	releaseCase = "release"
	approveCase = "approve"
	rejectCase  = "reject"
	concernCase = "concern" // appeals: says which account it is about
)

// showCase is GET /admin/cases/{id}.
func (h *Handler) showCase(w http.ResponseWriter, r *http.Request, v visit) {
	c, err := h.Cases.Case(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p, err := h.casePage(r.Context(), v, c)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if done := r.URL.Query().Get("done"); done == claimCase || done == releaseCase || done == approveCase || done == rejectCase {
		p.Done = templates.Text{Key: "desk.case.did_" + done}
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// self is the operator's own account for the domains, the one concerned first.
func self(o operator.Operator, concerned account.ID) account.ID {
	if o.Owns(concerned) {
		return concerned
	}
	if len(o.Accounts) > 0 {
		return o.Accounts[0]
	}
	return ""
}

// casePage shows the case in the clear to who is in charge, and says so in the
// trail; everybody else sees it masked.
func (h *Handler) casePage(ctx context.Context, v visit, c realname.Case) (templates.DeskCase, error) {
	names, err := h.names(ctx)
	if err != nil {
		return templates.DeskCase{}, err
	}
	now := h.Now()
	p := templates.DeskCase{
		Desk: h.frame(v, "cases"), Heap: "cases", Number: c.Number, Type: string(c.Kind), State: string(c.State), Stated: "realname.state", Since: c.Since(),
		Version: c.Version, Mine: c.Reviewer == v.operator.ID && c.State == realname.ManualReview, Own: v.operator.Owns(c.Account),
		Open: c.State == realname.ManualReview, Account: "/admin/accounts/" + string(c.Account),
	}
	if p.Open {
		p.Badge, p.Deadline = ageBadge(p.Since, now), p.Since.Add(over)
	}
	if c.Reviewer != "" {
		p.Charge = called(names, c.Reviewer)
	}
	p.Mine = p.Mine && !p.Own
	who, err := h.Principals.ByAccount(ctx, c.Account)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return p, err
	}
	p.Applicant = visitor.LoginName(who.Account)
	p.Lines = claims(c, who, !p.Mine)
	if p.Doubles, err = h.doubles(ctx, c); err != nil {
		return p, err
	}
	p.History = history(c)
	if !p.Mine {
		return p, nil
	}
	p.Approve, p.Reject = []templates.DeskField{remarkField("-approve")}, []templates.DeskField{reasonField(), remarkField("-reject")}
	if p.Papers, err = h.papers(ctx, "/admin/cases/"+c.ID, c.Folder); err != nil {
		return p, err
	}
	return p, h.Trail.Record(ctx, audit.Event{Kind: audit.CaseViewed, Actor: v.operator.ID, Object: c.ID, Detail: "in charge"})
}

// history is what happened to the case, in the order in which it did. A verdict of
// a case under review is one that went before.
func history(c realname.Case) (out []templates.DeskStep) {
	verdict := "decided"
	if c.State == realname.ManualReview {
		verdict = "checked"
	}
	for _, s := range []struct {
		at   time.Time
		what string
	}{{c.OpenedAt, "opened"}, {c.SentAt, "sent"}, {c.PapersAt, "papers"}, {c.DecidedAt, verdict}} {
		if !s.at.IsZero() {
			out = append(out, templates.DeskStep{At: s.at, What: templates.Text{Key: "desk.step." + s.what}})
		}
	}
	slices.SortStableFunc(out, func(a, b templates.DeskStep) int { return a.At.Compare(b.At) })
	return out
}

func remarkField(suffix string) templates.DeskField {
	return templates.DeskField{Name: "remark", Type: "textarea", Free: true, Max: 500, Suffix: suffix}
}

func reasonField() templates.DeskField {
	f := templates.DeskField{Name: "reason", Type: "select"}
	for _, g := range realname.Grounds {
		f.Options = append(f.Options, templates.DeskOption{Value: g, Text: templates.Text{Key: "realname.reason." + g}})
	}
	return f
}

// claims puts what is claimed beside what stands on the account and what the
// register found.
func claims(c realname.Case, who principal.Principal, masked bool) (out []templates.DeskClaim) {
	hide := func(mask func(string) string, s string) string {
		if masked && s != "" {
			return mask(s)
		}
		return s
	}
	plain := func(s string) string { return s }
	found := map[string]string{}
	for _, r := range c.Reasons {
		if r.Field != "" {
			found[r.Field] = r.Code
		}
	}
	add := func(label, field string, mask func(string) string, claimed, stands string) {
		if claimed == "" && stands == "" {
			return
		}
		l := templates.DeskClaim{Label: label, Claimed: hide(mask, claimed), Stands: hide(mask, stands), Differs: stands != "" && stands != claimed}
		if code := found[field]; code != "" {
			l.Finding, l.Differs = templates.Text{Key: "realname.reason." + code}, true
		} else if stands != "" && stands == claimed {
			l.Agrees = true
		}
		out = append(out, l)
	}
	profile := who.Account.Profile
	if e := c.Entry.Person; e != nil {
		add("name", "name", account.MaskName, e.Name, profile.Name)
		add("id_type", "id_type", plain, e.IDType, profile.IDType)
		add("id_number", "id_number", account.MaskID, e.IDNumber, profile.IDNumber)
		add("nationality", "nationality", plain, e.Nationality, profile.Nationality)
	}
	if e := c.Entry.Unit; e != nil {
		var unit account.Unit
		if who.Unit != nil && who.Account.RealName.Verified() {
			unit = *who.Unit
		}
		var rep account.Person
		if profile.LegalRep != nil {
			rep = *profile.LegalRep
		}
		add("unit_name", "unit_name", plain, e.Name, unit.Name)
		add("uscc", "uscc", plain, e.USCC, string(unit.USCC))
		add("unit_type", "unit_type", plain, e.Type, unit.Type)
		add("region", "region", plain, e.Region, "")
		add("address", "address", plain, e.Address, "")
		add("legal_rep", "legal_rep_name", account.MaskName, e.LegalRep.Name, rep.Name)
		add("legal_rep_type", "legal_rep_id_type", plain, e.LegalRep.IDType, rep.IDType)
		add("legal_rep_number", "legal_rep_id_number", account.MaskID, e.LegalRep.IDNumber, rep.IDNumber)
		add("handler", "handler_name", account.MaskName, e.Handler.Name, "")
		add("handler_number", "handler_id_number", account.MaskID, e.Handler.IDNumber, "")
		add("handler_mobile", "handler_mobile", account.MaskMobile, e.Handler.Mobile, "")
	}
	return out
}

// doubles finds other accounts with the same numbers.
func (h *Handler) doubles(ctx context.Context, c realname.Case) ([]templates.DeskDouble, error) {
	var out []templates.DeskDouble
	see := func(by string, ids []account.ID, err error) error {
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		for _, id := range ids {
			if id == c.Account || id == "" || err != nil {
				continue
			}
			who, e := h.Principals.ByAccount(ctx, id)
			if e != nil {
				return e
			}
			out = append(out, templates.DeskDouble{
				By: by, Login: visitor.LoginName(who.Account), State: string(who.Account.State), RealName: who.Account.RealName.Status,
				URL: "/admin/accounts/" + string(id), Proved: who.Account.RealName.Verified(),
			})
		}
		return err
	}
	if e := c.Entry.Person; e != nil {
		ids, err := h.Accounts.AccountsBy(ctx, account.ByDocument, e.IDNumber)
		return out, see("document", ids, err)
	}
	if e := c.Entry.Unit; e != nil {
		u, err := h.Accounts.UnitByUSCC(ctx, account.USCC(e.USCC))
		if err := see("uscc", []account.ID{u.AccountID}, err); err != nil {
			return nil, err
		}
		ids, err := h.Accounts.AccountsBy(ctx, account.ByPhone, e.Handler.Mobile)
		return out, see("mobile", ids, err)
	}
	return out, nil
}

// papers lists the pages of the documents of a case.
func (h *Handler) papers(ctx context.Context, path, folder string) (out []templates.DeskPaper, err error) {
	if h.Papers == nil {
		return nil, nil
	}
	all, err := h.Papers.List(ctx, folder)
	for _, d := range all {
		if d.Scan != document.Passed {
			out = append(out, templates.DeskPaper{Kind: string(d.Kind), At: d.CreatedAt, Scan: string(d.Scan)})
			continue
		}
		for page := range d.Pages {
			out = append(out, templates.DeskPaper{
				Kind: string(d.Kind), URL: path + "/papers/" + d.ID + "?page=" + strconv.Itoa(page), Type: "image/jpeg", At: d.CreatedAt,
			})
		}
	}
	return out, err
}

// decideCase is POST /admin/cases/{id}.
func (h *Handler) decideCase(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, f, id := r.Context(), r.PostForm, mux.Vars(r)["id"]
	c, err := h.Cases.Case(ctx, id)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	version, err := strconv.ParseInt(f.Get("version"), 10, 64)
	if err != nil {
		h.Web.Problem(w, r, http.StatusBadRequest, templates.T("desk.error.decision"))
		return
	}
	d := realname.Decision{
		Case: id, Version: version, Operator: v.operator.ID, Self: self(v.operator, c.Account), Reason: f.Get("reason"), Remark: bounded(f.Get("remark")),
	}
	deed := f.Get("decision")
	_, err = h.actCase(ctx, v, c, d, deed)
	switch {
	case err == nil:
		h.Outbox.Wake()
		see(w, "/admin/cases/"+id+"?done="+deed)
	case fault.Is(err, fault.Conflict):
		h.moved(w, r, v, c, version)
	default:
		p, failed := h.casePage(ctx, v, c)
		if failed != nil {
			h.Web.Fail(w, r, failed)
			return
		}
		text, ok := blame(p.Reject, err)
		if !ok {
			h.Web.Fail(w, r, err)
			return
		}
		p.Error = text
		status := statusOf(err)
		h.Web.Show(w, r, status, p)
	}
}

// actCase does what the button says. Only who is in charge decides: what he saw of
// the case stands in the trail.
func (h *Handler) actCase(ctx context.Context, v visit, c realname.Case, d realname.Decision, deed string) (realname.Case, error) {
	if v.operator.Owns(c.Account) {
		return c, &fault.Error{Kind: fault.Refused, Msg: operator.MsgOwnCase}
	}
	switch deed {
	case claimCase:
		if c.Reviewer != "" && c.Reviewer != v.operator.ID && c.Version == d.Version {
			return c, &fault.Error{Kind: fault.Refused, Msg: "desk.error.taken"}
		}
		return h.Cases.Assign(ctx, d)
	case releaseCase, approveCase, rejectCase:
		if c.Reviewer != v.operator.ID {
			if c.Version != d.Version {
				return c, fault.New(fault.Conflict, "the case moved on")
			}
			return c, &fault.Error{Kind: fault.Refused, Msg: "desk.error.not_in_charge"}
		}
	}
	switch deed {
	case releaseCase:
		d.Operator = ""
		return h.Cases.Assign(ctx, d)
	case approveCase:
		return h.Cases.Approve(ctx, d)
	case rejectCase:
		return h.Cases.Reject(ctx, d)
	}
	return c, &fault.Error{Kind: fault.Invalid, Field: "decision", Msg: "desk.error.decision"}
}

// moved is the page for a decision that came too late: what is different now.
func (h *Handler) moved(w http.ResponseWriter, r *http.Request, v visit, _ realname.Case, saw int64) {
	c, err := h.Cases.Case(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	names, err := h.names(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.DeskMoved{Desk: h.frame(v, "cases"), Number: c.Number, URL: "/admin/cases/" + c.ID}
	p.Changes = append(p.Changes,
		templates.DeskChange{Label: "version", Before: templates.T("desk.number", saw), Now: templates.T("desk.number", c.Version)},
		templates.DeskChange{Label: "state", Now: templates.Text{Key: "realname.state." + string(c.State)}},
		templates.DeskChange{Label: "charge", Now: templates.T("desk.name", charge(names, c.Reviewer))})
	h.Web.Show(w, r, http.StatusConflict, p)
}

func charge(names map[string]string, id string) string {
	if id == "" {
		return "—"
	}
	return called(names, id)
}

// casePaper is GET /admin/cases/{id}/papers/{paper}: a page of a document, marked
// with who sees it, for who is in charge of the case alone (S75).
func (h *Handler) casePaper(w http.ResponseWriter, r *http.Request, v visit) {
	c, err := h.Cases.Case(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if c.Reviewer != v.operator.ID || c.State != realname.ManualReview || v.operator.Owns(c.Account) {
		h.Web.NotFound().ServeHTTP(w, r)
		return
	}
	h.showPaper(w, r, v, c.Folder, c.Number)
}

func (h *Handler) showPaper(w http.ResponseWriter, r *http.Request, v visit, folder, number string) {
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || h.Papers == nil {
		h.Web.NotFound().ServeHTTP(w, r)
		return
	}
	pic, err := h.Papers.View(r.Context(), document.Access{
		ID: mux.Vars(r)["paper"], Case: folder, Page: page, Shown: number, Viewer: v.operator.ID, Purpose: "review",
	}, audit.Event{})
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "image/jpeg")
	head.Set("Content-Disposition", `attachment; filename="document.jpg"`)
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("Cache-Control", "no-store")
	_, _ = w.Write(pic.JPEG) // a reader that goes away is nobody's error
}

// bounded bounds a remark; the domain refuses what is too long for it.
func bounded(s string) string {
	if len(s) > 4096 {
		s = s[:4096]
	}
	return s
}
