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
)
