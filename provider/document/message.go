package document

// The message keys that this package puts into faults; Messages lists them all.
const (
	MsgEmpty       = "upload.empty"
	MsgTooLarge    = "upload.too_large"
	MsgForm        = "upload.form"      // neither JPEG, PNG nor PDF
	MsgDamaged     = "upload.damaged"   // does not decode
	MsgTooManyDots = "upload.pixels"    // more than MaxPixels
	MsgHeavy       = "upload.heavy"     // within MaxPixels, but stored in a way that costs too much memory
	MsgTooSmall    = "upload.too_small" // nobody could read it
	MsgAnimated    = "upload.animated"
	MsgPDFForm     = "upload.pdf_form"   // pages that are more than one JPEG
	MsgPDFActive   = "upload.pdf_active" // scripts, attachments, actions
	MsgPDFLocked   = "upload.pdf_locked" // encrypted
	MsgPDFPages    = "upload.pdf_pages"  // more than MaxPages
	MsgMissing     = "upload.missing"    // a required document is not there
	MsgKind        = "upload.kind"
	MsgMalware     = "upload.malware"
	MsgQuota       = "upload.quota"
	MsgDecided     = "upload.decided" // the case is closed
	MsgBusy        = "upload.busy"
	MsgUnscanned   = "upload.unscanned" // the scanner does not answer
	MsgFull        = "upload.full"      // no room at rest
)

// Messages lists every message key of this package's faults, so that a test can
// hold the catalogues against it.
func Messages() []string {
	return []string{MsgEmpty, MsgTooLarge, MsgForm, MsgDamaged, MsgTooManyDots, MsgHeavy, MsgTooSmall, MsgAnimated, MsgPDFForm, MsgPDFActive,
		MsgPDFLocked, MsgPDFPages, MsgKind, MsgMalware, MsgQuota, MsgDecided, MsgBusy, MsgUnscanned, MsgFull, MsgMissing}
}
