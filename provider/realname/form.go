package realname

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Typed is what stands in a form, as somebody typed it.
type Typed map[string]string

// The fields of the forms. Those of people are prefixed: the applicant's with
// nothing, a unit's with handler_ and legal_rep_.
const (
	FieldName        = "name"
	FieldIDType      = "id_type"
	FieldIDNumber    = "id_number"
	FieldNationality = "nationality"
	FieldUnitName    = "unit_name"
	FieldUSCC        = "uscc"
	FieldUnitType    = "unit_type"
	FieldRegion      = "region"
	FieldAddress     = "address"
	FieldMobile      = "handler_mobile"
	FieldUntil       = "handler_until"
	FieldSame        = "handler_same" // "yes": the handler is the legal representative

	HandlerPrefix  = "handler_"
	LegalRepPrefix = "legal_rep_"
)

// Limits of what is entered.
const (
	longestHandling = 5 * 366 * 24 * time.Hour
	youngest        = 14 // years; below it a guardian has to consent (PIPL article 31), which no page here can take
	longestAddress  = 200
)

// Faults are what is wrong with a form: one fault.Invalid a field, in the form's
// order.
type Faults []*fault.Error

func (f *Faults) add(err error) {
	var e *fault.Error
	if errors.As(err, &e) {
		*f = append(*f, e)
	}
}

// ReadPerson reads a natural person's form. A number left empty beside the type of
// before is the number of before.
func ReadPerson(t Typed, before *Person, now time.Time) (Person, Faults) {
	var f Faults
	p := readPerson(t, "", before, now, &f)
	if born, ok := bornOn(p); ok && born.AddDate(youngest, 0, 0).After(now) {
		f.add(wrong(FieldIDNumber, MsgMinor))
	}
	return p, f
}

// ReadUnit reads a legal entity's form. uscc is the unit's that the account stands
// for already, empty if it stands for none yet: another one is refused (R21).
func ReadUnit(t Typed, before *Unit, uscc account.USCC, now time.Time) (Unit, Faults) {
	var f Faults
	var u Unit
	var err error
	if u.Name, err = account.ParseUnitName(t[FieldUnitName]); err != nil {
		f.add(err)
	}
	code := uscc
	if typed := t[FieldUSCC]; typed != "" || uscc == "" {
		code, err = account.ParseRealUSCC(typed)
		if f.add(err); err == nil && uscc != "" && code != uscc {
			f.add(wrong(FieldUSCC, MsgUSCCChanged))
		}
	}
	u.USCC, u.Type, u.Region = string(code), t[FieldUnitType], t[FieldRegion]
	if by := code.UnitType(); !knownType(u.Type) || code != "" && by != account.UnitOther && by != u.Type {
		f.add(wrong(FieldUnitType, MsgUnitType))
	}
	if u.Region != account.Mainland && u.Region != account.HMT && u.Region != account.Overseas {
		f.add(wrong(FieldRegion, MsgRegion))
	}
	u.Address = readAddress(t[FieldAddress], u.Region, &f)

	if before == nil {
		before = &Unit{}
	}
	u.Handler = readHandler(t, before, now, &f)
	u.LegalRep = readPerson(t, LegalRepPrefix, &before.LegalRep, now, &f)
	return u, f
}

func readAddress(s, region string, f *Faults) string {
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case utf8.RuneCountInString(s) > longestAddress || strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s):
		f.add(wrong(FieldAddress, MsgAddress))
	case s == "" && region != account.Mainland:
		f.add(wrong(FieldAddress, MsgAddressMissing)) // no register here has it
	}
	return s
}

