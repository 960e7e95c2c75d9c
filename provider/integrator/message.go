package integrator

// The messages of faults, keys of the catalogues.
const (
	MsgRole        = "console.error.role"
	MsgChanged     = "console.error.changed"
	MsgNotEditable = "console.error.not_editable"
	MsgBody        = "console.error.body"
	MsgMany        = "console.error.many"
	MsgEmpty       = "console.error.empty"
	MsgLong        = "console.error.long"
	MsgHidden      = "console.error.hidden"
	MsgScope       = "console.error.scope"
	MsgWhy         = "console.error.why"
	MsgSystem      = "console.error.system"
	MsgRedirect    = "console.error.redirect"
	MsgOpen        = "console.error.open"
	MsgStale       = "console.error.stale"
	MsgNothing     = "console.error.nothing"
	MsgReason      = "console.error.reason"
	MsgLastOwner   = "console.error.last_owner"
	MsgTeamFull    = "console.error.team_full"
	MsgLogin       = "console.error.login"
	MsgMember      = "console.error.member"
	MsgNoSecret    = "console.error.no_secret"
	MsgPerson      = "console.error.person"
	MsgDecided     = "console.error.decided"
	MsgOwn         = "console.error.own"
	MsgNumber      = "console.error.number"
	MsgJSON        = "console.error.json"
)

// The purposes of notices to owners.
const (
	NoticeApproved = "integrator_approved"
	NoticeRejected = "integrator_rejected"
	NoticeReturned = "integrator_returned"
	NoticeAccepted = "integrator_accepted"
	NoticeRefused  = "integrator_refused"
)
