package webhook_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/outbound"
	"kejitong/provider/outbox"
	"kejitong/provider/webhook"
)

// The example of the Standard Webhooks specification's own libraries.
func TestSignatureOfTheSpecification(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	e := webhook.Endpoint{Secret: secret}
	at, signature := e.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), `{"test": 2432232314}`)
	if at != "1614265330" || signature != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s %s", at, signature)
	}
	if webhook.Text(secret) != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Errorf("the secret is told as %s", webhook.Text(secret))
	}
}

// shop is a store of one endpoint and one delivery.
type shop struct {
	webhook.Store
	endpoint webhook.Endpoint
	delivery webhook.Delivery
	tries    int
	events   []audit.Event
}

func (s *shop) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (s *shop) Endpoint(context.Context, string) (webhook.Endpoint, error) { return s.endpoint, nil }

func (s *shop) EndpointForChange(context.Context, string) (webhook.Endpoint, error) {
	return s.endpoint, nil
}

func (s *shop) PutEndpoint(_ context.Context, e webhook.Endpoint, evs ...audit.Event) error {
	s.endpoint, s.events = e, append(s.events, evs...)
	return nil
}

func (s *shop) Delivery(context.Context, string) (webhook.Delivery, error) { return s.delivery, nil }

func (s *shop) Tried(_ context.Context, d webhook.Delivery) error {
	s.delivery, s.tries = d, s.tries+1
	return nil
}

// known are clients that are all active.
type known struct{}

func (known) Client(_ context.Context, id string) (*client.Client, error) {
	return &client.Client{ID: id, State: client.Active}, nil
}

// receiver answers as it is told, and keeps what came.
type receiver struct {
	status int
	err    error
	during func()
	heads  []http.Header
}

func (r *receiver) CheckURL(string) error { return nil }

func (r *receiver) PostJSON(_ context.Context, _ string, _ []byte, head http.Header) (int, error) {
	r.heads = append(r.heads, head)
	if r.during != nil {
		r.during()
	}
	return r.status, r.err
}

// Any 2xx says that a delivery arrived; everything else is tried again until the
// outbox gives up, and only then has it failed.
func TestWhatBecomesOfADelivery(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		err      error
		attempts int // before
		state    webhook.State
		problem  string
	}{
		"500":                     {500, nil, 0, webhook.Pending, "status"},
		"a redirect":              {302, nil, 0, webhook.Pending, "status"},
		"410, which says gone":    {410, nil, 0, webhook.Held, "status"},
		"199":                     {199, nil, 0, webhook.Pending, "status"},
		"unreachable":             {0, errors.New("no route"), 1, webhook.Pending, "unreachable"},
		"an address inside":       {0, outbound.ErrRefused, 1, webhook.Pending, "refused"},
		"500 for the last time":   {500, nil, 2, webhook.Failed, "status"},
		"away for the last time":  {0, errors.New("no route"), 2, webhook.Failed, "unreachable"},
		"200":                     {200, nil, 0, webhook.Delivered, ""},
		"202":                     {202, nil, 1, webhook.Delivered, ""},
		"204 at the last attempt": {204, nil, 2, webhook.Delivered, ""},
	} {
		db := &shop{endpoint: webhook.Endpoint{ID: "wh_1", Secret: []byte("s"), Standing: webhook.Active}, delivery: webhook.Delivery{ID: "msg_1", State: webhook.Pending, Attempts: c.attempts}}
		s := &webhook.Service{Store: db, Outside: &receiver{status: c.status, err: c.err}, Now: time.Now}
		err := s.Deliver(t.Context(), task(t, c.attempts))
		if (err == nil) != (c.state == webhook.Delivered || c.state == webhook.Held) || db.delivery.State != c.state || db.delivery.Problem != c.problem || db.delivery.Attempts != c.attempts+1 || db.delivery.Status != c.status {
			t.Errorf("%s: %+v, %v", name, db.delivery, err)
		}
	}
	for _, over := range []webhook.State{webhook.Delivered, webhook.Failed} { // what is over is not sent again
		out := &receiver{status: 200}
		s := &webhook.Service{Store: &shop{delivery: webhook.Delivery{State: over}}, Outside: out, Now: time.Now}
		if err := s.Deliver(t.Context(), task(t, 0)); err != nil || len(out.heads) != 0 {
			t.Errorf("%s: %d sent, %v", over, len(out.heads), err)
		}
	}
	// Cut short by the end of the process, it is nobody's failure.
	ctx, cancel := context.WithCancel(t.Context())
	db := &shop{endpoint: webhook.Endpoint{Standing: webhook.Active}, delivery: webhook.Delivery{State: webhook.Pending}}
	s := &webhook.Service{Store: db, Outside: &receiver{err: context.Canceled, during: cancel}, Now: time.Now}
	if err := s.Deliver(ctx, task(t, 0)); !errors.Is(err, context.Canceled) || db.tries != 0 {
		t.Errorf("cut short: %v, %d tries", err, db.tries)
	}
}

