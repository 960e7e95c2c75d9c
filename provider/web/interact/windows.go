package interact

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/templates"
)

// windowCookie remembers which window was used last on this computer, so that
// whoever comes twice a year finds it open.
const (
	windowCookie = "kejitong_window"
	windowLife   = 365 * 24 * time.Hour
)

// maxUsername bounds what is shown again of a login name, in characters.
const maxUsername = 128

// window says which window is open: the one asked for, the one that the client
// needs, the one that the hint's form belongs to, the one used last, the one
// for persons.
func (h *Handler) window(r *http.Request, s *step) account.Kind {
	if k := account.Kind(r.URL.Query().Get("window")); k.Known() {
		return k
	}
	if k, ok := s.needs(); ok {
		return k
	}
	if k, ok := shapeOf(s.form.Get("login_hint")); ok {
		return k
	}
	if last, ok := h.Web.Cookie(r, windowCookie); ok && account.Kind(last).Known() {
		return account.Kind(last)
	}
	return account.NaturalPerson
}

// needs is the one kind of account that the client lets in, if it is one.
func (s *step) needs() (account.Kind, bool) {
	if s.client == nil || len(s.client.Metadata.RequiredAccountTypes) != 1 {
		return "", false
	}
	k := s.client.Metadata.RequiredAccountTypes[0]
	return k, k.Known()
}

// shapeOf guesses whose a login name is: codes belong to units, mobiles to
// persons, other names to either.
func shapeOf(name string) (account.Kind, bool) {
	if _, err := account.ParseUSCC(name); err == nil {
		return account.LegalEntity, true
	}
	if _, err := account.ParseMobile(name); err == nil {
		return account.NaturalPerson, true
	}
	return "", false
}

// signInPage is the page with the window k open and nothing typed yet.
func (h *Handler) signInPage(r *http.Request, s *step, k account.Kind) templates.SignIn {
	keep := url.Values{}
	if r.URL.Query().Get("other") == "1" {
		keep.Set("other", "1")
	}
	tab := func(k account.Kind) string {
		keep.Set("window", string(k))
		return s.address("/login", keep)
	}
	p := templates.SignIn{
		Asks: s.asks(), Window: string(k), NaturalPersonURL: tab(account.NaturalPerson), LegalEntityURL: tab(account.LegalEntity),
		Cancel: s.id != "", SMSURL: s.address("/login/sms", nil),
		ForgotURL: h.Ways.Forgot, ForgotNameURL: s.way(h.Ways.ForgotName), RegisterURL: s.way(h.Ways.Register), LookupURL: h.Ways.Lookup,
	}
	if k == account.LegalEntity {
		p.SMSURL = "" // only natural persons have a number of their own
	}
	if s.id != "" {
		p.Hidden = map[string]string{"interaction": s.id}
	}
	return p
}

// way is a page beside the sign-in that leads back to it, empty if there is none.
func (s *step) way(path string) string {
	if path == "" {
		return ""
	}
	return s.address(path, nil)
}

// notice says why somebody who may be signed in sees the page.
func (s *step) notice(r *http.Request, k account.Kind) templates.Text {
	if need, ok := s.needs(); ok && need != k {
		if need == account.LegalEntity {
			return templates.T("signin.notice.legal_only")
		}
		return templates.T("signin.notice.natural_only")
	}
	switch {
	case r.URL.Query().Get("other") == "1":
		return templates.T("signin.notice.switch")
	case s.visit != nil:
		return templates.T("signin.notice.again")
	}
	return templates.Text{}
}

// shown is a login name fit to be shown again.
func shown(username string) string {
	if !utf8.ValidString(username) || utf8.RuneCountInString(username) > maxUsername || strings.ContainsRune(username, 0) {
		return ""
	}
	return username
}

// kindPosted is the window that a form was sent from.
func kindPosted(r *http.Request) account.Kind {
	if k := account.Kind(r.PostForm.Get("window")); k.Known() {
		return k
	}
	return account.NaturalPerson
}

// rememberWindow keeps the window for next time; a shared computer forgets.
func (h *Handler) rememberWindow(w http.ResponseWriter, k account.Kind, shared bool) {
	if !shared {
		h.Web.SetCookie(w, windowCookie, string(k), windowLife)
	}
}
