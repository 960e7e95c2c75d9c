package recovery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/document"
	"kejitong/provider/fault"
)

// Form is an appeal as it is typed.
type Form struct {
	LoginName, Name, IDType, IDNumber, Mobile string
	UnitName, USCC                            string
	RepName, RepIDType, RepIDNumber           string
	IsRep                                     bool
}

// Filings are the ways on which an appeal is written.
func Filings() []Way {
	return []Way{AppealPerson, AppealUnit, NamePerson, NameUnit, FactorPerson, FactorUnit}
}

// Kind is what an appeal that is written on that way is about.
func (w Way) Kind() Kind {
	switch w {
	case AppealUnit:
		return Unit
	case NamePerson:
		return PersonName
	case NameUnit:
		return UnitName
	case FactorPerson:
		return PersonFactor
	case FactorUnit:
		return UnitFactor
	}
	return Person
}

func (k Kind) way() Way {
	switch k {
	case Unit:
		return AppealUnit
	case PersonName:
		return NamePerson
	case UnitName:
		return NameUnit
	case PersonFactor:
		return FactorPerson
	case UnitFactor:
		return FactorUnit
	}
	return AppealPerson
}

// BeginPerson starts a person's appeal and promises a code to the number, whoever
// the data belongs to (S49).
func (s *Service) BeginPerson(ctx context.Context, by Asker, k Kind, form Form, c Solved) (string, error) {
	claim, err := s.personClaim(k, form)
	if err != nil {
		return "", err
	}
	if err := s.Captchas.Solve(ctx, by.Browser, challenge.Appeal, c.ID, c.Answer); err != nil {
		return "", err
	}
	id, err := s.start(ctx, by, Flow{Way: k.way(), Appeal: random(16), Data: Data{Claim: &claim}}, s.Times.OrDefault().Draft)
	if err != nil {
		return "", err
	}
	_, err = s.Fill(ctx, by, id, form)
	return id, err
}

// BeginUnit starts a unit's appeal: 检索单位名称. Nothing is looked up: the answer is
// the same for every name.
func (s *Service) BeginUnit(ctx context.Context, by Asker, k Kind, unitName string, c Solved) (string, error) {
	if err := checkUnitName(unitName); err != nil {
		return "", err
	}
	if err := s.Captchas.Solve(ctx, by.Browser, challenge.Appeal, c.ID, c.Answer); err != nil {
		return "", err
	}
	claim := Claim{UnitName: strings.TrimSpace(unitName)}
	return s.start(ctx, by, Flow{Way: k.way(), Appeal: random(16), Data: Data{Claim: &claim}}, s.Times.OrDefault().Draft)
}

// Fill says who appeals and promises a code to the new number. It may be said
// again until the number is proved.
func (s *Service) Fill(ctx context.Context, by Asker, id string, form Form) (challenge.Sent, error) {
	f, err := s.flow(ctx, by, id, Filings()...)
	if err != nil {
		return challenge.Sent{}, err
	}
	var claim Claim
	k := f.Way.Kind()
	if k.Of() == account.LegalEntity {
		form.UnitName = f.Data.Claim.UnitName // as it was looked for, with the captcha
		claim, err = s.unitClaim(k, form)
	} else {
		claim, err = s.personClaim(k, form)
	}
	if err != nil {
		return challenge.Sent{}, err
	}
	f.Data.Claim, f.Data.Mobile, f.Data.Matched = &claim, claim.Mobile, true
	return s.promise(ctx, by, &f, challenge.Appeal)
}

// Resend promises another code to the same new number.
func (s *Service) Resend(ctx context.Context, by Asker, id string) (challenge.Sent, error) {
	f, err := s.flow(ctx, by, id, Filings()...)
	if err != nil {
		return challenge.Sent{}, err
	}
	return s.promise(ctx, by, &f, challenge.Appeal)
}

// ProveMobile proves the new number.
func (s *Service) ProveMobile(ctx context.Context, by Asker, id, code string) error {
	f, err := s.flow(ctx, by, id, Filings()...)
	if err != nil {
		return err
	}
	if f.Step == Proved { // clicked twice
		return nil
	}
	if !f.Way.Leads(f.Step, Proved) {
		return over()
	}
	if err := s.Codes.Check(ctx, challenge.Try{Purpose: challenge.Appeal, Flow: f.Key, To: f.Data.Mobile, Code: code}); err != nil {
		return err
	}
	return s.advance(ctx, &f, Proved)
}

