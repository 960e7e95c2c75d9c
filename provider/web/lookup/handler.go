// Package lookup is 账号检索: the page, and the JSON interface behind it, on which
// units and persons of the former platform find which login name, which window and
// which password now work.
//
// What somebody proved (that they looked at a page, that a number is theirs) is
// carried from step to step in a sealed token that is worth nothing in another
// browser and after ten minutes; the server keeps nothing.
package lookup

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/torch"
	"kejitong/provider/web"
	"kejitong/templates"
)

// Handler serves the pages. All fields must be set before Mount.
type Handler struct {
	Web      *web.Kit
	Lookup   *torch.Lookup
	Captchas *challenge.Easel
	Keys     func() *keys.Snapshot
	Counter  Counter
	Now      func() time.Time
}

// Mount adds the pages to r. Everything that is posted by a form passes
// web.Kit.Guard; the JSON interface takes no cookies.
func (h *Handler) Mount(r *mux.Router) {
	page := func(path string, get, post http.HandlerFunc) {
		r.Handle(path, get).Methods(http.MethodGet, http.MethodHead)
		if post != nil {
			r.Handle(path, h.Web.Guard(post)).Methods(http.MethodPost)
		}
	}
	page("/lookup", h.show, h.ask)
	page("/lookup/code", h.showCode, h.prove)
	page("/lookup/answer", h.showAnswer, nil)
	r.HandleFunc("/api/v1/torch/challenge", h.apiChallenge).Methods(http.MethodPost)
	r.HandleFunc("/api/v1/torch/code", h.apiCode).Methods(http.MethodPost)
	r.HandleFunc("/api/v1/torch/lookup", h.apiLookup).Methods(http.MethodPost)
}

// The two things that are looked up.
const (
	unit   = "unit"
	person = "person"
)

// pass is what the steps hand on.
type pass struct {
	Kind    string `json:"k"`
	Key     string `json:"v"`
	Proved  bool   `json:"p,omitempty"`
	Expires int64  `json:"e"` // Unix seconds
}

const passFor = 10 * time.Minute

// place binds a token to the browser that it was made for.
func place(browser string) string { return "lookup " + browser }

func (h *Handler) seal(browser string, p pass) (string, error) {
	p.Expires = h.Now().Add(passFor).Unix()
	plain, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return h.Keys().Seal(keys.Page, place(browser), plain)
}

// open reads a token; torch.ErrNoKey for what is not one of this browser's.
func (h *Handler) open(browser, token string) (pass, error) {
	var p pass
	plain, err := h.Keys().Open(keys.Page, place(browser), token)
	if err != nil || json.Unmarshal(plain, &p) != nil || h.Now().Unix() >= p.Expires {
		return pass{}, torch.ErrNoKey
	}
	return p, nil
}

func kindOf(s string) string {
	if s == person {
		return person
	}
	return unit
}

// form is the page with one box.
func (h *Handler) form(kind, key string) templates.RecoverForm {
	tabs := []templates.RecoverLink{
		{URL: "/lookup", Label: templates.T("lookup.unit"), Current: kind == unit},
		{URL: "/lookup?kind=person", Label: templates.T("lookup.person"), Current: kind == person},
	}
	p := templates.RecoverForm{
		Heading: templates.T("lookup.title"), Lead: templates.T("lookup.lead_unit"), Tabs: tabs, Submit: templates.T("lookup.submit"), Hidden: map[string]string{"kind": kind},
		Ways: []templates.RecoverLink{{URL: "/login", Label: templates.T("lookup.to_login")}, {URL: "/forgot", Label: templates.T("lookup.to_forgot")}},
	}
	b := templates.Blank{Field: "uscc", Label: templates.T("lookup.uscc"), Hint: templates.T("lookup.uscc_hint"), Value: key, Max: 40}
	if kind == person {
		p.Lead, p.Submit = templates.T("lookup.lead_person"), templates.T("lookup.send")
		b = templates.Blank{Field: "mobile", Label: templates.T("lookup.mobile"), Value: key, Max: 20, Auto: "tel", Mode: "tel"}
	}
	p.Blanks = []templates.Blank{b}
	return p
}

func (h *Handler) draw(w http.ResponseWriter, r *http.Request, status int, p templates.RecoverForm) {
	c, err := h.Captchas.Draw(r.Context(), h.Web.Browser(w, r), challenge.Lookup)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p.Captcha.ID = c.ID
	h.Web.Show(w, r, status, p)
}

// show is GET /lookup.
func (h *Handler) show(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	kind := kindOf(q.Get("kind"))
	h.draw(w, r, http.StatusOK, h.form(kind, typed(q.Get("key"))))
}

