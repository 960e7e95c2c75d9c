// Package api is the administration interface at /api/v1/admin: clients,
// systems, grants, accounts, webhooks and the audit trail for programs that hold
// an access token of client_credentials. openapi.json describes it; a test holds
// both to each other.
//
// A handler reads the request, calls one method of a domain and answers. Errors
// are problem documents (RFC 9457).
package api
