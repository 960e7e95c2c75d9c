package enroll

import (
	"net/http"
	"strconv"

	"kejitong/provider/account"
	"kejitong/provider/signup"
	"kejitong/templates"
)

// searching is what the address of /forgot/name searches by.
func searching(r *http.Request) signup.Purpose {
	if r.URL.Query().Get("by") == "unit" {
		return signup.FindUnit
	}
	return signup.FindPerson
}

// showFind is GET /forgot/name.
func (h *Handler) showFind(w http.ResponseWriter, r *http.Request) {
	j := judged{status: http.StatusOK}
	if r.URL.Query().Get("over") == "1" {
		j.told = templates.T("find.over")
	}
	h.askFind(w, r, templates.FindLogin{}, j)
}

// takeFind is POST /forgot/name.
func (h *Handler) takeFind(w http.ResponseWriter, r *http.Request) {
	form := templates.FindLogin{Mobile: typed(r, "mobile", 24), USCC: typed(r, "uscc", 64), UnitName: typed(r, "unit_name", 200)}
	if another(r) {
		h.askFind(w, r, form, judged{status: http.StatusOK})
		return
	}
	post := r.PostForm.Get
	id, err := h.SignUp.Look(r.Context(), h.visitor(w, r), signup.Search{
		Purpose: searching(r), Mobile: post("mobile"), USCC: post("uscc"), UnitName: post("unit_name"), Onward: h.onward(r), Solution: solution(r),
	})
	if err == nil {
		h.Web.SetCookie(w, findCookie, id, 0)
		see(w, "/forgot/name/code")
		return
	}
	j, _, ok := h.judge(w, nil, err)
	if !ok {
		h.Web.Fail(w, r, err)
		return
	}
	h.askFind(w, r, form, j)
}

func (h *Handler) askFind(w http.ResponseWriter, r *http.Request, p templates.FindLogin, j judged) {
	var err error
	purpose := searching(r)
	if p.Captcha, err = h.captcha(w, r, purpose, &j.wrongs); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	onward := h.onward(r)
	p.Legal, p.Wrongs, p.Error = purpose == signup.FindUnit, j.wrongs, j.told
	p.PersonURL, p.UnitURL = with("/forgot/name", onward), "/forgot/name?by=unit"
	if onward != "" {
		p.UnitURL += "&" + onward
	}
	p.AppealURL, p.ForgotURL = appealOf(kindOf(purpose)), forgotPath
	h.Web.Show(w, r, j.status, p)
}

// showFound is GET /forgot/name/found.
func (h *Handler) showFound(w http.ResponseWriter, r *http.Request) {
	f, found := h.found(w, r)
	if f == nil {
		return
	}
	p := templates.FoundLogins{
		Mobile: account.MaskMobile(string(f.Data.Mobile)), RegisterURL: with("/register", f.Data.Onward), AppealURL: appealOf(kindOf(f.Purpose)),
		LoginURL: with(loginPath, f.Data.Onward),
	}
	for _, a := range found {
		p.Logins = append(p.Logins, templates.FoundLogin{AccountType: string(a.Kind), LoginName: shownLogin(*f, a), Unit: a.UnitName, Frozen: a.Frozen})
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// takeFound is POST of the same: on to the window of one, with its login name
// filled in.
func (h *Handler) takeFound(w http.ResponseWriter, r *http.Request) {
	f, found := h.found(w, r)
	if f == nil {
		return
	}
	n, err := strconv.Atoi(r.PostForm.Get("login"))
	if err != nil || n < 0 || n >= len(found) {
		see(w, "/forgot/name/found")
		return
	}
	name := found[n].LoginName
	if shownLogin(*f, found[n]) != name {
		name = "" // what is masked is not given away by the next page
	}
	h.Web.Suggest(w, name)
	see(w, h.login(found[n].Kind, f.Data.Onward))
}

func (h *Handler) found(w http.ResponseWriter, r *http.Request) (*signup.Flow, []signup.Found) {
	id, _ := h.Web.Cookie(r, findCookie)
	f, found, err := h.SignUp.Names(r.Context(), id, h.visitor(w, r))
	if err != nil {
		h.startAgain(w, r, finding, err)
		return nil, nil
	}
	return &f, found
}

// shownLogin masks a login name that is a mobile number other than the proved
// one: the number at hand may have belonged to somebody else before.
func shownLogin(f signup.Flow, a signup.Found) string {
	m, err := account.ParseMobile(a.LoginName)
	if err != nil || m == f.Data.Mobile {
		return a.LoginName
	}
	return account.MaskMobile(a.LoginName)
}