// MayAttach tells whether documents may be added to the browser's appeal, or taken
// away, and gives the case under which they are kept; fault.Conflict once it is
// filed (S58).
func (s *Service) MayAttach(ctx context.Context, by Asker, id string) (string, error) {
	f, err := s.draft(ctx, by, id)
	return f.Appeal, err
}

// draft is a flow whose number is proved and whose appeal is not filed.
func (s *Service) draft(ctx context.Context, by Asker, id string) (Flow, error) {
	f, err := s.flow(ctx, by, id, Filings()...)
	switch {
	case err != nil:
		return Flow{}, err
	case f.Step == Done:
		return Flow{}, conflict()
	case f.Step != Proved:
		return Flow{}, over()
	}
	return f, nil
}

// Required lists the evidence that an appeal cannot do without: who appeals, and
// for a unit its licence and, unless its legal representative appeals, the
// authorisation (R30).
func (c Claim) Required(k Kind) []document.Kind {
	if k.Of() == account.NaturalPerson {
		return []document.Kind{document.IDFront}
	}
	if c.IsRep {
		return []document.Kind{document.Licence, document.IDFront}
	}
	return []document.Kind{document.Licence, document.IDFront, document.Authorisation}
}

// complete refuses an appeal without the evidence that it needs.
func (s *Service) complete(ctx context.Context, k Kind, c Claim, caseID string) error {
	all, err := s.Documents.List(ctx, caseID)
	if err != nil {
		return err
	}
	for _, kind := range c.Required(k) {
		if !slices.ContainsFunc(all, func(d document.Document) bool { return d.Kind == kind && d.Scan != document.Quarantined }) {
			return &fault.Error{Kind: fault.Invalid, Field: "evidence", Msg: MsgEvidence}
		}
	}
	return nil
}

// maxFiledNotices bounds what an owner is told in a day of appeals that were filed.
const maxFiledNotices = 3

// Submit files the appeal. Submitted again it is the same receipt.
func (s *Service) Submit(ctx context.Context, by Asker, id, reason string) (Receipt, error) {
	f, err := s.flow(ctx, by, id, Filings()...)
	if err != nil {
		return Receipt{}, err
	}
	if f.Step == Done {
		return s.Receipt(ctx, by, id)
	}
	if f.Step != Proved {
		return Receipt{}, over()
	}
	if err := checkReason(reason); err != nil {
		return Receipt{}, err
	}
	a, sub, err := s.compose(ctx, f, id, reason)
	if err != nil {
		return Receipt{}, err
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		f := f
		if err := s.advance(ctx, &f, Done); err != nil {
			return err
		}
		ev := audit.From(ctx, audit.Event{Kind: audit.AppealFiled, Object: a.ID, Detail: string(a.Kind)})
		if err := s.Store.FileAppeal(ctx, a, ev); err != nil {
			if fault.Is(err, fault.Conflict) {
				return &fault.Error{Kind: fault.Conflict, Field: "mobile", Msg: MsgMobile}
			}
			return err
		}
		if err := s.tell(ctx, a.Claim.Mobile, noticeFiled, by.Locale, a.Number, shortDay(a.DueAt)); err != nil {
			return err
		}
		if sub == nil {
			return nil
		}
		// Whoever files one after the other does not flood the owner, who finds all
		// of them on the page of objections.
		n, _, err := s.Store.CountTry(ctx, "appeal notice|"+string(sub.Account.ID), 24*time.Hour, s.Now())
		if err != nil || n > maxFiledNotices {
			return err
		}
		return s.tellHolder(ctx, *sub, a.Kind.notice(noticeFiledHolder), maskLogin(sub.Account.LoginName), a.Number)
	})
	if err != nil {
		if fault.Is(err, fault.Gone) { // the other click was faster
			return s.Receipt(ctx, by, id)
		}
		return Receipt{}, err
	}
	return receipt(a, s.secret(id)), nil
}

// compose makes the appeal of a draft.
func (s *Service) compose(ctx context.Context, f Flow, id, reason string) (Appeal, *Subject, error) {
	kind := f.Way.Kind()
	claim := *f.Data.Claim
	if err := s.complete(ctx, kind, claim, f.Appeal); err != nil {
		return Appeal{}, nil, err
	}
	claim.Reason = strings.TrimSpace(reason)
	sub, err := s.concerned(ctx, kind, claim)
	if err == nil && kind.Reclaims() {
		claim.Own, sub, err = s.parties(ctx, kind, claim, sub)
	}
	if err != nil {
		return Appeal{}, nil, err
	}
	now, times := s.Now().Truncate(time.Millisecond), s.Times.OrDefault()
	a := Appeal{
		ID: f.Appeal, Number: caseNumber(now), Kind: kind, State: Filed, Claim: claim, Secret: s.mac("secret", s.secret(id)),
		History: []Turn{{At: now, Deed: File}}, CreatedAt: now, UpdatedAt: now,
		DueAt: workingDays(now, times.Review), ExpiresAt: now.Add(times.Undecided), Version: 1,
	}
	if sub != nil {
		a.Account = sub.Account.ID
	}
	return a, sub, nil
}

