package recovery

// The message keys that this package puts into faults.
const (
	MsgChanged      = "recover.fault.changed"       // somebody else was faster
	MsgOwnCase      = "recover.fault.own_case"      // a reviewer's own
	MsgSameReviewer = "recover.fault.same_reviewer" // the second approval is another reviewer's
	MsgNoAccount    = "recover.fault.no_account"
	MsgOtherKind    = "recover.fault.other_kind"
	MsgReason       = "recover.fault.reason"
	MsgOver         = "recover.fault.over"      // the flow is over
	MsgMobile       = "recover.fault.mobile"    // another open appeal has that number
	MsgEvidence     = "recover.fault.evidence"  // required evidence is missing
	MsgUnscanned    = "recover.fault.unscanned" // evidence waits for the scanner
	MsgDigits       = "recover.fault.digits"    // the last characters of the document are others
	MsgNoDigits     = "recover.fault.no_digits" // there is no document to ask for: appeal
	MsgFactor       = "recover.fault.factor"    // second factor is wrong
	MsgIDRequired   = "recover.fault.id_required"
	MsgNotYet       = "recover.fault.not_yet"    // the hold of an approval
	MsgHeld         = "recover.fault.held"       // a sensitive act during a hold
	MsgNoContact    = "recover.fault.no_contact" // code and name do not belong together, or there is no account
	MsgNoAppeal     = "recover.fault.no_appeal"  // number and secret open nothing
	MsgNameFree     = "recover.fault.name_free"  // nobody has the login name, and nobody is to get it
	MsgNameOwn      = "recover.fault.name_own"   // who asks for the login name has it
	MsgNoFactor     = "recover.fault.no_factor"  // the account has no second factor that could be lost
	MsgNameMoved    = "recover.fault.name_moved" // somebody else has it meanwhile
)

// Messages lists every message key of this package's faults, so that a test can
// hold the catalogues against it.
func Messages() []string {
	return []string{
		MsgChanged, MsgOwnCase, MsgSameReviewer, MsgNoAccount, MsgOtherKind, MsgReason, MsgOver, MsgMobile, MsgEvidence, MsgUnscanned,
		MsgDigits, MsgNoDigits, MsgFactor, MsgIDRequired, MsgNotYet, MsgHeld, MsgNoContact, MsgNoAppeal,
		MsgNameFree, MsgNameOwn, MsgNameMoved, MsgNoFactor,
	}
}
