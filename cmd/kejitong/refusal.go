package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
)

// refuse names the flag, what it held and what to do. Pass an empty value for
// secrets and a masked one for personal numbers.
func refuse(flag, value, remedy string) error {
	if value == "" {
		return fmt.Errorf("--%s: %s", flag, remedy)
	}
	if r := []rune(value); len(r) > 120 {
		value = string(r[:120]) + "…"
	}
	return fmt.Errorf("--%s %q: %s", flag, value, remedy)
}

// missing refuses a flag that must be given.
func missing(flag, what string) error { return refuse(flag, "", "is missing; give "+what) }

// explain turns the fault of a domain into a refusal of the flag.
func explain(flag, value string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid {
		if text, ok := remedies[f.Msg]; ok {
			return refuse(flag, value, text)
		}
	}
	return fmt.Errorf("--%s: %w", flag, err)
}

// remedies are the operator's texts for the message keys of the domains.
var remedies = map[string]string{
	account.MsgIDMalformed: "is no account id",
	account.MsgInvisible:   "holds characters that nobody can see; type it by hand",
	account.MsgTooLong:     "is far too long",

	account.MsgUSCCEmpty:        "is missing; give the 18 characters of the 统一社会信用代码",
	account.MsgUSCCRegistration: "is a 15-digit registration number (注册号); give the 18 characters of the 统一社会信用代码",
	account.MsgUSCCOrganization: "is a 9-character organisation code (组织机构代码); give the 18 characters of the 统一社会信用代码",
	account.MsgUSCCLength:       "has not 18 characters; copy it from the licence",
	account.MsgUSCCLetterO:      "holds the letter O, which no USCC has; write the digit 0 if that is what the licence says",
	account.MsgUSCCLetterI:      "holds the letter I, which no USCC has; write the digit 1 if that is what the licence says",
	account.MsgUSCCAlphabet:     "holds a character that no USCC has; copy it from the licence",
	account.MsgUSCCRegion:       "has no six region digits in places 3 to 8; copy it from the licence",
	account.MsgTestRange:        "is of the ranges that sandboxes are made of, in which nobody real can be",
	account.MsgUSCCCheck:        "fails its check character, so at least one character is wrong; copy it from the licence",

	account.MsgEmailEmpty:         "is missing",
	account.MsgEmailForm:          "is no e-mail address",
	account.MsgUnitNameEmpty:      "is missing; give the name on the licence",
	account.MsgUnitNameLength:     "has fewer than 2 or more than 100 characters",
	account.MsgUnitNameCharacters: "holds characters that no name has",

	account.MsgResidentEmpty:    "is missing; give the 18 characters of the identity number",
	account.MsgResidentVoid:     "is a number of 15 digits, void since 2013; give the one of 18",
	account.MsgResidentLength:   "has not 18 characters",
	account.MsgResidentDigits:   "holds something else than digits and a last X",
	account.MsgResidentProvince: "begins with no province's digits",
	account.MsgResidentDate:     "holds no date of birth in places 7 to 14",
	account.MsgResidentFuture:   "holds a date of birth that lies ahead",
	account.MsgDocumentProved:   "is verified on another account already; one document is verified on one account",
	account.MsgResidentCheck:    "fails its check character, so at least one character is wrong",
	account.MsgResidencePermit:  "is no residence permit's, which begins with 81, 82 or 83",

	account.MsgPermanentForm:  "is no number of a permanent residence card",
	account.MsgPermanentDate:  "holds no date of birth",
	account.MsgPermanentCheck: "fails its check character, so at least one character is wrong",

	account.MsgDocumentType: "is no known document; want one of " + strings.Join(idDocuments, ", "),
	account.MsgDocumentForm: "is not formed like a number of that document",

	account.MsgMobileEmpty: "is missing; give a mainland mobile of 11 digits",
	account.MsgMobileForm:  "is no mainland mobile of 11 digits",

	account.MsgNameLength:     "is not 2 to 50 characters long",
	account.MsgNameCharacters: "holds digits or signs that no name has",

	account.MsgLoginEmpty:      "is missing; give the name to sign in with",
	account.MsgLoginShort:      "is shorter than 4 characters",
	account.MsgLoginLong:       "is longer than 64 characters",
	account.MsgLoginSpace:      "holds a blank",
	account.MsgLoginCharacters: "holds characters beside letters a to z, digits, Chinese characters and . _ -",
	account.MsgLoginReserved:   "begins like a migrated account (HJ_); choose another",
	account.MsgLoginUSCC:       "is the USCC of a unit; only that unit's own account may use it",
	account.MsgLoginMobile:     "is a mobile number other than the account's own; give the same number as the phone",
	account.MsgLoginIDNumber:   "is an identity number, which must not be a login name",

	credential.MsgPasswordShort:     "is too short: 8 characters at least",
	credential.MsgPasswordLong:      "is too long: 256 characters at most",
	credential.MsgPasswordBroken:    "is not UTF-8",
	credential.MsgPasswordClasses:   "needs three of upper case, lower case, digits and signs",
	credential.MsgPasswordForbidden: "holds the login name, a number or the name of its owner",
	credential.MsgPasswordCommon:    "is one of those that everybody tries first",
}

var idDocuments = []string{
	account.DocResident, account.DocResidencePermit, account.DocPermanent, account.DocMainlandPass, account.DocTaiwanPass, account.DocPassport,
}

// oneOf holds a flag's word to a list.
func oneOf(flag, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return refuse(flag, value, "want one of "+strings.Join(allowed, ", "))
}

// plain holds a text that people will read to its length and to characters
// that can be seen.
func plain(flag, value string, longest int) error {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	}) {
		return refuse(flag, value, "holds characters that nobody can see; type it by hand")
	}
	if utf8.RuneCountInString(value) > longest {
		return refuse(flag, value, fmt.Sprintf("is longer than %d characters", longest))
	}
	return nil
}
