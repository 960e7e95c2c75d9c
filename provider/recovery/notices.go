package recovery

import (
	"context"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/notify"
)

// The purposes of the notices; "notify.<purpose>" is the text.
const (
	noticeReset         = "password_reset"
	noticeResetUnit     = "password_reset_unit"
	noticeContact       = "contact_asked"
	noticeFiled         = "appeal_filed" // to the one who appeals
	noticeFiledHolder   = "appeal_filed_holder"
	noticeApproved      = "appeal_approved"
	noticeApprovedOwner = "appeal_approved_holder"
	noticeRejected      = "appeal_rejected"
	noticeContested     = "appeal_contested"
	noticeRedeemed      = "appeal_redeemed"

	// Of appeals for login names.
	noticeNameGiven = "name_given" // to whom it belongs now
	noticeNameTaken = "name_taken" // to whom it belonged

	noticeFactorLifted = "factor_lifted" // second factors were removed by an appeal
)

// notice is what is told of an appeal of that kind: name_filed_holder, for example,
// instead of appeal_filed_holder where it is for a login name.
func (k Kind) notice(purpose string) string {
	aim := k.Aim()
	switch purpose {
	case noticeFiledHolder, noticeApproved, noticeApprovedOwner:
		if aim != ForPassword {
			return string(aim) + strings.TrimPrefix(purpose, "appeal")
		}
	}
	return purpose
}

// tell promises one notice to a mobile number.
func (s *Service) tell(ctx context.Context, to, purpose, locale string, args ...string) error {
	if to == "" {
		return nil
	}
	return s.Notices.Queue(ctx, notify.Message{Channel: notify.SMS, To: to, Purpose: purpose, Args: args, Locale: locale})
}

// tellHolder tells everybody who answers for an account, on the channels on file:
// its numbers and its address, and of a unit every administrator (R34).
func (s *Service) tellHolder(ctx context.Context, sub Subject, purpose string, args ...string) error {
	return s.tellBut(ctx, "", sub, purpose, args...)
}

// tellBut is tellHolder that leaves one number out.
func (s *Service) tellBut(ctx context.Context, but string, sub Subject, purpose string, args ...string) error {
	told := map[string]bool{but: true}
	each := func(a account.Account) error {
		for _, l := range a.Lookups() {
			m := notify.Message{To: l.Value, Purpose: purpose, Args: args, Locale: a.Locale}
			switch l.By {
			case account.ByPhone:
				m.Channel = notify.SMS
			case account.ByEmail:
				m.Channel = notify.Email
			default:
				continue
			}
			if told[l.Value] {
				continue
			}
			told[l.Value] = true
			if err := s.Notices.Queue(ctx, m); err != nil {
				return err
			}
		}
		return nil
	}
	if err := each(sub.Account); err != nil || sub.Unit == nil {
		return err
	}
	all, err := s.Store.Administrators(ctx, sub.Unit.ID, s.Now())
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := each(a); err != nil {
			return err
		}
	}
	return nil
}

// shortDay is how a notice writes a moment.
func shortDay(t time.Time) string { return t.In(beijing).Format("2006-01-02 15:04") }

// maskLogin shows a login name in a notice: a number is masked.
func maskLogin(name string) string {
	if _, err := account.ParseMobile(name); err == nil {
		return account.MaskMobile(name)
	}
	r := []rune(strings.TrimSpace(name))
	if len(r) < 4 {
		return strings.Repeat("*", len(r))
	}
	return string(r[:2]) + strings.Repeat("*", min(len(r)-4, 6)) + string(r[len(r)-2:])
}

// approved sets when an approval takes effect and tells both sides.
func (s *Service) approved(ctx context.Context, a *Appeal, now time.Time) error {
	sub, err := s.known(ctx, a.Account)
	if err != nil {
		return err
	}
	times := s.Times.OrDefault()
	a.EffectiveAt = now
	switch {
	case sub == nil: // a login name that nobody has
	case a.Kind.Reclaims():
		a.EffectiveAt = now.Add(times.Claim)
	case a.Kind.Aim() == ForFactor, !has(phones(sub.Account), a.Claim.Mobile): // lost factors, or another mobile (S57)
		a.EffectiveAt = now.Add(times.Hold)
	}
	a.ExpiresAt = a.EffectiveAt.Add(times.Unused)
	if err := s.tell(ctx, a.Claim.Mobile, a.Kind.notice(noticeApproved), "", a.Number, shortDay(a.EffectiveAt), shortDay(a.ExpiresAt)); err != nil || sub == nil {
		return err
	}
	return s.tellHolder(ctx, *sub, a.Kind.notice(noticeApprovedOwner), maskLogin(sub.Account.LoginName), a.Number, shortDay(a.EffectiveAt))
}

// rejected tells the one who filed it; the reason stands on the progress page.
func (s *Service) rejected(ctx context.Context, a Appeal) error {
	return s.tell(ctx, a.Claim.Mobile, noticeRejected, "", a.Number)
}

func has(all []string, one string) bool {
	for _, x := range all {
		if x == one {
			return true
		}
	}
	return false
}
