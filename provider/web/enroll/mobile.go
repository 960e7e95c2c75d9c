package enroll

import (
	"net/http"

	"kejitong/provider/signup"
	"kejitong/templates"
)

// termsClauses are those of the page of terms, in order.
var termsClauses = []string{"scope", "account", "data", "minors", "conduct", "changes"}

// showTerms is GET /register/terms.
func (h *Handler) showTerms(w http.ResponseWriter, r *http.Request) {
	h.Web.Show(w, r, http.StatusOK, templates.Terms{Version: h.SignUp.Terms, Clauses: termsClauses})
}

// showChoice is GET /register.
func (h *Handler) showChoice(w http.ResponseWriter, r *http.Request) {
	onward := h.onward(r)
	_, asks := h.asked(w, r)
	p := templates.Register{
		Asks: asks, PersonURL: with("/register/person", onward), UnitURL: with("/register/unit", onward), LoginURL: with(loginPath, onward),
	}
	if r.URL.Query().Get("over") == "1" {
		p.Told = templates.T("signup.over")
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// showMobile is GET /register/person and /register/unit.
func (h *Handler) showMobile(p signup.Purpose) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.askMobile(w, r, p, templates.RegisterMobile{}, judged{status: http.StatusOK})
	}
}

// takeMobile is POST of the same.
func (h *Handler) takeMobile(p signup.Purpose) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form := templates.RegisterMobile{
			Mobile: typed(r, "mobile", 24), Terms: r.PostForm.Get("terms") == "yes", Adult: r.PostForm.Get("adult") == "yes",
		}
		if another(r) {
			h.askMobile(w, r, p, form, judged{status: http.StatusOK})
			return
		}
		id, err := h.SignUp.Begin(r.Context(), h.visitor(w, r), signup.Beginning{
			Purpose: p, Mobile: r.PostForm.Get("mobile"), Terms: form.Terms, Adult: form.Adult, Onward: h.onward(r), Solution: solution(r),
		})
		if err == nil {
			h.Web.SetCookie(w, registerCookie, id, 0)
			see(w, "/register/code")
			return
		}
		j, _, ok := h.judge(w, nil, err)
		if !ok {
			h.Web.Fail(w, r, err)
			return
		}
		h.askMobile(w, r, p, form, j)
	}
}

func (h *Handler) askMobile(w http.ResponseWriter, r *http.Request, p signup.Purpose, form templates.RegisterMobile, j judged) {
	var err error
	if form.Captcha, err = h.captcha(w, r, p, &j.wrongs); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	onward := h.onward(r)
	form.Legal, form.Wrongs, form.Error = p == signup.Unit, j.wrongs, j.told
	form.TermsURL, form.PrivacyURL, form.LoginURL = h.TermsURL, h.PrivacyURL, with(loginPath, onward)
	if form.TermsURL == "" {
		form.TermsURL = "/register/terms"
	}
	form.OtherURL = with("/register/unit", onward)
	if form.Legal {
		form.OtherURL = with("/register/person", onward)
	}
	h.Web.Show(w, r, j.status, form)
}
