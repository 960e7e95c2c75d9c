package interact

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Whoever signs in with a password that somebody else chose sets another one
// before there is a session. What was proved is kept meanwhile like the proof of
// the wrong window, apart from it; setting the password changes the account's
// version, which uses the proof up.
const newPasswordLife = 10 * time.Minute

func newPasswordKey(id string) string { return authflow.Key("new password|" + id) }

// askNewPassword keeps the proof and leads to the page.
func (h *Handler) askNewPassword(w http.ResponseWriter, r *http.Request, s *step, o opening) {
	id, err := h.keep(w, r, s, o, newPasswordKey, newPasswordLife)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	see(w, s.address("/login/password", url.Values{proofField: {id}}))
}

// owing gives the sign-in that waits for a new password, and whose it is. Where
// there is none any more, it has answered.
func (h *Handler) owing(w http.ResponseWriter, r *http.Request, s *step, id string) (opening, *principal.Principal) {
	pd, form, err := h.parked(w, r, newPasswordKey(id))
	if errors.Is(err, errGone) || err == nil && form.Get("interaction") != s.id {
		h.askAgain(w, r, s)
		return opening{}, nil
	}
	if err != nil {
		h.stop(w, r, err)
		return opening{}, nil
	}
	o := kept(pd, form)
	owner, err := h.holds(r, o.proof)
	switch {
	case err != nil:
		h.Web.Fail(w, r, err)
	case owner == nil:
		h.askAgain(w, r, s)
	}
	return o, owner
}

// showNewPassword is GET /login/password.
func (h *Handler) showNewPassword(w http.ResponseWriter, r *http.Request, s *step) {
	id := r.URL.Query().Get(proofField)
	if _, owner := h.owing(w, r, s, id); owner != nil {
		h.Web.Show(w, r, http.StatusOK, h.newPasswordPage(s, id, owner), s.options()...)
	}
}

// newPassword is POST /login/password.
func (h *Handler) newPassword(w http.ResponseWriter, r *http.Request, s *step) {
	if cancelled(r) {
		h.decline(w, r, s, gaveUp)
		return
	}
	id := r.PostForm.Get(proofField)
	o, owner := h.owing(w, r, s, id)
	if owner == nil {
		return
	}
	p := h.newPasswordPage(s, id, owner)
	chosen := r.PostForm.Get("new_password")
	if chosen != r.PostForm.Get("new_password_again") {
		p.Error = templates.T("newpassword.unequal")
		h.Web.Show(w, r, http.StatusOK, p, s.options()...)
		return
	}
	ctx, who := r.Context(), string(owner.Account.ID)
	ev := audit.From(ctx, audit.Event{Kind: audit.PasswordChanged, Actor: who, Object: who, Client: s.pd.Client, Detail: "must_change"})
	proof, err := h.Credentials.Change(ctx, o.proof, owner.Account, chosen, web.ClientIP(ctx), ev, visitor.KnownBy(*owner)...)
	var why *fault.Error
	switch {
	case err == nil:
		o.proof, o.late = proof, func() { h.askAgain(w, r, s) }
		h.begin(w, r, s, o)
	case fault.Is(err, fault.Unproven):
		h.askAgain(w, r, s)
	case fault.Is(err, fault.Invalid) && errors.As(err, &why):
		p.Why = templates.Text{Key: why.Msg}
		if why.Msg == credential.MsgPasswordShort {
			p.Why.Args = []any{p.Minimum}
		}
		h.Web.Show(w, r, http.StatusOK, p, s.options()...)
	default:
		h.Web.Fail(w, r, err)
	}
}

func (h *Handler) newPasswordPage(s *step, id string, owner *principal.Principal) templates.NewPassword {
	policy := h.Credentials.Policy
	p := templates.NewPassword{
		Asks: s.asks(), Login: visitor.LoginName(owner.Account), Minimum: policy.Minimum(), Classes: !policy.LengthOnly,
		Hidden: map[string]string{proofField: id}, Cancel: true,
	}
	if s.id != "" {
		p.Hidden["interaction"] = s.id
	}
	return p
}
