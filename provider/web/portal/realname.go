package portal

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/realname"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Where the pages of real-name verification stand.
const (
	realnamePath = "/me/realname"
	statusPath   = "/me/realname/status"
	papersPath   = "/me/realname/papers"
)

// RealName is the pages of real-name verification (实名认证).
type RealName struct {
	Service *realname.Service
	Papers  bool // whether documents can be handed in
	Now     func() time.Time

	pages Pages
}

// Mount adds the pages.
func (n *RealName) Mount(p Pages) {
	n.pages = p
	p.In(realnamePath, n.show, n.send)
	p.In(changePath, n.showChange, n.sendChange)
	p.In(statusPath, n.status, nil)
}

// caseOf is the visitor's newest case, one without an id if there is none.
func (n *RealName) caseOf(r *http.Request, v *principal.Visit) (realname.Case, error) {
	c, err := n.Service.Of(r.Context(), v.Principal.Account.ID)
	if fault.Is(err, fault.NotFound) {
		return realname.Case{}, nil
	}
	return c, err
}

// links are what one can do about one's verification, the one that is due first.
func (n *RealName) links(a account.Account, c realname.Case) []templates.Link {
	unit := a.Kind == account.LegalEntity
	pick := func(person, legal string) templates.Text {
		if unit {
			return templates.Text{Key: legal}
		}
		return templates.Text{Key: person}
	}
	var out []templates.Link
	if c.State != realname.None && c.State != realname.Verified {
		out = append(out, templates.Link{URL: statusPath, Text: templates.T("realname.status_title"), Main: c.State.Open() && !c.Waits()})
	}
	if _, ok := realname.Next(c.State, realname.Enter); ok {
		at := realnamePath
		if unit && a.RealName.Verified() {
			at = changePath
		}
		out = append(out, templates.Link{
			URL: at, Text: pick("realname.edit_person", "realname.edit_unit"), Hint: templates.T("realname.edit_hint"),
			Main: c.State == realname.None && !a.RealName.Verified(),
		})
	}
	if _, ok := realname.Next(c.State, realname.HandIn); ok && n.Papers {
		out = append(out, templates.Link{
			URL: papersPath, Text: pick("realname.papers_person", "realname.papers_unit"), Hint: templates.T("realname.papers_hint"),
			Main: c.Waits() || c.State == realname.Failed || c.State == realname.Rejected,
		})
	}
	return out
}

// standing is what 我的信息 says of the verification, and what comes next.
func standing(a account.Account, c realname.Case) templates.Standing {
	s := templates.Standing{State: a.RealName.Status, Level: a.RealName.Level, Since: a.RealName.VerifiedAt, Number: a.RealName.ProcessID}
	if s.State == "" {
		s.State = account.StatusUnverified
	}
	if c.State == realname.None || c.State == realname.Verified {
		if !a.RealName.Verified() {
			s.Next = templates.T("realname.next.unverified")
		}
		return s
	}
	s.Number = c.Number
	if a.RealName.Verified() {
		s.Renewal = string(c.State)
	} else {
		s.State, s.Since = string(c.State), c.Since()
	}
	for _, f := range findings(c) {
		s.Why = append(s.Why, f.Why)
	}
	s.Next = templates.Text{Key: "realname.told." + string(c.State)}
	if c.Waits() {
		s.Next = templates.T("realname.told.waits")
	}
	return s
}

// findings are a case's reasons as its owner reads them.
func findings(c realname.Case) []templates.Finding {
	var out []templates.Finding
	if c.State != realname.Failed && c.State != realname.Rejected && !c.Waits() {
		return nil
	}
	for _, r := range c.Reasons {
		out = append(out, templates.Finding{Label: r.Field, Why: templates.Text{Key: "realname.reason." + r.Code}})
	}
	return out
}

// nextOf is where the person came from: a path of ours that the address or the
// form names.
func nextOf(r *http.Request) string {
	next := r.URL.Query().Get("next")
	if r.Method == http.MethodPost {
		next = r.PostForm.Get("next")
	}
	if path, ok := web.SamePath(next); ok {
		return path
	}
	return ""
}

