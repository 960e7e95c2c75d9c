package operator

// The message keys that this package puts into faults.
const (
	MsgWrong        = "desk.error.wrong" // name, password or code: never which
	MsgReused       = "desk.error.password_reused"
	MsgCode         = "desk.error.code"
	MsgInvite       = "desk.error.invite"
	MsgRole         = "desk.error.role"
	MsgLogin        = "desk.error.login_taken"
	MsgChanged      = "desk.error.changed"
	MsgOwnProposal  = "desk.error.own_proposal"
	MsgOwnCase      = "desk.error.own_case"
	MsgNotDecider   = "desk.error.not_decider"
	MsgProposalOver = "desk.error.proposal_over"
	MsgProposerGone = "desk.error.proposer_gone"
	MsgSame         = "desk.error.nothing_changes"
	MsgNotice       = "desk.error.notice_text"
	MsgNoticeTimes  = "desk.error.notice_times"
	MsgReveals      = "desk.error.reveals"
	MsgAccount      = "desk.error.no_account"
)

// Messages lists every message key of this package's faults.
func Messages() []string {
	return []string{MsgWrong, MsgReused, MsgCode, MsgInvite, MsgRole, MsgLogin, MsgChanged, MsgOwnProposal, MsgOwnCase, MsgNotDecider,
		MsgProposalOver, MsgProposerGone, MsgSame, MsgNotice, MsgNoticeTimes, MsgReveals, MsgAccount}
}
