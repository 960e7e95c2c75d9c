package webhook

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// The message keys that this package puts into faults.
const (
	MsgChanged  = "desk.error.changed"         // somebody changed the endpoint meanwhile
	MsgSame     = "desk.error.nothing_changes" // it stands so already
	MsgMany     = "desk.error.hook_many"       // the owner has as many as there may be
	MsgThere    = "desk.error.hook_there"      // it was added already
	MsgResume   = "desk.error.hook_resume"     // it is told nothing until it is resumed
	MsgUnderway = "desk.error.hook_underway"   // the delivery is on its way, or held
)

// Any is the version that changes an endpoint whatever it says.
const Any int64 = 0

// change does something to the endpoint if it is at version, under its lock, with
// an audit row: of two changes at once each sees what the other made.
func (s *Service) change(ctx context.Context, by, id string, version int64, kind audit.Kind, alter func(context.Context, *Endpoint) (detail string, err error)) (Endpoint, error) {
	var e Endpoint
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if e, err = s.Store.EndpointForChange(ctx, id); err != nil {
			return err
		}
		if version != Any && version != e.Version {
			return &fault.Error{Kind: fault.Conflict, Field: "version", Msg: MsgChanged}
		}
		detail, err := alter(ctx, &e)
		if err != nil {
			return err
		}
		e.Version, e.UpdatedAt = e.Version+1, s.Now()
		return s.Store.PutEndpoint(ctx, e, audit.From(ctx, audit.Event{Kind: kind, Actor: by, Object: e.ID, Client: e.Client, Detail: detail}))
	})
	return e, err
}

// Rotate gives the endpoint a new secret; the former one signs as well for a while,
// so that the receiver can change over.
func (s *Service) Rotate(ctx context.Context, by, id string, version int64) (Endpoint, error) {
	return s.change(ctx, by, id, version, audit.WebhookRotated, func(_ context.Context, e *Endpoint) (string, error) {
		e.Former, e.FormerUntil, e.Secret = e.Secret, s.Now().Add(s.overlap()), NewSecret()
		return "", nil
	})
}

func (s *Service) overlap() time.Duration {
	if s.Overlap > 0 {
		return s.Overlap
	}
	return 24 * time.Hour
}

// Ask sets the types of event that the endpoint is told.
func (s *Service) Ask(ctx context.Context, by, id string, version int64, events []Type) (Endpoint, error) {
	events, err := CheckEvents(events)
	if err != nil {
		return Endpoint{}, err
	}
	return s.change(ctx, by, id, version, audit.WebhookChanged, func(_ context.Context, e *Endpoint) (string, error) {
		e.Events = events
		return "events", nil
	})
}

// Pause lets nothing be sent to the endpoint until it is resumed.
func (s *Service) Pause(ctx context.Context, by, id string, version int64) (Endpoint, error) {
	return s.change(ctx, by, id, version, audit.WebhookChanged, func(_ context.Context, e *Endpoint) (string, error) {
		if e.Standing != Active {
			return "", &fault.Error{Kind: fault.Conflict, Msg: MsgSame}
		}
		e.Standing, e.Why, e.Since = Paused, "", s.Now()
		return "paused", nil
	})
}

// Resume lets the endpoint be told again, beginning with what was held for it, the
// oldest first; it gives how many events those are.
func (s *Service) Resume(ctx context.Context, by, id string, version int64) (e Endpoint, sent int, err error) {
	e, err = s.change(ctx, by, id, version, audit.WebhookChanged, func(ctx context.Context, e *Endpoint) (string, error) {
		if e.Standing == Active {
			return "", &fault.Error{Kind: fault.Conflict, Msg: MsgSame}
		}
		skipped := e.Skipped
		e.Standing, e.Why, e.Since, e.FailingSince, e.Skipped = Active, "", s.Now(), time.Time{}, 0
		var err error
		sent, err = s.Store.Release(ctx, e.ID, s.Now())
		return fmt.Sprintf("resumed, %d held, %d skipped", sent, skipped), err
	})
	return e, sent, err
}

// Redeliver sends a delivery of the endpoint that is over once more, under its id,
// which tells the receiver that it is the same event.
func (s *Service) Redeliver(ctx context.Context, by, id, delivery string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		e, err := s.Store.EndpointForChange(ctx, id)
		if err != nil {
			return err
		}
		d, err := s.Store.Delivery(ctx, delivery)
		if err != nil {
			return err
		}
		if d.Endpoint != e.ID { // somebody else's
			return fault.New(fault.NotFound, "the webhook has no such delivery")
		}
		if e.Standing != Active {
			return &fault.Error{Kind: fault.Conflict, Msg: MsgResume}
		}
		ev := audit.Event{Kind: audit.WebhookResent, Actor: by, Object: e.ID, Client: e.Client, Detail: d.ID}
		ok, err := s.Store.Again(ctx, e.ID, d.ID, s.Now(), audit.From(ctx, ev))
		if err == nil && !ok {
			err = &fault.Error{Kind: fault.Conflict, Msg: MsgUnderway}
		}
		return err
	})
}

// Remove deletes the endpoint and its log.
func (s *Service) Remove(ctx context.Context, by, id string) error {
	return s.Store.DropEndpoint(ctx, id, audit.From(ctx, audit.Event{Kind: audit.WebhookRemoved, Actor: by, Object: id}))
}

// Messages lists every message key of this package's faults.
func Messages() []string {
	return []string{MsgChanged, MsgSame, MsgMany, MsgThere, MsgResume, MsgUnderway}
}
