package main

import (
	"context"
	"errors"
	"io"
	"net/mail"
	"regexp"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// accountFlags are the flags of account add.
type accountFlags struct {
	*sheet
	passwordSource
	realNameFlags
	kind, login, name, idType, idNumber, nationality, phone, email, profileFile string
	verifiedEmail                                                               bool
	unit                                                                        unitFlags
	legalRepName, legalRepIDType, legalRepID, contactName, contactPhone         string
}

func newAccountFlags(out io.Writer) *accountFlags {
	f := &accountFlags{sheet: newSheet("account add", out)}
	f.passwordSource.flags(f.FlagSet)
	f.realNameFlags.flags(f.FlagSet)
	f.StringVar(&f.kind, "kind", "", "natural_person or legal_entity")
	f.StringVar(&f.login, "login", "", "name to sign in with (default for a legal entity: its USCC)")
	f.StringVar(&f.email, "email", "", "e-mail address")
	f.BoolVar(&f.verifiedEmail, "verified-email", false, "the e-mail address is proved")
	f.StringVar(&f.profileFile, "profile-file", "", "JSON with standard claims (given_name, address, …); flags win")

	f.StringVar(&f.name, "name", "", "person: verified name")
	f.StringVar(&f.idType, "id-type", account.DocResident, "person: one of "+strings.Join(idDocuments, ", "))
	f.StringVar(&f.idNumber, "id-number", "", "person: number of the document")
	f.StringVar(&f.nationality, "nationality", "", "person: ISO 3166-1 alpha-3 (default CHN with a resident identity card)")
	f.StringVar(&f.phone, "phone", "", "person: mobile, taken as proved")

	f.unit.flags(f.FlagSet, "unit-name", "unit-type")
	f.StringVar(&f.legalRepName, "legal-rep-name", "", "legal entity: 法定代表人, of an individual business its 经营者")
	f.StringVar(&f.legalRepIDType, "legal-rep-id-type", account.DocResident, "legal entity: document of the legal representative")
	f.StringVar(&f.legalRepID, "legal-rep-id-number", "", "legal entity: number of that document")
	f.StringVar(&f.contactName, "contact-name", "", "legal entity: 联系人")
	f.StringVar(&f.contactPhone, "contact-phone", "", "legal entity: the contact's mobile, taken as proved")
	return f
}

// ofPersons and ofUnits are the flags that only one kind has.
var (
	ofPersons = []string{"name", "id-type", "id-number", "nationality", "phone"}
	ofUnits   = []string{"uscc", "unit-name", "unit-type", "region", "legal-rep-name", "legal-rep-id-type", "legal-rep-id-number", "contact-name", "contact-phone"}
)

func accountAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newAccountFlags(out)
	if err := f.read(args); err != nil {
		return err
	}
	draft, unit, err := f.draft()
	if err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		text, made, err := f.password(a.policy(), knownBy(draft)...)
		if err != nil {
			return err
		}
		phc, err := a.hasher.Hash(ctx, text)
		if err != nil {
			return err
		}
		err = a.db.InTx(ctx, func(ctx context.Context) error {
			if unit != nil {
				linked, err := a.keepUnit(ctx, *unit, draft.ID)
				if err != nil {
					return err
				}
				draft.UnitID = linked.ID
			}
			return a.db.PutAccount(ctx, draft, phc, deed(audit.AccountCreated, string(draft.ID), "command line"))
		})
		var why *fault.Error
		if errors.As(err, &why) && why.Field == "id_number" {
			return refuse("id-number", "", remedies[why.Msg])
		}
		if fault.Is(err, fault.Conflict) {
			return refuse("login", draft.LoginName, "belongs to another account already; choose another login name")
		}
		if err != nil {
			return err
		}
		r := reportAccount(draft)
		if made {
			r.Password = text
		}
		return f.print(r, r.text("added")+doubt(unit))
	})
}

// draft checks everything that can be checked without the database.
func (f *accountFlags) draft() (a account.Account, unit *account.Unit, err error) {
	if f.kind == "" {
		return a, nil, missing("kind", "natural_person or legal_entity")
	}
	if err := oneOf("kind", f.kind, string(account.NaturalPerson), string(account.LegalEntity)); err != nil {
		return a, nil, err
	}
	t := now()
	a = account.Account{ID: account.NewID(), Kind: account.Kind(f.kind), State: account.Active, CreatedAt: t, UpdatedAt: t}
	if a.RealName, err = f.verdict(t); err != nil {
		return a, nil, err
	}
	if f.profileFile != "" {
		if a.Profile, err = readProfile("profile-file", f.profileFile); err != nil {
			return a, nil, err
		}
	}
	foreign, fill := ofUnits, f.person
	if a.Kind == account.LegalEntity {
		foreign, fill = ofPersons, f.legal
	}
	for _, name := range foreign {
		if f.given(name) {
			return a, nil, refuse(name, "", "does not go with --kind "+f.kind)
		}
	}
	if unit, err = fill(&a); err != nil {
		return a, nil, err
	}
	if err := f.mailbox(&a.Profile); err != nil {
		return a, nil, err
	}
	a.LoginName = strings.TrimSpace(f.login)
	a.LoginKey, err = account.NormaliseLogin(a.LoginName)
	return a, unit, err
}

