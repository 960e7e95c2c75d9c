// Package webhook tells others what changed: that an account was verified, that a
// grant or a client changed. What may be told follows from the audit trail: the
// store promises an event with the row of the deed, in its transaction; the outbox
// then asks this package who wants to know, and each delivery is a task and a line
// of the log of its own.
//
// An endpoint belongs to a client, which learns of accounts that it knows already,
// by its own (pairwise) subjects, of grants in its systems, and of itself; or to
// the operator, who learns of all, by internal ids. Nothing personal is sent: who
// wants more asks the interface for it.
//
// Requests are signed as the Standard Webhooks specification has it: HMAC-SHA-256
// over id, timestamp and body.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// Type names what happened.
type Type string

// The types of event.
const (
	AccountVerified Type = "account.verified"
	GrantChanged    Type = "grant.changed"
	ClientChanged   Type = "client.changed"
)

// Types lists them.
func Types() []Type { return []Type{AccountVerified, GrantChanged, ClientChanged} }

// Of gives the type of event that a row of the audit trail stands for, if any. Only
// deeds that took place are told.
func Of(ev audit.Event) (Type, bool) {
	if ev.Result != "" && ev.Result != "ok" {
		return "", false
	}
	switch ev.Kind {
	case audit.RealNameVerified:
		return AccountVerified, true
	case audit.EntitlementMade, audit.EntitlementSet, audit.EntitlementEnded:
		return GrantChanged, true
	case audit.ClientCreated, audit.ClientChanged, audit.ClientRegistered, audit.ClientUpdated, audit.ClientDeleted:
		return ClientChanged, true
	}
	return "", false
}

// Endpoint is where somebody wants to be told. Its secrets are known to its owner
// and here; they are sealed in the database, since a signature needs them again.
type Endpoint struct {
	ID          string
	Client      string // whose it is; "" is the operator's
	URL         string
	Events      []Type
	Secret      []byte
	Former      []byte // still signs as well until FormerUntil
	FormerUntil time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64 // grows with each change by somebody, for compare-and-swap

	Standing     Standing
	Why          string    // a word for why it is disabled: failing or gone; else ""
	Since        time.Time // when it came to stand so; zero: from the beginning
	FailingSince time.Time // the first failure that no success followed; zero for none
	Skipped      int64     // events that were not even kept while it was paused or disabled
}

// Standing is whether an endpoint is told anything.
type Standing string

// An endpoint that is active is told what happens. One that an operator paused, or
// that was disabled because it failed for too long or said that it is gone, is told
// nothing; what happens meanwhile is kept for it, within a bound, and sent when it
// is resumed.
const (
	Active   Standing = "active"
	Paused   Standing = "paused"
	Disabled Standing = "disabled"
)

// Why an endpoint is disabled.
const (
	WhyFailing = "failing" // a delivery was given up, and none arrived for FailFor
	WhyGone    = "gone"    // it answered 410, which Standard Webhooks has for that
)

// Wants tells whether the endpoint is told events of the type.
func (e Endpoint) Wants(t Type) bool { return slices.Contains(e.Events, t) }

// State is where a delivery stands.
type State string

// The states of a delivery.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	Failed    State = "failed" // given up
	Held      State = "held"   // kept until the endpoint is resumed
)

// Over tells whether nothing more happens to a delivery by itself.
func (s State) Over() bool { return s == Delivered || s == Failed }

// Newest is a moment before which all deliveries were made.
func Newest() time.Time { return time.UnixMilli(math.MaxInt64 / 2000) }

// Delivery is one event on its way to one endpoint. Its id is the same at every
// try, so that the receiver can tell a repetition.
type Delivery struct {
	ID        string
	Endpoint  string
	Event     Type
	Account   account.ID // whom it is about, "" if nobody
	Body      string
	State     State
	Attempts  int
	Status    int    // of the last answer, 0 if there was none
	Problem   string // a word: unreachable, refused, status, or client if that was disabled
	CreatedAt time.Time
	TriedAt   time.Time
	ExpiresAt time.Time
}

// Happened is what the outbox carries of a deed.
type Happened struct {
	ID     string     `json:"id"`
	Kind   audit.Kind `json:"kind"`
	Object string     `json:"object"`
	Detail string     `json:"detail,omitempty"`
	At     int64      `json:"at"` // Unix milliseconds
}

