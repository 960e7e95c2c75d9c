package realname

import "context"

// Verifier compares an entry with what an authority has on record.
type Verifier interface {
	// Supports tells whether documents of the type are known beyond those that
	// carry a check digit.
	Supports(idType string) bool
	// Check compares. An error means that the authority did not answer: try again
	// later. It must be harmless to ask twice about the same version of a case.
	Check(ctx context.Context, c Case) (Verdict, error)
}

// Verdict is a verifier's answer. It names fields of the form and never what the
// register holds.
type Verdict struct {
	Passed  bool
	Manual  bool     // the verifier cannot tell: documents decide
	Reasons []Reason // why not
	CheckID string   // the verifier's reference, for later questions
	Checker string   // the organisation that compared
}
