// Package keys keeps the provider's cryptographic keys: the signing keys whose
// public halves stand in the JWKS, and one independent symmetric key per
// purpose (token MACs, pairwise subjects, sealing of personal data, ...).
//
// Every key lives in the database, sealed under a root key that is a file
// outside it, so that neither the database nor the configuration alone yields
// anything. The ring reads all keys at start and whenever they change, parses
// them once and serves them from memory:
//
//	next    published in the JWKS, not used yet (relying parties learn it early)
//	active  signs
//	retired published until every token it signed has expired, and accepted in
//	        id_token_hint for long after that
//
// Signing keys may instead be kept in a Vault, such as a hardware module; the
// database then holds references to them.
//
// Package keys knows no HTTP; it leaves storage to a Store.
package keys
