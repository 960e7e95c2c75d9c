package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Security is 登录与安全 and 登录设备. All fields must be set.
type Security struct {
	Web         *web.Kit
	Visitors    *visitor.Hall
	Factors     *factor.Service
	Credentials *credential.Service
	Sessions    *session.Service
	Audit       Recorder
	Herald      *factor.Herald
	Outbox      Waker
	Now         func() time.Time
}

// Mount adds the pages. What changes a factor takes a fresh sign-in (S63).
func (s *Security) Mount(p Pages) {
	p.In("/me/security", s.show, nil)
	p.In("/me/security/password", s.door(s.showPassword), s.door(s.changePassword))
	p.Fresh("/me/security/factor", nil, s.changeFactor)
	p.Fresh("/me/security/totp", s.showTOTP, s.enrolTOTP)
	p.Fresh("/me/security/passkey", s.showPasskey, s.enrolPasskey)
	p.Fresh("/me/security/codes", nil, s.makeCodes)
	p.In("/me/devices", s.showDevices, s.endSessions)
}

// Links are what 我的信息 offers.
func (s *Security) Links(*principal.Visit) []templates.Link {
	return []templates.Link{
		{URL: "/me/security", Text: templates.T("security.title"), Hint: templates.T("security.link_hint")},
		{URL: "/me/devices", Text: templates.T("devices.title"), Hint: templates.T("devices.link_hint")},
	}
}

// door asks for a fresh second factor where there is one; the present password
// stands in the form itself.
func (s *Security) door(next visitor.Page) visitor.Page {
	return func(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
		if v.Factors.Any() {
			s.Visitors.Fresh(next).ServeHTTP(w, r)
			return
		}
		next(w, r, v)
	}
}

func subject(v *principal.Visit) factor.Subject {
	return factor.Subject{Realm: factor.Accounts, ID: string(v.Principal.Account.ID)}
}

// binding ties a challenge to this browser and session.
func (s *Security) binding(w http.ResponseWriter, r *http.Request, v *principal.Visit) string {
	return s.Web.Browser(w, r) + "|portal|" + v.Session.ID
}

func event(r *http.Request, v *principal.Visit, kind audit.Kind) audit.Event {
	who := string(v.Principal.Account.ID)
	return audit.From(r.Context(), audit.Event{Kind: kind, Actor: who, Object: who})
}

// done names what was done in the address of the page that says so.
var done = map[string]templates.Text{
	"password": templates.T("security.notice.password"), "renamed": templates.T("security.notice.renamed"),
	"removed": templates.T("security.notice.removed"), "added": templates.T("security.notice.added"),
}

// show is GET /me/security.
func (s *Security) show(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	e, err := s.Factors.Enrolled(r.Context(), subject(v))
	if err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	p := templates.Security{
		PasswordAt: v.Principal.Account.PasswordChangedAt, TOTP: e.Has(factor.TOTP), Passkeys: s.Factors.Passkeys != nil, Codes: e.Codes,
		Notice: done[r.URL.Query().Get("done")],
	}
	for _, f := range e.Factors {
		p.Factors = append(p.Factors, templates.EnrolledFactor{ID: f.ID, Kind: string(f.Kind), Name: f.Name, CreatedAt: f.CreatedAt, UsedAt: f.UsedAt})
	}
	s.Web.Show(w, r, http.StatusOK, p, as(v))
}

// changeFactor is POST /me/security/factor.
func (s *Security) changeFactor(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	id, what := r.PostForm.Get("id"), "removed"
	var err error
	switch r.PostForm.Get("do") {
	case "remove":
		err = s.Factors.Remove(r.Context(), subject(v), id, event(r, v, ""))
	case "rename":
		what, err = "renamed", s.Factors.Rename(r.Context(), subject(v), id, r.PostForm.Get("name"), event(r, v, ""))
	default:
		err = fault.New(fault.Invalid, "nothing to do")
	}
	if err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	see(w, "/me/security?done="+what)
}

