package realname

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
)

// Tries is how often a verifier is asked before documents decide.
const Tries = 10

// Check asks the verifier about a case as it was entered in the given version, and
// settles it. tried is how often that failed before. A case that moved on is left
// alone. An error means: try again later.
func (s *Service) Check(ctx context.Context, id string, version int64, tried int) error {
	c, err := s.Store.CaseByID(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || c.State != Pending || c.Version != version {
		return err
	}
	ev := audit.Event{Actor: "verifier", Object: c.ID}
	if Manual(c.Entry, s.Verifier) { // the configuration changed meanwhile
		return moved(s.deferred(ctx, c, ManualOnly, ev))
	}
	v, err := s.Verifier.Check(ctx, c)
	if err != nil {
		if tried+1 < Tries {
			return err
		}
		return moved(s.deferred(ctx, c, NoAnswer, ev))
	}
	c.CheckID, c.Checker, c.Method = v.CheckID, v.Checker, account.MethodAuto
	if v.Manual {
		return moved(s.deferred(ctx, c, ManualOnly, ev))
	}
	if !v.Passed {
		return moved(s.failed(ctx, c, v.Reasons, ev))
	}
	err = s.passed(ctx, c, Pass, ev)
	if reason, lost := lostTo(err); lost {
		return moved(s.failed(ctx, c, []Reason{reason}, ev))
	}
	if fault.Is(err, fault.Refused) || fault.Is(err, fault.Invalid) { // frozen meanwhile, say: a person has to look
		return moved(s.deferred(ctx, c, NoAnswer, ev))
	}
	return moved(err)
}

// moved forgives that somebody else settled the case meanwhile.
func moved(err error) error {
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// lostTo tells whether a verification failed because somebody else has what it was
// for.
func lostTo(err error) (Reason, bool) {
	var e *fault.Error
	if !fault.Is(err, fault.Conflict) || !errors.As(err, &e) {
		return Reason{}, false
	}
	switch e.Field {
	case FieldIDNumber:
		return Reason{FieldIDNumber, ProvedTwice}, true
	case FieldUnitName:
		return Reason{FieldUnitName, NameTaken}, true
	case FieldUSCC:
		return Reason{FieldUSCC, NameTaken}, true
	}
	return Reason{}, false
}

// failed is the verifier's no.
func (s *Service) failed(ctx context.Context, c Case, why []Reason, ev audit.Event) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		c := c
		c.State, _ = Next(Pending, Fail)
		c.Reasons, c.DecidedAt = why, s.Now()
		if err := s.warnOwner(ctx, c, why); err != nil {
			return err
		}
		ev := ev
		ev.Kind, ev.Result, ev.Detail = audit.RealNameFailed, "failed", details(why)
		return s.step(ctx, &c, Pending, ev)
	})
}

// warnOwner tells the one on whose account a document is verified that somebody
// else entered it; nobody is told whose it is (R9).
func (s *Service) warnOwner(ctx context.Context, c Case, why []Reason) error {
	if len(why) != 1 || why[0].Code != ProvedTwice || c.Entry.Person == nil {
		return nil
	}
	owner, err := s.Store.ProvedBy(ctx, c.Entry.Person.IDType, c.Entry.Person.IDNumber)
	if fault.Is(err, fault.NotFound) || err == nil && owner == c.Account {
		return nil
	}
	if err != nil {
		return err
	}
	h, err := s.Store.Holder(ctx, owner)
	if err != nil {
		return err
	}
	return s.tell(ctx, h.Account, c, "realname_document_used")
}

// deferred hands the case over to documents.
func (s *Service) deferred(ctx context.Context, c Case, why string, ev audit.Event) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		c := c
		c.State, _ = Next(Pending, Defer)
		c.Reasons, c.DecidedAt = []Reason{{Code: why}}, s.Now()
		ev := ev
		ev.Kind, ev.Detail = audit.RealNameDeferred, why
		return s.step(ctx, &c, Pending, ev)
	})
}

// step writes the case and shows its state on the account.
func (s *Service) step(ctx context.Context, c *Case, was State, ev audit.Event) error {
	if err := s.write(ctx, c, was, ev); err != nil {
		return err
	}
	h, err := s.Store.Holder(ctx, c.Account)
	if err != nil {
		return err
	}
	return s.reflect(ctx, h, *c, ev)
}

