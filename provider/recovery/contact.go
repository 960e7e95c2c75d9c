package recovery

import (
	"context"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// Contact is the contact of a unit as anybody may see it who knows the unit's
// code and name (R32).
type Contact struct {
	UnitName string
	Name     string // 王*
	Mobile   string // 138****0000
	Told     bool   // a notice was promised
}

// AskContact looks for the legal account of a unit whose code and name both match
// and gives the id of a flow under which Contact shows its contact. fault.NotFound
// for everything else alike.
func (s *Service) AskContact(ctx context.Context, by Asker, uscc, name string, c Solved) (string, error) {
	start := s.Now()
	code, err := account.ParseUSCC(uscc)
	if err != nil {
		return "", err
	}
	if err := checkUnitName(name); err != nil {
		return "", err
	}
	if err := s.Captchas.Solve(ctx, by.Browser, challenge.Contact, c.ID, c.Answer); err != nil {
		return "", err
	}
	defer s.level(ctx, start)
	sub, err := s.Store.SubjectByUSCC(ctx, code)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	if err != nil || !sub.Account.Usable() || sub.Unit == nil || !sameName(sub.Unit.Name, name) {
		return "", fault.New(fault.NotFound, MsgNoContact)
	}
	id, err := s.start(ctx, by, Flow{Way: AskContact, Account: sub.Account.ID, Data: Data{UnitName: strings.TrimSpace(name), USCC: string(code)}}, s.Times.OrDefault().Flow)
	if err != nil {
		return "", err
	}
	ev := audit.Event{Kind: audit.ContactShown, Object: string(sub.Account.ID)}
	return id, s.Store.Record(ctx, audit.From(ctx, ev))
}

// Contact shows the masked contact of the browser's flow.
func (s *Service) Contact(ctx context.Context, by Asker, id string) (Contact, error) {
	f, sub, err := s.contact(ctx, by, id)
	if err != nil {
		return Contact{}, err
	}
	name, mobile := reach(sub.Account)
	return Contact{
		UnitName: sub.Unit.Name, Name: account.MaskName(name), Mobile: account.MaskMobile(mobile), Told: f.Step == Done,
	}, nil
}

// TellContact promises the contact a notice that somebody asks for the account,
// once a flow and once a day for the account, however many ask.
func (s *Service) TellContact(ctx context.Context, by Asker, id string) error {
	f, sub, err := s.contact(ctx, by, id)
	if err != nil {
		return err
	}
	if f.Step == Done {
		return nil
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		f := f
		if err := s.advance(ctx, &f, Done); err != nil {
			return err
		}
		_, mobile := reach(sub.Account)
		if mobile != "" {
			day := s.Now().In(beijing).Format("2006-01-02")
			err := s.Notices.Queue(ctx, notify.Message{
				ID: s.mac("contact notice", string(sub.Account.ID)+"|"+day), Channel: notify.SMS, To: mobile, Purpose: noticeContact,
				Args: []string{sub.Unit.Name}, Locale: sub.Account.Locale,
			})
			if err != nil {
				return err
			}
		}
		return s.Store.Record(ctx, audit.From(ctx, audit.Event{Kind: audit.ContactTold, Object: string(sub.Account.ID)}))
	})
}

func (s *Service) contact(ctx context.Context, by Asker, id string) (Flow, *Subject, error) {
	f, err := s.flow(ctx, by, id, AskContact)
	if err != nil {
		return Flow{}, nil, err
	}
	sub, err := s.subject(ctx, f.Account)
	if err != nil {
		return Flow{}, nil, err
	}
	if sub == nil || sub.Unit == nil || !sub.Account.Usable() {
		return Flow{}, nil, over()
	}
	return f, sub, nil
}

// reach is the contact's name and number, the account's own number if it has no
// contact.
func reach(a account.Account) (name, mobile string) {
	if c := a.Profile.Contact; c != nil {
		name = c.Name
		if c.PhoneVerified {
			mobile = c.Phone
		}
	}
	if mobile == "" && a.Profile.PhoneVerified {
		mobile = a.Profile.Phone
	}
	return name, mobile
}
