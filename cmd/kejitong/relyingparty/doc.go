// Package relyingparty is a demonstration business system: what an integrator
// would write to let people in through the platform's single sign-on, with
// nothing but net/http, html/template, go-oidc and x/oauth2. It imports none
// of this repository's packages, so that what it shows works against the
// provider works for everybody.
//
//	GET  /login ──── state, nonce, PKCE sealed into a cookie of this attempt ───► provider
//	GET  /cb ◄────── code, state, iss ──────────────────────────────────────────┘
//	  state belongs to this browser → iss is ours → code for tokens → ID token
//	  verified → userinfo, same sub → the unit's rules → own session → 303 /
//	POST /refresh, /introspect     the tokens of the session, at work
//	POST /logout                   ends the session here, then at the provider
//	POST /backchannel-logout       the provider says that a session has ended
//
// The rules that a relying party of this platform keeps are in unit.go: a
// token is for one unit, a session never changes its unit behind the user's
// back, no unit means no enterprise, grants are read again at every sign-in,
// and a name counts only where it stands among verified claims.
//
// Sessions live in memory, bounded and expiring: a demonstration loses them at
// a restart, a business system would keep them in its database.
package relyingparty
