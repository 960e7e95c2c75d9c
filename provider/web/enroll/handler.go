package enroll

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/signup"
	"kejitong/provider/web"
	"kejitong/templates"
)

// Handler serves the pages. All fields but the two addresses must be set.
type Handler struct {
	Web     *web.Kit
	SignUp  *signup.Service
	Flow    authflow.Store // the parked requests that ask for a registration
	Clients *client.Registry
	Now     func() time.Time

	TermsURL   string // of the operator's own terms; empty: the page here
	PrivacyURL string // no link if empty
}

// The cookies that hold the ids of flows.
const (
	registerCookie = "kejitong_signup"
	findCookie     = "kejitong_find"
)

// Pages of other surfaces that ours lead to.
const (
	loginPath        = "/login"
	forgotPath       = "/forgot"
	appealPersonPath = "/appeal/person"
	appealUnitPath   = "/appeal/unit"
)

// Mount adds the pages to r. Everything that is posted passes web.Kit.Guard.
func (h *Handler) Mount(r *mux.Router) {
	page := func(path string, get, post http.HandlerFunc) {
		r.Handle(path, h.spoken(get)).Methods(http.MethodGet, http.MethodHead)
		if post != nil {
			r.Handle(path, h.Web.Guard(h.spoken(post))).Methods(http.MethodPost)
		}
	}
	page("/register", h.showChoice, nil)
	page("/register/terms", h.showTerms, nil)
	page("/register/person", h.showMobile(signup.Person), h.takeMobile(signup.Person))
	page("/register/unit", h.showMobile(signup.Unit), h.takeMobile(signup.Unit))
	page("/register/code", h.showCode(registering), h.takeCode(registering))
	page("/register/account", h.showAccount, h.takeAccount)
	page("/register/done", h.showDone, nil)
	page("/forgot/name", h.showFind, h.takeFind)
	page("/forgot/name/code", h.showCode(finding), h.takeCode(finding))
	page("/forgot/name/found", h.showFound, h.takeFound)
}

// visitor is the browser as package signup knows it.
func (h *Handler) visitor(w http.ResponseWriter, r *http.Request) signup.Visitor {
	ctx := r.Context()
	return signup.Visitor{Browser: h.Web.Browser(w, r), Address: web.ClientIP(ctx), Locale: web.Locale(ctx).String()}
}

// see sends the browser to another page. 303, so that nothing posted is posted
// again (RFC 9700 §4.12).
func see(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// captcha draws a new picture for a page, with what was wrong with the last one.
func (h *Handler) captcha(w http.ResponseWriter, r *http.Request, p signup.Purpose, wrong *templates.Wrongs) (templates.Captcha, error) {
	id, err := h.SignUp.Picture(r.Context(), h.visitor(w, r), p)
	c := templates.Captcha{ID: id}
	if why := wrong.At("captcha"); why != nil {
		c.Error = why.Text
	}
	return c, err
}

func solution(r *http.Request) signup.Solution {
	return signup.Solution{ID: r.PostForm.Get("captcha_id"), Answer: r.PostForm.Get("captcha")}
}

// another tells whether the form asks for another picture and for nothing else.
func another(r *http.Request) bool { return r.PostForm.Get("captcha_again") == "yes" }

// judged is what a page says of a form that was not taken.
type judged struct {
	wrongs templates.Wrongs
	told   templates.Text // above the form
	status int
}

// judge turns an error into what the page says; flow may be nil. over: the flow is gone, start
// again; ok is false if the error is nothing that a page can say.
func (h *Handler) judge(w http.ResponseWriter, flow *signup.Flow, err error) (j judged, over, ok bool) {
	var problems signup.Problems
	var f *fault.Error
	j.status = http.StatusOK
	switch {
	case err == nil:
		return j, false, true
	case errors.As(err, &problems):
		for _, p := range problems {
			j.wrongs = append(j.wrongs, templates.Wrong{Field: p.Field, Text: h.text(p), Next: h.ways(flow, p)})
		}
		return j, false, true
	case fault.Is(err, fault.Gone):
		return j, true, true
	case fault.Is(err, fault.Throttled) && errors.As(err, &f), fault.Is(err, fault.Unavailable) && errors.As(err, &f):
		j.status = http.StatusTooManyRequests
		j.told = templates.Text{Key: f.Msg}
		if f.Kind == fault.Unavailable {
			if f.Msg != credential.MsgBusy {
				return j, false, false
			}
			j.status = http.StatusServiceUnavailable
		}
		wait := max(f.RetryAfter, time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		return j, false, true
	}
	return j, false, false
}

func (h *Handler) text(f *fault.Error) templates.Text {
	t := templates.Text{Key: f.Msg}
	if f.Msg == credential.MsgPasswordShort {
		t.Args = []any{h.SignUp.Policy.Minimum()}
	}
	return t
}

// ways are the next steps that go with "taken" (R13).
func (h *Handler) ways(flow *signup.Flow, f *fault.Error) []templates.NextStep {
	kind, onward := account.NaturalPerson, ""
	if flow != nil {
		kind, onward = kindOf(flow.Purpose), flow.Data.Onward
	}
	forgot := templates.NextStep{URL: forgotPath, Text: templates.T("signin.forgot")}
	in := func(k account.Kind) templates.NextStep {
		return templates.NextStep{URL: h.login(k, onward), Text: templates.T("register.sign_in")}
	}
	appeal := func(path string) templates.NextStep {
		return templates.NextStep{URL: path, Text: templates.T("find.appeal")}
	}
	switch f.Msg {
	case signup.MsgLoginTaken:
		return []templates.NextStep{in(kind), forgot, appeal(appealOf(kind))}
	case signup.MsgUSCCTaken, signup.MsgUnitTaken:
		return []templates.NextStep{
			in(account.LegalEntity), {URL: "/forgot/name?by=unit", Text: templates.T("find.title")}, forgot, appeal(appealUnitPath),
		}
	}
	return nil
}

func appealOf(k account.Kind) string {
	if k == account.LegalEntity {
		return appealUnitPath
	}
	return appealPersonPath
}
