package credential

// The message keys that this package puts into faults. Each names a text of
// the message catalogues; Messages lists them all.
const (
	MsgMismatch    = "sign_in.mismatch" // 登录名或密码错误, for every failure alike
	MsgWrongWindow = "sign_in.wrong_window"
	MsgBusy        = "sign_in.busy"
	MsgUnchanged   = "sign_in.password_unchanged" // the new password is the old one

	MsgPasswordShort     = "password.too_short"
	MsgPasswordLong      = "password.too_long"
	MsgPasswordBroken    = "password.broken_characters"
	MsgPasswordClasses   = "password.classes"
	MsgPasswordForbidden = "password.contains_own_data"
	MsgPasswordCommon    = "password.common"
)

// Messages lists every message key of this package's faults, so that a test
// can hold the catalogues against it.
func Messages() []string {
	return []string{
		MsgMismatch, MsgWrongWindow, MsgBusy, MsgUnchanged,
		MsgPasswordShort, MsgPasswordLong, MsgPasswordBroken,
		MsgPasswordClasses, MsgPasswordForbidden, MsgPasswordCommon,
	}
}
