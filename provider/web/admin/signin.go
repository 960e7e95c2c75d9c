package admin

import (
	"encoding/base64"
	"net/http"
	"strings"

	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/web"
	"kejitong/templates"
)

func signInFields(login string) []templates.DeskField {
	return []templates.DeskField{
		{Name: "username", Value: login, Auto: "username", Max: 128},
		{Name: "password", Type: "password", Auto: "current-password"},
		{Name: "code", Auto: "one-time-code", Max: 16, Hint: templates.T("desk.hint.code")},
	}
}

// showSignIn is GET /admin/login.
func (h *Handler) showSignIn(w http.ResponseWriter, r *http.Request, _ visit) {
	if _, err := h.visitor(r); err == nil {
		see(w, "/admin")
		return
	}
	p := templates.DeskSignIn{Fields: signInFields("")}
	if next, ok := deskPath(r.URL.Query().Get("next")); ok {
		p.Next = next
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// signIn is POST /admin/login: both factors at once (C4).
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request, _ visit) {
	ctx, f := r.Context(), r.PostForm
	_, cookie, err := h.Desk.SignIn(ctx, operator.Entry{
		Login: f.Get("username"), Password: f.Get("password"), Code: f.Get("code"), IP: web.ClientIP(ctx), UserAgent: r.UserAgent(),
	})
	next, ok := deskPath(f.Get("next"))
	if fault.Is(err, fault.Unproven) {
		h.Web.Show(w, r, http.StatusOK, templates.DeskSignIn{
			Fields: signInFields(short(f.Get("username"))), Error: templates.T(operator.MsgWrong), Next: next,
		})
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.NewBrowser(w, r) // form tokens of before are worth nothing any more (S35)
	h.Web.SetStrictCookie(w, deskCookie, cookie, operator.Absolute)
	if !ok {
		next = "/admin"
	}
	see(w, next)
}

// short is what is shown again of a name that somebody typed.
func short(s string) string { return cut(s, 128) }

// cut is what was typed, without blanks around it, and limit characters of it at most.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}

// signOut is POST /admin/logout.
func (h *Handler) signOut(w http.ResponseWriter, r *http.Request, v visit) {
	if err := h.Desk.SignOut(r.Context(), v.session); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.ClearCookie(w, deskCookie)
	see(w, "/admin/login")
}

// showInvite is GET /admin/enrol, the first step of an invitation.
func (h *Handler) showInvite(w http.ResponseWriter, r *http.Request, _ visit) {
	if r.URL.Query().Get("done") == "1" {
		h.Web.Show(w, r, http.StatusOK, templates.DeskEnrol{Finished: true})
		return
	}
	h.Web.Show(w, r, http.StatusOK, templates.DeskEnrol{Fields: inviteFields()})
}

func inviteFields() []templates.DeskField {
	return []templates.DeskField{{Name: "secret", Type: "password", Max: 128, Hint: templates.T("desk.hint.secret")}}
}

// invite is POST /admin/enrol. The secret is never part of an address; a cookie
// carries it to the second step.
func (h *Handler) invite(w http.ResponseWriter, r *http.Request, _ visit) {
	secret := strings.TrimSpace(r.PostForm.Get("secret"))
	_, err := h.Desk.Invited(r.Context(), secret)
	if err != nil {
		fields := inviteFields()
		text, ok := blame(fields, err)
		if !ok {
			h.Web.Fail(w, r, err)
			return
		}
		h.Web.Show(w, r, http.StatusOK, templates.DeskEnrol{Fields: fields, Error: text})
		return
	}
	h.Web.SetStrictCookie(w, enrolCookie, secret, 0)
	see(w, "/admin/enrol/factor")
}

func enrolFields() []templates.DeskField {
	return []templates.DeskField{
		{Name: "password", Type: "password", Auto: "new-password"},
		{Name: "again", Type: "password", Auto: "new-password"},
		{Name: "code", Auto: "one-time-code", Max: 16, Hint: templates.T("desk.hint.code")},
	}
}

// invited gives who is being enrolled; where nobody is any more, it has answered.
func (h *Handler) invited(w http.ResponseWriter, r *http.Request) (operator.Operator, string, bool) {
	secret, _ := h.Web.Cookie(r, enrolCookie)
	o, err := h.Desk.Invited(r.Context(), secret)
	if fault.Is(err, fault.Unproven) {
		see(w, "/admin/enrol")
		return o, "", false
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return o, "", false
	}
	return o, secret, true
}

// showEnrol is GET /admin/enrol/factor.
func (h *Handler) showEnrol(w http.ResponseWriter, r *http.Request, _ visit) {
	if o, _, ok := h.invited(w, r); ok {
		h.showEnrolment(w, r, o, enrolFields(), templates.Text{})
	}
}

func (h *Handler) showEnrolment(w http.ResponseWriter, r *http.Request, o operator.Operator, fields []templates.DeskField, failure templates.Text) {
	p := templates.DeskEnrol{Who: o.LoginName, Factor: grouped(o.Offered), Fields: fields, Error: failure, Minimum: h.Desk.Policy.Minimum()}
	if h.Picture != nil {
		png, err := h.Picture(o.Offered, o.LoginName)
		if err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		p.Picture = base64.StdEncoding.EncodeToString(png)
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// enrol is POST /admin/enrol/factor.
func (h *Handler) enrol(w http.ResponseWriter, r *http.Request, _ visit) {
	o, secret, ok := h.invited(w, r)
	if !ok {
		return
	}
	fields, f := enrolFields(), r.PostForm
	if f.Get("password") != f.Get("again") {
		fields[1].Why = templates.T("newpassword.unequal")
		h.showEnrolment(w, r, o, fields, templates.Text{})
		return
	}
	err := h.Desk.Enrol(r.Context(), secret, f.Get("password"), f.Get("code"), web.ClientIP(r.Context()))
	if fault.Is(err, fault.Unproven) {
		see(w, "/admin/enrol")
		return
	}
	if err != nil {
		text, ok := blame(fields, err, h.Desk.Policy.Minimum())
		if !ok {
			h.Web.Fail(w, r, err)
			return
		}
		h.showEnrolment(w, r, o, fields, text)
		return
	}
	h.Web.ClearCookie(w, enrolCookie)
	see(w, "/admin/enrol?done=1")
}

// grouped sets a long secret in groups of four.
func grouped(s string) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

var errNoAccount = &fault.Error{Kind: fault.Invalid, Field: "login_name", Msg: operator.MsgAccount}
