package api

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

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
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

func (h *Handler) viewHook(e webhook.Endpoint) hookView {
	v := hookView{ID: e.ID, Client: e.Client, URL: e.URL, Events: e.Events, CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC()}
	if e.FormerUntil.After(h.Now()) {
		until := e.FormerUntil.UTC()
		v.FormerUntil = &until
	}
	return v
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
		e, err := h.Hooks.Add(ctx, v.by(), q.Client, q.URL, q.Events)
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
	return say(w, http.StatusCreated, view)
}

// getHook is GET /webhooks/{id}.
func (h *Handler) getHook(w http.ResponseWriter, r *http.Request, _ visit) error {
	e, err := h.Hooks.Store.Endpoint(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	return say(w, http.StatusOK, h.viewHook(e))
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
	e, err := h.Hooks.Rotate(r.Context(), v.by(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	view := h.viewHook(e)
	view.Secret = webhook.Text(e.Secret)
	return say(w, http.StatusOK, view)
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
	before, id := time.UnixMilli(math.MaxInt64/2000), ""
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
	view := deliveryView{d.ID, string(d.Event), string(d.State), d.Attempts, d.Status, d.Problem, d.Body, d.CreatedAt.UTC(), nil}
	if !d.TriedAt.IsZero() {
		at := d.TriedAt.UTC()
		view.TriedAt = &at
	}
	return view
}
