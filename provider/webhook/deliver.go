package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/outbound"
	"kejitong/provider/outbox"
)

// FailFor is how long nothing must have arrived at an endpoint before a delivery
// that is given up disables it.
const FailFor = 5 * 24 * time.Hour

// MaxHeld is how many events are kept for an endpoint that is paused or disabled;
// what is on its way at that moment comes on top. Further ones are counted alone.
const MaxHeld = 1000

// errResumed makes the outbox try again: the endpoint was resumed meanwhile.
var errResumed = errors.New("webhook: the endpoint was resumed meanwhile")

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
	if e.Standing != Active {
		return s.hold(ctx, d)
	}
	if _, heard, err := s.hearer(ctx, e); err != nil {
		return err
	} else if !heard {
		d.State, d.Problem = Failed, "client"
		return s.Store.Tried(ctx, d)
	}
	d.Attempts, d.TriedAt = d.Attempts+1, s.Now()
	sent := s.post(ctx, e, &d)
	if ctx.Err() != nil {
		return ctx.Err() // cut short, which is no failure of the receiver
	}
	if sent != nil && t.Last {
		d.State = Failed
	}
	gone := d.Status == http.StatusGone
	if gone {
		d.State, sent = Held, nil // it is sent should the endpoint be resumed
	}
	return errors.Join(sent, s.settle(context.WithoutCancel(ctx), e, d, gone))
}

// post sends d once and says in it what came of that.
func (s *Service) post(ctx context.Context, e Endpoint, d *Delivery) error {
	timestamp, signature := e.Sign(d.ID, d.TriedAt, d.Body)
	status, err := s.Outside.PostJSON(ctx, e.URL, []byte(d.Body), http.Header{
		"Webhook-Id": {d.ID}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature},
	})
	d.Status = status
	switch {
	case errors.Is(err, outbound.ErrRefused):
		d.Problem = "refused"
	case err != nil:
		d.Problem = "unreachable"
	case status < 200 || status > 299:
		d.Problem, err = "status", fmt.Errorf("webhook: the endpoint answered %d", status)
	default:
		d.Problem, d.State = "", Delivered
	}
	return err
}

// hold keeps d until its endpoint is resumed.
func (s *Service) hold(ctx context.Context, d Delivery) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		e, err := s.Store.EndpointForChange(ctx, d.Endpoint)
		switch {
		case fault.Is(err, fault.NotFound):
			return nil
		case err != nil:
			return err
		case e.Standing == Active:
			return errResumed
		}
		d.State = Held
		return s.Store.Tried(ctx, d)
	})
}

// settle writes what came of a try, and what that says of the endpoint: since when
// it fails, and whether it is enough. The row of the endpoint is written only when
// that changes.
func (s *Service) settle(ctx context.Context, e Endpoint, d Delivery, gone bool) error {
	news := func(e Endpoint) bool {
		return (d.State == Delivered) == !e.FailingSince.IsZero() || e.Standing == Active && s.enough(e, d, gone) != ""
	}
	if !news(e) {
		return s.Store.Tried(ctx, d)
	}
	why := ""
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		why = ""
		e, err := s.Store.EndpointForChange(ctx, e.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Store.Tried(ctx, d); err != nil || !news(e) {
			return err
		}
		switch {
		case d.State == Delivered:
			e.FailingSince = time.Time{}
		case e.FailingSince.IsZero():
			e.FailingSince = d.TriedAt
		}
		if e.Standing == Active {
			why = s.enough(e, d, gone)
		}
		if why == "" {
			return s.Store.PutEndpoint(ctx, e)
		}
		e.Standing, e.Why, e.Since, e.Version = Disabled, why, s.Now(), e.Version+1
		return s.Store.PutEndpoint(ctx, e, audit.Event{Kind: audit.WebhookDisabled, Actor: "system", Object: e.ID, Client: e.Client, Detail: why})
	})
	if err == nil && why != "" && s.Log != nil {
		s.Log.LogAttrs(ctx, slog.LevelError, "A WEBHOOK WAS DISABLED: it is told nothing until an operator resumes it",
			slog.String("webhook", e.ID), slog.String("client", e.Client), slog.String("why", why))
	}
	return err
}

// enough tells why an endpoint is disabled after such a try, "" if it is not.
func (s *Service) enough(e Endpoint, d Delivery, gone bool) string {
	switch {
	case gone:
		return WhyGone
	case d.State == Failed && !e.FailingSince.IsZero() && s.Now().Sub(e.FailingSince) >= FailFor:
		return WhyFailing
	}
	return ""
}

// hearer gives the client that the endpoint belongs to, nil for the operator's, and
// whether it may hear anything: a client that is not active does not.
func (s *Service) hearer(ctx context.Context, e Endpoint) (c *client.Client, heard bool, err error) {
	if e.Client == "" {
		return nil, true, nil
	}
	c, err = s.Clients.Client(ctx, e.Client)
	if fault.Is(err, fault.NotFound) {
		return nil, false, nil
	}
	return c, err == nil && c.State == client.Active, err
}
