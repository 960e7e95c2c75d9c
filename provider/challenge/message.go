package challenge

// The message keys that this package puts into faults.
const (
	MsgCaptcha   = "challenge.captcha"    // not the answer, or not in time
	MsgCode      = "challenge.code"       // not the code, or not any more
	MsgTooMany   = "challenge.too_many"   // a cap is reached
	MsgRecipient = "challenge.recipient"  // not a number or address that codes go to
	MsgNoAnswer  = "challenge.no_captcha" // nothing was typed
)

// Messages lists every message key of this package's faults, so that a test can
// hold the catalogues against it.
func Messages() []string { return []string{MsgCaptcha, MsgCode, MsgTooMany, MsgRecipient, MsgNoAnswer} }
