package portal

import (
	"context"
	"errors"
	"net/http"

	"kejitong/provider/account"
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

// Recorder writes what happened without another write beside it.
type Recorder interface {
	Record(ctx context.Context, ev audit.Event) error
	InTx(ctx context.Context, fn func(context.Context) error) error
}

// Waker makes the outbox look for work now.
type Waker interface{ Wake() }

func (s *Security) passwordPage(v *principal.Visit) templates.ChangePassword {
	policy := s.Credentials.Policy
	return templates.ChangePassword{Login: visitor.LoginName(v.Principal.Account), Minimum: policy.Minimum(), Classes: !policy.LengthOnly}
}

// showPassword is GET /me/security/password.
func (s *Security) showPassword(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	s.Web.Show(w, r, http.StatusOK, s.passwordPage(v), as(v))
}

// changePassword is POST /me/security/password. The present password is verified
// like at sign-in, by the same counters (S51).
func (s *Security) changePassword(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	p, f := s.passwordPage(v), r.PostForm
	if f.Get("new_password") != f.Get("new_password_again") {
		p.AgainWhy = templates.T("newpassword.unequal")
		s.Web.Show(w, r, http.StatusOK, p, as(v))
		return
	}
	ctx, a := r.Context(), v.Principal.Account
	ip := web.ClientIP(ctx)
	proof, err := s.Credentials.Verify(ctx, a.LoginName, f.Get("password"), a.Kind, ip)
	var wrong *credential.Failure
	if errors.As(err, &wrong) {
		s.presentWrong(w, r, v, wrong)
		return
	}
	if err == nil {
		_, err = s.Credentials.Change(ctx, proof, a, f.Get("new_password"), ip, event(r, v, audit.PasswordChanged), visitor.KnownBy(v.Principal)...)
	}
	var why *fault.Error
	switch {
	case err == nil:
		s.passwordChanged(w, r, v)
	case fault.Is(err, fault.Unproven):
		p.Error = templates.T("changepassword.late")
		s.Web.Show(w, r, http.StatusConflict, p, as(v))
	case fault.Is(err, fault.Invalid) && errors.As(err, &why):
		p.Why = templates.Text{Key: why.Msg}
		if why.Msg == credential.MsgPasswordShort {
			p.Why.Args = []any{p.Minimum}
		}
		s.Web.Show(w, r, http.StatusOK, p, as(v))
	default:
		s.Web.Fail(w, r, err)
	}
}

// presentWrong says the same whatever is wrong (S48); the trail knows more.
func (s *Security) presentWrong(w http.ResponseWriter, r *http.Request, v *principal.Visit, wrong *credential.Failure) {
	ev := event(r, v, audit.SignInFailed)
	ev.Result, ev.Detail = "failed", "change_password "+string(wrong.Reason)
	if wrong.Throttled() {
		ev.Kind, ev.Result = audit.SignInThrottled, "refused"
	}
	if err := s.Audit.Record(r.Context(), ev); err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	p := s.passwordPage(v)
	p.PasswordWhy = templates.T("changepassword.wrong")
	s.Web.Show(w, r, http.StatusOK, p, as(v))
}

// passwordChanged signs the account out everywhere else (S47) and tells its owner.
func (s *Security) passwordChanged(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx := r.Context()
	err := s.Audit.InTx(ctx, func(ctx context.Context) error {
		if err := s.endOthers(ctx, r, v, "password_changed"); err != nil {
			return err
		}
		return s.Herald.Tell(ctx, v.Principal.Account.ID, factor.NoticePassword)
	})
	if err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	s.Outbox.Wake()
	see(w, "/me/security?done=password")
}

// endOthers ends all sessions of the account but this one, and what outlives
// sessions.
func (s *Security) endOthers(ctx context.Context, r *http.Request, v *principal.Visit, why string) error {
	ev := event(r, v, audit.SessionEnded)
	ev.Detail = why
	_, err := s.Sessions.Store.EndSessions(ctx, session.Which{Account: account.ID(ev.Actor), ExceptKey: v.Session.Key}, s.Now(), ev)
	return err
}
