package mandate

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// Wish is an invitation as it was typed.
type Wish struct {
	Unit     string
	Who      string // login name, mobile or ID number
	Name     string
	Relation entitlement.Relation
	Scope    []entitlement.Scope
	Months   int
	Note     string
}

// Rule is what somebody may do about a unit's handlers.
type Rule struct {
	Unit     account.Unit
	Relation entitlement.Relation
	Holds    []entitlement.Scope // the most that can be given
	own      []entitlement.Grant // by which the unit holds it
}

// Rules gives how id rules over the unit's handlers; fault.Refused if not at all.
func (s *Service) Rules(ctx context.Context, id account.ID, unit string) (Rule, error) {
	now := s.Now()
	who, err := s.Store.Standing(ctx, id)
	if err != nil {
		return Rule{}, err
	}
	r, stands := who.standsTo(unit, now)
	if !stands || !MayName(r, entitlement.Handler) {
		return Rule{}, &fault.Error{Kind: fault.Refused, Msg: MsgMay}
	}
	rule := Rule{Relation: r}
	own := who
	if who.Unit != nil {
		rule.Unit = *who.Unit
	} else {
		for _, m := range who.Mandates {
			if m.Unit.ID == unit {
				rule.Unit = m.Unit
			}
		}
		if rule.Unit.AccountID == "" { // nobody holds anything for it
			return rule, nil
		}
		if own, err = s.Store.Standing(ctx, rule.Unit.AccountID); err != nil {
			return Rule{}, err
		}
	}
	if _, stands := own.standsTo(unit, now); stands {
		rule.Holds, rule.own = Holds(own, unit, now), own.Grants
	}
	return rule, nil
}

// Faults are what is wrong with a wish, one fault.Invalid a field.
type Faults []*fault.Error

func (f Faults) Error() string { return "the invitation is not well-formed" }

// Invite offers a person what the wish names. The answer, and what it costs, is the
// same whether somebody was found or not. Faults for a wish that is not
// well-formed, fault.Refused for somebody who may not, fault.Throttled for too
// many.
func (s *Service) Invite(ctx context.Context, by account.ID, w Wish) (Invitation, error) {
	rule, err := s.Rules(ctx, by, w.Unit)
	if err != nil {
		return Invitation{}, err
	}
	now := s.Now()
	if until, err := s.Store.Hold(ctx, by); err != nil || now.Before(until) {
		if err == nil {
			err = &fault.Error{Kind: fault.Refused, Msg: MsgOnHold}
		}
		return Invitation{}, err
	}
	i, wrong := s.read(w, rule, now)
	if len(wrong) > 0 {
		return Invitation{}, wrong
	}
	// Counted before anybody is looked for, right or wrong (S49).
	most := s.Limit
	if most == 0 {
		most = 20
	}
	n, end, err := s.Store.CountTry(ctx, "mandate|"+w.Unit, window, now)
	if err != nil {
		return Invitation{}, err
	}
	if n > most {
		return Invitation{}, &fault.Error{Kind: fault.Throttled, Msg: MsgTooOften, RetryAfter: end.Sub(now)}
	}
	i.Inviter = by
	who, err := s.find(ctx, strings.TrimSpace(w.Who), i.Name, now)
	if err != nil {
		return Invitation{}, err
	}
	if who != nil && s.fits(ctx, *who, i, rule) {
		i.Person = who.Account.ID
	}
	return i, s.offer(ctx, i, rule.Unit.Name)
}

// read checks what was typed.
func (s *Service) read(w Wish, rule Rule, now time.Time) (Invitation, Faults) {
	var f Faults
	wrong := func(field, msg string) { f = append(f, &fault.Error{Kind: fault.Invalid, Field: field, Msg: msg}) }
	i := Invitation{
		ID: string(account.NewID()), Unit: w.Unit, Relation: w.Relation, Scope: w.Scope, State: Offered,
		AskedAt: now, AnswerBy: now.Add(AnswerWithin), Note: strings.TrimSpace(w.Note), Who: mask(w.Who),
	}
	if who := strings.TrimSpace(w.Who); who == "" || len(who) > longestWho || !readable(who) {
		wrong("who", MsgWho)
	}
	var err error
	if i.Name, err = account.ParseName(w.Name); err != nil {
		wrong("name", MsgName)
	}
	if !MayName(rule.Relation, w.Relation) {
		wrong("relation", MsgRelation)
	}
	// A legal representative rules by his office; everybody else is named something.
	if len(w.Scope) == 0 || !Within(w.Scope, rule.Holds) {
		wrong("scope", MsgScope)
	}
	good := false
	for _, m := range Terms() {
		good = good || m == w.Months
	}
	if i.Until = endOfTerm(now, w.Months); !good {
		wrong("months", MsgTerm)
	}
	if utf8.RuneCountInString(i.Note) > longestNote || !readable(i.Note) {
		wrong("note", MsgNote)
	}
	return i, f
}

