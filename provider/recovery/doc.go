// Package recovery gives people back what they lost: a password by the login
// name and the mobile number on file, or by an appeal that people decide.
//
//	reset:  login name, captcha ─▶ mobile on file ─▶ code ─▶ [what else is owed] ─▶ password
//	appeal: data, captcha ─▶ code to the new mobile ─▶ evidence ─▶ filed ─▶ two reviewers
//	        ─▶ hold ─▶ code to the new mobile ─▶ password
//
// Every way is a Flow: a row that belongs to one browser and says which step was
// reached. What a browser sends beside the flow's id is never believed, and each
// step is a compare-and-swap on the row, so that a step skipped, repeated or mixed
// with another flow's finds nothing to stand on (S56). Nothing that is shown
// before a code was right depends on whether an account exists (S49, R31).
//
// An appeal is decided by two reviewers and yields a one-time way to a password,
// never a password. The holder of the account is told and may object (S57, S58).
package recovery
