// Package torch brings the accounts of the former platform, the Torch Center's,
// over: it reads them, decides what becomes of each, and keeps their passwords
// valid.
//
//	scheme.go     how the former platform hashed passwords
//	password.go   a stored password of it, as it lies in our database
//	decide.go     the two decision tables: which outcome an account gets
//
// A decision is made once, when an account is brought over, and kept with what it
// was made from; whatever is computed later would see the account that the
// decision itself made.
package torch
