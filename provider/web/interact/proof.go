package interact

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/authflow"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/templates"
)

// Whoever types the right password into the wrong window has proved to be
// somebody but not asked to be: the proof is kept for a moment, bound to the
// browser and the interaction, and one click in the right window redeems it
// once. It is neither a session nor a failure.
const (
	proofField = "proof"
	proofLife  = 2 * time.Minute
)

// proofKey and spentKey keep proofs and their redemptions apart from parked
// requests: whatever a request says, it can never be read as a proof.
func proofKey(id string) string { return authflow.Key("wrong window|" + id) }
func spentKey(id string) string { return authflow.Key("wrong window, spent|" + id) }

// keep parks what a sign-in proved, bound to the browser and the interaction,
// and gives the id under which it is found again.
func (h *Handler) keep(w http.ResponseWriter, r *http.Request, s *step, o opening, key func(string) string, life time.Duration) (string, error) {
	id, _, err := authflow.NewID()
	if err != nil {
		return "", err
	}
	form := url.Values{
		"account": {string(o.proof.AccountID)}, "kind": {string(o.proof.Kind)}, "version": {strconv.FormatInt(o.proof.Version, 10)},
		"amr": {strings.Join(o.proof.AMR, " ")}, "interaction": {s.id}, "how": {o.how}, "device": {o.proof.Device},
	}
	if o.shared {
		form.Set("shared", "yes")
	}
	if o.proof.Known {
		form.Set("known", "yes")
	}
	if o.proof.MustChange {
		form.Set("must_change", "yes")
	}
	if o.proof.Factor {
		form.Set("factor", "yes")
	}
	if !o.strong.IsZero() {
		form.Set("strong", strconv.FormatInt(o.strong.UnixMilli(), 10))
	}
	now := h.Now()
	return id, h.Flow.Park(r.Context(), authflow.Pending{
		Key: key(id), Form: form.Encode(), Browser: authflow.Key(h.Web.Browser(w, r)), CreatedAt: now, ExpiresAt: now.Add(life),
	})
}

// kept reads back what keep parked, without asking whether it still holds.
func kept(pd authflow.Pending, form url.Values) opening {
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil || version < 1 {
		version = -1 // which no account has
	}
	var strong time.Time
	if ms, err := strconv.ParseInt(form.Get("strong"), 10, 64); err == nil {
		strong = time.UnixMilli(ms).UTC()
	}
	return opening{
		proof: credential.Proof{
			AccountID: account.ID(form.Get("account")), Kind: account.Kind(form.Get("kind")), AMR: strings.Fields(form.Get("amr")),
			At: pd.CreatedAt, Version: version, MustChange: form.Get("must_change") == "yes",
			Factor: form.Get("factor") == "yes", Device: form.Get("device"), Known: form.Get("known") == "yes",
		},
		shared: form.Get("shared") == "yes", how: form.Get("how"), strong: strong,
	}
}

// holds gives the one that a kept proof speaks for, nil if the account
// changed since: a reset by an operator, above all, takes the proof's worth.
func (h *Handler) holds(r *http.Request, proof credential.Proof) (*principal.Principal, error) {
	who, err := h.Principals.ByAccount(r.Context(), proof.AccountID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if who.Account.Version != proof.Version || !who.Account.Usable() {
		return nil, nil
	}
	return &who, nil
}

// offerWindow keeps the proof and offers the right window.
func (h *Handler) offerWindow(w http.ResponseWriter, r *http.Request, s *step, wrong *credential.WrongWindow) {
	id, err := h.keep(w, r, s, opening{proof: wrong.Proof, shared: sharedComputer(r), how: "wrong_window"}, proofKey, proofLife)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.RightWindow{
		Asks: s.asks(), Username: shown(r.PostForm.Get("username")), Window: string(wrong.Kind),
		Hidden: map[string]string{proofField: id, "window": string(wrong.Kind)}, Cancel: s.id != "",
	}
	if s.id != "" {
		p.Hidden["interaction"] = s.id
	}
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// redeem completes a sign-in with a proof.
func (h *Handler) redeem(w http.ResponseWriter, r *http.Request, s *step) {
	if r.PostForm.Get("account") == "other" {
		see(w, s.address("/login", url.Values{"window": {string(kindPosted(r))}}))
		return
	}
	id := r.PostForm.Get(proofField)
	pd, form, err := h.parked(w, r, proofKey(id))
	if errors.Is(err, errGone) || err == nil && form.Get("interaction") != s.id {
		h.askAgain(w, r, s)
		return
	}
	if err != nil {
		h.stop(w, r, err)
		return
	}
	// The row's key is unique: of any number of racers, on any replica, one
	// inserts it.
	err = h.Flow.Park(r.Context(), authflow.Pending{Key: spentKey(id), Browser: pd.Browser, CreatedAt: h.Now(), ExpiresAt: pd.ExpiresAt})
	if fault.Is(err, fault.Conflict) {
		h.back(w, s) // clicked twice: the first click counts
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	o := kept(pd, form)
	owner, err := h.holds(r, o.proof)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if owner == nil {
		h.askAgain(w, r, s)
		return
	}
	o.late = func() { h.askAgain(w, r, s) }
	h.open(w, r, s, o)
}

// askAgain shows the window that was to be used, since the proof is not worth
// anything any more.
func (h *Handler) askAgain(w http.ResponseWriter, r *http.Request, s *step) {
	p := h.signInPage(r, s, kindPosted(r))
	p.Error = templates.T("signin.error.expired")
	h.Web.Show(w, r, http.StatusGone, p, s.options()...)
}
