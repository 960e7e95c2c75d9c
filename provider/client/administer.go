package client

import (
	"slices"
	"strings"
)

// The scopes of the administration interface. Read scopes open what is read
// alone; the others open both.
const (
	AdminClients      = "admin.clients"
	AdminClientsRead  = "admin.clients.read"
	AdminSystems      = "admin.systems"
	AdminSystemsRead  = "admin.systems.read"
	AdminGrants       = "admin.grants"
	AdminGrantsRead   = "admin.grants.read"
	AdminAccounts     = "admin.accounts"
	AdminAccountsRead = "admin.accounts.read"
	AdminAuditRead    = "admin.audit.read"
	AdminWebhooks     = "admin.webhooks"
	AdminWebhooksRead = "admin.webhooks.read"
)

// AdminScopes lists them.
func AdminScopes() []string {
	return []string{
		AdminClients, AdminClientsRead, AdminSystems, AdminSystemsRead, AdminGrants, AdminGrantsRead, AdminAccounts, AdminAccountsRead,
		AdminAuditRead, AdminWebhooks, AdminWebhooksRead,
	}
}

// administers tells whether the scope is one of the administration interface, or
// might become one.
func administers(scope string) bool { return scope == "admin" || strings.HasPrefix(scope, "admin.") }

// Administers tells whether the metadata name a scope of the administration
// interface.
func (m Metadata) Administers() bool {
	return slices.ContainsFunc(strings.Fields(m.Scope), administers)
}

// NormaliseByOperator is Normalise for what an operator registers on the command
// line: it alone admits scopes of the administration interface, so that nobody
// comes by them who registers himself, is approved in the console or was made
// through that interface (S65). Such a client acts for itself alone.
func (m Metadata) NormaliseByOperator() (Metadata, error) {
	out, err := m.normalise()
	if err != nil || !out.Administers() {
		return out, err
	}
	for _, s := range strings.Fields(out.Scope) {
		if administers(s) && !slices.Contains(AdminScopes(), s) {
			return Metadata{}, invalid("scope", "%q is no scope of the administration interface: want some of %s", s, strings.Join(AdminScopes(), " "))
		}
	}
	if !slices.Equal(out.GrantTypes, []string{GrantClient}) {
		return Metadata{}, invalid("grant_types", "of a client with scopes of the administration interface must be client_credentials alone")
	}
	return out, nil
}