func withNext(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?" + url.Values{"next": {next}}.Encode()
}

// show is GET /me/realname: the form, filled with what is known.
func (n *RealName) show(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	c, err := n.caseOf(r, v)
	if err != nil {
		n.pages.Web.Fail(w, r, err)
		return
	}
	if _, ok := realname.Next(c.State, realname.Enter); !ok {
		see(w, withNext(statusPath, nextOf(r)))
		return
	}
	before := known(v.Principal, c)
	n.form(w, r, v, http.StatusOK, sheet{typed: typedOf(before), before: before})
}

// send is POST /me/realname.
func (n *RealName) send(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	c, err := n.caseOf(r, v)
	if err != nil {
		n.pages.Web.Fail(w, r, err)
		return
	}
	s := sheet{typed: typedIn(r), before: known(v.Principal, c)}
	e, faults := n.read(v.Principal, s)
	if len(faults) > 0 {
		s.faults = faults
		n.form(w, r, v, http.StatusUnprocessableEntity, s)
		return
	}
	n.enter(w, r, v, s, e)
}

// typedIn is what the form brought.
func typedIn(r *http.Request) realname.Typed {
	typed := realname.Typed{}
	for name := range r.PostForm {
		typed[name] = r.PostForm.Get(name)
	}
	return typed
}

// enter sends what was read to be verified.
func (n *RealName) enter(w http.ResponseWriter, r *http.Request, v *principal.Visit, s sheet, e realname.Entry) {
	a := v.Principal.Account
	if a.RealName.Verified() && n.Now().Sub(v.Session.AuthTime) > visitor.FreshFor { // S63
		s.stale = true
		n.form(w, r, v, http.StatusForbidden, s)
		return
	}
	ctx := r.Context()
	_, err := n.Service.Enter(ctx, a.ID, e, audit.From(ctx, audit.Event{Actor: string(a.ID)}))
	var f *fault.Error
	switch {
	case err == nil:
		see(w, withNext(statusPath, nextOf(r)))
	case errors.As(err, &f) && (f.Kind == fault.Conflict || f.Kind == fault.Refused || f.Kind == fault.Throttled || f.Kind == fault.Invalid) && f.Msg != "":
		s.faults = realname.Faults{f}
		n.form(w, r, v, statusFor(f.Kind), s)
	default:
		n.pages.Web.Fail(w, r, err)
	}
}

func statusFor(k fault.Kind) int {
	switch k {
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Refused:
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

// refresh is how often the status page asks again while the verifier works: soon
// at first, later in peace.
func (n *RealName) refresh(c realname.Case) int {
	switch {
	case c.State != realname.Pending:
		return 0
	case n.Now().Sub(c.SentAt) < 30*time.Second:
		return 2
	}
	return 10
}

// status is GET /me/realname/status: how far it is.
func (n *RealName) status(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	c, err := n.caseOf(r, v)
	if err != nil {
		n.pages.Web.Fail(w, r, err)
		return
	}
	a, next := v.Principal.Account, nextOf(r)
	if c.State == realname.None {
		if !a.RealName.Verified() {
			see(w, withNext(realnamePath, next))
			return
		}
		c.State, c.Number, c.DecidedAt = realname.Verified, a.RealName.ProcessID, a.RealName.VerifiedAt
	}
	p := templates.RealNameStatus{
		AccountType: string(a.Kind), State: string(c.State), Waits: c.Waits(), Renewal: a.RealName.Verified() && c.State != realname.Verified,
		Number: c.Number, Since: c.Since(), Why: findings(c), Remark: c.Remark, Refresh: n.refresh(c), Manual: c.Method == account.MethodManual,
	}
	if _, ok := realname.Next(c.State, realname.Enter); ok {
		p.EditURL = withNext(realnamePath, next)
	}
	if _, ok := realname.Next(c.State, realname.HandIn); ok && n.Papers {
		p.PapersURL = withNext(papersPath, next)
	}
	if a.RealName.Verified() || c.State == realname.Verified { // the verdict may have come after the visitor was read
		p.ResumeURL = next
	}
	n.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}