func task(t *testing.T, attempts int) outbox.Task {
	t.Helper()
	b, err := json.Marshal(outbox.Note{Message: "msg_1"})
	if err != nil {
		t.Fatal(err)
	}
	return outbox.Task{Payload: string(b), Attempts: attempts, Last: attempts == 2}
}

// While a secret is changed over, both sign; the id is the same at every try.
func TestBothSecretsSignForAWhile(t *testing.T) {
	now := time.Unix(1795400000, 0)
	db := &shop{endpoint: webhook.Endpoint{ID: "wh_1", Client: "rp", Secret: []byte("first"), Standing: webhook.Active}, delivery: webhook.Delivery{ID: "msg_1", State: webhook.Pending, Body: "{}"}}
	out := &receiver{status: 500}
	s := &webhook.Service{Store: db, Clients: known{}, Outside: out, Now: func() time.Time { return now }, Overlap: time.Hour}
	send := func() []string {
		t.Helper()
		if err := s.Deliver(t.Context(), task(t, 0)); err == nil {
			t.Fatal("a 500 counts as delivered")
		}
		head := out.heads[len(out.heads)-1]
		if head["Webhook-Id"][0] != "msg_1" {
			t.Errorf("another id: %v", head)
		}
		return strings.Fields(head["Webhook-Signature"][0])
	}
	first := send()
	if len(first) != 1 {
		t.Fatalf("%v", first)
	}
	e, err := s.Rotate(t.Context(), "operator", "wh_1", webhook.Any)
	if err != nil || len(e.Secret) != 32 || string(e.Former) != "first" || len(db.events) != 1 || db.events[0].Kind != audit.WebhookRotated || db.events[0].Client != "rp" {
		t.Fatalf("%+v, %v, %+v", e, err, db.events)
	}
	both := send()
	if len(both) != 2 || both[1] != first[0] || both[0] == first[0] {
		t.Errorf("%v, want the new one's and %v", both, first)
	}
	now = now.Add(time.Hour)
	if after := send(); len(after) != 1 || after[0] == first[0] {
		t.Errorf("after the overlap: %v", after)
	}
}

// Only deeds that took place are told, and only those that are somebody's business.
func TestWhichDeedsAreTold(t *testing.T) {
	for _, c := range []struct {
		ev   audit.Event
		want webhook.Type
	}{
		{audit.Event{Kind: audit.RealNameVerified}, webhook.AccountVerified},
		{audit.Event{Kind: audit.EntitlementEnded, Result: "ok"}, webhook.GrantChanged},
		{audit.Event{Kind: audit.ClientRegistered}, webhook.ClientChanged},
		{audit.Event{Kind: audit.EntitlementMade, Result: "refused"}, ""},
		{audit.Event{Kind: audit.RealNameVerified, Result: "failed"}, ""},
		{audit.Event{Kind: audit.RealNameFailed}, ""},
		{audit.Event{Kind: audit.AccountViewed}, ""},
	} {
		if got, ok := webhook.Of(c.ev); got != c.want || ok != (c.want != "") {
			t.Errorf("%+v: %q", c.ev, got)
		}
	}
	for _, events := range [][]webhook.Type{nil, {"account.deleted"}, {webhook.GrantChanged, ""}} {
		if _, err := webhook.CheckEvents(events); err == nil {
			t.Errorf("%v may be asked for", events)
		}
	}
	if _, err := webhook.CheckEvents(webhook.Types()); err != nil {
		t.Error(err)
	}
}