// showTOTP is GET /me/security/totp: the secret that waits to be confirmed.
func (s *Security) showTOTP(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	o, err := s.Factors.OfferedTOTP(r.Context(), subject(v), s.binding(w, r, v), r.URL.Query().Get("offer"), v.Principal.Account.LoginName)
	if fault.Is(err, fault.Gone) {
		see(w, "/me/security")
		return
	}
	if err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	s.Web.Show(w, r, http.StatusOK, totpPage(o), as(v))
}

// enrolTOTP is POST /me/security/totp: begin, or confirm with a code.
func (s *Security) enrolTOTP(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, bound, login := r.Context(), s.binding(w, r, v), v.Principal.Account.LoginName
	if r.PostForm.Get("begin") == "yes" {
		o, err := s.Factors.BeginTOTP(ctx, subject(v), bound, login)
		if fault.Is(err, fault.Conflict) {
			see(w, "/me/security")
			return
		}
		if err != nil {
			s.Web.Fail(w, r, err)
			return
		}
		see(w, "/me/security/totp?"+url.Values{"offer": {o.ID}}.Encode())
		return
	}
	id := r.PostForm.Get("offer")
	codes, err := s.Factors.ConfirmTOTP(ctx, subject(v), bound, id, r.PostForm.Get("code"), event(r, v, ""))
	var why *fault.Error
	if errors.As(err, &why) && why.Kind == fault.Invalid {
		o, again := s.Factors.OfferedTOTP(ctx, subject(v), bound, id, login)
		if again != nil {
			s.Web.Fail(w, r, again)
			return
		}
		p := totpPage(o)
		p.Why = templates.Text{Key: why.Msg}
		s.Web.Show(w, r, http.StatusOK, p, as(v))
		return
	}
	s.enrolled(w, r, v, codes, err)
}

func totpPage(o factor.Offer) templates.EnrolTOTP {
	var groups []string
	for text := o.Secret; text != ""; {
		n := min(4, len(text))
		groups, text = append(groups, text[:n]), text[n:]
	}
	return templates.EnrolTOTP{Offer: o.ID, Secret: strings.Join(groups, " "), QR: o.QR}
}

// enrolled shows the recovery codes if there are new ones, this once.
func (s *Security) enrolled(w http.ResponseWriter, r *http.Request, v *principal.Visit, codes []string, err error) {
	switch {
	case fault.Is(err, fault.Gone), fault.Is(err, fault.Conflict):
		see(w, "/me/security") // sent twice, or too late: the list says what is so
	case err != nil:
		s.Web.Fail(w, r, err)
	case len(codes) == 0:
		see(w, "/me/security?done=added")
	default:
		s.Web.Show(w, r, http.StatusOK, templates.RecoveryCodes{Codes: codes}, as(v))
	}
}

// showPasskey is GET /me/security/passkey.
func (s *Security) showPasskey(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	s.askPasskey(w, r, v, templates.EnrolPasskey{})
}

func (s *Security) askPasskey(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.EnrolPasskey) {
	q, err := s.Factors.BeginPasskey(r.Context(), subject(v), s.binding(w, r, v), visitor.LoginName(v.Principal.Account))
	if err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	p.Question, p.Options = q.ID, string(q.Options)
	s.Web.Show(w, r, http.StatusOK, p, as(v))
}

// enrolPasskey is POST /me/security/passkey.
func (s *Security) enrolPasskey(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	f := r.PostForm
	codes, err := s.Factors.FinishPasskey(r.Context(), subject(v), s.binding(w, r, v), f.Get("question"), f.Get("answer"), f.Get("name"), event(r, v, ""))
	var why *fault.Error
	if errors.As(err, &why) && (why.Kind == fault.Invalid || why.Kind == fault.Gone) {
		p := templates.EnrolPasskey{Label: f.Get("name"), Error: templates.Text{Key: why.Msg}}
		if why.Field == "name" {
			p.Error, p.Why = templates.Text{}, templates.Text{Key: why.Msg}
		}
		s.askPasskey(w, r, v, p)
		return
	}
	s.enrolled(w, r, v, codes, err)
}

// makeCodes is POST /me/security/codes.
func (s *Security) makeCodes(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if !v.Factors.Any() {
		see(w, "/me/security")
		return
	}
	codes, err := s.Factors.Regenerate(r.Context(), subject(v), event(r, v, ""))
	s.enrolled(w, r, v, codes, err)
}
