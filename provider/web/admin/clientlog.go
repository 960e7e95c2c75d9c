package admin

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/templates"
)

// ClientLogs is why requests of clients failed.
type ClientLogs interface {
	// Latest gives a client's newest events, of one kind unless kind is "".
	Latest(ctx context.Context, client string, kind diagnosis.Kind, limit int) ([]diagnosis.Event, error)
}

// AllClients finds clients in any state.
type AllClients interface {
	// Client is fault.NotFound if there is none.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// showClientLog is GET /admin/clients/{id}/log: what the client's own team sees in
// its console.
func (h *Handler) showClientLog(w http.ResponseWriter, r *http.Request, v visit) {
	c, err := h.Clients.Client(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	q := r.URL.Query()
	log := templates.ClientLog{
		ClientPage: templates.ClientPage{ClientID: c.ID, ClientName: c.Metadata.Name, Base: "/admin/clients/" + c.ID}, Live: q.Get("live") == "1",
	}
	kind := diagnosis.Kind(q.Get("kind"))
	if kind.Known() {
		log.Kind = string(kind)
	}
	events, err := h.Reasons.Latest(r.Context(), c.ID, diagnosis.Kind(log.Kind), 100)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, k := range diagnosis.Kinds() {
		log.Kinds = append(log.Kinds, string(k))
	}
	for _, e := range events {
		log.Events = append(log.Events, templates.LoggedFailure{
			Kind: string(e.Kind), Endpoint: e.Endpoint, Error: e.Error, Expected: e.Expected, Received: e.Received, Request: e.Request, At: e.At, Warns: e.Kind.Warns(),
		})
	}
	h.Web.Show(w, r, http.StatusOK, templates.DeskClientLog{Desk: h.frame(v, ""), Log: log})
}
