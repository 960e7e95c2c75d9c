package realname

import "kejitong/provider/fault"

// The message keys that this package puts into faults.
const (
	MsgNameEmpty       = "realname.error.name_empty"
	MsgNationality     = "realname.error.nationality"
	MsgMinor           = "realname.error.minor"
	MsgUnitType        = "realname.error.unit_type"
	MsgUSCCChanged     = "realname.error.uscc_changed"
	MsgUSCCTaken       = "realname.error.uscc_taken"
	MsgRegion          = "realname.error.region"
	MsgAddress         = "realname.error.address"
	MsgAddressMissing  = "realname.error.address_missing"
	MsgUntil           = "realname.error.until"
	MsgUntilRange      = "realname.error.until_range"
	MsgNothingChanged  = "realname.error.nothing_changed"
	MsgUnderWay        = "realname.error.under_way"
	MsgNoReview        = "realname.error.no_review"
	MsgPapersMissing   = "realname.error.papers_missing"
	MsgPapersUnscanned = "realname.error.papers_unscanned"
	MsgTooOften        = "realname.error.too_often"
	MsgMoved           = "realname.error.moved"
	MsgOwnCase         = "realname.error.own_case"
	MsgGrounds         = "realname.error.grounds"
	MsgRemark          = "realname.error.remark"
	MsgUnitNameHeld    = "realname.error.unit_name_held"
	MsgWrongKind       = "realname.error.wrong_kind"
	MsgAccountUnusable = "realname.error.account_unusable"
)

// Messages lists every message key of this package's faults and reasons, so that a
// test can hold the catalogues against it.
func Messages() []string {
	out := []string{
		MsgNameEmpty, MsgNationality, MsgMinor, MsgUnitType, MsgUSCCChanged, MsgUSCCTaken, MsgRegion, MsgAddress, MsgAddressMissing,
		MsgUntil, MsgUntilRange, MsgNothingChanged, MsgUnderWay, MsgNoReview, MsgPapersMissing, MsgPapersUnscanned, MsgTooOften, MsgMoved, MsgOwnCase, MsgGrounds,
		MsgRemark, MsgUnitNameHeld, MsgWrongKind, MsgAccountUnusable,
	}
	for _, code := range []string{Mismatch, Unknown, Cancelled, ProvedTwice, NameTaken, ManualOnly, NoAnswer} {
		out = append(out, "realname.reason."+code)
	}
	for _, code := range Grounds {
		out = append(out, "realname.reason."+code)
	}
	return out
}

func wrong(field, msg string) *fault.Error {
	return &fault.Error{Kind: fault.Invalid, Field: field, Msg: msg}
}

func conflict(field, msg string) *fault.Error {
	return &fault.Error{Kind: fault.Conflict, Field: field, Msg: msg}
}