// person fills in a natural person.
func (f *accountFlags) person(a *account.Account) (*account.Unit, error) {
	p := &a.Profile
	if f.phone != "" {
		m, err := account.ParseMobile(f.phone)
		if err != nil {
			return nil, explain("phone", account.MaskMobile(f.phone), err)
		}
		p.Phone, p.PhoneVerified = m.E164(), true
	}
	if err := account.CheckNewLogin(f.login, account.NaturalPerson, p.Phone); err != nil {
		return nil, explain("login", f.login, err)
	}
	if !a.RealName.Verified() {
		for _, name := range []string{"name", "id-type", "id-number", "nationality"} {
			if f.given(name) {
				return nil, refuse(name, "", "is kept of verified persons only; add --realname verified, or leave it out")
			}
		}
		return nil, nil
	}
	if f.name == "" && p.Name == "" {
		return nil, missing("name", "the name on the document of a verified person")
	}
	if f.name != "" {
		name, err := account.ParseName(f.name)
		if err != nil {
			return nil, explain("name", f.name, err)
		}
		p.Name = name
	}
	return nil, f.document(p)
}

var countryForm = regexp.MustCompile(`^[A-Z]{3}$`)

func (f *accountFlags) document(p *account.Profile) error {
	if f.idNumber == "" {
		return missing("id-number", "the number of the document that the person was verified with")
	}
	number, err := account.ParseDocument(f.idType, f.idNumber, now())
	if fault.KindOf(err) == fault.Invalid && !isDocument(f.idType) {
		return explain("id-type", f.idType, err)
	}
	if err != nil {
		return explain("id-number", account.MaskID(f.idNumber), err)
	}
	p.IDType, p.IDNumber, p.Nationality = f.idType, number, f.nationality
	if p.Nationality == "" && p.IDType == account.DocResident {
		p.Nationality = "CHN"
	}
	if p.Nationality != "" && !countryForm.MatchString(p.Nationality) {
		return refuse("nationality", p.Nationality, "is no code of three letters such as CHN")
	}
	return nil
}

func isDocument(document string) bool { return oneOf("", document, idDocuments...) == nil }

// legal fills in a legal entity and gives its unit.
func (f *accountFlags) legal(a *account.Account) (*account.Unit, error) {
	unit, err := f.unit.draft(a.RealName)
	if err != nil {
		return nil, err
	}
	p := &a.Profile
	if f.contactName != "" || f.contactPhone != "" {
		p.Contact = &account.Person{}
		if p.Contact.Name, err = account.ParseName(f.contactName); err != nil {
			return nil, explain("contact-name", f.contactName, err)
		}
		m, err := account.ParseMobile(f.contactPhone)
		if err != nil {
			return nil, explain("contact-phone", account.MaskMobile(f.contactPhone), err)
		}
		p.Contact.Phone, p.Contact.PhoneVerified = m.E164(), true
	}
	if strings.TrimSpace(f.login) == "" {
		f.login = string(unit.USCC)
	}
	proved := ""
	if p.Contact != nil {
		proved = p.Contact.Phone
	}
	if err := account.CheckNewUnitLogin(f.login, unit.USCC, proved); err != nil {
		return nil, explain("login", f.login, err)
	}
	if !a.RealName.Verified() {
		for _, name := range []string{"legal-rep-name", "legal-rep-id-type", "legal-rep-id-number"} {
			if f.given(name) {
				return nil, refuse(name, "", "is kept of verified units only; add --realname verified, or leave it out")
			}
		}
		return unit, nil
	}
	p.Name = unit.Name
	return unit, f.legalRep(p)
}

func (f *accountFlags) legalRep(p *account.Profile) error {
	if f.legalRepName == "" {
		return missing("legal-rep-name", "the legal representative of a verified unit")
	}
	name, err := account.ParseName(f.legalRepName)
	if err != nil {
		return explain("legal-rep-name", f.legalRepName, err)
	}
	if !isDocument(f.legalRepIDType) {
		return oneOf("legal-rep-id-type", f.legalRepIDType, idDocuments...)
	}
	if f.legalRepID == "" {
		return missing("legal-rep-id-number", "the number of the legal representative's document")
	}
	number, err := account.ParseDocument(f.legalRepIDType, f.legalRepID, now())
	if err != nil {
		return explain("legal-rep-id-number", account.MaskID(f.legalRepID), err)
	}
	p.LegalRep = &account.Person{Name: name, IDType: f.legalRepIDType, IDNumber: number}
	return nil
}

func (f *accountFlags) mailbox(p *account.Profile) error {
	if f.email != "" {
		at, err := mail.ParseAddress(f.email)
		if err != nil || at.Address != f.email || len(f.email) > 254 {
			return refuse("email", account.MaskEmail(f.email), "is no e-mail address")
		}
		p.Email, p.EmailVerified = f.email, false
	}
	if f.verifiedEmail {
		if p.Email == "" {
			return refuse("verified-email", "", "has no address to vouch for; add --email")
		}
		p.EmailVerified = true
	}
	return nil
}
