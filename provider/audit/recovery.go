package audit

// The deeds of recovery: passwords reset, appeals and what becomes of them.
const (
	RecoveryAsked   Kind = "recovery.asked" // a code was asked for
	PasswordReset   Kind = "password.reset"
	ContactShown    Kind = "contact.shown"
	ContactTold     Kind = "contact.told"
	AppealFiled     Kind = "appeal.filed"
	AppealAssigned  Kind = "appeal.assigned"
	AppealConcerned Kind = "appeal.concerned" // a reviewer said which account it concerns
	AppealApproved  Kind = "appeal.approved"
	AppealRejected  Kind = "appeal.rejected"
	AppealContested Kind = "appeal.contested"
	AppealWithdrawn Kind = "appeal.withdrawn"
	AppealRedeemed  Kind = "appeal.redeemed"
	LoginNameGiven  Kind = "login_name.given" // by an appeal; detail: its id
	LoginNameTaken  Kind = "login_name.taken" // from who had it; detail: the appeal
	UnitYielded     Kind = "unit.yielded"     // an unverified account lost what another one is verified with
)
