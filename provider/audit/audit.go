// Package audit is the vocabulary of the audit trail: who did what to what,
// with which result. An event is written in the same transaction as the deed
// that it records (the store sees to it), so that deed and record stand or
// fall together. Package audit knows neither storage nor HTTP.
package audit

import "context"

// Kind names an auditable deed, as noun.verb. The list is closed: the store
// refuses none, but tests walk it.
type Kind string

// The deeds that the trail knows.
const (
	SignInSucceeded  Kind = "sign_in.succeeded"
	SignInFailed     Kind = "sign_in.failed"
	SignInThrottled  Kind = "sign_in.throttled"
	SessionEnded     Kind = "session.ended"
	ConsentGiven     Kind = "consent.given"
	ConsentRefused   Kind = "consent.refused"
	ConsentWithdrawn Kind = "consent.withdrawn"
	UnitChosen       Kind = "unit.chosen"
	EntryConfirmed   Kind = "entry.confirmed" // the unit's data, before a system is entered; detail: the systems
	EntryAsked       Kind = "entry.asked"     // somebody asks his unit for a system
	EntryAnswered    Kind = "entry.answered"  // detail: granted, declined or withdrawn
	EntryRefused     Kind = "entry.refused"
	ClaimsReleased   Kind = "claims.released"
	CodeIssued       Kind = "code.issued"
	CodeReplayed     Kind = "code.replayed"
	CodeBurned       Kind = "code.burned"
	RefreshReused    Kind = "refresh.reused"
	TokenRevoked     Kind = "token.revoked"
	DeviceAllowed    Kind = "device.allowed"
	DeviceRefused    Kind = "device.refused"
	DeviceThrottled  Kind = "device.throttled"
	TokenExchanged   Kind = "token.exchanged"
	AccountCreated   Kind = "account.created"
	AccountMigrated  Kind = "account.migrated" // brought over from the former platform, or found to be here already
	ImportCommitted  Kind = "import.committed"
	ImportReverted   Kind = "import.reverted"
	AccountChanged   Kind = "account.changed"
	AccountClosing   Kind = "account.closing" // asked for; done when the time is over
	AccountReturned  Kind = "account.returned"
	AccountClosed    Kind = "account.closed"
	AccountUnused    Kind = "account.unused" // disabled for want of use
	AccountExported  Kind = "account.exported"
	MobileChanged    Kind = "mobile.changed"
	MobileHeld       Kind = "mobile.held" // a change that waits, since the old number cannot be asked
	MobileStopped    Kind = "mobile.stopped"
	EmailChanged     Kind = "email.changed"
	UnitEnded        Kind = "unit.ended"
	PasswordChanged  Kind = "password.changed"
	UnitChanged      Kind = "unit.changed"
	EntitlementMade  Kind = "entitlement.made"
	EntitlementEnded Kind = "entitlement.ended"
	EntitlementSet   Kind = "entitlement.changed" // confirmed, suspended, resumed
	RightsAdopted    Kind = "rights.adopted"      // rows from before MACs got theirs; detail: how many
	RightAltered     Kind = "rights.altered"      // a mandate or grant was changed past the provider
	SystemChanged    Kind = "system.changed"      // an entry of the catalogue
	ClientCreated    Kind = "client.created"
	ClientChanged    Kind = "client.changed"
	ClientRegistered Kind = "client.registered"
	ClientUpdated    Kind = "client.updated"
	ClientDeleted    Kind = "client.deleted"
	InitialMade      Kind = "initial_token.made"
	InitialRevoked   Kind = "initial_token.revoked"
	WebhookAdded     Kind = "webhook.added"
	WebhookRotated   Kind = "webhook.rotated" // its secret
	WebhookRemoved   Kind = "webhook.removed"
	WebhookChanged   Kind = "webhook.changed"     // detail: events, paused, or resumed with what was held and skipped
	WebhookDisabled  Kind = "webhook.disabled"    // it failed for too long, or is gone
	WebhookResent    Kind = "webhook.redelivered" // detail: which delivery
	KeyRotated       Kind = "key.rotated"
	TrailPruned      Kind = "audit.pruned"

	// Proofs that pages ask for, and messages.
	ChallengeSent Kind = "challenge.sent" // a one-time code, or quietly none

	// The desk: operators and what they do.
	OperatorSignedIn        Kind = "operator.signed_in"
	OperatorSignInFailed    Kind = "operator.sign_in_failed"
	OperatorSignInThrottled Kind = "operator.sign_in_throttled"
	OperatorSignedOut       Kind = "operator.signed_out"
	OperatorAdded           Kind = "operator.added"
	OperatorChanged         Kind = "operator.changed"
	ProposalMade            Kind = "proposal.made"
	ProposalApproved        Kind = "proposal.approved"
	ProposalRefused         Kind = "proposal.refused"
	TrailExported           Kind = "audit.exported"
	CaseViewed              Kind = "case.viewed"
	AccountsSearched        Kind = "account.searched"
	AccountViewed           Kind = "account.viewed"
	AccountRevealed         Kind = "account.revealed"
	NoticePosted            Kind = "notice.posted"
	NoticeEnded             Kind = "notice.ended"

	// Registration, and the search for a login name.
	SignUpProved    Kind = "sign_up.proved"    // the mobile of a registration
	SignUpRefused   Kind = "sign_up.refused"   // something is taken; the detail names the fields
	SignUpThrottled Kind = "sign_up.throttled" // an address sends too many forms
	LoginNameTold   Kind = "login_name.told"   // to who proved the mobile

	// Real-name verification and the registers it compares with.
	RealNameEntered  Kind = "realname.entered"
	RealNameVerified Kind = "realname.verified" // detail: the method
	RealNameFailed   Kind = "realname.failed"   // detail: fields and codes
	RealNameDeferred Kind = "realname.deferred" // to documents; detail: why
	RealNameHandedIn Kind = "realname.handed_in"
	RealNameAssigned Kind = "realname.assigned" // detail: the reviewer
	RealNameRejected Kind = "realname.rejected" // detail: the ground
	RegisterLoaded   Kind = "register.loaded"   // detail: rows
)

// Event is one row of the trail. Actor and Object are identifiers (account,
// client, session ids), never names, numbers or tokens. Detail is a short
// machine-readable remark such as a reason code.
type Event struct {
	Kind      Kind
	Actor     string // account id, client id or "operator"
	Object    string // what was acted on
	Client    string // the relying party concerned, if any
	Result    string // "ok", "refused", "failed"
	Detail    string
	IP        string
	UserAgent string
	RequestID string
}

type sourceKey struct{}

// Source is where a deed came from; the edge puts it into the context once.
type Source struct{ IP, UserAgent, RequestID string }

// WithSource returns a context whose events carry s.
func WithSource(ctx context.Context, s Source) context.Context {
	return context.WithValue(ctx, sourceKey{}, s)
}

// From fills the source fields of e from ctx where e leaves them empty.
func From(ctx context.Context, e Event) Event {
	if s, ok := ctx.Value(sourceKey{}).(Source); ok {
		if e.IP == "" {
			e.IP = s.IP
		}
		if e.UserAgent == "" {
			e.UserAgent = s.UserAgent
		}
		if e.RequestID == "" {
			e.RequestID = s.RequestID
		}
	}
	if e.Result == "" {
		e.Result = "ok"
	}
	return e
}