// passed is the yes, of verifier or reviewer: case, account and unit are verified
// in one transaction, and what follows from it happens in that.
func (s *Service) passed(ctx context.Context, c Case, by Event, ev audit.Event) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		c, was, now := c, c.State, s.Now()
		c.State, _ = Next(was, by)
		c.Reasons, c.DecidedAt = nil, now
		before, err := s.Store.Holder(ctx, c.Account)
		if err != nil {
			return err
		}
		if err := admits(before, c.Entry); err != nil {
			return err
		}
		if err := s.unheld(ctx, before, c.Entry); err != nil {
			return err
		}
		if err := s.yields(ctx, before, c); err != nil {
			return err
		}
		ev := ev
		ev.Kind, ev.Detail = audit.RealNameVerified, c.Method
		if err := s.write(ctx, &c, was, ev); err != nil {
			return err
		}
		if err := s.closeFolder(ctx, c.Folder); err != nil {
			return err
		}
		after, err := s.verify(ctx, before, c, ev)
		if err != nil {
			return err
		}
		for _, follow := range s.After {
			if err := follow(ctx, Change{before, after}); err != nil {
				return err
			}
		}
		if by == Approve {
			return s.tell(ctx, after.Account, c, "realname_verified", c.Number)
		}
		return nil
	})
}

// verify writes what was verified to account and unit.
func (s *Service) verify(ctx context.Context, before Holder, c Case, ev audit.Event) (Holder, error) {
	now := s.Now()
	a := before.Account
	rn := account.RealName{
		Status: account.StatusVerified, Level: "L2", Method: c.Method, VerifiedAt: now, ProcessID: c.Number, CheckID: c.CheckID, CheckOrganization: c.Checker,
	}
	after := Holder{}
	if p := c.Entry.Person; p != nil {
		if same := a.Profile.IDType == p.IDType && a.Profile.IDNumber == p.IDNumber; same && a.RealName.Verified() && a.RealName.AtLeast("L3") {
			rn.Level = a.RealName.Level // whom somebody saw in person stays that person under a corrected name
		}
		a.Profile.Name, a.Profile.IDType, a.Profile.IDNumber, a.Profile.Nationality = p.Name, p.IDType, p.IDNumber, p.Nationality
	} else {
		u, err := s.verifyUnit(ctx, before, c, rn, ev)
		if err != nil {
			return Holder{}, err
		}
		after.Unit, a.UnitID = &u, u.ID
		l := c.Entry.Unit.LegalRep
		a.Profile.Name = c.Entry.Unit.Name
		a.Profile.LegalRep = &account.Person{Name: l.Name, IDType: l.IDType, IDNumber: l.IDNumber}
	}
	a.RealName, a.UpdatedAt = rn, now
	ev.Kind, ev.Object, ev.Detail = audit.AccountChanged, string(a.ID), "realname verified"
	if err := s.Store.PutAccount(ctx, a, "", ev); err != nil {
		return Holder{}, err
	}
	a.Version++
	after.Account = a
	return after, nil
}

func (s *Service) verifyUnit(ctx context.Context, before Holder, c Case, rn account.RealName, ev audit.Event) (account.Unit, error) {
	e := c.Entry.Unit
	var u account.Unit
	if before.Unit != nil {
		u = *before.Unit
	} else {
		found, err := s.Store.UnitByUSCC(ctx, account.USCC(e.USCC))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return u, err
		}
		if u = found; err != nil {
			code := account.USCC(e.USCC)
			u = account.Unit{ID: string(account.NewID()), USCC: code, Region: code.Region(), RegistrationAuthority: e.USCC[:1],
				Status: account.UnitRegistered, State: account.Active}
		}
	}
	u.Name, u.Type, u.AccountID, u.RealName, u.VerifiedAt = e.Name, e.Type, c.Account, rn, rn.VerifiedAt
	ev.Kind, ev.Object, ev.Detail = audit.UnitChanged, u.ID, "realname verified"
	return u, s.Store.PutUnit(ctx, u, ev)
}

func (s *Service) closeFolder(ctx context.Context, folder string) error {
	if s.Papers == nil {
		return nil
	}
	return s.Papers.Close(ctx, folder)
}

// details is what the trail keeps of reasons: fields and codes.
func details(why []Reason) string {
	words := make([]string, len(why))
	for i, r := range why {
		words[i] = strings.TrimPrefix(r.Field+":"+r.Code, ":")
	}
	return strings.Join(words, " ")
}

// noTime is that of what has not happened.
var noTime time.Time

// Task is the payload of an outbox.RealNameCheck task.
type Task struct {
	Case    string `json:"case"`
	Version int64  `json:"version"`
}

// Deliver is the outbox handler of outbox.RealNameCheck tasks.
func (s *Service) Deliver(ctx context.Context, t outbox.Task) error {
	var task Task
	if err := json.Unmarshal([]byte(t.Payload), &task); err != nil {
		return fmt.Errorf("realname: task %s: %w", t.ID, err)
	}
	return s.Check(ctx, task.Case, task.Version, t.Attempts)
}
