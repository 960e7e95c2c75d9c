package operator

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"kejitong/provider/account"
)

// Role is what an operator is there for.
type Role string

// The roles (GB/T 22239-2019 §8.1.5 with the reviewer beside them).
const (
	SystemAdmin   Role = "system_admin"   // 系统管理员: operators, notices
	SecurityAdmin Role = "security_admin" // 安全管理员: freezes accounts, confirms what others propose
	Auditor       Role = "auditor"        // 审计员: reads the trail, nothing else
	Reviewer      Role = "reviewer"       // 审核员: decides cases
)

// Roles lists the roles.
func Roles() []Role { return []Role{SystemAdmin, SecurityAdmin, Auditor, Reviewer} }

// Known tells whether r is one of the roles.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// State is whether an operator can come in.
type State string

// The states. An invited one has neither password nor second factor yet.
const (
	Invited  State = "invited"
	Active   State = "active"
	Disabled State = "disabled"
)

// Operator is one person at the desk.
type Operator struct {
	ID        string // "op-" and 22 characters
	LoginName string
	LoginKey  string // account.NormaliseLogin(LoginName), unique among operators
	Role      Role
	State     State

	Password string   // PHC string, empty while invited
	Former   []string // PHC strings of passwords before, the newest first
	Factor   string   // secret of the second factor (TOTP), empty while invited
	Offered  string   // secret that is shown for enrolment and not confirmed yet
	Step     int64    // the last time step of the second factor that was spent

	Invite      string // keyed digest of the one-time secret for enrolment, empty if none
	InviteUntil time.Time

	// Accounts are the operator's own accounts on the platform, as far as known:
	// nobody decides about himself.
	Accounts []account.ID

	PasswordAt time.Time // when the password was chosen
	CreatedAt  time.Time
	UpdatedAt  time.Time
	SeenAt     time.Time // last sign-in
	Version    int64     // grows with each change, for compare-and-swap
}

// Owns tells whether the account is one of o's own.
func (o *Operator) Owns(id account.ID) bool { return slices.Contains(o.Accounts, id) }

// idPrefix tells operators and accounts apart in the trail.
const idPrefix = "op-"

// NewID makes the id of an operator.
func NewID() string { return idPrefix + random(16) }

// IsID tells whether an actor of the trail is an operator.
func IsID(s string) bool { return strings.HasPrefix(s, idPrefix) && len(s) == len(idPrefix)+22 }

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}
