package interact

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/parting"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/templates"
)

// showSignIn is GET /login.
func (h *Handler) showSignIn(w http.ResponseWriter, r *http.Request, s *step) {
	q := r.URL.Query()
	other, again := q.Get("other") == "1", q.Get("again") == "1"
	if s.id == "" && s.visit != nil && !other && !again {
		see(w, s.returns())
		return
	}
	k := h.window(r, s)
	renews := again && !other && s.id == "" && s.visit != nil
	if renews && !q.Has("window") {
		k = s.visit.Principal.Account.Kind
	}
	p := h.signInPage(r, s, k)
	p.Notice = s.notice(r, k)
	if !other {
		p.Username = shown(s.form.Get("login_hint"))
	}
	if just := shown(h.Web.Suggested(r)); just != "" { // registered or found again a moment ago
		p.Username = just
	}
	if a := s.visit; renews && a.Principal.Account.Kind == k { // who is signed in already shows the password again
		p.Username = shown(a.Principal.Account.LoginName)
	}
	if p.Username == "" { // our own pages lead here with the name filled in
		p.Username = shown(q.Get("username"))
	}
	// Whose browser it is will be seen when a name comes along.
	if _, known := h.Web.Cookie(r, deviceCookie); !known && h.Credentials.Watch.Wary(web.ClientIP(r.Context())) {
		p.Captcha = h.draw(w, r, challenge.SignIn)
	}
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// signIn is POST /login.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request, s *step) {
	switch {
	case cancelled(r):
		h.decline(w, r, s, gaveUp)
		return
	case r.PostForm.Has(proofField):
		h.redeem(w, r, s)
		return
	}
	ctx, k := r.Context(), kindPosted(r)
	device, _ := h.Web.Cookie(r, deviceCookie)
	proof, err := h.Credentials.Judge(ctx, credential.Guess{
		Username: r.PostForm.Get("username"), Password: r.PostForm.Get("password"), Kind: k, IP: web.ClientIP(ctx), Device: device,
		Captcha: func(ctx context.Context) error { return h.solved(ctx, w, r, challenge.SignIn) },
	})
	var failure *credential.Failure
	var unasked *credential.Unasked
	var wrong *credential.WrongWindow
	switch {
	case err == nil:
		h.open(w, r, s, opening{proof: proof, shared: sharedComputer(r), late: func() {
			h.signInFailed(w, r, s, &credential.Failure{Reason: credential.Changed, AccountID: proof.AccountID})
		}})
	case errors.As(err, &wrong):
		h.offerWindow(w, r, s, wrong)
	case errors.As(err, &unasked):
		h.signInUnasked(w, r, s, unasked)
	case errors.As(err, &failure):
		h.signInFailed(w, r, s, failure)
	case fault.Is(err, fault.Unavailable):
		h.busy(w, r, s, err)
	default:
		h.Web.Fail(w, r, err)
	}
}

func sharedComputer(r *http.Request) bool { return r.PostForm.Get("shared_computer") == "yes" }

// typed is the page as it was sent, without the password.
func (h *Handler) typed(r *http.Request, s *step) templates.SignIn {
	k := kindPosted(r)
	p := h.signInPage(r, s, k)
	p.Username = shown(r.PostForm.Get("username"))
	p.SharedComputer = sharedComputer(r)
	return p
}

