package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
)

// Clients finds clients.
type Clients interface {
	// Client gives one in any state; fault.NotFound if there is none.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Sender posts to an address outside; *outbound.Client is it.
type Sender interface {
	CheckURL(raw string) error
	PostJSON(ctx context.Context, raw string, body []byte, head http.Header) (status int, err error)
}

// Service keeps endpoints and tells them what happened.
type Service struct {
	Store   Store
	Clients Clients
	Outside Sender
	Subject func(c *client.Client, who account.ID) string // the sub that the client knows the account by
	Now     func() time.Time
	Overlap time.Duration // how long a former secret signs as well; a day if 0
	Log     *slog.Logger  // nil: nothing is said of endpoints that are disabled
}

// Bounds.
const (
	maxEndpoints = 10                  // of one owner
	logFor       = 30 * 24 * time.Hour // that deliveries are kept
	batch        = 100
)

// NewID makes the id of an endpoint.
func NewID() string { return prefix + strings.ToLower(rand.Text()) }

const prefix = "wh_"

// Add makes an endpoint of the client, or of the operator for "", under an id of
// NewID. The secret is in what it gives; fault.Conflict if the id was used already.
func (s *Service) Add(ctx context.Context, by, id, clientID, url string, events []Type) (Endpoint, error) {
	events, err := CheckEvents(events)
	if err != nil {
		return Endpoint{}, err
	}
	if len(id) != len(prefix)+26 || !strings.HasPrefix(id, prefix) || strings.Trim(id[len(prefix):], "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return Endpoint{}, fault.New(fault.Invalid, "the id is none of a webhook")
	}
	if len(url) > 2048 || s.Outside.CheckURL(url) != nil {
		return Endpoint{}, &fault.Error{Kind: fault.Invalid, Field: "url", Msg: "is no public https address on port 443"}
	}
	if clientID != "" {
		if _, err := s.Clients.Client(ctx, clientID); fault.Is(err, fault.NotFound) {
			return Endpoint{}, &fault.Error{Kind: fault.Invalid, Field: "client_id", Msg: "is not registered"}
		} else if err != nil {
			return Endpoint{}, err
		}
	}
	now := s.Now()
	e := Endpoint{ID: id, Client: clientID, URL: url, Events: events, Secret: NewSecret(), CreatedAt: now, UpdatedAt: now, Version: 1, Standing: Active}
	return e, s.Store.InTx(ctx, func(ctx context.Context) error {
		all, err := s.Store.Endpoints(ctx, clientID, false, "", maxEndpoints)
		if err != nil {
			return err
		}
		if len(all) == maxEndpoints {
			return &fault.Error{Kind: fault.Conflict, Msg: MsgMany}
		}
		return s.Store.AddEndpoint(ctx, e, audit.Event{Kind: audit.WebhookAdded, Actor: by, Object: e.ID, Client: clientID})
	})
}

// Spread is the outbox's handler of what happened: it promises a delivery to each
// endpoint that may know and wants to.
func (s *Service) Spread(ctx context.Context, t outbox.Task) error {
	var h Happened
	if err := json.Unmarshal([]byte(t.Payload), &h); err != nil {
		return fmt.Errorf("webhook: payload: %w", err)
	}
	kind, ok := Of(audit.Event{Kind: h.Kind})
	if !ok {
		return nil
	}
	for after := ""; ; {
		all, err := s.Store.Endpoints(ctx, "", true, after, batch)
		if err != nil {
			return err
		}
		for _, e := range all {
			after = e.ID
			if !e.Wants(kind) {
				continue
			}
			if err := s.promise(ctx, e, kind, h); err != nil {
				return err
			}
		}
		if len(all) < batch {
			return nil
		}
	}
}

func (s *Service) promise(ctx context.Context, e Endpoint, kind Type, h Happened) error {
	data, who, err := s.tell(ctx, e, kind, h)
	if err != nil || data == nil {
		return err
	}
	at := time.UnixMilli(h.At)
	body, err := compose(kind, at, data)
	if err != nil {
		return err
	}
	now := s.Now()
	// One id for one event at one endpoint: if this task is done twice, the second
	// time adds nothing.
	d := Delivery{
		ID: "msg_" + h.ID + "_" + e.ID[len(e.ID)-8:], Endpoint: e.ID, Event: kind, Account: who, Body: body, State: Pending, CreatedAt: now,
		ExpiresAt: now.Add(logFor),
	}
	if e.Standing == Active { // or until a moment ago: then Deliver holds it
		return s.Store.PromiseDelivery(ctx, d)
	}
	return s.keep(ctx, d)
}

// keep holds d for an endpoint that is told nothing now, or counts it.
func (s *Service) keep(ctx context.Context, d Delivery) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		e, err := s.Store.EndpointForChange(ctx, d.Endpoint)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Standing != Active {
			n, err := s.Store.HeldFor(ctx, e.ID, MaxHeld)
			if err != nil {
				return err
			}
			if n >= MaxHeld {
				e.Skipped++
				return s.Store.PutEndpoint(ctx, e)
			}
			d.State = Held
		}
		return s.Store.PromiseDelivery(ctx, d)
	})
}

// tell gives what the endpoint may learn of the event, nil for nothing, and whom
// it is about.
func (s *Service) tell(ctx context.Context, e Endpoint, kind Type, h Happened) (map[string]any, account.ID, error) {
	c, heard, err := s.hearer(ctx, e)
	if err != nil || !heard {
		return nil, "", err
	}
	switch kind {
	case AccountVerified:
		return s.tellAccount(ctx, c, h)
	case GrantChanged:
		return s.tellGrant(ctx, c, h)
	}
	if c != nil && h.Object != c.ID {
		return nil, "", nil
	}
	return map[string]any{"client_id": h.Object, "deed": string(h.Kind)}, "", nil
}

func (s *Service) tellAccount(ctx context.Context, c *client.Client, h Happened) (map[string]any, account.ID, error) {
	who, err := s.Store.VerifiedIn(ctx, h.Object)
	if fault.Is(err, fault.NotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if c == nil {
		return map[string]any{"account_id": string(who)}, who, nil
	}
	known, err := s.Store.Told(ctx, c.ID, who)
	if err != nil || !known {
		return nil, "", err
	}
	return map[string]any{"sub": s.Subject(c, who)}, who, nil
}

func (s *Service) tellGrant(ctx context.Context, c *client.Client, h Happened) (map[string]any, account.ID, error) {
	g, err := s.Store.Grant(ctx, h.Object)
	if fault.Is(err, fault.NotFound) { // of a mandate, say
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	data := map[string]any{"system": string(g.System), "state": string(g.State), "actions": g.Actions}
	if c == nil {
		data["grant_id"], data["account_id"] = g.ID, string(g.Account)
		return data, g.Account, nil
	}
	if !owns(c, g.System) {
		return nil, "", nil
	}
	known, err := s.Store.Told(ctx, c.ID, g.Account)
	if err != nil || !known {
		return nil, "", err
	}
	data["sub"] = s.Subject(c, g.Account)
	return data, g.Account, nil
}
