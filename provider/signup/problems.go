package signup

import (
	"errors"
	"strings"

	"kejitong/provider/fault"
)

// Problems are what is wrong with a form, in the order of its fields.
type Problems []*fault.Error

// Error joins what is wrong.
func (p Problems) Error() string {
	all := make([]string, len(p))
	for i, f := range p {
		all[i] = f.Field + ": " + f.Msg
	}
	return strings.Join(all, "; ")
}

// Unwrap gives the faults.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, f := range p {
		all[i] = f
	}
	return all
}

// note adds what is wrong with a field; an error that is no fault of the input
// is given back.
func (p *Problems) note(field string, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid && f.Kind != fault.Conflict {
		return err
	}
	own := *f
	own.Field = field
	*p = append(*p, &own)
	return nil
}

func (p *Problems) say(kind fault.Kind, field, msg string) {
	*p = append(*p, &fault.Error{Kind: kind, Field: field, Msg: msg})
}

// or gives the problems as an error, nil if there are none.
func (p Problems) or() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
