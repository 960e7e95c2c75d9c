package signup

// The message keys that this package puts into faults.
const (
	MsgOver        = "signup.over"         // start again
	MsgTerms       = "signup.terms"        // not ticked
	MsgAdult       = "signup.adult"        // not ticked
	MsgUnequal     = "signup.unequal"      // two passwords
	MsgLoginTaken  = "signup.taken_login"  //
	MsgUSCCTaken   = "signup.taken_uscc"   //
	MsgUnitTaken   = "signup.taken_name"   //
	MsgUnitBarred  = "signup.unit_barred"  // the unit is frozen, closed or deregistered
	MsgNameDiffers = "signup.name_differs" // the unit is verified under another name
	MsgType        = "signup.type"         // not one of ours
	MsgTypeDiffers = "signup.type_differs" // the USCC says another one
	MsgArea        = "signup.area"         // not one of ours
	MsgTooMany     = "signup.too_many"     // a limit is reached
)

// Messages lists every message key of this package's faults, so that a test can
// hold the catalogues against it.
func Messages() []string {
	return []string{MsgOver, MsgTerms, MsgAdult, MsgUnequal, MsgLoginTaken, MsgUSCCTaken, MsgUnitTaken, MsgUnitBarred, MsgNameDiffers,
		MsgType, MsgTypeDiffers, MsgArea, MsgTooMany}
}
