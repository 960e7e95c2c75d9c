package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
	"kejitong/provider/webhook"
	"kejitong/store"
	"kejitong/store/storetest"
)

// answers is a receiver that answers with a status.
type answers struct {
	status int
	ids    []string
}

func (*answers) CheckURL(string) error { return nil }

func (a *answers) PostJSON(_ context.Context, _ string, _ []byte, head http.Header) (int, error) {
	a.ids = append(a.ids, head["Webhook-Id"][0])
	return a.status, nil
}

// hookHouse is the service on a real database, with an endpoint of the operator's.
type hookHouse struct {
	*webhook.Service
	t   *testing.T
	db  *store.DB
	out *answers
	now time.Time
	id  string
}

func newHookHouse(t *testing.T, db *store.DB) *hookHouse {
	h := &hookHouse{t: t, db: db, out: &answers{status: 204}, now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	db.Now = func() time.Time { return h.now }
	h.Service = &webhook.Service{Store: db, Outside: h.out, Now: db.Now}
	e, err := h.Add(t.Context(), "op", webhook.NewID(), "", "https://rp.example/hook", webhook.Types())
	if err != nil {
		t.Fatal(err)
	}
	h.id = e.ID
	return h
}

// happens spreads n changes of a client.
func (h *hookHouse) happens(n int) {
	h.t.Helper()
	for i := range n {
		payload, err := json.Marshal(webhook.Happened{ID: fmt.Sprintf("%d%d", h.now.UnixMilli(), i), Kind: audit.ClientChanged, Object: "rp", At: h.now.UnixMilli()})
		if err == nil {
			err = h.Spread(h.t.Context(), outbox.Task{Payload: string(payload)})
		}
		if err != nil {
			h.t.Fatal(err)
		}
		h.now = h.now.Add(time.Millisecond)
	}
}

// work does all tasks that are due once, as the runner would, and gives how many.
func (h *hookHouse) work(last bool) int {
	h.t.Helper()
	tasks, err := h.db.ClaimTasks(h.t.Context(), 5000, h.now, time.Minute)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, task := range tasks {
		if task.Last = last; task.Kind != outbox.Webhook {
			continue
		}
		if err := h.Deliver(h.t.Context(), task); err == nil || last {
			err = h.db.FinishTask(h.t.Context(), task.ID)
			if err != nil {
				h.t.Fatal(err)
			}
		}
	}
	return len(tasks)
}

func (h *hookHouse) endpoint() webhook.Endpoint {
	h.t.Helper()
	e, err := h.db.Endpoint(h.t.Context(), h.id)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *hookHouse) states() map[webhook.State]int {
	h.t.Helper()
	all, err := h.db.Deliveries(h.t.Context(), h.id, h.now.Add(time.Hour), "", 5000)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[webhook.State]int{}
	for _, d := range all {
		out[d.State]++
	}
	return out
}

// What happens while an endpoint is paused is held, within a bound, and sent when it
// is resumed, the oldest first and each once; what was on its way is held as well.
func TestPausedWebhooksAreToldLater(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHookHouse(t, db)
		ctx := t.Context()
		if _, _, err := h.Resume(ctx, "op", h.id, webhook.Any); !fault.Is(err, fault.Conflict) {
			t.Errorf("what is active is resumed: %v", err)
		}
		h.happens(2) // on their way
		if _, err := h.Pause(ctx, "op", h.id, 7); !fault.Is(err, fault.Conflict) {
			t.Errorf("at a version that never was: %v", err)
		}
		if _, err := h.Pause(ctx, "op", h.id, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Pause(ctx, "op", h.id, webhook.Any); !fault.Is(err, fault.Conflict) {
			t.Errorf("paused twice: %v", err)
		}
		h.happens(3)
		if n := h.work(false); n != 2 || len(h.out.ids) != 0 {
			t.Fatalf("%d tasks, %d sent to a paused endpoint", n, len(h.out.ids))
		}
		if s := h.states(); s[webhook.Held] != 5 {
			t.Fatalf("%v, want 5 held", s)
		}
		if err := h.Redeliver(ctx, "op", h.id, "msg"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a delivery that never was: %v", err)
		}
		if _, n, err := h.Resume(ctx, "op", h.id, webhook.Any); err != nil || n != 5 {
			t.Fatalf("%d released, %v", n, err)
		}
		h.work(false)
		if s := h.states(); s[webhook.Delivered] != 5 || len(h.out.ids) != 5 {
			t.Fatalf("%v, %d sent", s, len(h.out.ids))
		}
		for _, id := range h.out.ids {
			d, err := db.Delivery(ctx, id)
			if err != nil || d.Attempts != 1 {
				t.Errorf("%s was tried %d times, %v", id, d.Attempts, err)
			}
		}
	})
}

