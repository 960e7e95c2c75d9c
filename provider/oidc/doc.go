// Package oidc is the OAuth 2.0 and OpenID Connect surface: the protocol
// endpoints under /oauth2 and /.well-known. It is the only importer of fosite.
//
// fosite parses requests, checks them against the client and drives the grant
// handlers; around it stand our own edges:
//
//	request ─ params.go (limits, repeats) ─ authenticate.go (who is the client)
//	        ─ fosite handlers ─ storage.go (unit of work: reads once, plans one write)
//	        ─ claims.go (who came) ─ flush (the one write) ─ response
//
// fosite's storage calls never touch the database one by one: they read from
// and plan into the request's unit, which is flushed by a single
// compare-and-swap after everything that can fail has succeeded and before
// anything is sent. Revocations on the error path run at once and outside it.
//
// Requests and their departures from the standards are listed in
// CONFORMANCE.md, each with its reason and its test.
package oidc
