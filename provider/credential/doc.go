// Package credential says how somebody proves to be an account: by password.
//
//	Verify: admit to the hashing queue -> reserve a guess -> find the login
//	        -> one argon2id computation -> refund, re-hash -> compare windows
//
// A guess is counted before the password is hashed and taken back on success,
// so that parallel guesses cannot outrun the counters. Whatever fails before
// the password is right fails alike: one error text, one computation, no
// sooner than a fixed floor of time. What really happened stands in
// Failure.Reason, for the audit trail alone.
//
// Sessions, captcha, the page for the wrong window and the audit records are
// left to the caller; the counters' atomicity is left to the store, their
// rule is Count.
package credential
