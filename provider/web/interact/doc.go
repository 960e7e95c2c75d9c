// Package interact is the pages that a person meets on the way through a
// sign-in: the two windows, the choice of account and of unit, consent,
// refusal, signing out, and the front door.
//
//	/oauth2/authorize ──303 ?interaction=<id>──▶ one page ──GET──▶ asks
//	        ▲                                       │
//	        │                                      POST ── Guard ── does its one job,
//	        └───────────303 ?interaction=<id>───────┘      records it in the Pending
//
// A page never decides what comes next: the authorization endpoint does. Each
// page checks that the interaction exists, is not over and was begun in this
// browser. What a form brings besides the interaction's id is a choice among
// things that the server knows; everything else is read from the parked
// request and the session.
package interact
