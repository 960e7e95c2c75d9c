package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// clientView is a client as it is shown: never a secret, but for the one just made.
type clientView struct {
	ID        string          `json:"client_id"`
	Secret    string          `json:"client_secret,omitempty"`
	State     client.State    `json:"state"`
	Reviewed  bool            `json:"reviewed"`
	Administ  bool            `json:"administers"` // holds scopes of this interface; only operators change it
	Metadata  client.Metadata `json:"metadata"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

func viewClient(c *client.Client) clientView {
	return clientView{
		ID: c.ID, State: c.State, Reviewed: c.Reviewed, Administ: c.Metadata.Administers(), Metadata: c.Metadata, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
}

func clientTag(c *client.Client) string { return `"` + strconv.FormatInt(c.Version, 10) + `"` }

// list is a page of a list.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitempty"` // of the next page, absent on the last
}

// listClients is GET /clients.
func (h *Handler) listClients(w http.ResponseWriter, r *http.Request, v visit) error {
	n, after, err := h.paging(r, v)
	if err != nil {
		return err
	}
	all, err := h.Clients.Shelf.ClientsAfter(r.Context(), after, n+1)
	if err != nil {
		return err
	}
	return sayPage(h, w, r, v, all, n, func(c client.Client) clientView { return viewClient(&c) }, func(c client.Client) string { return c.ID })
}

// sayPage answers with the first n of all, which has one more if there is a next
// page; at says where that begins, behind the last one shown.
func sayPage[T, V any](h *Handler, w http.ResponseWriter, r *http.Request, v visit, all []T, n int, view func(T) V, at func(T) string) (err error) {
	out := list[V]{Items: []V{}}
	for _, one := range all[:min(n, len(all))] {
		out.Items = append(out.Items, view(one))
	}
	if len(all) > n {
		if out.Next, err = h.cursor(v, r, at(all[n-1])); err != nil {
			return err
		}
	}
	return say(w, http.StatusOK, out)
}

// paging reads limit and cursor; names are the other parameters of the route.
func (h *Handler) paging(r *http.Request, v visit, names ...string) (n int, after string, err error) {
	if err = known(r, append(names, "limit", "cursor")...); err != nil {
		return 0, "", err
	}
	if n, err = limit(r); err != nil {
		return 0, "", err
	}
	after, err = h.from(v, r)
	return n, after, err
}

// getClient is GET /clients/{id}.
func (h *Handler) getClient(w http.ResponseWriter, r *http.Request, _ visit) error {
	c, err := h.Clients.Shelf.Client(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	return tagged(w, http.StatusOK, clientTag(c), viewClient(c))
}

// createClient is POST /clients.
func (h *Handler) createClient(w http.ResponseWriter, r *http.Request, v visit) error {
	var q struct {
		ID       string          `json:"client_id"`
		Metadata client.Metadata `json:"metadata"`
	}
	raw, err := body(r, &q)
	if err != nil {
		return err
	}
	var draft *client.Client
	secret := ""
	id, again, err := h.once(r, v, raw, func(ctx context.Context) (err error) {
		draft, secret, err = h.Clients.Draft(ctx, q.ID, q.Metadata)
		return err
	}, func(ctx context.Context) (string, error) {
		return draft.ID, h.Clients.Enter(ctx, v.by(), draft)
	})
	if err != nil {
		return err
	}
	c, err := h.Clients.Shelf.Client(r.Context(), id)
	if err != nil {
		return err
	}
	view := viewClient(c)
	if again {
		w.Header().Set("Idempotent-Replayed", "true")
	} else {
		view.Secret = secret
		h.Outbox.Wake()
	}
	w.Header().Set("Location", Base+"/clients/"+c.ID)
	return tagged(w, http.StatusCreated, clientTag(c), view)
}

// updateClient is PUT /clients/{id}: the whole of the metadata.
func (h *Handler) updateClient(w http.ResponseWriter, r *http.Request, v visit) error {
	version, err := clientVersion(r, true)
	if err != nil {
		return err
	}
	var q struct {
		Metadata client.Metadata `json:"metadata"`
	}
	if _, err := body(r, &q); err != nil {
		return err
	}
	c, err := h.Clients.Change(r.Context(), v.by(), mux.Vars(r)["id"], version, q.Metadata)
	return h.clientDone(w, c, "", err)
}

// moveClient is POST /clients/{id}/disable and enable.
func (h *Handler) moveClient(to client.State) func(http.ResponseWriter, *http.Request, visit) error {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		version, err := clientVersion(r, false)
		if err != nil {
			return err
		}
		c, err := h.Clients.Move(r.Context(), v.by(), mux.Vars(r)["id"], version, to)
		return h.clientDone(w, c, "", err)
	}
}

// rotateSecret is POST /clients/{id}/secret.
func (h *Handler) rotateSecret(w http.ResponseWriter, r *http.Request, v visit) error {
	version, err := clientVersion(r, false)
	if err != nil {
		return err
	}
	c, secret, err := h.Clients.Rotate(r.Context(), v.by(), mux.Vars(r)["id"], version)
	return h.clientDone(w, c, secret, err)
}

func (h *Handler) clientDone(w http.ResponseWriter, c *client.Client, secret string, err error) error {
	if err != nil {
		return err
	}
	h.Outbox.Wake()
	view := viewClient(c)
	view.Secret = secret
	return tagged(w, http.StatusOK, clientTag(c), view)
}

// clientVersion reads If-Match, which an update must have.
func clientVersion(r *http.Request, must bool) (int64, error) {
	if must && r.Header.Get("If-Match") == "" {
		return 0, errPrecondition
	}
	tag := match(r)
	if tag == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil || n < 1 {
		return 0, &fault.Error{Kind: fault.Conflict, Msg: client.MsgVersion}
	}
	return n, nil
}
