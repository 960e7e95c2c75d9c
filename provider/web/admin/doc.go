// Package admin is the review desk: the pages of operators at /admin. It is a
// surface of its own, with a cookie and a sign-in of its own; a session of an
// account is worth nothing here and the other way round.
//
//	doors.go   the one table: method, path, roles. The routes are made from it, so
//	           that no page can be mounted without a policy (S78)
//	enter.go   what stands before every page: network, origin, session, role
//	…          one file for each place of the desk
//
// What a role may do is decided there alone. Which object an operator may touch,
// and whether somebody else has to agree, the domains decide: operator, realname,
// recovery.
package admin
