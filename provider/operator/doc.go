// Package operator is the people who run the platform: reviewers, auditors and
// two kinds of administrator. They are apart from the accounts that the platform
// serves: own table, own sessions, own cookie. Nobody is both by one record.
//
// A person holds one role. Roles are separated so that nobody decides a case and
// edits its account, and nobody who acts also writes the trail of the acts (C6).
// Every sign-in takes a password and a second factor; there is no state in
// between. What two people have to agree on is proposed by one and confirmed by
// another (Proposal).
//
// Which page a role may open stands in the surface, package web/admin; how
// passwords are hashed and guesses counted in package credential.
package operator
