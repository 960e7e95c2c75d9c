package audit

// Uploaded documents.
const (
	DocumentStored  Kind = "document.stored"
	DocumentRefused Kind = "document.refused" // malware, or a PDF that acts
	DocumentViewed  Kind = "document.viewed"  // Detail is the purpose
	DocumentErased  Kind = "document.erased"
)