// concerned finds the account that a claim is about, nil if there is none: a
// person's by the verified document, else by the login name; a unit's by its code
// and name.
func (s *Service) concerned(ctx context.Context, k Kind, c Claim) (*Subject, error) {
	found := func(sub Subject, err error) (*Subject, error) {
		if fault.Is(err, fault.NotFound) || err == nil && (!fits(k, sub.Account) || sub.Account.State == account.Closed) {
			return nil, nil
		}
		return &sub, err
	}
	if k.Of() == account.LegalEntity {
		sub, err := found(s.Store.SubjectByUSCC(ctx, c.USCC))
		if err != nil || sub == nil || sub.Unit == nil || !sameName(sub.Unit.Name, c.UnitName) {
			return nil, err
		}
		return sub, nil
	}
	id, err := s.Store.ProvedBy(ctx, c.IDType, c.IDNumber)
	if err == nil {
		return found(s.Store.Subject(ctx, id))
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	key, err := account.NormaliseLogin(c.LoginName)
	if err != nil {
		return nil, nil
	}
	return found(s.Store.SubjectByLogin(ctx, key))
}

func (s *Service) personClaim(k Kind, form Form) (Claim, error) {
	name, err := loginName(form)
	if err != nil {
		return Claim{}, err
	}
	c := Claim{LoginName: name}
	err = s.whoAppeals(&c, form)
	if k.Reclaims() && err == nil {
		var m account.Mobile // the number is proved before the appeal is filed
		m, err = account.ParseMobile(c.Mobile)
		c.Wanted = string(m)
	}
	return c, err
}

func (s *Service) unitClaim(k Kind, form Form) (Claim, error) {
	c := Claim{UnitName: strings.TrimSpace(form.UnitName), IsRep: form.IsRep}
	var err error
	if k.Reclaims() {
		if c.LoginName, err = loginName(form); err != nil {
			return Claim{}, err
		}
	}
	if c.USCC, err = account.ParseRealUSCC(form.USCC); err != nil {
		return Claim{}, err
	}
	if k.Reclaims() {
		c.Wanted = strings.ToLower(string(c.USCC))
	}
	rep := account.Person{IDType: form.RepIDType}
	if rep.Name, err = account.ParseName(form.RepName); err != nil {
		return Claim{}, refield(err, "rep_name", "")
	}
	if rep.IDNumber, err = account.ParseDocument(form.RepIDType, form.RepIDNumber, s.Now()); err != nil {
		return Claim{}, refield(err, "rep_id_number", "rep_id_type")
	}
	c.LegalRep = &rep
	if form.IsRep {
		form.Name, form.IDType, form.IDNumber = form.RepName, form.RepIDType, form.RepIDNumber
	}
	err = s.whoAppeals(&c, form)
	return c, err
}

// loginName is the login name that an applicant remembers, or has.
func loginName(form Form) (string, error) {
	name := strings.TrimSpace(form.LoginName)
	if utf8.RuneCountInString(name) > 128 || !utf8.ValidString(name) {
		return "", &fault.Error{Kind: fault.Invalid, Field: "login_name", Msg: account.MsgLoginLong}
	}
	return name, nil
}

func (s *Service) whoAppeals(c *Claim, form Form) (err error) {
	if c.Name, err = account.ParseName(form.Name); err != nil {
		return err
	}
	if strings.TrimSpace(form.IDNumber) == "" {
		return &fault.Error{Kind: fault.Invalid, Field: "id_number", Msg: MsgIDRequired}
	}
	c.IDType = form.IDType
	if c.IDNumber, err = account.ParseDocument(form.IDType, form.IDNumber, s.Now()); err != nil {
		return err
	}
	m, err := account.ParseMobile(form.Mobile)
	c.Mobile = m.E164()
	return err
}

// refield names the field of a fault as the form does.
func refield(err error, field, typeField string) error {
	var f *fault.Error
	if !fault.Is(err, fault.Invalid) || !errors.As(err, &f) {
		return err
	}
	g := *f
	g.Field = field
	if f.Field == "id_type" && typeField != "" {
		g.Field = typeField
	}
	return &g
}
