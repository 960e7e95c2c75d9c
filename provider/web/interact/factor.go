package interact

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Whoever has a second factor enrolled owes it after the right password: there is
// no session before, and nothing of the account can be changed (S60). What was
// proved is kept meanwhile like the proof of the wrong window, apart from it and
// for one use. The same page raises a session that is there already: for a client
// that insists on a class, and for sensitive changes (S63).
const (
	factorLife = 10 * time.Minute
	codeGap    = 60 // seconds between two codes (S54)
)

func factorKey(id string) string { return authflow.Key("second factor|" + id) }
func factorUsed(id string) string {
	return authflow.Key("second factor, spent|" + id)
}

// owing is a second factor that is owed.
type owing struct {
	proof   string // id of the sign-in that waits; empty where a session is raised
	opening opening
	who     principal.Principal
	amr     []string // shown so far
	strong  bool     // only a factor that the account enrolled will do, or only a key
	key     bool
	has     factor.Enrolled
}

func (o owing) subject() factor.Subject {
	return factor.Subject{Realm: factor.Accounts, ID: string(o.who.Account.ID)}
}

// flow names what codes and challenges are for.
func (o owing) flow(s *step) string {
	if o.proof != "" {
		return "sign-in|" + o.proof
	}
	return "session|" + s.visit.Session.ID
}

// askFactor keeps the proof and leads to the page.
func (h *Handler) askFactor(w http.ResponseWriter, r *http.Request, s *step, o opening) {
	id, err := h.keep(w, r, s, o, factorKey, factorLife)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	see(w, s.address("/login/factor", url.Values{proofField: {id}}))
}

// owes gives what is owed, nil if it has answered: there is nothing to wait for,
// or it was done already.
func (h *Handler) owes(w http.ResponseWriter, r *http.Request, s *step, id string) *owing {
	o := &owing{proof: id}
	switch {
	case id != "" && !h.waiting(w, r, s, o):
		return nil
	case id == "" && s.visit == nil:
		see(w, s.address("/login", nil))
		return nil
	case id == "":
		o.who, o.amr = s.visit.Principal, s.visit.Session.AMR
		o.key = r.URL.Query().Get("key") == "1"
		o.strong = s.id == "" && s.visit.Factors.Any()
	}
	var err error
	if o.has, err = h.Factors.Enrolled(r.Context(), o.subject()); err != nil {
		h.Web.Fail(w, r, err)
		return nil
	}
	if len(o.ways(h)) == 0 { // removed meanwhile, or never there: the password again
		see(w, s.address("/login", url.Values{"again": {"1"}}))
		return nil
	}
	return o
}

// waiting reads the sign-in that waits for a factor; false if it has answered.
func (h *Handler) waiting(w http.ResponseWriter, r *http.Request, s *step, o *owing) bool {
	pd, form, err := h.parked(w, r, factorKey(o.proof))
	if errors.Is(err, errGone) || err == nil && form.Get("interaction") != s.id {
		h.askAgain(w, r, s)
		return false
	}
	if err != nil {
		h.stop(w, r, err)
		return false
	}
	_, err = h.Flow.Pending(r.Context(), factorUsed(o.proof))
	if err == nil {
		h.back(w, s) // sent twice: the first time counts
		return false
	}
	if !fault.Is(err, fault.NotFound) {
		h.Web.Fail(w, r, err)
		return false
	}
	o.opening = kept(pd, form)
	who, err := h.holds(r, o.opening.proof)
	if err != nil {
		h.Web.Fail(w, r, err)
		return false
	}
	if who == nil {
		h.askAgain(w, r, s)
		return false
	}
	o.who, o.amr = *who, o.opening.proof.AMR
	o.opening.late = func() { h.askAgain(w, r, s) }
	return true
}

// The ways of showing a second factor, as addresses and forms name them.
const (
	byTOTP     = "totp"
	byPasskey  = "passkey"
	bySMS      = "sms"
	byRecovery = "recovery"
)

// ways are those that are open, the best first. An SMS is no second factor beside
// an SMS, and none for changes where the account enrolled something stronger.
func (o owing) ways(h *Handler) []string {
	var out []string
	if o.has.Has(factor.Passkey) && h.Factors.Passkeys != nil {
		out = append(out, byPasskey)
	}
	if o.key {
		return out
	}
	if o.has.Has(factor.TOTP) {
		out = slices.Insert(out, 0, byTOTP) // it needs no script
	}
	if p := o.who.Account.Profile; h.Codes != nil && p.PhoneVerified && p.Phone != "" && !o.strong && !slices.Contains(o.amr, "sms") {
		out = append(out, bySMS)
	}
	if o.has.Codes > 0 && o.has.Any() {
		out = append(out, byRecovery)
	}
	return out
}

