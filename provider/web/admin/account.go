package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// grounds are why somebody looks at a field or acts on an account; the trail holds
// the word, messages desk.ground.*.
var grounds = [...]string{"case", "call", "abuse", "authority", "owner"}

// What can be done to an account.
const (
	freeze       = "freeze"
	unfreeze     = "unfreeze"
	freezeUnit   = "freeze_unit"
	unfreezeUnit = "unfreeze_unit"
	endSessions  = "end_sessions"
)

// secretField is a field that is masked until it is revealed.
type secretField struct {
	label  string
	of     func(account.Profile) string
	masked func(string) string
}

func ofRep(of func(account.Person) string) func(account.Profile) string {
	return func(p account.Profile) string {
		if p.LegalRep == nil {
			return ""
		}
		return of(*p.LegalRep)
	}
}

func ofContact(of func(account.Person) string) func(account.Profile) string {
	return func(p account.Profile) string {
		if p.Contact == nil {
			return ""
		}
		return of(*p.Contact)
	}
}

func name(p account.Person) string   { return p.Name }
func number(p account.Person) string { return p.IDNumber }
func phone(p account.Person) string  { return p.Phone }

// secrets lists them (C29).
func secrets(kind account.Kind) []secretField {
	shared := []secretField{
		{"mobile", func(p account.Profile) string { return p.Phone }, account.MaskMobile},
		{"email", func(p account.Profile) string { return p.Email }, account.MaskEmail},
	}
	if kind == account.NaturalPerson {
		return append([]secretField{
			{"name", func(p account.Profile) string { return p.Name }, account.MaskName},
			{"id_number", func(p account.Profile) string { return p.IDNumber }, account.MaskID},
		}, shared...)
	}
	return append([]secretField{
		{"legal_rep", ofRep(name), account.MaskName}, {"legal_rep_number", ofRep(number), account.MaskID},
		{"contact", ofContact(name), account.MaskName}, {"contact_mobile", ofContact(phone), account.MaskMobile},
	}, shared...)
}

// subject gives the account of the path; where there is none, it has answered.
func (h *Handler) subject(w http.ResponseWriter, r *http.Request) (principal.Principal, bool) {
	id, err := account.ParseID(mux.Vars(r)["id"])
	if err != nil {
		h.Web.NotFound().ServeHTTP(w, r)
		return principal.Principal{}, false
	}
	who, err := h.Principals.ByAccount(r.Context(), id)
	if err != nil {
		h.Web.Fail(w, r, err)
		return principal.Principal{}, false
	}
	return who, true
}

