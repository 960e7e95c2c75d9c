package admin

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/recovery"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// appealStates are what the queue of appeals is filtered by; the first is what
// waits for somebody.
var appealStates = []string{"open", string(recovery.Filed), string(recovery.Contested), string(recovery.Seconding), string(recovery.Approved), string(recovery.Rejected)}

func appealKind(k recovery.Kind) string { return string(k.Of()) }

func appealAbout(k recovery.Kind) templates.Text {
	if aim := k.Aim(); aim != recovery.ForPassword {
		return templates.Text{Key: "desk.about." + string(aim)}
	}
	return templates.Text{}
}

// appeals is GET /admin/appeals.
func (h *Handler) appeals(w http.ResponseWriter, r *http.Request, v visit) {
	q, now := r.URL.Query(), h.Now()
	f := recovery.Filter{Open: true, Limit: queuePage}
	if k := account.Kind(q.Get("kind")); k.Known() {
		f.Of = k
	}
	for _, s := range recovery.States() {
		if string(s) == q.Get("state") {
			f.State, f.Open = s, false
		}
	}
	switch q.Get("charge") {
	case chargeMe:
		f.Assignee = v.operator.ID
	case chargeNobody:
		f.Free = true
	}
	if d := olderThan(q.Get("age")); d > 0 {
		f.Before = now.Add(-d)
	}
	if at, id, ok := strings.Cut(q.Get("after"), "."); ok {
		if ms, err := strconv.ParseInt(at, 10, 64); err == nil {
			f.After.CreatedAt, f.After.ID = time.UnixMilli(ms).UTC(), id
		}
	}
	all, err := h.Appeals.Appeals(r.Context(), f)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	names, err := h.names(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.DeskCases{Desk: h.frame(v, "appeals"), Heap: "appeals", Fields: queueFields(q, "desk.appeal", appealStates)}
	for _, a := range all {
		line := templates.DeskCaseLine{
			URL: "/admin/appeals/" + a.ID, Number: a.Number, Type: appealKind(a.Kind), About: appealAbout(a.Kind), Stated: templates.Text{Key: "desk.appeal." + string(a.State)},
			Since: a.CreatedAt, Age: ageText(a.CreatedAt, now), Mine: a.Assignee == v.operator.ID,
		}
		if a.State.Open() && a.State != recovery.Approved {
			line.Badge = ageBadge(a.CreatedAt, now)
		}
		if a.Overdue(now) {
			line.Badge = "bad"
		}
		if a.Assignee != "" {
			line.Charge = called(names, a.Assignee)
		}
		p.Cases = append(p.Cases, line)
	}
	if n := len(all); n == queuePage {
		last := all[n-1]
		p.Next = nextOf("/admin/appeals", q, strconv.FormatInt(last.CreatedAt.UnixMilli(), 10)+"."+last.ID)
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// showAppeal is GET /admin/appeals/{id}.
func (h *Handler) showAppeal(w http.ResponseWriter, r *http.Request, v visit) {
	c, err := h.Appeals.Appeal(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p, err := h.appealPage(r.Context(), v, c)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if done := r.URL.Query().Get("done"); done == claimCase || done == releaseCase || done == approveCase || done == rejectCase || done == concernCase {
		p.Done = templates.Text{Key: "desk.case.did_" + done}
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// pending tells whether a reviewer has something to decide.
func pending(s recovery.State) bool {
	return s == recovery.Filed || s == recovery.Contested || s == recovery.Seconding
}

func (h *Handler) appealPage(ctx context.Context, v visit, c recovery.Case) (templates.DeskCase, error) {
	names, err := h.names(ctx)
	if err != nil {
		return templates.DeskCase{}, err
	}
	a := c.Appeal
	p := templates.DeskCase{
		Desk: h.frame(v, "appeals"), Heap: "appeals", Number: a.Number, Type: appealKind(a.Kind), About: appealAbout(a.Kind), State: string(a.State), Stated: "desk.appeal", Since: a.CreatedAt,
		Version: a.Version, Own: v.operator.Owns(a.Account) || v.operator.Owns(a.Claim.Own), Open: pending(a.State), Second: a.State == recovery.Seconding, Deadline: a.DueAt,
	}
	p.Mine = p.Open && a.Assignee == v.operator.ID && !p.Own
	if p.Open {
		p.Badge = ageBadge(a.CreatedAt, h.Now())
	}
	if a.Assignee != "" {
		p.Charge = called(names, a.Assignee)
	}
	p.Lines = appealClaims(c, !p.Mine)
	if c.Subject != nil {
		p.Applicant, p.Account = visitor.LoginName(c.Subject.Account), "/admin/accounts/"+string(a.Account)
	}
	for _, turn := range a.History {
		step := templates.DeskStep{At: turn.At, What: templates.Text{Key: "desk.turn." + string(turn.Deed)}}
		if aim := a.Kind.Aim(); aim != recovery.ForPassword && turn.Deed == recovery.Redeem {
			step.What = templates.Text{Key: "desk.turn.redeem_" + string(aim)}
		}
		if turn.By != "" {
			step.By = called(names, turn.By)
		}
		p.History = append(p.History, step)
	}
	if !p.Mine {
		return p, nil
	}
	p.Approve = []templates.DeskField{{Name: "reason", Type: "textarea", Max: 500, Suffix: "-approve"}}
	p.Reject = []templates.DeskField{{Name: "reason", Type: "textarea", Max: 500, Suffix: "-reject"}}
	if a.State != recovery.Seconding {
		concerned := p.Applicant
		if p.Receives = a.Kind.Reclaims(); p.Receives {
			concerned = ""
			if c.Own != nil {
				concerned = visitor.LoginName(c.Own.Account)
			}
		}
		p.Concern = []templates.DeskField{{Name: "login_name", Value: concerned, Max: 128, Suffix: "-concern"}}
	}
	if p.Papers, err = h.papers(ctx, "/admin/appeals/"+a.ID, a.ID); err != nil {
		return p, err
	}
	return p, h.Trail.Record(ctx, audit.Event{Kind: audit.CaseViewed, Actor: v.operator.ID, Object: a.ID, Detail: "in charge"})
}

// appealClaims puts what the appeal says beside what is known of the account.
func appealClaims(c recovery.Case, masked bool) (out []templates.DeskClaim) {
	add := func(label string, mask func(string) string, claimed, stands string) {
		if claimed == "" && stands == "" {
			return
		}
		l := templates.DeskClaim{Label: label, Claimed: claimed, Stands: stands, Differs: stands != "" && claimed != stands, Agrees: stands != "" && claimed == stands}
		if masked && mask != nil {
			if claimed != "" {
				l.Claimed = mask(claimed)
			}
			if stands != "" {
				l.Stands = mask(stands)
			}
		}
		out = append(out, l)
	}
	said, subject := c.Appeal.Claim, c.Subject
	if c.Appeal.Kind.Reclaims() { // who has the name, and then the applicant's own account beside what is said
		subject = c.Own
		holds, mobile, verified := "", "", ""
		if c.Subject != nil {
			a := c.Subject.Account
			holds, mobile, verified = strings.ToUpper(a.LoginKey), a.Profile.Phone, a.RealName.Status
		}
		add("wanted", account.MaskIDPublic, strings.ToUpper(said.Wanted), holds)
		add("holder_mobile", account.MaskMobile, "", mobile)
		add("holder_realname", nil, "", verified)
	}
	var known account.Profile
	var unit account.Unit
	var login string
	if subject != nil {
		known, login = subject.Account.Profile, subject.Account.LoginName
		if subject.Unit != nil {
			unit = *subject.Unit
		}
	}
	add("login_name", account.MaskIDPublic, said.LoginName, login)
	if c.Appeal.Kind.Of() == account.LegalEntity {
		var rep, saidRep account.Person
		if known.LegalRep != nil {
			rep = *known.LegalRep
		}
		if said.LegalRep != nil {
			saidRep = *said.LegalRep
		}
		mobile := ""
		if known.Contact != nil {
			mobile = known.Contact.Phone
		}
		add("unit_name", nil, said.UnitName, unit.Name)
		add("uscc", nil, string(said.USCC), string(unit.USCC))
		add("legal_rep", account.MaskName, saidRep.Name, rep.Name)
		add("legal_rep_number", account.MaskID, saidRep.IDNumber, rep.IDNumber)
		add("applicant", account.MaskName, said.Name, "")
		add("applicant_number", account.MaskID, said.IDNumber, "")
		add("mobile", account.MaskMobile, said.Mobile, mobile)
	} else {
		add("name", account.MaskName, said.Name, known.Name)
		add("id_type", nil, said.IDType, known.IDType)
		add("id_number", account.MaskID, said.IDNumber, known.IDNumber)
		add("mobile", account.MaskMobile, said.Mobile, known.Phone)
	}
	add("reason", func(string) string { return "…" }, said.Reason, "")
	return out
}

// decideAppeal is POST /admin/appeals/{id}.
func (h *Handler) decideAppeal(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, f, id := r.Context(), r.PostForm, mux.Vars(r)["id"]
	c, err := h.Appeals.Appeal(ctx, id)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	version, err := strconv.ParseInt(f.Get("version"), 10, 64)
	if err != nil {
		h.Web.Problem(w, r, http.StatusBadRequest, templates.T("desk.error.decision"))
		return
	}
	deed := f.Get("decision")
	err = h.actAppeal(ctx, v, c.Appeal, version, deed, bounded(f.Get("reason")), short(f.Get("login_name")))
	switch {
	case err == nil:
		h.Outbox.Wake()
		see(w, "/admin/appeals/"+id+"?done="+deed)
	case fault.Is(err, fault.Conflict):
		h.movedAppeal(w, r, v, version)
	default:
		p, failed := h.appealPage(ctx, v, c)
		if failed != nil {
			h.Web.Fail(w, r, failed)
			return
		}
		fields := p.Approve
		if deed == rejectCase {
			fields = p.Reject
		}
		if deed == concernCase {
			fields = p.Concern
		}
		text, ok := blame(fields, err)
		if !ok {
			h.Web.Fail(w, r, err)
			return
		}
		p.Error = text
		h.Web.Show(w, r, statusOf(err), p)
	}
}

func (h *Handler) actAppeal(ctx context.Context, v visit, a recovery.Appeal, version int64, deed, reason, login string) error {
	by := recovery.Reviewer{ID: v.operator.ID, Account: self(v.operator, a.Account)}
	if v.operator.Owns(a.Claim.Own) {
		by.Account = a.Claim.Own
	}
	switch {
	case v.operator.Owns(a.Account) || v.operator.Owns(a.Claim.Own):
		return &fault.Error{Kind: fault.Refused, Msg: operator.MsgOwnCase}
	case deed == claimCase && (a.Assignee == "" || a.Assignee == v.operator.ID || a.State == recovery.Seconding && a.Assignee == a.First):
		// The second pair of eyes takes the case over from the first.
		return h.Appeals.Assign(ctx, a.ID, version, by, v.operator.ID)
	case deed == claimCase && a.Version == version:
		return &fault.Error{Kind: fault.Refused, Msg: "desk.error.taken"}
	case a.Version != version:
		return fault.New(fault.Conflict, "the case moved on")
	case a.Assignee != v.operator.ID:
		return &fault.Error{Kind: fault.Refused, Msg: "desk.error.not_in_charge"}
	}
	switch deed {
	case releaseCase:
		return h.Appeals.Assign(ctx, a.ID, version, by, "")
	case approveCase:
		return h.Appeals.Approve(ctx, a.ID, version, by, reason)
	case rejectCase:
		return h.Appeals.Reject(ctx, a.ID, version, by, reason)
	case concernCase:
		key, err := account.NormaliseLogin(login)
		if err != nil {
			return err
		}
		found, err := h.Accounts.AccountByLogin(ctx, key)
		if fault.Is(err, fault.NotFound) {
			return errNoAccount
		}
		if err != nil {
			return err
		}
		if v.operator.Owns(found.ID) {
			return &fault.Error{Kind: fault.Refused, Msg: operator.MsgOwnCase}
		}
		return h.Appeals.Concern(ctx, a.ID, version, by, found.ID)
	}
	return &fault.Error{Kind: fault.Invalid, Field: "decision", Msg: "desk.error.decision"}
}

func (h *Handler) movedAppeal(w http.ResponseWriter, r *http.Request, v visit, saw int64) {
	c, err := h.Appeals.Appeal(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	names, err := h.names(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	a := c.Appeal
	p := templates.DeskMoved{Desk: h.frame(v, "appeals"), Number: a.Number, URL: "/admin/appeals/" + a.ID}
	p.Changes = append(p.Changes,
		templates.DeskChange{Label: "version", Before: templates.T("desk.number", saw), Now: templates.T("desk.number", a.Version)},
		templates.DeskChange{Label: "state", Now: templates.Text{Key: "desk.appeal." + string(a.State)}},
		templates.DeskChange{Label: "charge", Now: templates.T("desk.name", charge(names, a.Assignee))})
	h.Web.Show(w, r, http.StatusConflict, p)
}

// appealPaper is GET /admin/appeals/{id}/papers/{paper}.
func (h *Handler) appealPaper(w http.ResponseWriter, r *http.Request, v visit) {
	c, err := h.Appeals.Appeal(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	a := c.Appeal
	if a.Assignee != v.operator.ID || !pending(a.State) || v.operator.Owns(a.Account) || v.operator.Owns(a.Claim.Own) {
		h.Web.NotFound().ServeHTTP(w, r)
		return
	}
	h.showPaper(w, r, v, a.ID, a.Number)
}
