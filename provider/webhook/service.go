package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/outbound"
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
	Store    Store
	Clients  Clients
	Outside  Sender
	Subject  func(c *client.Client, who account.ID) string // the sub that the client knows the account by
	Now      func() time.Time
	Overlap  time.Duration // how long a former secret signs as well; a day if 0
	Attempts int           // after so many tries the outbox gives a delivery up
}

// Bounds.
const (
	maxEndpoints = 10                  // of one owner
	logFor       = 30 * 24 * time.Hour // that deliveries are kept
	batch        = 100
)

// Add makes an endpoint of the client, or of the operator for "". The secret is in
// what it gives.
func (s *Service) Add(ctx context.Context, by, clientID, url string, events []Type) (Endpoint, error) {
	slices.Sort(events)
	events = slices.Compact(events)
	if err := CheckEvents(events); err != nil {
		return Endpoint{}, err
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
	e := Endpoint{ID: "wh_" + strings.ToLower(rand.Text()), Client: clientID, URL: url, Events: events, Secret: NewSecret(), CreatedAt: now, UpdatedAt: now}
	return e, s.Store.InTx(ctx, func(ctx context.Context) error {
		all, err := s.Store.Endpoints(ctx, clientID, false, "", maxEndpoints)
		if err != nil {
			return err
		}
		if len(all) == maxEndpoints {
			return fault.New(fault.Conflict, "there are %d endpoints already, which is all there may be", maxEndpoints)
		}
		return s.Store.PutEndpoint(ctx, e, audit.Event{Kind: audit.WebhookAdded, Actor: by, Object: e.ID, Client: clientID})
	})
}

// Rotate gives the endpoint a new secret; the former one signs as well for a while,
// so that the receiver can change over.
func (s *Service) Rotate(ctx context.Context, by, id string) (Endpoint, error) {
	var e Endpoint
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if e, err = s.Store.Endpoint(ctx, id); err != nil {
			return err
		}
		now := s.Now()
		e.Former, e.FormerUntil, e.Secret, e.UpdatedAt = e.Secret, now.Add(s.overlap()), NewSecret(), now
		return s.Store.PutEndpoint(ctx, e, audit.Event{Kind: audit.WebhookRotated, Actor: by, Object: e.ID, Client: e.Client})
	})
	return e, err
}

func (s *Service) overlap() time.Duration {
	if s.Overlap > 0 {
		return s.Overlap
	}
	return 24 * time.Hour
}

// Remove deletes the endpoint and its log.
func (s *Service) Remove(ctx context.Context, by, id string) error {
	return s.Store.DropEndpoint(ctx, id, audit.Event{Kind: audit.WebhookRemoved, Actor: by, Object: id})
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
	return s.Store.PromiseDelivery(ctx, Delivery{
		ID: "msg_" + h.ID + "_" + e.ID[len(e.ID)-8:], Endpoint: e.ID, Event: kind, Account: who, Body: body, State: Pending, CreatedAt: now,
		ExpiresAt: now.Add(logFor),
	})
}

// tell gives what the endpoint may learn of the event, nil for nothing, and whom
// it is about.
func (s *Service) tell(ctx context.Context, e Endpoint, kind Type, h Happened) (map[string]any, account.ID, error) {
	var c *client.Client
	if e.Client != "" {
		var err error
		if c, err = s.Clients.Client(ctx, e.Client); fault.Is(err, fault.NotFound) || err == nil && c.State != client.Active {
			return nil, "", nil
		} else if err != nil {
			return nil, "", err
		}
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

// Deliver is the outbox's handler of one delivery. Any 2xx says that it arrived.
func (s *Service) Deliver(ctx context.Context, t outbox.Task) error {
	var note outbox.Note
	if err := json.Unmarshal([]byte(t.Payload), &note); err != nil {
		return fmt.Errorf("webhook: payload: %w", err)
	}
	d, err := s.Store.Delivery(ctx, note.Message)
	if fault.Is(err, fault.NotFound) || err == nil && d.State != Pending {
		return nil
	}
	if err != nil {
		return err
	}
	e, err := s.Store.Endpoint(ctx, d.Endpoint)
	if err != nil {
		return err
	}
	now := s.Now()
	d.Attempts, d.TriedAt = d.Attempts+1, now
	timestamp, signature := e.Sign(d.ID, now, d.Body)
	status, sent := s.Outside.PostJSON(ctx, e.URL, []byte(d.Body), http.Header{
		"Webhook-Id": {d.ID}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature},
	})
	if ctx.Err() != nil {
		return ctx.Err() // cut short, which is no failure of the receiver
	}
	d.Status = status
	switch {
	case errors.Is(sent, outbound.ErrRefused):
		d.Problem = "refused"
	case sent != nil:
		d.Problem = "unreachable"
	case status < 200 || status > 299:
		d.Problem, sent = "status", fmt.Errorf("webhook: the endpoint answered %d", status)
	default:
		d.Problem, d.State = "", Delivered
	}
	if sent != nil && s.Attempts > 0 && t.Attempts+1 >= s.Attempts {
		d.State = Failed
	}
	return errors.Join(sent, s.Store.Tried(context.WithoutCancel(ctx), d))
}
