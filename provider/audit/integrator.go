package audit

// The deeds around systems that integrators connect. The detail of a decision is
// the decision, that of a change the names of the members that changed.
const (
	ProjectMade       Kind = "project.made"
	ProjectChanged    Kind = "project.changed"
	ProjectSubmitted  Kind = "project.submitted"
	ProjectDecided    Kind = "project.decided"
	TeamInvited       Kind = "team.invited"
	TeamJoined        Kind = "team.joined"
	TeamChanged       Kind = "team.changed" // a role, or somebody left
	TeamInviteEnded   Kind = "team.invite_ended"
	ClientProposed    Kind = "client.proposed" // a change that waits for a decision
	ClientDecided     Kind = "client.decided"
	ClientWithdrawn   Kind = "client.proposal_withdrawn"
	ClientSecretMade  Kind = "client.secret_made"
	ClientSecretEnded Kind = "client.secret_ended" // the one before, ahead of its time
	SandboxOpened     Kind = "sandbox.opened"      // its test accounts have a new password
	SandboxRestarted  Kind = "sandbox.restarted"   // its look-up outcomes begin anew
	PersonAdmitted    Kind = "integrator.admitted"
	PersonDismissed   Kind = "integrator.dismissed"
)
