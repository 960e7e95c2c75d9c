package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/webhook"
)

// Base is where the interface stands, below the issuer. The issuer's address with
// it is the audience that tokens must name.
const Base = "/api/v1/admin"

// Gate checks access tokens; *oidc.Provider is it.
type Gate interface {
	// Admit gives the client and the scopes of a live token of client_credentials
	// that names the audience, shown by whoever it is bound to; else *web.Denied.
	Admit(w http.ResponseWriter, r *http.Request, audience string) (clientID string, scopes []string, err error)
}

// Deeds is what has been done under keys that clients chose, and how often they
// asked.
type Deeds interface {
	// InTx runs fn in one transaction, which rides in the ctx it is given.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// Deed gives the digest of the request that was done under key, and what it
	// made; "" if there is none.
	Deed(ctx context.Context, clientID, key string) (request, object string, err error)
	// BeginDeed notes within the transaction that the client does something under
	// key; of several at once one is first, and the others learn the digest of its
	// request and what it made.
	BeginDeed(ctx context.Context, clientID, key, request string, until time.Time) (first bool, before, object string, err error)
	// SettleDeed notes what it made.
	SettleDeed(ctx context.Context, clientID, key, object string) error
	// CountTry counts one more within the window that key's first try began.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (n int, end time.Time, err error)
}

// Rights are business systems and grants.
type Rights interface {
	// Systems gives the catalogue, ordered by id.
	Systems(ctx context.Context) ([]entitlement.System, error)
	// PutSystem enters a system or replaces the one with its id.
	PutSystem(ctx context.Context, s entitlement.System, ev audit.Event) error
	// Grant gives one grant; fault.NotFound if there is none.
	Grant(ctx context.Context, id string) (entitlement.Grant, error)
	// GrantsAfter gives up to limit grants with ids above after, ordered by id, of
	// the account and of the unit; an empty one of both selects all.
	GrantsAfter(ctx context.Context, who account.ID, unit, after string, limit int) ([]entitlement.Grant, error)
	// PutGrant enters a grant; fault.Invalid if account or system does not exist.
	PutGrant(ctx context.Context, g entitlement.Grant, ev audit.Event) error
}

// Altering changes what is granted.
type Altering interface {
	// AlterGrant puts what change makes of the grant in its place and tells those
	// whom it concerns; fault.NotFound if there is none.
	AlterGrant(ctx context.Context, id string, change func(entitlement.Grant) (entitlement.Grant, error), ev audit.Event) error
}

// Accounts is what is read and changed of accounts.
type Accounts interface {
	AccountByLogin(ctx context.Context, loginKey string) (account.Account, error)
	AccountsBy(ctx context.Context, by account.By, value string) ([]account.ID, error)
	UnitByUSCC(ctx context.Context, uscc account.USCC) (account.Unit, error)
	// HoldAccount and ReleaseAccount freeze an active account, ending its sessions
	// and tokens, and let a frozen one in again; fault.Conflict if it is neither.
	HoldAccount(ctx context.Context, id account.ID, now time.Time, ev audit.Event) error
	ReleaseAccount(ctx context.Context, id account.ID, ev audit.Event) error
}

// Trail is the audit trail.
type Trail interface {
	// SearchAudit gives up to limit rows that f selects with ids below before, the
	// newest first, looking through no more than span ids; reached is how far it
	// looked, 0 when nothing is left.
	SearchAudit(ctx context.Context, f audit.Filter, before, span int64, limit int) (rows []audit.Row, reached int64, err error)
	Record(ctx context.Context, ev audit.Event) error
}

// Waker makes the outbox look for work now.
type Waker interface{ Wake() }

// Handler serves the interface. All fields must be set before Mount.
type Handler struct {
	Web        *web.Kit
	Issuer     string
	Gate       Gate
	Deeds      Deeds
	Clients    *client.Keeper
	Rights     Rights
	Altering   Altering
	Accounts   Accounts
	Principals principal.Reader
	Trail      Trail
	Hooks      *webhook.Service
	Keys       func() *keys.Snapshot
	Outbox     Waker
	Now        func() time.Time
	PerMinute  int // requests of one client in a minute; 600 if 0
}

// visit is a request that was let in.
type visit struct{ client string }

// door is one route. Whoever holds one of the scopes may use it.
type door struct {
	method string
	path   string // below Base
	scopes []string
	do     func(w http.ResponseWriter, r *http.Request, v visit) error
}

