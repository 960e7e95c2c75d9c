package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/provider/session"
)

// Solved is a captcha with the answer that somebody typed.
type Solved struct{ ID, Answer string }

// wayOf is the reset of an account of that kind.
func wayOf(k account.Kind) Way {
	if k == account.LegalEntity {
		return ResetUnit
	}
	return ResetPerson
}

// Find is the first step of a reset: 检索登录名. It gives the id of a flow, for
// names that nobody has as for others, with the same answer at the same time
// (R31).
func (s *Service) Find(ctx context.Context, by Asker, kind account.Kind, login string, c Solved) (string, error) {
	start := s.Now()
	key, err := account.NormaliseLogin(login)
	if err != nil {
		return "", err
	}
	if err := s.Captchas.Solve(ctx, by.Browser, challenge.Forgot, c.ID, c.Answer); err != nil {
		return "", err
	}
	f := Flow{Way: wayOf(kind), Data: Data{LoginName: strings.TrimSpace(login)}}
	sub, err := s.holds(ctx, key)
	if err != nil {
		return "", err
	}
	if sub != nil && sub.Account.Kind == kind {
		f.Account = sub.Account.ID
	}
	id, err := s.start(ctx, by, f, s.Times.OrDefault().Flow)
	s.level(ctx, start)
	return id, err
}

// OnFile is what somebody says is on file: the number, and of a unit its name and
// code.
type OnFile struct{ Mobile, UnitName, USCC string }

// SendCode promises a code to the number if everything is as it is on file, and
// seems to if not (R31). It gives when another one may be asked for.
func (s *Service) SendCode(ctx context.Context, by Asker, id string, on OnFile) (challenge.Sent, error) {
	start := s.Now()
	f, err := s.flow(ctx, by, id, ResetPerson, ResetUnit)
	if err != nil {
		return challenge.Sent{}, err
	}
	mobile, uscc, err := on.parse(f.Way)
	if err != nil {
		return challenge.Sent{}, err
	}
	sub, err := s.subject(ctx, f.Account)
	if err != nil {
		return challenge.Sent{}, err
	}
	f.Data.Mobile, f.Data.UnitName, f.Data.USCC = mobile.E164(), strings.TrimSpace(on.UnitName), string(uscc)
	f.Data.Matched, f.Seen = sub != nil && f.Data.matches(*sub), 0
	if f.Data.Matched {
		f.Seen = sub.Account.Version
	}
	sent, err := s.promise(ctx, by, &f, challenge.Reset)
	s.level(ctx, start)
	return sent, err
}

// promise moves a flow to the step where a code is out and promises it.
func (s *Service) promise(ctx context.Context, by Asker, f *Flow, p challenge.Purpose) (challenge.Sent, error) {
	if f.Sends >= maxSends {
		return challenge.Sent{}, over()
	}
	f.Sends++
	if err := s.advance(ctx, f, Sent); err != nil {
		return challenge.Sent{}, err
	}
	ev := audit.Event{Kind: audit.RecoveryAsked, Object: string(f.Account), Detail: string(f.Way)}
	return s.Codes.Send(ctx, challenge.Ask{
		Purpose: p, Flow: f.Key, Channel: notify.SMS, To: f.Data.Mobile, Address: by.IP, Locale: by.Locale, Silent: !f.Data.Matched,
	}, audit.From(ctx, ev))
}

func (on OnFile) parse(w Way) (account.Mobile, account.USCC, error) {
	mobile, err := account.ParseMobile(on.Mobile)
	if err != nil {
		return "", "", err
	}
	if w != ResetUnit {
		return mobile, "", nil
	}
	if err := checkUnitName(on.UnitName); err != nil {
		return "", "", err
	}
	uscc, err := account.ParseUSCC(on.USCC)
	return mobile, uscc, err
}

func checkUnitName(name string) error {
	_, err := account.ParseUnitName(name)
	return err
}

// matches tells whether what was typed is what is on file.
func (d Data) matches(sub Subject) bool {
	if !sub.Account.Usable() || !has(phones(sub.Account), d.Mobile) {
		return false
	}
	if sub.Account.Kind == account.NaturalPerson {
		return true
	}
	return sub.Unit != nil && string(sub.Unit.USCC) == d.USCC && sameName(sub.Unit.Name, d.UnitName)
}

// subject is the account with that id, nil if there is none.
func (s *Service) subject(ctx context.Context, id account.ID) (*Subject, error) {
	return some(s.Store.Subject(ctx, id)) // also for the empty id: as much work for a name that nobody has
}

// holds is who has a login name, closed accounts too; nil if nobody has.
func (s *Service) holds(ctx context.Context, key string) (*Subject, error) {
	return some(s.Store.SubjectByLogin(ctx, key))
}

