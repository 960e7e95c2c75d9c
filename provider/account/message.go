package account

// The message keys that this package puts into faults. Each names a text of
// the message catalogues; Messages lists them all.
const (
	MsgIDMalformed = "account.id_malformed"
	MsgInvisible   = "identifier.invisible_characters"
	MsgTooLong     = "identifier.too_long"

	MsgUSCCEmpty        = "uscc.empty"
	MsgUSCCRegistration = "uscc.registration_number" // 15 digits: a 注册号
	MsgUSCCOrganization = "uscc.organization_code"   // 9 characters: an 组织机构代码
	MsgUSCCLength       = "uscc.length"
	MsgUSCCLetterO      = "uscc.letter_o" // O where 0 may be meant
	MsgUSCCLetterI      = "uscc.letter_i" // I where 1 may be meant
	MsgUSCCAlphabet     = "uscc.alphabet"
	MsgUSCCRegion       = "uscc.region"
	MsgUSCCCheck        = "uscc.check_digit"
	MsgTestRange        = "identifier.test" // of the ranges of sandboxes

	MsgResidentEmpty    = "resident_id.empty"
	MsgResidentVoid     = "resident_id.fifteen_digits" // void since 2013
	MsgResidentLength   = "resident_id.length"
	MsgResidentDigits   = "resident_id.digits"
	MsgResidentProvince = "resident_id.province"
	MsgResidentDate     = "resident_id.birth_date"
	MsgResidentFuture   = "resident_id.future_date"
	MsgResidentCheck    = "resident_id.check_digit"
	MsgResidencePermit  = "residence_permit.region" // not 81, 82 or 83

	MsgPermanentForm  = "permanent_resident_id.form"
	MsgPermanentDate  = "permanent_resident_id.birth_date"
	MsgPermanentCheck = "permanent_resident_id.check_digit"

	MsgDocumentType = "document.type"
	MsgDocumentForm = "document.form"

	MsgDocumentProved = "document.proved_elsewhere" // one document, one verified account

	MsgMobileEmpty = "mobile.empty"
	MsgMobileForm  = "mobile.form"

	MsgEmailEmpty = "email.empty"
	MsgEmailForm  = "email.form"

	MsgNameLength     = "name.length"
	MsgNameCharacters = "name.characters"

	MsgUnitNameEmpty      = "unit_name.empty"
	MsgUnitNameLength     = "unit_name.length"
	MsgUnitNameCharacters = "unit_name.characters"

	MsgLoginEmpty      = "login.empty"
	MsgLoginShort      = "login.too_short"
	MsgLoginLong       = "login.too_long"
	MsgLoginSpace      = "login.space"
	MsgLoginCharacters = "login.characters"
	MsgLoginReserved   = "login.reserved" // HJ_ belongs to migrated accounts
	MsgLoginUSCC       = "login.uscc"
	MsgLoginMobile     = "login.foreign_mobile"
	MsgLoginIDNumber   = "login.id_number"
)

// Messages lists every message key of this package's faults, so that a test
// can hold the catalogues against it.
func Messages() []string {
	return []string{
		MsgIDMalformed, MsgInvisible, MsgTooLong,
		MsgUSCCEmpty, MsgUSCCRegistration, MsgUSCCOrganization, MsgUSCCLength, MsgUSCCLetterO,
		MsgUSCCLetterI, MsgUSCCAlphabet, MsgUSCCRegion, MsgUSCCCheck, MsgTestRange,
		MsgResidentEmpty, MsgResidentVoid, MsgResidentLength, MsgResidentDigits, MsgResidentProvince,
		MsgResidentDate, MsgResidentFuture, MsgResidentCheck, MsgResidencePermit,
		MsgPermanentForm, MsgPermanentDate, MsgPermanentCheck,
		MsgDocumentType, MsgDocumentForm, MsgDocumentProved,
		MsgMobileEmpty, MsgMobileForm, MsgEmailEmpty, MsgEmailForm,
		MsgNameLength, MsgNameCharacters,
		MsgUnitNameEmpty, MsgUnitNameLength, MsgUnitNameCharacters,
		MsgLoginEmpty, MsgLoginShort, MsgLoginLong, MsgLoginSpace, MsgLoginCharacters,
		MsgLoginReserved, MsgLoginUSCC, MsgLoginMobile, MsgLoginIDNumber,
	}
}