// showAccount is GET /admin/accounts/{id}.
func (h *Handler) showAccount(w http.ResponseWriter, r *http.Request, v visit) {
	who, ok := h.subject(w, r)
	if !ok {
		return
	}
	ev := audit.Event{Kind: audit.AccountViewed, Actor: v.operator.ID, Object: string(who.Account.ID), Detail: "masked"}
	if err := h.Trail.Record(r.Context(), ev); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := h.accountPage(who, v)
	if done := r.URL.Query().Get("done"); slices.Contains([]string{freeze, unfreeze, freezeUnit, unfreezeUnit, endSessions}, done) {
		p.Done = templates.Text{Key: "desk.did." + done}
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

func (h *Handler) accountPage(who principal.Principal, v visit) templates.DeskAccount {
	a := who.Account
	p := templates.DeskAccount{
		Desk: h.frame(v, "accounts"), ID: string(a.ID), LoginName: visitor.LoginName(a), Type: string(a.Kind), Called: visitor.Name(who), State: string(a.State),
		RealName: a.RealName.Status, Level: a.RealName.Level, CreatedAt: a.CreatedAt, Mine: v.operator.Owns(a.ID),
	}
	var hidden []templates.DeskOption
	for _, f := range secrets(a.Kind) {
		value := f.of(a.Profile)
		if value == "" {
			continue
		}
		p.Facts = append(p.Facts, templates.DeskFact{Label: f.label, Value: f.masked(value)})
		hidden = append(hidden, templates.DeskOption{Value: f.label, Text: templates.Text{Key: "desk.fact." + f.label}})
	}
	if len(hidden) > 0 && !p.Mine {
		p.Reveal = []templates.DeskField{{Name: "field", Type: "select", Options: hidden}, groundField("-reveal")}
	}
	if u := who.Unit; u != nil {
		p.UnitState = string(u.State)
		p.Unit = []templates.DeskFact{{Label: "unit_name", Value: u.Name}, {Label: "uscc", Value: string(u.USCC)}, {Label: "region", Value: u.Region}}
	}
	for _, m := range who.Mandates {
		f := templates.DeskFact{Label: string(m.Relation), Value: m.Unit.Name + " " + string(m.Unit.USCC)}
		if !m.Until.IsZero() {
			f.Note = templates.T("desk.until", m.Until.In(beijing).Format(time.DateOnly))
		}
		p.Units = append(p.Units, f)
	}
	if v.operator.Role == operator.SecurityAdmin && !p.Mine {
		p.Freeze = []templates.DeskField{groundField("-deed")}
		p.Deeds = deedsOf(who)
	}
	return p
}

func groundField(suffix string) templates.DeskField {
	f := templates.DeskField{Name: "ground", Type: "select", Suffix: suffix}
	for _, g := range grounds {
		f.Options = append(f.Options, templates.DeskOption{Value: g, Text: templates.Text{Key: "desk.ground." + g}})
	}
	return f
}

// deedsOf is what can be done in the state that the account is in.
func deedsOf(who principal.Principal) (out []string) {
	switch who.Account.State {
	case account.Active:
		out = append(out, freeze, endSessions)
	case account.Frozen:
		out = append(out, unfreeze)
	}
	if who.Unit != nil {
		switch who.Unit.State {
		case account.Active:
			out = append(out, freezeUnit)
		case account.Frozen:
			out = append(out, unfreezeUnit)
		}
	}
	return out
}

// reveal is POST /admin/accounts/{id}/reveal: one field in the clear, in this
// answer alone, with a reason and a row of the trail.
func (h *Handler) reveal(w http.ResponseWriter, r *http.Request, v visit) {
	who, ok := h.subject(w, r)
	if !ok {
		return
	}
	p := h.accountPage(who, v)
	fact, err := h.revealed(r.Context(), v, who.Account, r.PostForm.Get("field"), r.PostForm.Get("ground"))
	h.showRevealed(w, r, p.Reveal, err, func(why templates.Text) templates.Page {
		if p.Error = why; err == nil {
			p.Revealed = &fact
		}
		return p
	})
}

// showRevealed shows a page with what was revealed, or with err at its field.
func (h *Handler) showRevealed(w http.ResponseWriter, r *http.Request, fields []templates.DeskField, err error, page func(why templates.Text) templates.Page) {
	if err == nil {
		h.Web.Show(w, r, http.StatusOK, page(templates.Text{}))
		return
	}
	why, ok := blame(fields, err)
	if !ok {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, statusOf(err), page(why))
}

func (h *Handler) revealed(ctx context.Context, v visit, a account.Account, field, ground string) (templates.DeskFact, error) {
	var none templates.DeskFact
	if v.operator.Owns(a.ID) {
		return none, &fault.Error{Kind: fault.Refused, Msg: operator.MsgOwnCase}
	}
	for _, f := range secrets(a.Kind) {
		if value := f.of(a.Profile); f.label == field && value != "" {
			return h.unmask(ctx, v, string(a.ID), templates.DeskFact{Label: field, Value: value}, ground)
		}
	}
	return none, &fault.Error{Kind: fault.Invalid, Field: "field", Msg: "desk.error.field"}
}

// unmask gives a fact to who says why, in bounds, and the trail to whom.
func (h *Handler) unmask(ctx context.Context, v visit, object string, fact templates.DeskFact, ground string) (none templates.DeskFact, err error) {
	if !slices.Contains(grounds[:], ground) {
		return none, &fault.Error{Kind: fault.Invalid, Field: "ground", Msg: "desk.error.ground"}
	}
	n, end, err := h.Desk.Store.CountTry(ctx, "desk reveal "+v.operator.ID, time.Hour, h.Now())
	if err != nil {
		return none, err
	}
	if n > h.Limits.reveals() {
		return none, &fault.Error{Kind: fault.Throttled, Msg: operator.MsgReveals, RetryAfter: end.Sub(h.Now())}
	}
	return fact, h.Trail.Record(ctx, audit.Event{Kind: audit.AccountRevealed, Actor: v.operator.ID, Object: object, Detail: fact.Label + " " + ground})
}

// changeAccount is POST /admin/accounts/{id}: freeze and the like. Every token and
// session asks for the account's and the unit's state, so it takes effect with the
// commit, on every replica (S30).
func (h *Handler) changeAccount(w http.ResponseWriter, r *http.Request, v visit) {
	who, ok := h.subject(w, r)
	if !ok {
		return
	}
	deed, ground := r.PostForm.Get("deed"), r.PostForm.Get("ground")
	err := h.act(r.Context(), v, who, deed, ground)
	if err == nil {
		h.Outbox.Wake() // clients are owed a logout
		see(w, "/admin/accounts/"+string(who.Account.ID)+"?done="+deed)
		return
	}
	p := h.accountPage(who, v)
	text, ok := blame(p.Freeze, err)
	if !ok {
		h.Web.Fail(w, r, err)
		return
	}
	p.Error = text
	h.Web.Show(w, r, statusOf(err), p)
}

func (h *Handler) act(ctx context.Context, v visit, who principal.Principal, deed, ground string) error {
	id := who.Account.ID
	if v.operator.Owns(id) {
		return &fault.Error{Kind: fault.Refused, Msg: operator.MsgOwnCase}
	}
	if !slices.Contains(grounds[:], ground) {
		return &fault.Error{Kind: fault.Invalid, Field: "ground", Msg: "desk.error.ground"}
	}
	ev := audit.Event{Kind: audit.AccountChanged, Actor: v.operator.ID, Object: string(id), Detail: deed + " " + ground}
	switch deed {
	case freeze:
		return h.Accounts.HoldAccount(ctx, id, h.Now(), ev)
	case unfreeze:
		return h.Accounts.ReleaseAccount(ctx, id, ev)
	case endSessions:
		ev.Kind = audit.SessionEnded
		_, err := h.Sessions.Store.EndSessions(ctx, session.Which{Account: id}, h.Now(), ev)
		return err
	case freezeUnit, unfreezeUnit:
		if who.Unit == nil {
			break
		}
		from, to := account.Active, account.Frozen
		if deed == unfreezeUnit {
			from, to = to, from
		}
		ev.Kind, ev.Object = audit.UnitChanged, who.Unit.ID
		return h.Accounts.SetUnitState(ctx, who.Unit.ID, from, to, ev)
	}
	return &fault.Error{Kind: fault.Invalid, Field: "deed", Msg: "desk.error.deed"}
}
