package admin

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/templates"
)

func passwordFields() []templates.DeskField {
	return []templates.DeskField{
		{Name: "present", Type: "password", Auto: "current-password"},
		{Name: "password", Type: "password", Auto: "new-password"},
		{Name: "again", Type: "password", Auto: "new-password"},
		{Name: "code", Auto: "one-time-code", Max: 16, Hint: templates.T("desk.hint.code")},
	}
}

func ownFields(login string) []templates.DeskField {
	return []templates.DeskField{{Name: "login_name", Value: login, Max: 128}}
}

// showSelf is GET /admin/self.
func (h *Handler) showSelf(w http.ResponseWriter, r *http.Request, v visit) {
	p := h.selfPage(v)
	if r.URL.Query().Get("done") == "password" {
		p.Done = templates.T("desk.self.changed")
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

func (h *Handler) selfPage(v visit) templates.DeskSelf {
	return templates.DeskSelf{
		Desk: h.frame(v, "self"), Due: v.operator.Due(h.Now()), Fields: passwordFields(), Own: ownFields(""), Owned: len(v.operator.Accounts),
		Last: v.operator.PasswordAt,
	}
}

// changePassword is POST /admin/self.
func (h *Handler) changePassword(w http.ResponseWriter, r *http.Request, v visit) {
	p, f := h.selfPage(v), r.PostForm
	if f.Get("password") != f.Get("again") {
		p.Fields[2].Why = templates.T("newpassword.unequal")
		h.Web.Show(w, r, http.StatusOK, p)
		return
	}
	err := h.Desk.ChangePassword(r.Context(), v.session, v.operator, f.Get("present"), f.Get("code"), f.Get("password"))
	if err == nil {
		see(w, "/admin/self?done=password")
		return
	}
	text, ok := blame(p.Fields, err, h.Desk.Policy.Minimum())
	if !ok {
		h.Web.Fail(w, r, err)
		return
	}
	p.Error = text
	h.Web.Show(w, r, statusOf(err), p)
}

// own is POST /admin/self/accounts: an operator names his own account, whose cases
// he will not decide.
func (h *Handler) own(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, typed := r.Context(), short(r.PostForm.Get("login_name"))
	p := h.selfPage(v)
	p.Own = ownFields(typed)
	var a account.Account
	key, err := account.NormaliseLogin(typed)
	if err == nil {
		if a, err = h.Accounts.AccountByLogin(ctx, key); fault.Is(err, fault.NotFound) {
			err = errNoAccount
		}
	}
	if err == nil {
		err = h.Desk.Own(ctx, v.operator, a.ID)
	}
	if err == nil {
		see(w, "/admin/self")
		return
	}
	text, ok := blame(p.Own, err)
	if !ok {
		h.Web.Fail(w, r, err)
		return
	}
	p.Error = text
	h.Web.Show(w, r, statusOf(err), p)
}
