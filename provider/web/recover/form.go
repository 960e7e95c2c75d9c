package recover

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

// form is a page under way: what was typed, and where what is wrong stands.
type form struct {
	page    templates.RecoverForm
	purpose challenge.Purpose // of its captcha, empty if it has none
	status  int
}

// blank adds a field with what was typed, before the code.
func (f *form) blank(b templates.Blank) { f.page.Blanks = append(f.page.Blanks, b) }

// show draws the page, with a captcha of its own if it has one.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, f form) {
	if f.purpose != "" {
		c, err := h.Captchas.Draw(r.Context(), h.Web.Browser(w, r), f.purpose)
		if err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		f.page.Captcha.ID = c.ID
	}
	if f.status == 0 {
		f.status = http.StatusOK
	}
	h.Web.Show(w, r, f.status, f.page)
}

// wrong puts an error where it belongs and shows the page again with what was
// typed; what is no matter of the form ends the way.
func (h *Handler) wrong(w http.ResponseWriter, r *http.Request, f form, err error) {
	var why *fault.Error
	if !errors.As(err, &why) {
		h.Web.Fail(w, r, err)
		return
	}
	switch why.Kind {
	case fault.Invalid:
		f.place(why.Field, h.says(why))
	case fault.Throttled:
		wait := max(why.RetryAfter, time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		f.status, f.page.Error = http.StatusTooManyRequests, h.says(why)
	default:
		h.end(w, r, err)
		return
	}
	h.show(w, r, f)
}

// says is a fault's message with its places filled.
func (h *Handler) says(why *fault.Error) templates.Text {
	t := templates.Text{Key: why.Msg}
	if why.Msg == credential.MsgPasswordShort {
		t.Args = []any{h.Policy.Minimum()}
	}
	return t
}

// place writes an error to its field, else above the form.
func (f *form) place(field string, text templates.Text) {
	switch {
	case field == "captcha":
		f.page.Captcha.Error = text
		return
	case field == "code" && f.page.Code != nil:
		f.page.Code.Error = text
		return
	}
	for _, list := range [][]templates.Blank{f.page.Blanks, f.page.After} {
		for i := range list {
			if list[i].Field == field {
				list[i].Error = text
				return
			}
		}
	}
	f.page.Error = text
}

// end answers for a way that goes no further, with a way to start anew.
func (h *Handler) end(w http.ResponseWriter, r *http.Request, err error) {
	var why *fault.Error
	if !errors.As(err, &why) || !strings.HasPrefix(why.Msg, "recover.") {
		h.Web.Fail(w, r, err)
		return
	}
	status := map[fault.Kind]int{
		fault.Gone: http.StatusGone, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict, fault.Refused: http.StatusForbidden,
	}[why.Kind]
	if status == 0 {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, status, templates.Problem{Status: status, Text: h.says(why), BackURL: "/forgot"})
}

// typed is a field as it was sent, fit to be shown again.
func typed(r *http.Request, field string) string {
	s := r.PostForm.Get(field)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 600 || strings.ContainsRune(s, 0) {
		return ""
	}
	return s
}

// again tells whether another captcha was asked for and nothing else.
func again(r *http.Request) bool { return r.PostForm.Get("captcha_again") == "yes" }

// asksCode tells whether a code was asked for and nothing else.
func asksCode(r *http.Request) bool { return r.PostForm.Get("send") == "code" }

// secrets are the two fields of a new password.
func (h *Handler) secrets() []templates.Blank {
	hint := templates.T("newpassword.hint", h.Policy.Minimum())
	if !h.Policy.LengthOnly {
		hint = templates.T("newpassword.hint_classes", h.Policy.Minimum())
	}
	return []templates.Blank{
		{Field: "password", Kind: templates.BlankSecret, Label: templates.T("newpassword.password"), Hint: hint},
		{Field: "password_again", Kind: templates.BlankSecret, Label: templates.T("newpassword.again")},
	}
}

// unequal is the error of a password that was not typed the same twice, nil if it
// was.
func unequal(r *http.Request) error {
	if r.PostForm.Get("password") == r.PostForm.Get("password_again") {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Field: "password_again", Msg: "newpassword.unequal"}
}

func answer(r *http.Request) recovery.Answer {
	f := r.PostForm
	return recovery.Answer{Code: f.Get("code"), Password: f.Get("password"), Digits: f.Get("digits"), Factor: f.Get("factor")}
}

func back(url, key string) templates.RecoverLink {
	return templates.RecoverLink{URL: url, Label: templates.Text{Key: key}}
}
