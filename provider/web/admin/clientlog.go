package admin

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/client"
	"kejitong/templates"
)

// ClientLog gives why requests of a client failed, as the query of the request
// filters it.
type ClientLog func(*http.Request, templates.ClientPage) (templates.ClientLog, error)

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
	log, err := h.ClientLog(r, templates.ClientPage{ClientID: c.ID, ClientName: c.Metadata.Name, Base: "/admin/clients/" + c.ID})
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, templates.DeskClientLog{Desk: h.frame(v, ""), Log: log})
}
