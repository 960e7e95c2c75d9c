package entitlement

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// SystemID is the code of a business system, such as "hightech_enterprise".
// It matches [a-z0-9_]{1,64}.
type SystemID string

// System is a business system of the catalogue. As JSON it stands in its history
// and in proposals to change it.
type System struct {
	ID           SystemID       `json:"code"`
	NameZH       string         `json:"name_zh"`
	NameEN       string         `json:"name_en,omitempty"`
	Owner        string         `json:"owner,omitempty"`
	EntryURL     string         `json:"entry_url,omitempty"`
	AccountKinds []account.Kind `json:"account_types,omitempty"` // who may enter at all; empty means both
	UnitTypes    []string       `json:"unit_types,omitempty"`    // which units qualify; empty means all
	Level        string         `json:"level,omitempty"`         // lowest real-name level, "L0".."L4"
	Actions      []string       `json:"actions,omitempty"`       // what a grant may name
	Earned       bool           `json:"earned,omitempty"`        // verification alone brings a grant of all actions to those who qualify
	Closed       bool           `json:"closed,omitempty"`        // admits nobody new: no grant is made, no entry offered; what there is goes on
}

// Name is the system's name for readers of English, or of Chinese; the other one
// where there is none.
func (s System) Name(english bool) string {
	if english && s.NameEN != "" || s.NameZH == "" {
		return s.NameEN
	}
	return s.NameZH
}

// Admits tells whether accounts of the kind may enter for a unit of the type (""
// for a person's own matters).
func (s System) Admits(kind account.Kind, unitType string) bool {
	if len(s.AccountKinds) > 0 && !slices.Contains(s.AccountKinds, kind) {
		return false
	}
	return unitType == "" || len(s.UnitTypes) == 0 || slices.Contains(s.UnitTypes, unitType)
}

// Earns tells whether verification alone opens the system to an account of the
// kind, for a unit of the type. Persons are meant only where they are named.
func (s System) Earns(kind account.Kind, unitType string) bool {
	if !s.Earned || s.Closed || !s.Admits(kind, unitType) {
		return false
	}
	return kind == account.LegalEntity || slices.Contains(s.AccountKinds, kind)
}

// The most that an entry may have.
const (
	maxSystemText  = 200
	maxSystemCodes = 32
)

// Check gives every reason why s is no entry of the catalogue, each a fault.Invalid
// with its field, named as in the file of the catalogue.
func (s System) Check() []error {
	var out []error
	bad := func(field, why string) { out = append(out, &fault.Error{Kind: fault.Invalid, Field: field, Msg: why}) }
	if !Code(string(s.ID)) {
		bad("code", "want up to 64 small letters, digits and _")
	}
	if s.NameZH == "" {
		bad("name_zh", "is missing: the name that users read")
	}
	for _, f := range []struct{ field, value string }{{"name_zh", s.NameZH}, {"name_en", s.NameEN}, {"owner", s.Owner}, {"entry_url", s.EntryURL}} {
		if len([]rune(f.value)) > maxSystemText || strings.TrimSpace(f.value) != f.value || strings.ContainsFunc(f.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			bad(f.field, "is too long, or has blanks around it or control characters in it")
		}
	}
	if u, err := url.Parse(s.EntryURL); s.EntryURL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil) {
		bad("entry_url", "is no web address such as https://hightech.example.gov.cn/login")
	}
	if len(s.Actions) == 0 {
		bad("actions", "is empty: what may be done in the system, such as apply")
	}
	codes(s.Actions, func(v string) string {
		if !Code(v) {
			return "want up to 64 small letters, digits and _"
		}
		return ""
	}, func(why string) { bad("actions", why) })
	kinds := make([]string, len(s.AccountKinds))
	for i, k := range s.AccountKinds {
		kinds[i] = string(k)
	}
	oneOf := func(field string, values, allowed []string) {
		codes(values, func(v string) string {
			if !slices.Contains(allowed, v) {
				return "want some of " + strings.Join(allowed, ", ")
			}
			return ""
		}, func(why string) { bad(field, why) })
	}
	oneOf("account_types", kinds, []string{string(account.NaturalPerson), string(account.LegalEntity)})
	oneOf("unit_types", s.UnitTypes, account.UnitTypes())
	if s.Level != "" {
		oneOf("level", []string{s.Level}, []string{"L0", "L1", "L2", "L3", "L4"})
	}
	return out
}

// codes looks at each of values and at what they are together.
func codes(values []string, wrong func(string) string, bad func(string)) {
	seen := map[string]bool{}
	for _, v := range values {
		if why := wrong(v); why != "" {
			bad(fmt.Sprintf("%q: %s", v, why))
		} else if seen[v] {
			bad(fmt.Sprintf("%q stands there twice", v))
		}
		seen[v] = true
	}
	if len(values) > maxSystemCodes {
		bad(fmt.Sprintf("more than %d", maxSystemCodes))
	}
}

// Code tells whether text can be the code of a system or of an action.
func Code(text string) bool {
	return text != "" && len(text) <= 64 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
