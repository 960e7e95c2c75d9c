package realname

import (
	"context"
	"strings"

	"golang.org/x/text/unicode/norm"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// PersonRecord is a line of the population register.
type PersonRecord struct {
	Name     string `json:"n"`
	IDType   string `json:"it"`
	IDNumber string `json:"in"`
	Void     bool   `json:"v,omitempty"`
}

// UnitRecord is a line of the register of legal entities.
type UnitRecord struct {
	USCC         account.USCC `json:"u"`
	Name         string       `json:"n"`
	RepName      string       `json:"rn"`
	RepIDType    string       `json:"rt"`
	RepIDNumber  string       `json:"ri"`
	Deregistered bool         `json:"d,omitempty"`
}

// Register is an authority's extract in the database.
type Register interface {
	// PersonOnRecord gives the line of a document; fault.NotFound if there is none.
	PersonOnRecord(ctx context.Context, idType, number string) (PersonRecord, error)
	// UnitOnRecord gives the line of a unit; fault.NotFound if there is none.
	UnitOnRecord(ctx context.Context, uscc account.USCC) (UnitRecord, error)
}

// Registry is the Verifier over an extract.
type Registry struct {
	Register Register
	Checker  string // whose extract it is
}

var _ Verifier = Registry{}

// Supports implements Verifier: the extract says nothing of other documents.
func (Registry) Supports(string) bool { return false }

// Check implements Verifier.
func (r Registry) Check(ctx context.Context, c Case) (Verdict, error) {
	v := Verdict{Checker: r.Checker, CheckID: "x-" + c.Number + "." + itoa(c.Version)}
	var err error
	if p := c.Entry.Person; p != nil {
		v.Reasons, err = r.person(ctx, *p)
	} else {
		v.Reasons, err = r.unit(ctx, *c.Entry.Unit)
	}
	v.Passed = err == nil && len(v.Reasons) == 0
	return v, err
}

func (r Registry) person(ctx context.Context, p Person) ([]Reason, error) {
	on, err := r.Register.PersonOnRecord(ctx, p.IDType, p.IDNumber)
	switch {
	case fault.Is(err, fault.NotFound):
		return []Reason{{FieldIDNumber, Unknown}}, nil
	case err != nil:
		return nil, err
	case on.Void:
		return []Reason{{FieldIDNumber, Cancelled}}, nil
	case !sameName(on.Name, p.Name):
		return []Reason{{FieldName, Mismatch}}, nil
	}
	return nil, nil
}

func (r Registry) unit(ctx context.Context, u Unit) ([]Reason, error) {
	on, err := r.Register.UnitOnRecord(ctx, account.USCC(u.USCC))
	switch {
	case fault.Is(err, fault.NotFound):
		return []Reason{{FieldUSCC, Unknown}}, nil
	case err != nil:
		return nil, err
	case on.Deregistered:
		return []Reason{{FieldUSCC, Cancelled}}, nil
	}
	var why []Reason
	if account.UnitNameKey(on.Name) != account.UnitNameKey(u.Name) {
		why = append(why, Reason{FieldUnitName, Mismatch})
	}
	if !sameName(on.RepName, u.LegalRep.Name) {
		why = append(why, Reason{LegalRepPrefix + FieldName, Mismatch})
	}
	if on.RepIDType != u.LegalRep.IDType || on.RepIDNumber != u.LegalRep.IDNumber {
		why = append(why, Reason{LegalRepPrefix + FieldIDNumber, Mismatch})
	}
	return why, nil
}

// sameName compares names of people as registers and people write them: blanks, width and
// case do not tell two apart. Rare characters do: nothing is folded that stands
// on a card.
func sameName(a, b string) bool { return folded(a) == folded(b) }

func folded(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == ' ', r == '\u3000', r == '\u00a0':
			return -1
		case r >= '！' && r <= '～': // full width
			return r - 0xfee0
		case r == '•', r == '．', r == '・', r == '‧':
			return '·'
		}
		return r
	}, norm.NFC.String(s))
	return strings.ToUpper(s)
}