// Store keeps endpoints and deliveries.
type Store interface {
	// InTx runs fn in one transaction, which rides in the ctx it is given.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// Endpoint gives one; fault.NotFound if there is none.
	Endpoint(ctx context.Context, id string) (Endpoint, error)
	// Endpoints gives up to limit of the client ("" with all false: the operator's;
	// all true: everybody's) with ids above after, ordered by id.
	Endpoints(ctx context.Context, clientID string, all bool, after string, limit int) ([]Endpoint, error)
	// DisabledEndpoints gives up to limit that are disabled, the longest first.
	DisabledEndpoints(ctx context.Context, limit int) ([]Endpoint, error)
	// AddEndpoint inserts e and records ev, together; fault.Conflict if there is one
	// with its id.
	AddEndpoint(ctx context.Context, e Endpoint, ev audit.Event) error
	// EndpointForChange gives one within ctx's transaction, locked against everybody
	// else until that ends; fault.NotFound if there is none.
	EndpointForChange(ctx context.Context, id string) (Endpoint, error)
	// PutEndpoint writes what EndpointForChange gave and records the events, together.
	PutEndpoint(ctx context.Context, e Endpoint, evs ...audit.Event) error
	// DropEndpoint deletes it with its deliveries and records ev; fault.NotFound if
	// there is none.
	DropEndpoint(ctx context.Context, id string, ev audit.Event) error
	// PromiseDelivery adds d and, if it is pending, its task to the outbox, together;
	// nothing if there is one with its id.
	PromiseDelivery(ctx context.Context, d Delivery) error
	// HeldFor counts what is held for the endpoint, up to a limit.
	HeldFor(ctx context.Context, endpoint string, limit int) (int, error)
	// Release makes all that is held for the endpoint pending, with a task for each,
	// the oldest first, and gives how many there were.
	Release(ctx context.Context, endpoint string, now time.Time) (int, error)
	// Again makes a delivery of the endpoint that is over pending, with a task of its
	// own, and records ev; false if there is none that is over.
	Again(ctx context.Context, endpoint, id string, now time.Time, ev audit.Event) (bool, error)
	// Delivery gives one; fault.NotFound if there is none.
	Delivery(ctx context.Context, id string) (Delivery, error)
	// Tried writes what became of a delivery that is pending.
	Tried(ctx context.Context, d Delivery) error
	// Deliveries gives up to limit of the endpoint's, the newest first, that were
	// made before a moment or then with an id below one.
	Deliveries(ctx context.Context, endpoint string, before time.Time, id string, limit int) ([]Delivery, error)
	// Grant gives a grant; fault.NotFound if there is none.
	Grant(ctx context.Context, id string) (entitlement.Grant, error)
	// VerifiedIn gives the account whose case of real-name verification has the id;
	// fault.NotFound if there is none.
	VerifiedIn(ctx context.Context, caseID string) (account.ID, error)
	// Told tells whether the client was ever allowed, or told, anything of the
	// account.
	Told(ctx context.Context, clientID string, who account.ID) (bool, error)
}

// Prefix begins the text of a secret, as the specification has it.
const Prefix = "whsec_"

// Text is the secret as its owner gets it, once.
func Text(secret []byte) string { return Prefix + base64.StdEncoding.EncodeToString(secret) }

// NewSecret makes 256 random bits.
func NewSecret() []byte {
	b := make([]byte, 32)
	rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return b
}

// Sign makes the values of the headers for a body that is sent at a moment: every
// secret that holds signs, separated by blanks.
func (e Endpoint) Sign(id string, at time.Time, body string) (timestamp, signature string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	secrets := [][]byte{e.Secret}
	if len(e.Former) > 0 && at.Before(e.FormerUntil) {
		secrets = append(secrets, e.Former)
	}
	var all []string
	for _, s := range secrets {
		mac := hmac.New(sha256.New, s)
		mac.Write([]byte(id + "." + timestamp + "." + body))
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return timestamp, strings.Join(all, " ")
}

// message is the body of a request.
type message struct {
	Type      Type           `json:"type"`
	Timestamp string         `json:"timestamp"` // RFC 3339
	Data      map[string]any `json:"data"`
}

func compose(t Type, at time.Time, data map[string]any) (string, error) {
	raw, err := json.Marshal(message{t, at.UTC().Format(time.RFC3339), data})
	return string(raw), err
}

// CheckEvents gives the types as they are kept, each once; an empty list and
// unknown types are fault.Invalid.
func CheckEvents(events []Type) ([]Type, error) {
	events = slices.Compact(slices.Sorted(slices.Values(events)))
	if len(events) == 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Field: "events", Msg: "name none; want some of account.verified, grant.changed, client.changed"}
	}
	for _, t := range events {
		if !slices.Contains(Types(), t) {
			return nil, &fault.Error{Kind: fault.Invalid, Field: "events", Msg: "name an unknown type; want some of account.verified, grant.changed, client.changed"}
		}
	}
	return events, nil
}

// owns tells whether the client owns the system.
func owns(c *client.Client, s entitlement.SystemID) bool {
	return slices.Contains(c.Metadata.BusinessSystems, s)
}