func readable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\r' && unicode.IsControl(r) })
}

// beijing is the zone of every day that people are told.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// endOfTerm is the end of the day so many months from now.
func endOfTerm(now time.Time, months int) time.Time {
	y, m, d := now.In(beijing).Date()
	return time.Date(y, m+time.Month(months), d+1, 0, 0, 0, 0, beijing).UTC()
}

// mask is how the unit sees what it typed.
func mask(who string) string {
	who = strings.TrimSpace(who)
	if m, err := account.ParseMobile(who); err == nil {
		return account.MaskMobile(m.E164())
	}
	if len(who) >= 15 {
		return account.MaskID(who)
	}
	return who
}

// find gives the one verified person of that name whom the text means; nil if there
// is none, or if it means several.
func (s *Service) find(ctx context.Context, text, name string, now time.Time) (*Standing, error) {
	var ids []account.ID
	if key, err := account.NormaliseLogin(text); err == nil {
		a, err := s.Store.AccountByLogin(ctx, key)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil {
			ids = append(ids, a.ID)
		}
	}
	if m, err := account.ParseMobile(text); err == nil {
		more, err := s.Store.AccountsBy(ctx, account.ByPhone, m.E164())
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	if number, err := account.ParseDocument(account.DocResident, text, now); err == nil {
		id, err := s.Store.ProvedBy(ctx, account.DocResident, number)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil {
			ids = append(ids, id)
		}
	}
	var found *Standing
	for _, id := range ids {
		who, err := s.Store.Standing(ctx, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err != nil || !who.eligible() || who.Account.Profile.Name != name || found != nil && found.Account.ID == id {
			continue
		}
		if found != nil {
			return nil, nil
		}
		found = &who
	}
	return found, nil
}

// fits tells whether the person can be what the invitation says: a legal
// representative is who the unit's verified data names, and nobody invites himself.
func (s *Service) fits(ctx context.Context, who Standing, i Invitation, rule Rule) bool {
	if who.Account.ID == i.Inviter || who.Account.Sandbox != "" { // test accounts act for nobody real
		return false
	}
	if i.Relation != entitlement.LegalRep {
		return true
	}
	own, err := s.Store.Standing(ctx, rule.Unit.AccountID)
	if err != nil {
		return false
	}
	p, l := who.Account.Profile, own.Account.Profile.LegalRep
	return l != nil && l.IDNumber != "" && l.IDNumber == p.IDNumber && l.IDType == p.IDType
}

// offer writes the invitation and tells the person, if there is one: else nobody is
// told with the same work.
func (s *Service) offer(ctx context.Context, i Invitation, unitName string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		ev := audit.From(ctx, audit.Event{Kind: audit.HandlerInvited, Actor: string(i.Inviter), Object: i.ID, Detail: string(i.Relation)})
		if err := s.Store.AddInvitation(ctx, i, ev); err != nil {
			return err
		}
		if i.Person == "" {
			return s.tellNobody(ctx, i.ID, "mandate_offered")
		}
		who, err := s.Store.Standing(ctx, i.Person)
		if err != nil {
			return err
		}
		return s.tell(ctx, who.Account, i.ID, "mandate_offered", unitName)
	})
}

// Appoint offers the person whom a unit named in its real-name form as its handler
// what the unit holds, if a verified account has that document and has no offer or
// mandate of the unit yet.
func (s *Service) Appoint(ctx context.Context, own account.ID, name, idType, number string, until time.Time) error {
	now := s.Now()
	id, err := s.Store.ProvedBy(ctx, idType, number)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	who, err := s.Store.Standing(ctx, id)
	if err != nil {
		return err
	}
	unit, err := s.Store.Standing(ctx, own)
	if err != nil || unit.Unit == nil {
		return err
	}
	rule, err := s.Rules(ctx, own, unit.Unit.ID)
	if err != nil || len(rule.Holds) == 0 || !who.eligible() || who.Account.Profile.Name != name {
		return err
	}
	if _, stands := who.standsTo(unit.Unit.ID, now); stands {
		return nil
	}
	before, err := s.Store.InvitationsTo(ctx, id, shown)
	if err != nil {
		return err
	}
	for _, i := range before {
		if i.Unit == unit.Unit.ID && i.State.Open() {
			return nil
		}
	}
	role := entitlement.Handler
	if l := unit.Account.Profile.LegalRep; l != nil && l.IDType == idType && l.IDNumber == number {
		role = entitlement.LegalRep
	}
	if last := endOfTerm(now, 36); until.After(last) {
		until = last
	}
	return s.offer(ctx, Invitation{
		ID: string(account.NewID()), Unit: unit.Unit.ID, Inviter: own, Person: id, Name: name, Who: account.MaskID(number), Relation: role,
		Scope: rule.Holds, Until: until, State: Offered, AskedAt: now, AnswerBy: now.Add(AnswerWithin),
	}, unit.Unit.Name)
}