// some is what a look-up gave, nil where it found nobody.
func some(sub Subject, err error) (*Subject, error) {
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &sub, nil
}

// Answer is what the last step of a reset or appeal asks for.
type Answer struct {
	Code     string // from the SMS, until it was right once
	Password string
	Digits   string // last six characters of the document, if owed
	Factor   string // of the second factor, if owed
}

// Owed is what an account asks for beside the code.
type Owed struct {
	Digits bool // nobody signed in for long: a number may have another owner by now
	Factor bool // there is a second factor
}

// Any tells whether anything is owed.
func (o Owed) Any() bool { return o.Digits || o.Factor }

// maxTries bounds the answers to what is owed in one flow.
const maxTries = 3

// Reset sets the password. It takes the code if that was not right already, what
// else the account asks for, and a password that is good enough; each is kept
// once it was right. Errors: fault.Invalid with the field code, password, digits
// or factor; fault.Gone when the flow or what it stood on is over; fault.Refused
// where only an appeal helps.
func (s *Service) Reset(ctx context.Context, by Asker, id string, a Answer) error {
	f, err := s.flow(ctx, by, id, ResetPerson, ResetUnit)
	if err != nil {
		return err
	}
	// Nothing that only the owner's data says comes before the code was right.
	if err := s.Credentials.Policy.Check(a.Password, f.Data.LoginName, f.Data.Mobile, f.Data.UnitName, f.Data.USCC); err != nil {
		return err
	}
	ticket, err := s.Credentials.Hasher.AdmitFrom(by.IP)
	if err != nil {
		return err
	}
	defer ticket.Release()
	sub, err := s.prove(ctx, &f, challenge.Reset, a.Code)
	if err != nil {
		return err
	}
	if err := s.Credentials.Policy.Check(a.Password, forbidden(*sub)...); err != nil {
		return err
	}
	if err := s.settle(ctx, &f, *sub, a); err != nil {
		return err
	}
	phc, err := ticket.Hash(ctx, a.Password)
	if err != nil {
		return fmt.Errorf("hash the new password: %w", err)
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		f := f
		if err := s.advance(ctx, &f, Done); err != nil {
			return err
		}
		who := string(sub.Account.ID)
		ev := audit.From(ctx, audit.Event{Kind: audit.PasswordReset, Actor: who, Object: who, Detail: string(f.Way)})
		if err := s.Credentials.Store.ChangePassword(ctx, sub.Account.ID, f.Seen, phc, ev); err != nil {
			if fault.Is(err, fault.Unproven) {
				return over()
			}
			return err
		}
		return s.aftermath(ctx, *sub, HeldByReset)
	})
}

// answered checks the code of a flow unless it was right before. One that was only
// seemingly sent is never right; the flow would be over.
func (s *Service) answered(ctx context.Context, f *Flow, p challenge.Purpose, code string) error {
	if f.Step == Begun { // no code was asked for
		return &fault.Error{Kind: fault.Invalid, Field: "code", Msg: challenge.MsgCode}
	}
	if f.Step == Sent {
		if err := s.Codes.Check(ctx, challenge.Try{Purpose: p, Flow: f.Key, To: f.Data.Mobile, Code: code}); err != nil {
			return err
		}
		if !f.Data.Matched {
			return over()
		}
		if err := s.advance(ctx, f, Proved); err != nil {
			return err
		}
	}
	if f.Step != Proved {
		return over()
	}
	return nil
}

// prove is answered, and gives the account if it is still as it was when the code
// was promised.
func (s *Service) prove(ctx context.Context, f *Flow, p challenge.Purpose, code string) (*Subject, error) {
	if err := s.answered(ctx, f, p, code); err != nil {
		return nil, err
	}
	sub, err := s.subject(ctx, f.Account)
	if err != nil {
		return nil, err
	}
	if sub == nil || !sub.Account.Usable() || sub.Account.Version != f.Seen {
		return nil, over()
	}
	return sub, nil
}

// owes says what the account asks for beside the code: after three months without
// a sign-in the number may have another owner, and a second factor counts where
// there is one: else whoever has the number would need nothing but it, since an SMS
// passes for the second step of a sign-in, too (S57).
func (s *Service) owes(ctx context.Context, sub Subject) (Owed, error) {
	o := Owed{Digits: s.dormant(sub)}
	if s.Factors == nil {
		return o, nil
	}
	enrolled, err := s.Factors.Enrolled(ctx, sub.Account.ID)
	o.Factor = enrolled
	return o, err
}

// dormant tells whether nobody used the account for long.
func (s *Service) dormant(sub Subject) bool {
	last := sub.Account.CreatedAt
	for _, t := range []time.Time{sub.LastSignIn, sub.Account.PasswordChangedAt} {
		if t.After(last) {
			last = t
		}
	}
	return s.Now().Sub(last) >= s.Times.OrDefault().Dormant
}

