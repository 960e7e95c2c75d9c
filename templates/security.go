package templates

import (
	"encoding/base64"
	"html/template"
	"time"
)

// Security is 登录与安全: the password, second factors, recovery codes. Its forms
// post to the paths beneath it.
type Security struct {
	PasswordAt time.Time // when the password was changed last, zero if not known
	Factors    []EnrolledFactor
	TOTP       bool // there is an authenticator app
	Passkeys   bool // passkeys can be made here
	Codes      int  // recovery codes that are left
	Notice     Text // what was done
}

// EnrolledFactor is a line of the list.
type EnrolledFactor struct {
	ID, Kind, Name    string // Kind: totp, passkey
	CreatedAt, UsedAt time.Time
}

// Name, Title and Interaction make Security a Page.
func (Security) Name() string      { return "portal/security" }
func (Security) Title() Text       { return T("security.title") }
func (Security) Interaction() bool { return false }

// ChangePassword asks for the present password and the new one, twice. The form
// posts password, new_password, new_password_again.
type ChangePassword struct {
	Login       string
	Minimum     int
	Classes     bool
	Error       Text // above the form
	PasswordWhy Text // at the present password
	Why         Text // at the new one
	AgainWhy    Text // at its repetition
}

// Name, Title and Interaction make ChangePassword a Page.
func (ChangePassword) Name() string      { return "portal/changepassword" }
func (ChangePassword) Title() Text       { return T("changepassword.title") }
func (ChangePassword) Interaction() bool { return false }

// EnrolTOTP shows a secret for an authenticator app and asks for its first code.
// The form posts offer and code.
type EnrolTOTP struct {
	Offer  string
	Secret string // base32, in groups
	QR     []byte // PNG
	Why    Text
}

// Picture is the QR code as an address of its own: nothing is loaded for it, from
// nowhere.
func (p EnrolTOTP) Picture() template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.QR)) //nolint:gosec // base64 has no way out
}

// Name, Title and Interaction make EnrolTOTP a Page.
func (EnrolTOTP) Name() string      { return "portal/totp" }
func (EnrolTOTP) Title() Text       { return T("totp.title") }
func (EnrolTOTP) Interaction() bool { return false }

// EnrolPasskey makes a passkey, by script. The form posts question, answer, name.
type EnrolPasskey struct {
	Question string
	Options  string // JSON for navigator.credentials.create
	Label    string // the passkey's name, as typed
	Error    Text
	Why      Text // at the name
}

// Name, Title and Interaction make EnrolPasskey a Page.
func (EnrolPasskey) Name() string      { return "portal/passkey" }
func (EnrolPasskey) Title() Text       { return T("passkey.title") }
func (EnrolPasskey) Interaction() bool { return false }

// RecoveryCodes shows the recovery codes, this once.
type RecoveryCodes struct{ Codes []string }

// Name, Title and Interaction make RecoveryCodes a Page.
func (RecoveryCodes) Name() string      { return "portal/recoverycodes" }
func (RecoveryCodes) Title() Text       { return T("recoverycodes.title") }
func (RecoveryCodes) Interaction() bool { return false }

// Formless: there is a link alone.
func (RecoveryCodes) Formless() bool { return true }

// Devices is 登录设备: where one is signed in. The forms post session=<id> or
// others=yes.
type Devices struct {
	Sessions []DeviceSession
	Notice   Text
}

// DeviceSession is one browser that is signed in.
type DeviceSession struct {
	ID       string
	System   string // windows, mac, android, ios, harmony, linux, other (message device.system.*)
	Browser  string // product name, empty if not known
	Address  string
	Since    time.Time
	SeenAt   time.Time
	Shared   bool
	Current  bool
	Strength string // password, second, strong (message device.strength.*)
}

// Others tells whether there is another session than this one.
func (p Devices) Others() bool {
	for _, s := range p.Sessions {
		if !s.Current {
			return true
		}
	}
	return false
}

// Name, Title and Interaction make Devices a Page.
func (Devices) Name() string      { return "portal/devices" }
func (Devices) Title() Text       { return T("devices.title") }
func (Devices) Interaction() bool { return false }
