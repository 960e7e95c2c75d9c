package interact

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/provider/web"
	"kejitong/templates"
)

// sendFactorCode sends a code to the account's proved mobile. The password was
// right by now, so no captcha is asked for.
func (h *Handler) sendFactorCode(w http.ResponseWriter, r *http.Request, s *step, o *owing) {
	ctx := r.Context()
	_, err := h.Codes.Send(ctx, challenge.Ask{
		Purpose: challenge.StepUp, Flow: o.flow(s), Channel: notify.SMS, To: o.who.Account.Profile.Phone, Address: web.ClientIP(ctx),
		Locale: web.Locale(ctx).String(),
	}, h.event(ctx, s, o, ""))
	if err != nil {
		h.factorFailed(w, r, s, o, bySMS, err)
		return
	}
	q := url.Values{"way": {bySMS}, "sent": {"1"}}
	if o.proof != "" {
		q.Set(proofField, o.proof)
	}
	see(w, s.address("/login/factor", q))
}

func (h *Handler) checkFactorCode(ctx context.Context, s *step, o *owing, code string) error {
	return h.Codes.Check(ctx, challenge.Try{Purpose: challenge.StepUp, Flow: o.flow(s), To: o.who.Account.Profile.Phone, Code: code})
}

// factorFailed shows the page again with what is wrong, and records it where
// something was tried.
func (h *Handler) factorFailed(w http.ResponseWriter, r *http.Request, s *step, o *owing, way string, err error) {
	var why *fault.Error
	if !errors.As(err, &why) {
		h.Web.Fail(w, r, err)
		return
	}
	ctx, status := r.Context(), http.StatusOK
	ev := h.event(ctx, s, o, audit.FactorFailed)
	ev.Result, ev.Detail = "failed", way
	told := templates.Text{Key: why.Msg}
	switch why.Kind {
	case fault.Invalid:
	case fault.Gone:
		ev.Kind = ""
	case fault.Throttled:
		ev.Kind, ev.Result, status = audit.FactorThrottled, "refused", http.StatusTooManyRequests
		if why.Msg == factor.MsgLocked {
			told.Args = []any{int((why.RetryAfter + time.Minute - 1) / time.Minute)}
		}
	default:
		h.Web.Fail(w, r, err)
		return
	}
	if ev.Kind != "" {
		if err := h.Audit.Record(ctx, ev); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
	}
	p, err := h.factorPage(w, r, s, o, way)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	switch {
	case why.Kind != fault.Invalid || why.Field != "code":
		p.Error = told
	case way == bySMS:
		p.Code.To, p.Code.Error = account.MaskMobile(o.who.Account.Profile.Phone), told
	default:
		p.Why = told
	}
	h.Web.Show(w, r, status, p, s.options()...)
}