func readHandler(t Typed, before *Unit, now time.Time, f *Faults) Handler {
	var h Handler
	old := Person{Name: before.Handler.Name, IDType: before.Handler.IDType, IDNumber: before.Handler.IDNumber}
	if t[FieldSame] == "yes" {
		p := readPerson(t, LegalRepPrefix, &before.LegalRep, now, &Faults{}) // faults are told at its own fields
		h.Name, h.IDType, h.IDNumber = p.Name, p.IDType, p.IDNumber
	} else {
		p := readPerson(t, HandlerPrefix, &old, now, f)
		h.Name, h.IDType, h.IDNumber = p.Name, p.IDType, p.IDNumber
	}
	if typed := strings.TrimSpace(t[FieldMobile]); typed == "" && before.Handler.Mobile != "" {
		h.Mobile = before.Handler.Mobile
	} else if m, err := account.ParseMobile(typed); err != nil {
		f.add(at(FieldMobile, err))
	} else {
		h.Mobile = m.E164()
	}
	day, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(t[FieldUntil]), beijing)
	switch h.Until = day.AddDate(0, 0, 1).UTC(); {
	case err != nil:
		f.add(wrong(FieldUntil, MsgUntil))
	case !h.Until.After(now) || h.Until.Sub(now) > longestHandling:
		f.add(wrong(FieldUntil, MsgUntilRange))
	}
	return h
}

// beijing needs no zone database: China has kept one zone without summer time
// since 1991.
var beijing = time.FixedZone("CST", 8*3600)

// readPerson reads one person of a form.
func readPerson(t Typed, prefix string, before *Person, now time.Time, f *Faults) Person {
	p := Person{IDType: t[prefix+FieldIDType]}
	name, err := account.ParseName(t[prefix+FieldName])
	if p.Name = name; strings.TrimSpace(t[prefix+FieldName]) == "" {
		err = wrong("", MsgNameEmpty)
	}
	f.add(at(prefix+FieldName, err))
	number := t[prefix+FieldIDNumber]
	if strings.TrimSpace(number) == "" && before != nil && before.IDNumber != "" && before.IDType == p.IDType {
		number = before.IDNumber
	}
	if p.IDNumber, err = account.ParseDocument(p.IDType, number, now); err != nil {
		var e *fault.Error
		if errors.As(err, &e) && e.Field == FieldIDType {
			f.add(at(prefix+FieldIDType, err))
		} else {
			f.add(at(prefix+FieldIDNumber, err))
		}
	}
	p.Nationality = "CHN"
	if NeedsNationality(p.IDType) {
		typed := strings.TrimSpace(t[prefix+FieldNationality])
		if typed == "" && before != nil && before.IDType == p.IDType {
			typed = before.Nationality
		}
		if p.Nationality, err = parseNationality(typed); err != nil {
			f.add(at(prefix+FieldNationality, err))
		}
	}
	return p
}

// NeedsNationality tells whether the document does not say by its type whose
// citizen the holder is.
func NeedsNationality(idType string) bool {
	return idType == account.DocPassport || idType == account.DocPermanent
}

// parseNationality takes a country's code of ISO 3166-1, of two or three letters.
func parseNationality(s string) (string, error) {
	s = strings.ToUpper(norm.NFKC.String(s))
	if len(s) != 2 && len(s) != 3 {
		return "", wrong(FieldNationality, MsgNationality)
	}
	r, err := language.ParseRegion(s)
	if err != nil || !r.IsCountry() || len(r.ISO3()) != 3 || r.ISO3() == "ZZZ" {
		return "", wrong(FieldNationality, MsgNationality)
	}
	return r.ISO3(), nil
}

// bornOn is the date of birth where the number tells it.
func bornOn(p Person) (time.Time, bool) {
	switch p.IDType {
	case account.DocResident, account.DocResidencePermit:
		b := account.ResidentID(p.IDNumber).Birth()
		return b, !b.IsZero()
	}
	return time.Time{}, false
}

func knownType(t string) bool {
	for _, known := range UnitTypes() {
		if t == known {
			return true
		}
	}
	return false
}

// UnitTypes lists the types of unit in the order of the form.
func UnitTypes() []string {
	return []string{account.UnitEnterprise, account.UnitPublicInstitution, account.UnitSocialOrganization, account.UnitIndividualBusiness,
		account.UnitCooperative, account.UnitGovernment, account.UnitMassOrganization, account.UnitOther}
}

// Documents lists the types of document in the order of the form.
func Documents() []string {
	return []string{account.DocResident, account.DocMainlandPass, account.DocTaiwanPass, account.DocResidencePermit, account.DocPermanent, account.DocPassport}
}

// at names the field of a fault as the form does.
func at(field string, err error) error {
	var e *fault.Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Field = field
	return &named
}