// doors is the policy: there is no other way to mount a route here (S78).
func (h *Handler) doors() []door {
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	read := func(write, read string) []string { return []string{write, read} }
	only := func(scope string) []string { return []string{scope} }
	return []door{
		{get, "/clients", read(client.AdminClients, client.AdminClientsRead), h.listClients},
		{post, "/clients", only(client.AdminClients), h.createClient},
		{get, "/clients/{id}", read(client.AdminClients, client.AdminClientsRead), h.getClient},
		{put, "/clients/{id}", only(client.AdminClients), h.updateClient},
		{post, "/clients/{id}/disable", only(client.AdminClients), h.moveClient(client.Disabled)},
		{post, "/clients/{id}/enable", only(client.AdminClients), h.moveClient(client.Active)},
		{post, "/clients/{id}/secret", only(client.AdminClients), h.rotateSecret},

		{get, "/systems", read(client.AdminSystems, client.AdminSystemsRead), h.listSystems},
		{get, "/systems/{id}", read(client.AdminSystems, client.AdminSystemsRead), h.getSystem},
		{put, "/systems/{id}", only(client.AdminSystems), h.putSystem},

		{get, "/grants", read(client.AdminGrants, client.AdminGrantsRead), h.listGrants},
		{post, "/grants", only(client.AdminGrants), h.addGrant},
		{get, "/grants/{id}", read(client.AdminGrants, client.AdminGrantsRead), h.getGrant},
		{post, "/grants/{id}/suspend", only(client.AdminGrants), h.changeGrant(entitlement.Suspend)},
		{post, "/grants/{id}/resume", only(client.AdminGrants), h.changeGrant(entitlement.Resume)},
		{post, "/grants/{id}/end", only(client.AdminGrants), h.changeGrant(entitlement.Revoke)},

		{post, "/accounts/search", read(client.AdminAccounts, client.AdminAccountsRead), h.searchAccounts},
		{get, "/accounts/{id}", read(client.AdminAccounts, client.AdminAccountsRead), h.getAccount},
		{post, "/accounts/{id}/freeze", only(client.AdminAccounts), h.moveAccount(freeze)},
		{post, "/accounts/{id}/unfreeze", only(client.AdminAccounts), h.moveAccount(unfreeze)},

		{get, "/audit", only(client.AdminAuditRead), h.searchAudit},

		{get, "/webhooks", read(client.AdminWebhooks, client.AdminWebhooksRead), h.listHooks},
		{post, "/webhooks", only(client.AdminWebhooks), h.addHook},
		{get, "/webhooks/{id}", read(client.AdminWebhooks, client.AdminWebhooksRead), h.getHook},
		{put, "/webhooks/{id}", only(client.AdminWebhooks), h.askHook},
		{del, "/webhooks/{id}", only(client.AdminWebhooks), h.removeHook},
		{post, "/webhooks/{id}/secret", only(client.AdminWebhooks), h.rotateHook},
		{post, "/webhooks/{id}/pause", only(client.AdminWebhooks), h.pauseHook},
		{post, "/webhooks/{id}/resume", only(client.AdminWebhooks), h.resumeHook},
		{get, "/webhooks/{id}/deliveries", read(client.AdminWebhooks, client.AdminWebhooksRead), h.listDeliveries},
		{post, "/webhooks/{id}/deliveries/{delivery}/redeliver", only(client.AdminWebhooks), h.redeliver},
	}
}

// Rule is a line of the policy, for tests and documents.
type Rule struct {
	Method, Path string
	Scopes       []string
}

// Policy gives the table that the routes are made from.
func (h *Handler) Policy() []Rule {
	var out []Rule
	for _, d := range h.doors() {
		out = append(out, Rule{d.method, d.path, d.scopes})
	}
	return out
}

// Mount adds the routes to r. What describes the interface is for everybody: it
// says nothing that the source does not, and tools fetch it before they have a
// token.
func (h *Handler) Mount(r *mux.Router) {
	r.HandleFunc(Base+"/openapi.json", h.serveDocument).Methods(http.MethodGet, http.MethodHead)
	for _, d := range h.doors() {
		if len(d.scopes) == 0 || d.do == nil {
			panic("api: a door without a policy: " + d.method + " " + d.path)
		}
		methods := []string{d.method}
		if d.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		r.HandleFunc(Base+d.path, h.enter(d)).Methods(methods...)
	}
}

// enter lets requests with the right token in.
func (h *Handler) enter(d door) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := h.admit(w, r, d)
		if err == nil {
			err = d.do(w, r, v)
		}
		if err != nil {
			h.refuse(w, r, err)
		}
	}
}

func (h *Handler) admit(w http.ResponseWriter, r *http.Request, d door) (visit, error) {
	id, scopes, err := h.Gate.Admit(w, r, h.Issuer+Base)
	if err != nil {
		return visit{}, err
	}
	if !slices.ContainsFunc(d.scopes, func(s string) bool { return slices.Contains(scopes, s) }) {
		return visit{}, &web.Denied{
			Status: http.StatusForbidden, Code: "insufficient_scope", Reason: "the access token lacks the scope " + d.scopes[len(d.scopes)-1],
			Challenge: []string{`Bearer realm="admin", error="insufficient_scope", scope="` + d.scopes[len(d.scopes)-1] + `"`},
		}
	}
	n, end, err := h.Deeds.CountTry(r.Context(), "interface "+id, time.Minute, h.Now())
	if err != nil {
		return visit{}, err
	}
	if n > h.perMinute() {
		return visit{}, &fault.Error{Kind: fault.Throttled, Msg: "too many requests of this client", RetryAfter: end.Sub(h.Now())}
	}
	return visit{id}, nil
}

func (h *Handler) perMinute() int {
	if h.PerMinute > 0 {
		return h.PerMinute
	}
	return 600
}

// by is how the trail names a client as actor.
func (v visit) by() string { return v.client }

var errPrecondition = errors.New("api: If-Match is missing")

// match gives the tag of what the request may change, "" where it names none.
func match(r *http.Request) string {
	tag := strings.TrimSpace(r.Header.Get("If-Match"))
	if tag == "*" {
		return ""
	}
	return tag
}