// More than the bound is counted, and the count is over with the resumption.
func TestWhatAPausedWebhookMissesIsBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHookHouse(t, db)
		if _, err := h.Pause(t.Context(), "op", h.id, webhook.Any); err != nil {
			t.Fatal(err)
		}
		err := db.InTx(t.Context(), func(ctx context.Context) error { // all but two of them at once, which is what takes time
			for i := range webhook.MaxHeld - 2 {
				d := webhook.Delivery{ID: fmt.Sprintf("msg_%d", i), Endpoint: h.id, Event: webhook.ClientChanged, State: webhook.Held, CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour)}
				if err := db.PromiseDelivery(ctx, d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		h.happens(5)
		if s, e := h.states(), h.endpoint(); s[webhook.Held] != webhook.MaxHeld || e.Skipped != 3 || e.Version != 2 {
			t.Errorf("%v, %d skipped, version %d", s, e.Skipped, e.Version)
		}
		if e, n, err := h.Resume(t.Context(), "op", h.id, webhook.Any); err != nil || n != webhook.MaxHeld || e.Skipped != 0 {
			t.Errorf("%d released, %d skipped, %v", n, e.Skipped, err)
		}
	})
}

// An endpoint at which nothing arrives for five days is disabled by the next
// delivery that is given up, once; a success in between, or less time, is enough to
// go on. One that says 410 is disabled at once.
func TestFailingWebhooksAreDisabled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHookHouse(t, db)
		ctx := t.Context()
		try := func(status int, last bool) webhook.Endpoint {
			t.Helper()
			h.now, h.out.status = h.now.Add(time.Hour), status
			h.happens(1)
			h.work(last)
			return h.endpoint()
		}
		if e := try(500, true); e.Standing != webhook.Active || !e.FailingSince.Equal(h.now.Add(-time.Millisecond)) && e.FailingSince.IsZero() {
			t.Errorf("after the first failure: %+v", e)
		}
		h.now = h.now.Add(webhook.FailFor - 4*time.Hour)
		if e := try(503, true); e.Standing != webhook.Active {
			t.Error("disabled too early")
		}
		if e := try(200, true); !e.FailingSince.IsZero() {
			t.Error("a success does not end the failing")
		}
		h.now = h.now.Add(2 * webhook.FailFor)
		if e := try(500, true); e.Standing != webhook.Active {
			t.Error("disabled by its first failure since a success")
		}
		h.now = h.now.Add(webhook.FailFor)
		if e := try(500, false); e.Standing != webhook.Active {
			t.Error("disabled by a delivery that is still tried")
		}
		h.now = h.now.Add(time.Hour)
		h.work(true)
		if e := h.endpoint(); e.Standing != webhook.Disabled || e.Why != webhook.WhyFailing {
			t.Errorf("after five days: %s %s", e.Standing, e.Why)
		}
		sent := len(h.out.ids)
		try(200, true)
		if s := h.states(); len(h.out.ids) != sent || s[webhook.Held] != 1 {
			t.Errorf("it is told something: %v", s)
		}
		if _, n, err := h.Resume(ctx, "op", h.id, webhook.Any); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		h.work(true)
		if e := h.endpoint(); e.Standing != webhook.Active || !e.FailingSince.IsZero() || e.Why != "" {
			t.Errorf("resumed: %+v", e)
		}
		if e := try(http.StatusGone, false); e.Standing != webhook.Disabled || e.Why != webhook.WhyGone {
			t.Errorf("gone: %s %s", e.Standing, e.Why)
		}
		rows, err := db.RecentAudit(ctx, 100)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range rows {
			if r.Kind == audit.WebhookDisabled && r.Actor == "system" && r.Object == h.id {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d rows of the trail say that it was disabled, want 2", n)
		}
	})
}

