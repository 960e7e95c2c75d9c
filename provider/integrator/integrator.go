// Package integrator is how others connect their systems: a verified unit, or an
// approved person, describes a system and gets a sandbox at once, whose client
// signs test accounts in and nobody else; an operator's approval makes the client
// that is in earnest. A team looks after both. What users see of a client, and
// where its tokens go, changes only when an operator agrees (S68).
//
//	apply.go    who may connect a system, the description, its submission
//	review.go   what operators decide: systems, changes, persons
//	waiting.go  what waits for them, and what they should look at twice
//	clients.go  changes of clients, and which of them wait for a decision
//	secrets.go  secrets, with an overlap when they are rotated
//	team.go     members, their roles, invitations
//	sandbox.go  the test accounts
//	outcomes.go the outcomes of the look-up, with the accounts behind them
//	trials.go   what becomes of those, and how they begin anew
package integrator

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// State is where a project stands.
type State string

// The states. A sandbox is there from the first one on.
const (
	Testing   State = "testing"
	Submitted State = "submitted"
	Returned  State = "returned" // the operator asks for changes
	Approved  State = "approved"
	Rejected  State = "rejected"
)

// Decision is what an operator says to a submission or a proposal.
type Decision string

// The decisions. Return goes with submissions alone.
const (
	Approve Decision = "approve"
	Reject  Decision = "reject"
	Return  Decision = "return"
)

// next is the machine of projects as operators move it.
var next = map[Decision]State{Approve: Approved, Reject: Rejected, Return: Returned}

// Editable tells whether the description may be changed and submitted.
func (s State) Editable() bool { return s == Testing || s == Returned }

// Role is what a member may do.
type Role string

// The roles: a viewer reads, a developer changes clients and secrets, an owner
// changes the team and submits as well.
const (
	Viewer    Role = "viewer"
	Developer Role = "developer"
	Owner     Role = "owner"
)

// Roles lists the roles, the weakest first.
func Roles() []Role { return []Role{Viewer, Developer, Owner} }

// Known tells whether r is one of the roles.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// AtLeast tells whether r may do what other may.
func (r Role) AtLeast(other Role) bool {
	return r.Known() && slices.Index(Roles(), r) >= slices.Index(Roles(), other)
}

// Wish is a scope that is wanted, and why (PIPL 17).
type Wish struct {
	Scope  string `json:"s"`
	Reason string `json:"r"`
}

// Form is how a system is described by those who connect it.
type Form struct {
	Name         string                 `json:"n"`
	Purpose      string                 `json:"p"` // shown to users before the first release (C22)
	Wishes       []Wish                 `json:"w"`
	RedirectURIs []string               `json:"u"` // of the client in earnest
	Systems      []entitlement.SystemID `json:"b,omitempty"`
	Contacts     []string               `json:"c"` // mail addresses or numbers of people to ask
}

// Scope is what is wanted as one text; openid is always there.
func (f Form) Scope() string {
	out := []string{"openid"}
	for _, w := range f.Wishes {
		if !slices.Contains(out, w.Scope) {
			out = append(out, w.Scope)
		}
	}
	return strings.Join(out, " ")
}

// Project is a system that somebody connects.
type Project struct {
	ID         string
	UnitID     string     // whose system it is; empty for a person's own
	Person     account.ID // whose it is if no unit's; else who described it first
	LegalName  string     // of the unit or person, as verified (C22)
	State      State
	Form       Form
	Sandbox    string // client ids; Production is empty until approved
	Production string
	Reason     string // what the operator said last
	Decider    string
	CreatedAt  time.Time
	SubmitAt   time.Time
	DecidedAt  time.Time
	Version    int64 // grows with each change of project or team
}

// Has tells whether the client is one of the project's.
func (p Project) Has(clientID string) bool {
	return clientID != "" && (clientID == p.Sandbox || clientID == p.Production)
}

// Member is somebody of a project's team.
type Member struct {
	Project string
	Account account.ID
	Role    Role
	Since   time.Time
}

// Invite asks whoever has a login name into a team.
type Invite struct {
	ID      string
	Project string
	Login   string // in canonical form
	Role    Role
	By      account.ID
	Until   time.Time
}

// InviteLife is how long an invitation waits.
const InviteLife = 14 * 24 * time.Hour

// Edit is one member of the metadata before and after; nil where it is absent.
type Edit struct {
	Member string          `json:"m"`
	Before json.RawMessage `json:"b,omitempty"`
	After  json.RawMessage `json:"a,omitempty"`
}

// Said are the values before and after as people read them: texts without quotes,
// one of a list a line, and whatever else as JSON.
func (e Edit) Said() (before, after string) { return said(e.Before), said(e.After) }

func said(raw json.RawMessage) string {
	if all := texts(raw); len(all) > 0 {
		return strings.Join(all, "\n")
	}
	return string(raw)
}

// ProposalState is where a proposal stands.
type ProposalState string

// The states of a proposal.
const (
	Open      ProposalState = "open"
	Accepted  ProposalState = "approved"
	Refused   ProposalState = "rejected"
	Withdrawn ProposalState = "withdrawn"
)

// Proposal is a change of a client that waits for an operator.
type Proposal struct {
	ID        string
	Project   string
	Client    string
	Edits     []Edit
	State     ProposalState
	Reason    string
	By        account.ID
	At        time.Time
	Decider   string
	DecidedAt time.Time
}

// Change is a line of a project's history. It never holds a secret.
type Change struct {
	ID      string
	Project string
	Client  string // empty if the project or the team changed
	Actor   string // an account or an operator
	What    string // one of the What constants
	Edits   []Edit
	At      time.Time
}

// What history tells of.
const (
	WhatMade       = "made"
	WhatDescribed  = "described"
	WhatSubmitted  = "submitted"
	WhatApproved   = "approved"
	WhatRejected   = "rejected"
	WhatReturned   = "returned"
	WhatEdited     = "edited"
	WhatProposed   = "proposed"
	WhatWithdrawn  = "withdrawn"
	WhatAccepted   = "accepted"
	WhatRefused    = "refused"
	WhatSecret     = "secret"
	WhatOldSecret  = "old_secret"
	WhatInvited    = "invited"
	WhatJoined     = "joined"
	WhatTeam       = "team"
	WhatTestAccess = "test_access"
	WhatRestarted  = "restarted"
)

// Mine is a project with what the asker is in it.
type Mine struct {
	Project
	Role Role
}

// Asker is who asks: the account, and the units that it may act for now.
type Asker struct {
	Account account.Account
	Units   []entitlement.Mandate
}

// NewID makes the id of a project, proposal, invitation or line of history.
func NewID() string {
	b := make([]byte, 16)
	rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}
