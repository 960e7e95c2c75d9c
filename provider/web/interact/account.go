package interact

import (
	"net/http"
	"net/url"

	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// showAccount is GET /login/account: go on as the same account, or another one?
func (h *Handler) showAccount(w http.ResponseWriter, r *http.Request, s *step) {
	if s.visit == nil {
		h.back(w, s)
		return
	}
	who := s.visit.Principal
	h.Web.Show(w, r, http.StatusOK, templates.SelectAccount{
		Asks: s.asks(), Person: visitor.Name(who), AccountType: string(who.Account.Kind), Unit: h.lastUnitOf(s.visit),
		Hidden: s.hidden(), Cancel: true,
	}, s.options()...)
}

// selectAccount is POST /login/account. Another account does not end the
// present session: it is taken over when the new sign-in has succeeded.
func (h *Handler) selectAccount(w http.ResponseWriter, r *http.Request, s *step) {
	switch {
	case cancelled(r):
		h.decline(w, r, s, gaveUp)
	case r.PostForm.Get("account") == "other":
		see(w, s.other())
	case r.PostForm.Get("account") == "current" && s.drawnFor(r):
		s.bind(s.visit.Session)
		s.pd.Selected = true
		h.advance(w, r, s)
	default:
		h.back(w, s)
	}
}

// other is the sign-in page for another account.
func (s *step) other() string { return s.address("/login", url.Values{"other": {"1"}}) }
