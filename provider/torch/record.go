package torch

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// RecordKind says what a record of the former platform is of.
type RecordKind string

// The kinds of record. A unit's key is its USCC, a person's the mobile number.
const (
	UnitRecord   RecordKind = "unit"
	PersonRecord RecordKind = "person"
)

// Record is one account of the former platform, checked and in canonical form.
// It holds personal data and is sealed at rest.
type Record struct {
	Row      int        `json:"row"` // line of the file, the heading being the first
	Kind     RecordKind `json:"kind"`
	Key      string     `json:"key"`               // USCC, or 11 digits
	UnitName string     `json:"unit,omitempty"`    // units only
	Contact  string     `json:"contact,omitempty"` // who the unit named, or the person's name
	Mobile   string     `json:"mobile,omitempty"`  // E.164
	IDNumber string     `json:"id,omitempty"`      // resident identity number, never verified by the file
	Email    string     `json:"email,omitempty"`
	Created  time.Time  `json:"created,omitzero"`
	LastSeen time.Time  `json:"seen,omitzero"`
	Password Password   `json:"-"` // Scheme is empty if the file has none
}

// RowError is one field of one row that cannot be taken over.
type RowError struct {
	Row   int
	Field string // the column, by our name for it
	Msg   string // message key
}

// The columns of a file, by our names; configuration maps the file's own headings
// to them.
const (
	ColumnKind     = "kind"
	ColumnKey      = "user_name"
	ColumnUnitName = "unit_name"
	ColumnContact  = "contact"
	ColumnMobile   = "mobile"
	ColumnIDNumber = "id_number"
	ColumnEmail    = "email"
	ColumnHash     = "password_hash"
	ColumnScheme   = "password_scheme"
	ColumnSalt     = "password_salt"
	ColumnCost     = "password_cost"
	ColumnCreated  = "created_at"
	ColumnLastSeen = "last_seen_at"
)

// Columns lists them in the order of documentation.
func Columns() []string {
	return []string{ColumnKind, ColumnKey, ColumnUnitName, ColumnContact, ColumnMobile, ColumnIDNumber, ColumnEmail, ColumnHash, ColumnScheme, ColumnSalt,
		ColumnCost, ColumnCreated, ColumnLastSeen}
}

// The message keys of row errors that are not account's own.
const (
	MsgKind     = "torch.row.kind"
	MsgUnitName = "torch.row.unit_name"
	MsgEmail    = "torch.row.email"
	MsgTime     = "torch.row.time"
	MsgPassword = "torch.row.password"
	MsgText     = "torch.row.text"
	MsgTwice    = "torch.row.twice" // the key stands in the file twice
)

// Messages lists them.
func Messages() []string {
	return []string{MsgKind, MsgUnitName, MsgEmail, MsgTime, MsgPassword, MsgText, MsgTwice}
}

// ReadRecord checks the fields of row number n. It normalises width, case and
// blanks and corrects nothing; every field that is wrong is named. scheme is that
// of files whose rows do not name one.
func ReadRecord(n int, fields map[string]string, scheme string, now time.Time) (Record, []RowError) {
	c := check{row: n, fields: fields}
	r := Record{Row: n, Kind: c.kind()}
	switch r.Kind {
	case UnitRecord:
		uscc, err := account.ParseRealUSCC(fields[ColumnKey])
		c.refuse(ColumnKey, err)
		r.Key = string(uscc)
		if r.UnitName = c.text(ColumnUnitName, 200); r.UnitName == "" && !c.wrong(ColumnUnitName) {
			c.add(ColumnUnitName, MsgUnitName)
		}
	case PersonRecord:
		mobile, err := account.ParseMobile(fields[ColumnKey])
		c.refuse(ColumnKey, err)
		r.Key = string(mobile)
		if err == nil {
			r.Mobile = mobile.E164()
		}
	}
	r.Contact = c.text(ColumnContact, 50)
	if s := strings.TrimSpace(fields[ColumnMobile]); s != "" {
		mobile, err := account.ParseMobile(s)
		c.refuse(ColumnMobile, err)
		if err == nil {
			r.Mobile = mobile.E164()
		}
	}
	if s := strings.TrimSpace(fields[ColumnIDNumber]); s != "" {
		id, err := account.ParseResidentID(s, now)
		c.refuse(ColumnIDNumber, err)
		r.IDNumber = string(id)
	}
	if r.Email = strings.ToLower(c.text(ColumnEmail, 254)); r.Email != "" && (strings.Count(r.Email, "@") != 1 || strings.ContainsAny(r.Email, " <>,;\"")) {
		c.add(ColumnEmail, MsgEmail)
	}
	r.Created, r.LastSeen = c.time(ColumnCreated), c.time(ColumnLastSeen)
	r.Password = c.password(scheme)
	return r, c.errors
}

// check collects what is wrong with a row.
type check struct {
	row    int
	fields map[string]string
	errors []RowError
}

func (c *check) add(field, msg string) { c.errors = append(c.errors, RowError{c.row, field, msg}) }

func (c *check) refuse(field string, err error) {
	if err == nil {
		return
	}
	msg := MsgText
	var f *fault.Error
	if errors.As(err, &f) {
		msg = f.Msg
	}
	c.add(field, msg)
}

func (c *check) wrong(field string) bool {
	for _, e := range c.errors {
		if e.Field == field {
			return true
		}
	}
	return false
}

// kind is what the row says, or what its key is where it says nothing: no USCC is
// a mobile number.
func (c *check) kind() RecordKind {
	switch strings.TrimSpace(strings.ToLower(c.fields[ColumnKind])) {
	case "unit", "法人", "单位", "企业", "legal_entity", "1":
		return UnitRecord
	case "person", "自然人", "个人", "natural_person", "2":
		return PersonRecord
	case "":
		if _, err := account.ParseMobile(c.fields[ColumnKey]); err == nil {
			return PersonRecord
		}
		return UnitRecord
	}
	c.add(ColumnKind, MsgKind)
	return ""
}

// text is a short line without anything invisible.
func (c *check) text(field string, most int) string {
	s := strings.TrimSpace(c.fields[field])
	if len([]rune(s)) > most || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		c.add(field, MsgText)
		return ""
	}
	return s
}

// times are the forms that exports write, in Beijing time where they name no zone.
var times = []string{time.RFC3339, "2006-01-02 15:04:05", "2006/01/02 15:04:05", "2006-01-02 15:04", "2006/1/2 15:04", "2006-01-02", "2006/1/2", "20060102"}

var beijing = time.FixedZone("UTC+8", 8*60*60)

func (c *check) time(field string) time.Time {
	s := strings.TrimSpace(c.fields[field])
	if s == "" {
		return time.Time{}
	}
	for _, form := range times {
		if t, err := time.ParseInLocation(form, s, beijing); err == nil && t.Year() >= 1980 {
			return t.UTC()
		}
	}
	c.add(field, MsgTime)
	return time.Time{}
}

func (c *check) password(scheme string) Password {
	hash := c.fields[ColumnHash]
	if strings.TrimSpace(hash) == "" {
		return Password{}
	}
	if s := strings.TrimSpace(c.fields[ColumnScheme]); s != "" {
		scheme = s
	}
	cost, bad := 0, error(nil)
	if s := strings.TrimSpace(c.fields[ColumnCost]); s != "" {
		cost, bad = strconv.Atoi(s)
	}
	p, err := ReadPassword(scheme, hash, c.fields[ColumnSalt], cost)
	if err != nil || bad != nil {
		c.add(ColumnHash, MsgPassword)
		return Password{}
	}
	return p
}