// ask is POST /lookup.
func (h *Handler) ask(w http.ResponseWriter, r *http.Request) {
	ctx, browser, kind := r.Context(), h.Web.Browser(w, r), kindOf(r.PostForm.Get("kind"))
	field := map[string]string{unit: "uscc", person: "mobile"}[kind]
	key := r.PostForm.Get(field)
	p := h.form(kind, typed(key))
	if r.PostForm.Get("captcha_again") == "yes" {
		h.draw(w, r, http.StatusOK, p)
		return
	}
	c := torch.Solved{ID: r.PostForm.Get("captcha_id"), Answer: r.PostForm.Get("captcha")}
	next, to := pass{Kind: kind, Proved: kind == unit}, "/lookup/answer"
	err := h.count(ctx, web.ClientIP(ctx))
	switch {
	case err != nil:
	case kind == unit:
		var u account.USCC
		u, err = h.Lookup.AskUnit(ctx, browser, key, c)
		next.Key = string(u)
	default:
		var m account.Mobile
		m, _, err = h.Lookup.AskPerson(ctx, browser, web.ClientIP(ctx), web.Locale(ctx).String(), key, c)
		next.Key, to = string(m), "/lookup/code"
	}
	if err != nil {
		h.wrong(w, r, p, err)
		return
	}
	h.onward(w, r, browser, next, to)
}

func (h *Handler) onward(w http.ResponseWriter, r *http.Request, browser string, p pass, to string) {
	token, err := h.seal(browser, p)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	// 303, so that nothing posted is posted again (RFC 9700 §4.12).
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to+"?"+url.Values{"t": {token}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// wrong shows the form again with the error in its place.
func (h *Handler) wrong(w http.ResponseWriter, r *http.Request, p templates.RecoverForm, err error) {
	var why *fault.Error
	if !errors.As(err, &why) || why.Kind != fault.Invalid && why.Kind != fault.Throttled {
		h.gone(w, r, err)
		return
	}
	status, text := http.StatusOK, templates.Text{Key: why.Msg}
	switch {
	case why.Kind == fault.Throttled:
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.FormatInt(int64((max(why.RetryAfter, time.Second)+time.Second-1)/time.Second), 10))
		p.Error = text
	case why.Field == "captcha":
		p.Captcha.Error = text
	case p.Code != nil:
		p.Code.Error = text
	default:
		p.Blanks[0].Error = text
	}
	if p.Code != nil {
		h.Web.Show(w, r, status, p)
		return
	}
	h.draw(w, r, status, p)
}

// gone leads those back whose token is over.
func (h *Handler) gone(w http.ResponseWriter, r *http.Request, err error) {
	if fault.Is(err, fault.Gone) {
		h.Web.Show(w, r, http.StatusGone, templates.Problem{Status: http.StatusGone, Text: templates.T("lookup.gone"), BackURL: "/lookup"})
		return
	}
	h.Web.Fail(w, r, err)
}

func (h *Handler) codeForm(m account.Mobile) templates.RecoverForm {
	return templates.RecoverForm{
		Heading: templates.T("lookup.title"), Lead: templates.T("lookup.lead_code"), Submit: templates.T("lookup.submit"),
		Facts: []templates.RecoverFact{{Label: templates.T("lookup.mobile"), Value: account.MaskMobile(string(m)), Code: true}},
		Code:  &templates.Code{To: account.MaskMobile(string(m))},
		Ways:  []templates.RecoverLink{{URL: "/lookup?kind=person", Label: templates.T("lookup.again")}},
	}
}

// showCode is GET /lookup/code.
func (h *Handler) showCode(w http.ResponseWriter, r *http.Request) {
	p, err := h.open(h.Web.Browser(w, r), r.URL.Query().Get("t"))
	if err != nil || p.Kind != person {
		h.gone(w, r, torch.ErrNoKey)
		return
	}
	h.Web.Show(w, r, http.StatusOK, h.codeForm(account.Mobile(p.Key)))
}

// prove is POST /lookup/code.
func (h *Handler) prove(w http.ResponseWriter, r *http.Request) {
	browser := h.Web.Browser(w, r)
	p, err := h.open(browser, r.URL.Query().Get("t"))
	if err != nil || p.Kind != person {
		h.gone(w, r, torch.ErrNoKey)
		return
	}
	if r.PostForm.Get("send") == "code" { // another code begins with another captcha
		w.Header().Set("Location", "/lookup?kind=person")
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	if err := h.Lookup.ProvePerson(r.Context(), browser, account.Mobile(p.Key), r.PostForm.Get("code")); err != nil {
		h.wrong(w, r, h.codeForm(account.Mobile(p.Key)), err)
		return
	}
	p.Proved = true
	h.onward(w, r, browser, p, "/lookup/answer")
}

// showAnswer is GET /lookup/answer.
func (h *Handler) showAnswer(w http.ResponseWriter, r *http.Request) {
	p, err := h.open(h.Web.Browser(w, r), r.URL.Query().Get("t"))
	if err != nil || !p.Proved {
		h.gone(w, r, torch.ErrNoKey)
		return
	}
	a, err := h.answer(r, p)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, card(a))
}

func (h *Handler) answer(r *http.Request, p pass) (torch.Answer, error) {
	if p.Kind == unit {
		return h.Lookup.Unit(r.Context(), account.USCC(p.Key))
	}
	return h.Lookup.Person(r.Context(), account.Mobile(p.Key))
}

// typed is what was sent, fit to be shown again.
func typed(s string) string {
	if !utf8.ValidString(s) || len(s) > 100 {
		return ""
	}
	return s
}
