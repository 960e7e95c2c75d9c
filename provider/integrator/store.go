package integrator

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
)

// Store keeps projects, teams, proposals and history. What is looked up by two
// ids is looked up below its parent: another parent's child is fault.NotFound
// (S79). Methods that tell whether they won are compare-and-swaps.
type Store interface {
	InTx(ctx context.Context, fn func(context.Context) error) error
	// Record writes an event into the trail.
	Record(ctx context.Context, ev audit.Event) error

	// AddProject adds p with its first owner.
	AddProject(ctx context.Context, p Project, owner Member) error
	// Project gives a project; fault.NotFound if there is none.
	Project(ctx context.Context, id string) (Project, error)
	// SaveProject replaces p if it still has p.Version; false if it has not. It is
	// also how a change of the team excludes others.
	SaveProject(ctx context.Context, p Project) (bool, error)
	// ProjectsOf gives the projects of a member's teams, the newest first, a
	// thousand at most.
	ProjectsOf(ctx context.Context, id account.ID) ([]Mine, error)
	// CountProjects counts those of a unit, or of a person without one, that are
	// not rejected.
	CountProjects(ctx context.Context, unitID string, person account.ID) (int, error)
	// ProjectsIn gives projects in a state, those that wait longest first.
	ProjectsIn(ctx context.Context, s State, limit int) ([]Project, error)
	// ProjectByClient gives the project whose client it is; fault.NotFound if none's.
	ProjectByClient(ctx context.Context, clientID string) (Project, error)

	// TeamOf gives the team, owners first.
	TeamOf(ctx context.Context, project string) ([]Member, error)
	// RoleOf gives an account's role in a project; fault.NotFound if it is no member.
	RoleOf(ctx context.Context, project string, id account.ID) (Role, error)
	PutMember(ctx context.Context, m Member) error
	// DropMember removes a member; false if it was none.
	DropMember(ctx context.Context, project string, id account.ID) (bool, error)

	// AddTeamInvite adds an invitation, in place of another one to that name.
	AddTeamInvite(ctx context.Context, i Invite) error
	TeamInvites(ctx context.Context, project string, now time.Time) ([]Invite, error)
	// TeamInvitesFor gives the invitations that wait for whoever has the login name.
	TeamInvitesFor(ctx context.Context, login string, now time.Time) ([]Invite, error)
	// DropTeamInvite removes an invitation of the project, of several callers for one.
	DropTeamInvite(ctx context.Context, project, id string) (bool, error)

	// AddProposal adds an open one; fault.Conflict if the client has one.
	AddProposal(ctx context.Context, p Proposal) error
	ClientProposal(ctx context.Context, id string) (Proposal, error)
	// ClientProposals gives those of a project, the newest first.
	ClientProposals(ctx context.Context, project string, limit int) ([]Proposal, error)
	// OpenProposals gives all that wait, the oldest first.
	OpenProposals(ctx context.Context, limit int) ([]Proposal, error)
	// SettleClientProposal moves an open one on; false if it is not open any more.
	SettleClientProposal(ctx context.Context, id string, to ProposalState, reason, decider string, now time.Time) (bool, error)

	AddClientChange(ctx context.Context, c Change) error
	// ClientChanges gives the history of a project, the newest first.
	ClientChanges(ctx context.Context, project string, limit int) ([]Change, error)

	// Admitted tells whether the person may connect systems in their own name.
	Admitted(ctx context.Context, id account.ID) (bool, error)
	// Admit lets a person do so; false if they may already. Dismiss undoes it.
	Admit(ctx context.Context, id account.ID, by string, now time.Time) (bool, error)
	Dismiss(ctx context.Context, id account.ID) (bool, error)
	AllAdmitted(ctx context.Context, limit int) ([]account.ID, error)

	// Clients gives all clients in any state.
	Clients(ctx context.Context) ([]client.Client, error)
	// Client gives a client in any state.
	Client(ctx context.Context, id string) (*client.Client, error)
	PutClient(ctx context.Context, c *client.Client, ev audit.Event) error
	// AmendClient is PutClient for a client that is active and still has
	// c.Version; false if not.
	AmendClient(ctx context.Context, c *client.Client, ev audit.Event) (bool, error)

	AccountByLogin(ctx context.Context, loginKey string) (account.Account, error)
	HeldAccount(ctx context.Context, id account.ID) (account.Account, error)
	// Systems gives the catalogue of business systems.
	Systems(ctx context.Context) ([]entitlement.System, error)

	// What sandboxes are made of.
	PutAccount(ctx context.Context, a account.Account, phc string, ev audit.Event) error
	PutUnit(ctx context.Context, u account.Unit, ev audit.Event) error
	PutMandate(ctx context.Context, m entitlement.Mandate, ev audit.Event) error
	PutGrant(ctx context.Context, g entitlement.Grant, ev audit.Event) error
	// RightsOf gives all that an account holds or held.
	RightsOf(ctx context.Context, id account.ID) ([]entitlement.Mandate, []entitlement.Grant, error)
	// HeldUnit and HeldAccount hold the row until the transaction ends.
	HeldUnit(ctx context.Context, id string) (account.Unit, error)
	// EndAccount ends all sessions and tokens of an account.
	EndAccount(ctx context.Context, id account.ID, now time.Time, ev audit.Event) error

	// AddTestKey adds a key of the look-up; fault.Conflict if it is there already.
	AddTestKey(ctx context.Context, k TestKey) error
	// TestKeys gives those of a project, by name.
	TestKeys(ctx context.Context, project string) ([]TestKey, error)
	// RestartTestKeys lets the look-up forget what happened to the project's keys.
	RestartTestKeys(ctx context.Context, project string, now time.Time) error
	// TestAccounts gives the accounts of a project's sandbox, by login name.
	TestAccounts(ctx context.Context, project string) ([]account.Account, error)
}
