package templates

// Device asks for the code that a device shows (RFC 8628 §3.3). The form posts
// user_code. Whoever comes with the code in the address still has to send it
// off, and is asked later whether the device shows the same one.
type Device struct {
	Code  string // as typed, or as the address gave it
	Error Text
}

// Name, Title and Interaction make Device a Page.
func (Device) Name() string      { return "interact/device" }
func (Device) Title() Text       { return T("device.title") }
func (Device) Interaction() bool { return true }

// DeviceDone says what became of a device's request.
type DeviceDone struct{ Allowed bool }

// Name, Title and Interaction make DeviceDone a Page.
func (DeviceDone) Name() string      { return "interact/devicedone" }
func (DeviceDone) Title() Text       { return T("device.title") }
func (DeviceDone) Interaction() bool { return true }

// Formless: there is nothing left to do.
func (DeviceDone) Formless() bool { return true }