// signInFailed answers every wrong, locked, frozen or unknown login with the
// same bytes (S48); only the audit trail learns which it was.
func (h *Handler) signInFailed(w http.ResponseWriter, r *http.Request, s *step, f *credential.Failure) {
	ctx := r.Context()
	ev := audit.Event{
		Kind: audit.SignInFailed, Actor: string(f.AccountID), Object: string(f.AccountID), Client: s.pd.Client,
		Result: "failed", Detail: string(f.Reason),
	}
	if f.Throttled() {
		ev.Kind, ev.Result = audit.SignInThrottled, "refused"
	}
	if f.Cause != nil {
		h.Log.LogAttrs(ctx, slog.LevelError, "stored password cannot be used",
			slog.String("request_id", web.RequestID(ctx)), slog.String("account", string(f.AccountID)), slog.String("error", f.Cause.Error()))
	}
	if err := h.Audit.Record(ctx, audit.From(ctx, ev)); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := h.typed(r, s)
	p.Error = templates.T("signin.error.bad_credentials")
	if f.Reason == credential.AccountExhausted { // of any name, known or not
		p.Error = templates.T("signin.error.use_code")
	}
	if f.Standing.OwesNext(h.Credentials.Limits) || h.Credentials.Watch.Wary(web.ClientIP(ctx)) {
		p.Captcha = h.draw(w, r, challenge.SignIn)
	}
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// signInUnasked asks for the captcha that was owed and not solved. Nothing was
// judged, and nothing is counted (S53).
func (h *Handler) signInUnasked(w http.ResponseWriter, r *http.Request, s *step, u *credential.Unasked) {
	ctx := r.Context()
	ev := audit.Event{Kind: audit.SignInThrottled, Client: s.pd.Client, Result: "refused", Detail: string(credential.CaptchaOwed)}
	if err := h.Audit.Record(ctx, audit.From(ctx, ev)); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := h.typed(r, s)
	p.Captcha = h.draw(w, r, challenge.SignIn)
	p.Captcha.Error = why(u)
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// busyWait is told where a refusal for lack of room names no wait.
const busyWait = 5 * time.Second

// busy says that nothing was judged and when to try again.
func (h *Handler) busy(w http.ResponseWriter, r *http.Request, s *step, err error) {
	ctx, wait := r.Context(), busyWait
	var f *fault.Error
	if errors.As(err, &f) && f.RetryAfter > 0 {
		wait = f.RetryAfter
	}
	h.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in turned away",
		slog.String("request_id", web.RequestID(ctx)), slog.String("error", err.Error()))
	w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	p := h.typed(r, s)
	p.Error = templates.T("signin.error.busy")
	h.Web.Show(w, r, http.StatusServiceUnavailable, p, s.options()...)
}

// opening is what a sign-in that succeeded knows.
type opening struct {
	proof  credential.Proof
	shared bool
	how    string    // a remark for the audit trail
	strong time.Time // when a second factor that the account enrolled was shown
	late   func()    // answers when the account changed since the proof was made
}

// open goes on after a sign-in that succeeded: to the session, or first to the
// second factor, or to a password of one's own.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, s *step, o opening) {
	switch {
	case o.proof.Factor:
		h.askFactor(w, r, s, o)
		return
	case o.proof.MustChange:
		h.askNewPassword(w, r, s, o)
		return
	}
	h.begin(w, r, s, o)
}

// begin starts the session and records it in the interaction. The cookie is
// always a new one: whatever id the browser brought is dead afterwards (S35).
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, s *step, o opening) {
	ctx := r.Context()
	old, _ := h.Web.Cookie(r, web.SessionCookie)
	id := string(o.proof.AccountID)
	sn, cookie, err := h.Sessions.Open(ctx, session.Opening{
		Account: o.proof.AccountID, Version: o.proof.Version, AMR: o.proof.AMR, ACR: session.ClassOf(o.proof.AMR), FactorAt: o.strong, Shared: o.shared, Strange: !o.proof.Known,
		IP: web.ClientIP(ctx), UserAgent: strings.ToValidUTF8(r.UserAgent(), ""), Replaced: old,
	}, audit.From(ctx, audit.Event{Kind: audit.SignInSucceeded, Actor: id, Object: id, Client: s.pd.Client, Detail: o.how}))
	if fault.Is(err, fault.Unproven) {
		o.late()
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if old != "" {
		h.Outbox.Wake() // the session taken over may have been somebody else's
	}
	now := h.Now()
	life := sn.ExpiresAt.Sub(now)
	if o.shared {
		life = 0 // until the browser closes
	}
	h.Web.StartSession(w, cookie, life)
	if s.former != "" && s.former != o.proof.AccountID {
		// The browser has changed hands: what its former user parked or learnt of
		// its id is worth nothing any more, but for this very interaction.
		s.pd.Browser = authflow.Key(h.Web.NewBrowser(w, r))
	}
	h.rememberWindow(w, o.proof.Kind, o.shared)
	if h.Web.Suggested(r) != "" {
		h.Web.Suggest(w, "")
	}
	if !o.shared && o.proof.Device != "" {
		h.Web.SetCookie(w, deviceCookie, o.proof.Device, credential.DeviceLife)
	}
	s.pd.SignedInAt, s.pd.Session, s.pd.Selected, s.pd.Unit, s.pd.Consented = now, sn.ID, true, "", false
	if s.id != "" && !h.advanced(w, r, s) {
		return
	}
	target := s.returns()
	if sn.Replaced != nil { // the browser tells the systems that were opened before
		target = h.parting(w, r, *sn.Replaced, parting.Onward{Switched: true, Interaction: s.id, Locales: s.form.Get("ui_locales")}, target)
	}
	see(w, target)
}
