package realname

// Reason is why a case did not pass: a field of the form and what is wrong with
// it. Neither says anything of what the register holds.
type Reason struct {
	Field string `json:"f,omitempty"` // one of the fields of Entry; empty for the case as a whole
	Code  string `json:"c"`           // one of the codes below; message realname.reason.<code>
}

// What verifiers find.
const (
	Mismatch    = "mismatch"    // differs from the register
	Unknown     = "unknown"     // the register has no such number
	Cancelled   = "cancelled"   // the unit or document is deregistered or void
	ProvedTwice = "proved"      // the document is verified on another account (R9)
	NameTaken   = "name_taken"  // another unit's account bears the name (R15)
	ManualOnly  = "manual_only" // no register answers for this kind; documents decide (R22)
	NoAnswer    = "no_answer"   // the register could not be asked; documents decide
)

// Grounds are the reasons that a reviewer picks from; messages
// realname.reason.<code>.
var Grounds = [...]string{"papers_unclear", "papers_differ", "papers_missing", "papers_expired", "seal_missing", "not_entitled", "other"}