// settle holds what is owed against what was given. A try is counted before it is
// looked at, so that tries at once are no more than tries one after another.
func (s *Service) settle(ctx context.Context, f *Flow, sub Subject, a Answer) error {
	o, err := s.owes(ctx, sub)
	if err != nil || !o.Any() {
		return err
	}
	number := documentOf(sub.Account)
	if o.Digits && number == "" {
		return fault.New(fault.Refused, MsgNoDigits)
	}
	if o.Digits && a.Digits == "" {
		return &fault.Error{Kind: fault.Invalid, Field: "digits", Msg: MsgDigits}
	}
	if o.Factor && a.Factor == "" {
		return &fault.Error{Kind: fault.Invalid, Field: "factor", Msg: MsgFactor}
	}
	if f.Tries >= maxTries {
		return over()
	}
	f.Tries++
	if err := s.advance(ctx, f, Proved); err != nil {
		return err
	}
	if o.Digits && !endsWith(number, a.Digits) {
		return &fault.Error{Kind: fault.Invalid, Field: "digits", Msg: MsgDigits}
	}
	if o.Factor {
		return s.Factors.Verify(ctx, sub.Account.ID, a.Factor)
	}
	return nil
}

// documentOf is the number that a dormant account asks for: the person's own, of
// a unit its legal representative's.
func documentOf(a account.Account) string {
	n := a.Profile.IDNumber
	if a.Kind == account.LegalEntity {
		if n = ""; a.Profile.LegalRep != nil {
			n = a.Profile.LegalRep.IDNumber
		}
	}
	if len(n) < lastDigits {
		return ""
	}
	return n
}

const lastDigits = 6

func endsWith(number, typed string) bool {
	typed = plainName(typed)
	return len(typed) == lastDigits && strings.HasSuffix(number, typed)
}

// aftermath is what follows another password, or the end of second factors, in its
// transaction: every session and token ends, the guessing counter is cleared,
// sensitive acts of a unit, and after an appeal of everybody, wait, and whoever
// answers for the account is told on the channels that were on file before (R34,
// S57). A password leaves second factors as they are.
func (s *Service) aftermath(ctx context.Context, old Subject, reason string) error {
	a, detail := old.Account, "password_reset"
	if reason == HeldByFactor {
		detail = "factor_lifted"
	}
	ended := audit.From(ctx, audit.Event{Kind: audit.SessionEnded, Actor: string(a.ID), Detail: detail})
	if _, err := s.Sessions.EndSessions(ctx, session.Which{Account: a.ID}, s.Now(), ended); err != nil {
		return err
	}
	if err := s.pardon(ctx, a.LoginName); err != nil {
		return err
	}
	if a.Kind == account.LegalEntity || reason != HeldByReset {
		if err := s.Store.PutHold(ctx, a.ID, reason, s.Now().Add(s.Times.OrDefault().Sensitive)); err != nil {
			return err
		}
	}
	purpose := noticeReset
	switch {
	case reason == HeldByAppeal:
		purpose = noticeRedeemed
	case reason == HeldByFactor:
		purpose = noticeFactorLifted
	case a.Kind == account.LegalEntity:
		purpose = noticeResetUnit
	}
	return s.tellHolder(ctx, old, purpose, maskLogin(a.LoginName), shortDay(s.Now()))
}

// pardon forgets the guesses at the password of a login name.
func (s *Service) pardon(ctx context.Context, login string) error {
	return s.Credentials.Store.Refund(ctx, credential.Keys{Account: s.Credentials.Keys(login, "").Account}, s.Now())
}

// Standing is a flow as its page shows it, to the browser that it belongs to.
type Standing struct {
	Way   Way
	Step  Step
	Typed OnFile // as it was typed before
	Login string
	Claim Claim
	Owed  Owed // after the code was right
}

// Stands gives how far the browser's flow of one of the ways came; fault.Gone if
// there is none.
func (s *Service) Stands(ctx context.Context, by Asker, id string, ways ...Way) (Standing, error) {
	f, err := s.flow(ctx, by, id, ways...)
	if err != nil {
		return Standing{}, err
	}
	st := Standing{Way: f.Way, Step: f.Step, Login: f.Data.LoginName, Typed: OnFile{f.Data.Mobile, f.Data.UnitName, f.Data.USCC}}
	if f.Data.Claim != nil {
		st.Claim = *f.Data.Claim
	}
	if f.Step != Proved || (f.Way != ResetPerson && f.Way != ResetUnit) {
		return st, nil
	}
	sub, err := s.subject(ctx, f.Account)
	if err != nil || sub == nil {
		return st, err
	}
	st.Owed, err = s.owes(ctx, *sub)
	return st, err
}
