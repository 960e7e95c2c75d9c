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

// offerWindow keeps the proof and offers the right window.
func (h *Handler) offerWindow(w http.ResponseWriter, r *http.Request, s *step, wrong *credential.WrongWindow) {
	id, _, err := authflow.NewID()
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	now := h.Now()
	form := url.Values{
		"account": {string(wrong.AccountID)}, "version": {strconv.FormatInt(wrong.Proof.Version, 10)},
		"amr": {strings.Join(wrong.Proof.AMR, " ")}, "interaction": {s.id},
	}
	if sharedComputer(r) {
		form.Set("shared", "yes")
	}
	err = h.Flow.Park(r.Context(), authflow.Pending{
		Key: proofKey(id), Form: form.Encode(), Browser: authflow.Key(h.Web.Browser(w, r)), CreatedAt: now, ExpiresAt: now.Add(proofLife),
	})
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
	who, err := h.Principals.ByAccount(r.Context(), account.ID(form.Get("account")))
	if err != nil && !fault.Is(err, fault.NotFound) {
		h.Web.Fail(w, r, err)
		return
	}
	// Whatever was done to the account since, a reset by an operator above all,
	// takes the proof's worth.
	version, bad := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil || bad != nil || version < 1 || who.Account.Version != version || !who.Account.Usable() {
		h.askAgain(w, r, s)
		return
	}
	h.open(w, r, s, opening{
		proof: credential.Proof{
			AccountID: who.Account.ID, Kind: who.Account.Kind, AMR: strings.Fields(form.Get("amr")), At: pd.CreatedAt, Version: version,
		},
		shared: form.Get("shared") == "yes", how: "wrong_window",
		late: func() { h.askAgain(w, r, s) },
	})
}

// askAgain shows the window that was to be used, since the proof is not worth
// anything any more.
func (h *Handler) askAgain(w http.ResponseWriter, r *http.Request, s *step) {
	p := h.signInPage(r, s, kindPosted(r))
	p.Error = templates.T("signin.error.expired")
	h.Web.Show(w, r, http.StatusGone, p, s.options()...)
}
