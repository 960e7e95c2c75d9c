package enroll

import (
	"net/http"
	"time"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/signup"
	"kejitong/templates"
)

// trail is what the code pages of registration and search differ in.
type trail struct {
	cookie   string
	find     bool
	purposes []signup.Purpose
	next     string // once the mobile is proved
	start    string // where nothing is known of the browser
}

var (
	registering = trail{registerCookie, false, []signup.Purpose{signup.Person, signup.Unit}, "/register/account", "/register"}
	finding     = trail{findCookie, true, []signup.Purpose{signup.FindPerson, signup.FindUnit}, "/forgot/name/found", "/forgot/name"}
)

// beginning is the first page of a flow, where it is started again.
func beginning(p signup.Purpose) string {
	switch p {
	case signup.Unit:
		return "/register/unit"
	case signup.FindPerson:
		return "/forgot/name"
	case signup.FindUnit:
		return "/forgot/name?by=unit"
	}
	return "/register/person"
}

// flow is the browser's flow; if there is none to go on with, it answers.
func (h *Handler) flow(w http.ResponseWriter, r *http.Request, t trail) (string, *signup.Flow) {
	id, _ := h.Web.Cookie(r, t.cookie)
	f, err := h.SignUp.Current(r.Context(), id, h.visitor(w, r), t.purposes...)
	if err == nil {
		return id, &f
	}
	h.startAgain(w, r, t, err)
	return "", nil
}

// startAgain leads to the beginning when a flow is over, and fails otherwise.
func (h *Handler) startAgain(w http.ResponseWriter, r *http.Request, t trail, err error) {
	_, over, ok := h.judge(w, nil, err)
	if !ok || !over {
		h.Web.Fail(w, r, err)
		return
	}
	target := t.start
	if _, had := h.Web.Cookie(r, t.cookie); had {
		h.Web.ClearCookie(w, t.cookie)
		target += "?over=1" // to say so
	}
	see(w, target)
}

// showCode is GET /register/code and /forgot/name/code.
func (h *Handler) showCode(t trail) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, f := h.flow(w, r, t)
		if f == nil {
			return
		}
		if f.Proved() {
			see(w, t.next)
			return
		}
		h.askCode(w, r, t, f, judged{status: http.StatusOK})
	}
}

// takeCode is POST of the same: the code, or a wish for another one.
func (h *Handler) takeCode(t trail) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, f := h.flow(w, r, t)
		if f == nil {
			return
		}
		ctx, v := r.Context(), h.visitor(w, r)
		var err error
		target := t.next
		switch {
		case another(r):
			h.askCode(w, r, t, f, judged{status: http.StatusOK})
			return
		case r.PostForm.Get("send") == "code":
			err, target = h.SignUp.Again(ctx, id, v, solution(r)), r.URL.Path
		default:
			err = h.SignUp.Prove(ctx, id, v, r.PostForm.Get("code"))
		}
		if err == nil {
			see(w, target)
			return
		}
		j, over, ok := h.judge(w, f, err)
		if !ok || over {
			h.startAgain(w, r, t, err)
			return
		}
		h.askCode(w, r, t, f, j)
	}
}

// resendAfter is the least time between two codes (C30), for the countdown; the
// rule itself is kept by package challenge.
const resendAfter = time.Minute

func (h *Handler) askCode(w http.ResponseWriter, r *http.Request, t trail, f *signup.Flow, j judged) {
	p := templates.ProveMobile{
		Find: t.find, Legal: f.Purpose == signup.Unit, To: account.MaskMobile(string(f.Data.Mobile)), StartURL: with(beginning(f.Purpose), ""), Told: j.told,
	}
	if !t.find {
		p.StartURL = with(beginning(f.Purpose), f.Data.Onward)
	}
	if left := resendAfter - h.Now().Sub(f.SentAt); left > 0 {
		p.Wait = int((left + time.Second - 1) / time.Second)
	}
	if why := j.wrongs.At("code"); why != nil {
		p.Error = why.Text
	}
	var err error
	if p.Captcha, err = h.captcha(w, r, f.Purpose, &j.wrongs); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, j.status, p)
}

// typed is what was typed into a field, fit to be shown again.
func typed(r *http.Request, field string, most int) string {
	s := r.PostForm.Get(field)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return ""
	}
	return s
}
