package recovery

import (
	"context"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
)

// Against gives the open appeals about an account that its holder may still
// object to.
func (s *Service) Against(ctx context.Context, who account.ID) ([]Appeal, error) {
	if who == "" {
		return nil, nil
	}
	all, err := s.Appeals(ctx, Filter{Open: true, Account: who})
	if err != nil {
		return nil, err
	}
	var out []Appeal
	for _, a := range all {
		if _, ok := Next(a.State, Object); ok && !a.Objected {
			out = append(out, a)
		}
	}
	return out, nil
}

// Object is the holder's objection, with the reason: approvals that there are
// fall, and the case goes to the reviewers again. fault.NotFound for an appeal
// about somebody else, fault.Conflict for one that the holder objected to before.
func (s *Service) Object(ctx context.Context, who account.ID, id, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	a, err := s.Store.Appeal(ctx, id)
	if err == nil && (who == "" || a.Account != who) {
		err = fault.New(fault.NotFound, MsgNoAppeal)
	}
	if err != nil {
		return err
	}
	return s.object(ctx, a, reason, nil)
}

func (s *Service) object(ctx context.Context, a Appeal, reason string, first func(context.Context) error) error {
	a = a.At(s.Now())
	if a.Objected {
		return conflict()
	}
	if err := s.turn(&a, Object, "", reason); err != nil {
		return err
	}
	now := s.Now()
	a.Objected, a.First, a.Second = true, "", ""
	a.EffectiveAt = time.Time{}
	a.ExpiresAt = a.CreatedAt.Add(s.Times.OrDefault().Undecided)
	if end := now.Add(s.Times.OrDefault().Unused); end.After(a.ExpiresAt) { // a week at least for the reviewers
		a.ExpiresAt = end
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if first != nil {
			if err := first(ctx); err != nil {
				return err
			}
		}
		ev := audit.Event{Kind: audit.AppealContested, Actor: string(a.Account), Object: a.ID}
		if err := s.save(ctx, a, ev); err != nil {
			return err
		}
		return s.tell(ctx, a.Claim.Mobile, noticeContested, "", a.Number)
	})
}

// BeginObject starts the objection of somebody who cannot sign in but reads the
// number on file, which the notice came to: case number, that mobile, captcha. The
// code goes out only if both belong together (S49).
func (s *Service) BeginObject(ctx context.Context, by Asker, number, mobile string, c Solved) (string, error) {
	start := s.Now()
	m, err := account.ParseMobile(mobile)
	if err != nil {
		return "", err
	}
	if err := s.Captchas.Solve(ctx, by.Browser, challenge.Appeal, c.ID, c.Answer); err != nil {
		return "", err
	}
	defer s.level(ctx, start)
	a, err := s.Store.AppealByNumber(ctx, tidy(number))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	sub, err := s.subject(ctx, a.Account)
	if err != nil {
		return "", err
	}
	f := Flow{Way: Contest, Account: a.Account, Appeal: a.ID, Data: Data{Mobile: m.E164(), Matched: sub != nil && has(phones(sub.Account), m.E164())}}
	id, err := s.start(ctx, by, f, s.Times.OrDefault().Flow)
	if err != nil {
		return "", err
	}
	f, err = s.flow(ctx, by, id, Contest)
	if err != nil {
		return "", err
	}
	_, err = s.promise(ctx, by, &f, challenge.Appeal)
	return id, err
}

// FinishObject proves the number and makes the objection.
func (s *Service) FinishObject(ctx context.Context, by Asker, id, code, reason string) error {
	if err := checkReason(strings.TrimSpace(reason)); err != nil {
		return err
	}
	f, err := s.flow(ctx, by, id, Contest)
	if err != nil {
		return err
	}
	if err := s.answered(ctx, &f, challenge.Appeal, code); err != nil {
		return err
	}
	a, err := s.Store.Appeal(ctx, f.Appeal)
	if err != nil {
		return err
	}
	if a.Account != f.Account {
		return over()
	}
	return s.object(ctx, a, reason, func(ctx context.Context) error {
		f := f
		return s.advance(ctx, &f, Done)
	})
}

// ResendObject promises another code to the number of an objection under way.
func (s *Service) ResendObject(ctx context.Context, by Asker, id string) (challenge.Sent, error) {
	f, err := s.flow(ctx, by, id, Contest)
	if err != nil {
		return challenge.Sent{}, err
	}
	return s.promise(ctx, by, &f, challenge.Appeal)
}
