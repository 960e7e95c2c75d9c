package factor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"kejitong/provider/fault"
)

// The message keys that this package puts into faults.
const (
	MsgWrongCode    = "factor.wrong_code"    // not the code of now, or used already
	MsgLocked       = "factor.locked"        // too many wrong codes; {0} minutes
	MsgPasskey      = "factor.passkey_wrong" // the passkey's answer does not hold
	MsgGone         = "factor.gone"          // the page is too old, or was used
	MsgTaken        = "factor.taken"         // there is one already
	MsgName         = "factor.name_invalid"
	MsgNotAvailable = "factor.passkey_unavailable"
)

// Messages lists every message key of this package's faults, so that a test can
// hold the catalogues against it.
func Messages() []string {
	return []string{MsgWrongCode, MsgLocked, MsgPasskey, MsgGone, MsgTaken, MsgName, MsgNotAvailable}
}

const maxName = 32

// named gives a factor's name as it is kept.
func named(name string) (string, error) {
	name = strings.TrimSpace(name)
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, unprintable) {
		return "", &fault.Error{Kind: fault.Invalid, Field: "name", Msg: MsgName}
	}
	return name, nil
}

// unprintable includes the marks that turn the direction of writing (S69).
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

func found(ok bool, err error) error {
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "no such factor")
	}
	return err
}

func wrongCode() error { return &fault.Error{Kind: fault.Invalid, Field: "code", Msg: MsgWrongCode} }
func gone() error      { return &fault.Error{Kind: fault.Gone, Msg: MsgGone} }
