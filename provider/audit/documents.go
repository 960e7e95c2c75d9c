package audit

// Uploaded documents.
const (
	DocumentStored  Kind = "document.stored"
	DocumentRefused Kind = "document.refused" // malware, or a PDF that acts
	DocumentHeld    Kind = "document.held"    // unseen until the scanner looked at it
	DocumentViewed  Kind = "document.viewed"  // Detail is the purpose
	DocumentErased  Kind = "document.erased"

	DocumentQuarantined Kind = "document.quarantined"
)
