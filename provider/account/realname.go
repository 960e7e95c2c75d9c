package account

import "time"

// The values of RealName.Status.
const (
	StatusUnverified   = "unverified"
	StatusPending      = "pending"
	StatusVerified     = "verified"
	StatusFailed       = "failed"
	StatusManualReview = "manual_review"
	StatusRejected     = "rejected"
)

// The values of RealName.Method.
const (
	MethodAuto   = "auto"
	MethodManual = "manual"
)

// RealName is the verdict of real-name verification (实名认证) on an account
// or a unit. The level says who somebody is, never how strongly they signed
// in.
type RealName struct {
	Status            string    `json:"status"`           // one of the Status constants
	Level             string    `json:"level"`            // "L0" to "L4"
	Method            string    `json:"method,omitempty"` // MethodAuto, MethodManual or empty before the first verdict
	VerifiedAt        time.Time `json:"verified_at,omitzero"`
	ProcessID         string    `json:"process_id,omitempty"`         // the verification case
	CheckID           string    `json:"check_id,omitempty"`           // the checker's own reference
	CheckOrganization string    `json:"check_organization,omitempty"` // who compared the data
}

// Verified tells whether identity data may be released as verified.
func (r RealName) Verified() bool { return r.Status == StatusVerified }

// AtLeast tells whether r stands and reaches level ("L0" to "L4"). L2 and
// above need a verified status, and an unknown level is never reached.
func (r RealName) AtLeast(level string) bool {
	want, have := rank(level), rank(r.Level)
	if want < 0 || have < want {
		return false
	}
	return want < 2 || r.Verified()
}

func rank(level string) int {
	if len(level) != 2 || level[0] != 'L' || level[1] < '0' || level[1] > '4' {
		return -1
	}
	return int(level[1] - '0')
}
