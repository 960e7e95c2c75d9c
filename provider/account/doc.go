// Package account says who a natural person or a legal entity is: the account
// with its last verified snapshot, the unit (统一社会信用代码) behind a legal
// account, and the identifiers by which both are known.
//
// It owns the canonical form of every identifier (login name, USCC, resident
// and permanent-resident number, mobile) and how each is masked when shown.
// Parsing normalises spelling (width, case, blanks, +86) but never guesses:
// a letter O where a zero must stand is named in the refusal, not corrected.
// What type of document a number is comes from the form field, since some
// numbers pass the checks of two types.
//
// How somebody proves to be an account is left to package credential, what an
// account may enter to package entitlement, storage and sealing to the store.
package account
