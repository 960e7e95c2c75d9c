package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/webhook"
)

// hookView is an endpoint, with the secret that was just made, if any.
type hookView struct {
	ID          string         `json:"id"`
	Client      string         `json:"client_id"` // "": the operator's
	URL         string         `json:"url"`
	Events      []webhook.Type `json:"events"`
	Secret      string         `json:"secret,omitempty"`
	FormerUntil *time.Time     `json:"former_secret_until"`
	State       string         `json:"state"`
	Why         string         `json:"why"`           // it is disabled
	Since       *time.Time     `json:"state_since"`   // null: from the beginning
	Failing     *time.Time     `json:"failing_since"` // null: the last try arrived
	Skipped     int64          `json:"skipped"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

func (h *Handler) viewHook(e webhook.Endpoint) hookView {
	v := hookView{
		ID: e.ID, Client: e.Client, URL: e.URL, Events: e.Events, State: string(e.Standing), Why: e.Why, Since: orNull(e.Since), Failing: orNull(e.FailingSince),
		Skipped: e.Skipped, CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC(),
	}
	if e.FormerUntil.After(h.Now()) {
		v.FormerUntil = orNull(e.FormerUntil)
	}
	return v
}

// orNull is t, null for none.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// hookTag is the version of an endpoint.
func hookTag(e webhook.Endpoint) string { return `"` + strconv.FormatInt(e.Version, 10) + `"` }

// hookVersion is the version that the request may change: any where it names none,
// and one that there never is for what is no version.
func hookVersion(r *http.Request) int64 {
	tag := match(r)
	if tag == "" {
		return webhook.Any
	}
	if n, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64); err == nil && n > 0 && tag == `"`+strconv.FormatInt(n, 10)+`"` {
		return n
	}
	return -1
}

// changed answers with an endpoint after a deed.
func (h *Handler) changed(w http.ResponseWriter, e webhook.Endpoint, err error) error {
	var why *fault.Error
	if errors.As(err, &why) && why.Field == "version" {
		return &fault.Error{Kind: fault.Conflict, Msg: client.MsgVersion}
	}
	if err != nil {
		return err
	}
	return tagged(w, http.StatusOK, hookTag(e), h.viewHook(e))
}

// listHooks is GET /webhooks.
func (h *Handler) listHooks(w http.ResponseWriter, r *http.Request, v visit) error {
	n, after, err := h.paging(r, v, "client_id")
	if err != nil {
		return err
	}
	id := r.URL.Query().Get("client_id")
	all, err := h.Hooks.Store.Endpoints(r.Context(), id, id == "", after, n+1)
	if err != nil {
		return err
	}
	return sayPage(h, w, r, v, all, n, h.viewHook, func(e webhook.Endpoint) string { return e.ID })
}

// addHook is POST /webhooks.
func (h *Handler) addHook(w http.ResponseWriter, r *http.Request, v visit) error {
	var q struct {
		Client string         `json:"client_id"`
		URL    string         `json:"url"`
		Events []webhook.Type `json:"events"`
	}
	raw, err := body(r, &q)
	if err != nil {
		return err
	}
	secret := ""
	id, again, err := h.once(r, v, raw, nothing, func(ctx context.Context) (string, error) {
		e, err := h.Hooks.Add(ctx, v.by(), webhook.NewID(), q.Client, q.URL, q.Events)
		secret = webhook.Text(e.Secret)
		return e.ID, err
	})
	if err != nil {
		return err
	}
	e, err := h.Hooks.Store.Endpoint(r.Context(), id)
	if err != nil {
		return err
	}
	view := h.viewHook(e)
	if again {
		w.Header().Set("Idempotent-Replayed", "true")
	} else {
		view.Secret = secret
	}
	w.Header().Set("Location", Base+"/webhooks/"+e.ID)
	return tagged(w, http.StatusCreated, hookTag(e), view)
}

// getHook is GET /webhooks/{id}.
func (h *Handler) getHook(w http.ResponseWriter, r *http.Request, _ visit) error {
	e, err := h.Hooks.Store.Endpoint(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	return tagged(w, http.StatusOK, hookTag(e), h.viewHook(e))
}

// removeHook is DELETE /webhooks/{id}.
func (h *Handler) removeHook(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := h.Hooks.Remove(r.Context(), v.by(), mux.Vars(r)["id"]); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// rotateHook is POST /webhooks/{id}/secret.
func (h *Handler) rotateHook(w http.ResponseWriter, r *http.Request, v visit) error {
	e, err := h.Hooks.Rotate(r.Context(), v.by(), mux.Vars(r)["id"], hookVersion(r))
	if err != nil {
		return h.changed(w, e, err)
	}
	view := h.viewHook(e)
	view.Secret = webhook.Text(e.Secret)
	return tagged(w, http.StatusOK, hookTag(e), view)
}

// askHook is PUT /webhooks/{id}: the types of event that it is told.
func (h *Handler) askHook(w http.ResponseWriter, r *http.Request, v visit) error {
	var q struct {
		Events []webhook.Type `json:"events"`
	}
	if _, err := body(r, &q); err != nil {
		return err
	}
	if r.Header.Get("If-Match") == "" {
		return errPrecondition
	}
	e, err := h.Hooks.Ask(r.Context(), v.by(), mux.Vars(r)["id"], hookVersion(r), q.Events)
	return h.changed(w, e, err)
}

// pauseHook is POST /webhooks/{id}/pause.
func (h *Handler) pauseHook(w http.ResponseWriter, r *http.Request, v visit) error {
	e, err := h.Hooks.Pause(r.Context(), v.by(), mux.Vars(r)["id"], hookVersion(r))
	return h.changed(w, e, err)
}

// resumeHook is POST /webhooks/{id}/resume: what was held is sent.
func (h *Handler) resumeHook(w http.ResponseWriter, r *http.Request, v visit) error {
	e, _, err := h.Hooks.Resume(r.Context(), v.by(), mux.Vars(r)["id"], hookVersion(r))
	return h.changed(w, e, err)
}

// redeliver is POST /webhooks/{id}/deliveries/{delivery}/redeliver.
func (h *Handler) redeliver(w http.ResponseWriter, r *http.Request, v visit) error {
	id := mux.Vars(r)["delivery"]
	if err := h.Hooks.Redeliver(r.Context(), v.by(), mux.Vars(r)["id"], id); err != nil {
		return err
	}
	d, err := h.Hooks.Store.Delivery(r.Context(), id)
	if err != nil {
		return err
	}
	return say(w, http.StatusAccepted, viewDelivery(d))
}

// deliveryView is a line of the log.
type deliveryView struct {
	ID        string     `json:"id"`
	Event     string     `json:"event"`
	State     string     `json:"state"`
	Attempts  int        `json:"attempts"`
	Status    int        `json:"status"` // of the last answer, 0: none
	Problem   string     `json:"problem"`
	Body      string     `json:"body"`
	CreatedAt time.Time  `json:"created_at"`
	TriedAt   *time.Time `json:"tried_at"`
}

// listDeliveries is GET /webhooks/{id}/deliveries: the newest first.
func (h *Handler) listDeliveries(w http.ResponseWriter, r *http.Request, v visit) error {
	n, from, err := h.paging(r, v)
	if err != nil {
		return err
	}
	e, err := h.Hooks.Store.Endpoint(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	before, id := webhook.Newest(), ""
	if ms, last, ok := strings.Cut(from, " "); ok {
		at, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			return invalid("cursor", "is not one of this list for this client")
		}
		before, id = time.UnixMilli(at), last
	}
	all, err := h.Hooks.Store.Deliveries(r.Context(), e.ID, before, id, n+1)
	if err != nil {
		return err
	}
	return sayPage(h, w, r, v, all, n, viewDelivery, func(d webhook.Delivery) string {
		return strconv.FormatInt(d.CreatedAt.UnixMilli(), 10) + " " + d.ID
	})
}

func viewDelivery(d webhook.Delivery) deliveryView {
	return deliveryView{d.ID, string(d.Event), string(d.State), d.Attempts, d.Status, d.Problem, d.Body, d.CreatedAt.UTC(), orNull(d.TriedAt)}
}