// showFactor is GET /login/factor.
func (h *Handler) showFactor(w http.ResponseWriter, r *http.Request, s *step) {
	o := h.owes(w, r, s, r.URL.Query().Get(proofField))
	if o == nil {
		return
	}
	p, err := h.factorPage(w, r, s, o, r.URL.Query().Get("way"))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if p.Way == bySMS && r.URL.Query().Get("sent") == "1" {
		p.Code = templates.Code{To: account.MaskMobile(o.who.Account.Profile.Phone), Wait: codeGap}
	}
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// factorPage is the page with one way open.
func (h *Handler) factorPage(w http.ResponseWriter, r *http.Request, s *step, o *owing, way string) (templates.SecondFactor, error) {
	ways := o.ways(h)
	if !slices.Contains(ways, way) {
		way = ways[0]
	}
	p := templates.SecondFactor{
		Asks: s.asks(), Login: visitor.LoginName(o.who.Account), Way: way, Raises: o.proof == "", Left: o.has.Codes,
		Hidden: s.hidden(), Cancel: s.id != "" || o.proof != "",
	}
	p.Hidden["way"] = way
	keep := url.Values{}
	if o.proof != "" {
		p.Hidden[proofField] = o.proof
		keep.Set(proofField, o.proof)
	}
	if o.key {
		keep.Set("key", "1")
	}
	for _, other := range ways {
		keep.Set("way", other)
		p.Ways = append(p.Ways, templates.Way{Name: other, URL: s.address("/login/factor", keep)})
	}
	if way == byPasskey {
		q, err := h.Factors.AskPasskey(r.Context(), o.subject(), h.binding(w, r, s, o))
		if err != nil {
			return p, err
		}
		p.Hidden["question"], p.Options = q.ID, string(q.Options)
	}
	return p, nil
}

// binding ties a challenge to this browser and what it is shown for.
func (h *Handler) binding(w http.ResponseWriter, r *http.Request, s *step, o *owing) string {
	return h.Web.Browser(w, r) + "|" + o.flow(s)
}

// factor is POST /login/factor.
func (h *Handler) factor(w http.ResponseWriter, r *http.Request, s *step) {
	if cancelled(r) {
		h.decline(w, r, s, gaveUp)
		return
	}
	o := h.owes(w, r, s, r.PostForm.Get(proofField))
	if o == nil {
		return
	}
	way := r.PostForm.Get("way")
	if !slices.Contains(o.ways(h), way) || o.proof == "" && !s.drawnFor(r) {
		h.factorFailed(w, r, s, o, way, &fault.Error{Kind: fault.Gone, Msg: factor.MsgGone})
		return
	}
	if way == bySMS && r.PostForm.Get("send") == "code" {
		h.sendFactorCode(w, r, s, o)
		return
	}
	proof, err := h.check(w, r, s, o, way)
	if err != nil {
		h.factorFailed(w, r, s, o, way, err)
		return
	}
	if o.proof == "" {
		h.raise(w, r, s, o, way, proof)
		return
	}
	h.redeemFactor(w, r, s, o, way, proof)
}

// check verifies what was shown.
func (h *Handler) check(w http.ResponseWriter, r *http.Request, s *step, o *owing, way string) (factor.Proof, error) {
	ctx, code := r.Context(), r.PostForm.Get("code")
	switch way {
	case byTOTP:
		return h.Factors.CheckTOTP(ctx, o.subject(), code)
	case byPasskey:
		return h.Factors.CheckPasskey(ctx, o.subject(), h.binding(w, r, s, o), r.PostForm.Get("question"), r.PostForm.Get("answer"))
	case byRecovery:
		return h.Factors.CheckRecovery(ctx, o.subject(), code, h.event(ctx, s, o, ""))
	}
	return factor.Proof{AMR: "sms"}, h.checkFactorCode(ctx, s, o, code)
}

func (h *Handler) event(ctx context.Context, s *step, o *owing, kind audit.Kind) audit.Event {
	who := string(o.who.Account.ID)
	return audit.From(ctx, audit.Event{Kind: kind, Actor: who, Object: who, Client: s.pd.Client})
}

// redeemFactor uses up the proof and goes on with the sign-in.
func (h *Handler) redeemFactor(w http.ResponseWriter, r *http.Request, s *step, o *owing, way string, shown factor.Proof) {
	now := h.Now()
	err := h.Flow.Park(r.Context(), authflow.Pending{Key: factorUsed(o.proof), Browser: authflow.Key(h.Web.Browser(w, r)), CreatedAt: now, ExpiresAt: now.Add(factorLife)})
	if fault.Is(err, fault.Conflict) {
		h.back(w, s)
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	open := o.opening
	open.proof.Factor, open.proof.AMR = false, session.With(open.proof.AMR, shown.AMR)
	if open.how != "" {
		open.how += " "
	}
	open.how += way
	if way != bySMS {
		open.strong = now
	}
	h.open(w, r, s, open)
}

// raise gives the session the strength of what was shown.
func (h *Handler) raise(w http.ResponseWriter, r *http.Request, s *step, o *owing, way string, shown factor.Proof) {
	cookie, _ := h.Web.Cookie(r, web.SessionCookie)
	ev := h.event(r.Context(), s, o, audit.SessionRaised)
	ev.Object, ev.Detail = s.visit.Session.ID, way
	sn, fresh, err := h.Sessions.Raise(r.Context(), session.Raising{
		Cookie: cookie, Session: s.visit.Session, Version: o.who.Account.Version, Method: shown.AMR, Strong: way != bySMS,
	}, ev)
	if fault.Is(err, fault.Gone) || fault.Is(err, fault.Unproven) {
		h.askAgain(w, r, s)
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	life := sn.ExpiresAt.Sub(h.Now())
	if sn.Shared {
		life = 0
	}
	h.Web.StartSession(w, fresh, life)
	h.back(w, s)
}