// A delivery that is over is sent once more under its id; one that is on its way,
// another endpoint's or a paused one's is not.
func TestRedelivery(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHookHouse(t, db)
		ctx := t.Context()
		other, err := h.Add(ctx, "op", webhook.NewID(), "", "https://other.example/hook", []webhook.Type{webhook.GrantChanged})
		if err != nil {
			t.Fatal(err)
		}
		h.happens(1)
		all, err := db.Deliveries(ctx, h.id, h.now.Add(time.Hour), "", 1)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		id := all[0].ID
		if err := h.Redeliver(ctx, "op", h.id, id); !fault.Is(err, fault.Conflict) {
			t.Errorf("one that is on its way: %v", err)
		}
		h.work(true)
		if err := h.Redeliver(ctx, "op", other.ID, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("another endpoint's: %v", err)
		}
		wins := 0
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 8 {
			wg.Go(func() {
				if err := h.Redeliver(ctx, "op", h.id, id); err == nil {
					mu.Lock()
					wins++
					mu.Unlock()
				} else if !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if h.work(true); wins != 1 || len(h.out.ids) != 2 || h.out.ids[1] != id {
			t.Errorf("%d won, sent %v", wins, h.out.ids)
		}
		if _, err := h.Pause(ctx, "op", h.id, webhook.Any); err != nil {
			t.Fatal(err)
		}
		if err := h.Redeliver(ctx, "op", h.id, id); !fault.Is(err, fault.Conflict) {
			t.Errorf("a paused one's: %v", err)
		}
		if _, err := h.Add(ctx, "op", h.id, "", "https://rp.example/hook", webhook.Types()); !fault.Is(err, fault.Conflict) {
			t.Errorf("the same form twice: %v", err)
		}
	})
}

// unlocked reads first and writes then, with nothing that keeps others out between.
type unlocked struct {
	*store.DB
	both *sync.WaitGroup
}

func (unlocked) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (c unlocked) EndpointForChange(ctx context.Context, id string) (webhook.Endpoint, error) {
	e, err := c.Endpoint(ctx, id)
	c.both.Done()
	c.both.Wait()
	return e, err
}

// Of two who change the secret at once, both get one that signs: neither is lost.
func TestTwoNewSecretsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		lost := func(h *hookHouse) int {
			t.Helper()
			var secrets [2][]byte
			var errs [2]error
			var wg sync.WaitGroup
			for i := range secrets {
				wg.Go(func() {
					var e webhook.Endpoint
					e, errs[i] = h.Rotate(t.Context(), "op", h.id, webhook.Any)
					secrets[i] = e.Secret
				})
			}
			wg.Wait()
			if err := errors.Join(errs[:]...); err != nil {
				t.Fatal(err)
			}
			e, n := h.endpoint(), 0
			for _, s := range secrets {
				if !bytes.Equal(s, e.Secret) && !bytes.Equal(s, e.Former) {
					n++
				}
			}
			return n
		}
		h := newHookHouse(t, db)
		control := *h.Service
		control.Store = unlocked{db, &sync.WaitGroup{}}
		control.Store.(unlocked).both.Add(2)
		if lost(&hookHouse{Service: &control, t: t, db: db, id: h.id}) == 0 {
			t.Error("control: a store without a lock loses no secret")
		}
		for range 10 {
			if n := lost(h); n != 0 {
				t.Fatalf("%d secrets that were given out sign nothing", n)
			}
		}
		// With the version that was read one of them is refused instead.
		at, wins := h.endpoint().Version, 0
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 4 {
			wg.Go(func() {
				if _, err := h.Rotate(t.Context(), "op", h.id, at); err == nil {
					mu.Lock()
					wins++
					mu.Unlock()
				}
			})
		}
		if wg.Wait(); wins != 1 {
			t.Errorf("%d changed one version", wins)
		}
	})
}
