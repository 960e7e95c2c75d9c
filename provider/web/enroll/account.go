package enroll

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/signup"
	"kejitong/templates"
)

// showAccount is GET /register/account.
func (h *Handler) showAccount(w http.ResponseWriter, r *http.Request) {
	_, f := h.flow(w, r, registering)
	if f == nil {
		return
	}
	h.askAccount(w, r, f, templates.RegisterAccount{Area: signup.AreaMainland}, judged{status: http.StatusOK})
}

// takeAccount is POST /register/account. What the form brings beside its fields
// is nothing to it (S59).
func (h *Handler) takeAccount(w http.ResponseWriter, r *http.Request) {
	id, f := h.flow(w, r, registering)
	if f == nil {
		return
	}
	post := r.PostForm.Get
	_, err := h.SignUp.Register(r.Context(), id, h.visitor(w, r), signup.Application{
		LoginName: post("login_name"), Password: post("password"), Again: post("password_again"),
		UnitName: post("unit_name"), USCC: post("uscc"), Type: post("unit_type"), Area: post("area"), Contact: post("contact"),
	})
	if err == nil {
		see(w, "/register/done")
		return
	}
	j, over, ok := h.judge(w, f, err)
	if !ok || over {
		h.startAgain(w, r, registering, err)
		return
	}
	h.askAccount(w, r, f, templates.RegisterAccount{
		LoginName: typed(r, "login_name", 128), UnitName: typed(r, "unit_name", 200), USCC: typed(r, "uscc", 64),
		Type: typed(r, "unit_type", 40), Area: typed(r, "area", 40), Contact: typed(r, "contact", 100),
	}, j)
}

func (h *Handler) askAccount(w http.ResponseWriter, r *http.Request, f *signup.Flow, p templates.RegisterAccount, j judged) {
	if !f.Proved() {
		see(w, "/register/code")
		return
	}
	policy := h.SignUp.Policy
	p.Legal, p.Mobile = f.Purpose == signup.Unit, account.MaskMobile(string(f.Data.Mobile))
	p.Types, p.Areas, p.Minimum, p.Classes = signup.Types(), signup.Areas(), policy.Minimum(), !policy.LengthOnly
	p.Wrongs, p.Error = j.wrongs, j.told
	h.Web.Show(w, r, j.status, p)
}

// showDone is GET /register/done: there is an account, and what comes next.
func (h *Handler) showDone(w http.ResponseWriter, r *http.Request) {
	id, _ := h.Web.Cookie(r, registerCookie)
	f, err := h.SignUp.Done(r.Context(), id, h.visitor(w, r))
	if err != nil {
		h.startAgain(w, r, registering, err)
		return
	}
	h.Web.Suggest(w, f.Data.Login)
	kind := kindOf(f.Purpose)
	h.Web.Show(w, r, http.StatusOK, templates.Registered{
		Legal: kind == account.LegalEntity, LoginName: f.Data.Login, Doubt: f.Data.Doubt, LoginURL: h.login(kind, f.Data.Onward),
	})
}

// kindOf is the kind of account that a flow is about.
func kindOf(p signup.Purpose) account.Kind {
	if p == signup.Unit || p == signup.FindUnit {
		return account.LegalEntity
	}
	return account.NaturalPerson
}
