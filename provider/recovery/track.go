package recovery

import (
	"context"
	"crypto/hmac"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
)

// Open opens an appeal's progress page to the browser that has number and secret,
// and gives the id of a flow. fault.NotFound for everything else alike (S58).
func (s *Service) Open(ctx context.Context, by Asker, number, secret string) (string, error) {
	number, secret = tidy(number), s.mac("secret", tidySecret(secret))
	a, err := s.Store.AppealByNumber(ctx, number)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	if !hmac.Equal([]byte(a.Secret), []byte(secret)) || err != nil {
		return "", fault.New(fault.NotFound, MsgNoAppeal)
	}
	f := Flow{Way: Track, Account: a.Account, Appeal: a.ID, Data: Data{Mobile: a.Claim.Mobile, Matched: true}}
	return s.start(ctx, by, f, s.Times.OrDefault().Flow)
}

func tidy(s string) string { return plainName(s) }

// tidySecret forgives blanks, case and missing hyphens.
func tidySecret(s string) string {
	t := strings.ReplaceAll(plainName(s), "-", "")
	if len(t) != 32 {
		return t
	}
	return t[:8] + "-" + t[8:16] + "-" + t[16:24] + "-" + t[24:]
}

// Tracked is an appeal's progress as its page shows it.
type Tracked struct {
	Appeal Appeal
	Ready  bool // a password may be set now
	Step   Step // how far that came
}

// Tracked gives the progress of the appeal that the browser opened.
func (s *Service) Tracked(ctx context.Context, by Asker, id string) (Tracked, error) {
	f, a, err := s.tracked(ctx, by, id)
	if err != nil {
		return Tracked{}, err
	}
	return Tracked{Appeal: a, Ready: a.Ready(s.Now()), Step: f.Step}, nil
}

func (s *Service) tracked(ctx context.Context, by Asker, id string) (Flow, Appeal, error) {
	f, err := s.flow(ctx, by, id, Track)
	if err != nil {
		return Flow{}, Appeal{}, err
	}
	a, err := s.Store.Appeal(ctx, f.Appeal)
	if err != nil {
		return Flow{}, Appeal{}, err
	}
	return f, a.At(s.Now()), nil
}

// Withdraw ends the browser's appeal.
func (s *Service) Withdraw(ctx context.Context, by Asker, id string) error {
	_, a, err := s.tracked(ctx, by, id)
	if err != nil {
		return err
	}
	if err := s.turn(&a, Withdraw, "", ""); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		return s.save(ctx, a, audit.Event{Kind: audit.AppealWithdrawn, Object: a.ID})
	})
}

// SendRedeemCode promises a code to the new number of an appeal whose approval
// has taken effect.
func (s *Service) SendRedeemCode(ctx context.Context, by Asker, id string) (challenge.Sent, error) {
	f, a, err := s.tracked(ctx, by, id)
	if err != nil {
		return challenge.Sent{}, err
	}
	if !a.Ready(s.Now()) {
		return challenge.Sent{}, fault.New(fault.Refused, MsgNotYet)
	}
	if a.Kind.Aim() != ForPassword {
		return s.promise(ctx, by, &f, challenge.Appeal)
	}
	sub, err := s.subject(ctx, a.Account)
	if err != nil {
		return challenge.Sent{}, err
	}
	if sub == nil || !sub.Account.Usable() {
		return challenge.Sent{}, over()
	}
	f.Account, f.Seen = sub.Account.ID, sub.Account.Version
	return s.promise(ctx, by, &f, challenge.Reset)
}

// RedeemAppeal sets the password of an approved appeal: the new number becomes
// the account's own, and everything that was open is over. It takes the code if
// that was not right already. Errors as for Reset.
func (s *Service) RedeemAppeal(ctx context.Context, by Asker, id string, given Answer) error {
	f, a, err := s.tracked(ctx, by, id)
	if err != nil {
		return err
	}
	if a.Kind.Aim() != ForPassword {
		return over()
	}
	if !a.Ready(s.Now()) {
		return fault.New(fault.Refused, MsgNotYet)
	}
	if err := s.Credentials.Policy.Check(given.Password, a.Claim.LoginName, a.Claim.Name, a.Claim.IDNumber, a.Claim.Mobile, string(a.Claim.USCC)); err != nil {
		return err
	}
	ticket, err := s.Credentials.Hasher.AdmitFrom(by.IP)
	if err != nil {
		return err
	}
	defer ticket.Release()
	sub, err := s.prove(ctx, &f, challenge.Reset, given.Code)
	if err != nil {
		return err
	}
	if sub.Account.ID != a.Account { // the desk named another account meanwhile
		return over()
	}
	if err := s.Credentials.Policy.Check(given.Password, forbidden(*sub)...); err != nil {
		return err
	}
	phc, err := ticket.Hash(ctx, given.Password)
	if err != nil {
		return fmt.Errorf("hash the new password: %w", err)
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		f, a := f, a
		if err := s.advance(ctx, &f, Done); err != nil {
			return err
		}
		if err := s.turn(&a, Redeem, "", ""); err != nil {
			return err
		}
		ev := audit.Event{Kind: audit.AppealRedeemed, Actor: string(a.Account), Object: a.ID}
		if err := s.save(ctx, a, ev); err != nil {
			return err
		}
		ev = audit.Event{Kind: audit.PasswordReset, Actor: string(a.Account), Object: string(a.Account), Detail: string(f.Way)}
		err := s.Store.PutAccount(ctx, reached(sub.Account, a, s.Now()), phc, audit.From(ctx, ev))
		if fault.Is(err, fault.Conflict) {
			return over()
		}
		if err != nil {
			return err
		}
		if err := s.tell(ctx, a.Claim.Mobile, noticeRedeemed, by.Locale, maskLogin(sub.Account.LoginName), shortDay(s.Now())); err != nil {
			return err
		}
		return s.aftermath(ctx, *sub, HeldByAppeal)
	})
}

// reached is the account with the appeal's number as its own; of a unit, whoever
// appealed is its contact from now on.
func reached(acc account.Account, a Appeal, now time.Time) account.Account {
	p := acc.Profile
	if a.Kind == Person || p.Phone != "" { // a number that stayed would open the account again
		p.Phone, p.PhoneVerified = a.Claim.Mobile, true
	}
	if a.Kind == Unit {
		p.Contact = &account.Person{Name: a.Claim.Name, Phone: a.Claim.Mobile, PhoneVerified: true}
	}
	acc.Profile, acc.UpdatedAt, acc.PasswordChangedAt = p, now, now
	return acc
}
