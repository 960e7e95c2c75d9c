package console

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Team says who works on a client.
type Team interface {
	// MayRead tells whether the account belongs to the team of the client.
	MayRead(ctx context.Context, id account.ID, clientID string) (bool, error)
}

// Log is what a client's requests failed of.
type Log interface {
	// Latest gives the newest events of a kind, of all kinds if it is "".
	Latest(ctx context.Context, client string, kind diagnosis.Kind, limit int) ([]diagnosis.Event, error)
}

// Clients finds clients in any state.
type Clients interface {
	// Client is fault.NotFound if there is none.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Diagnosis is the pages about one client that tell its team why something does
// not work: the log, the preview of claims, and the trial. All fields must be
// set.
type Diagnosis struct {
	Web      *web.Kit
	Visitors *visitor.Hall
	Team     Team
	Clients  Clients
	Log      Log
	Previews Previews
	Issuer   string
	Oracle   Oracle
	Provider func() http.Handler // everything that is served, for trials
	People   People
	Now      func() time.Time
}

// clientPage is a page about a client for somebody of its team.
type clientPage func(w http.ResponseWriter, r *http.Request, v *principal.Visit, c *client.Client)

// Mount adds the pages to r.
func (d *Diagnosis) Mount(r *mux.Router) {
	d.page(r, "/log", d.showLog, nil)
	d.page(r, "/preview", d.showPreview, nil)
	d.page(r, "/try", d.showTry, d.startTry)
	r.Handle("/console/clients/{client}/try/token", d.Web.Guard(d.trying(d.finishTry))).Methods(http.MethodPost)
	r.Handle(TryCallback, d.trying(d.backFromTry)).Methods(http.MethodGet, http.MethodHead)
}

// page adds a page beneath the client's. Whoever is not of the team finds
// nothing, as if there were no such client (S79).
func (d *Diagnosis) page(r *mux.Router, path string, get, post clientPage) {
	door := func(next clientPage) http.Handler {
		return d.Visitors.In(func(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
			c, err := d.own(r.Context(), v.Principal.Account.ID, mux.Vars(r)["client"])
			if err != nil {
				d.Web.Fail(w, r, err)
				return
			}
			next(w, r, v, c)
		})
	}
	path = "/console/clients/{client}" + path
	if get != nil {
		r.Handle(path, door(get)).Methods(http.MethodGet, http.MethodHead)
	}
	if post != nil {
		r.Handle(path, d.Web.Guard(door(post))).Methods(http.MethodPost)
	}
}

func (d *Diagnosis) own(ctx context.Context, id account.ID, clientID string) (*client.Client, error) {
	if may, err := d.Team.MayRead(ctx, id, clientID); err != nil {
		return nil, err
	} else if !may {
		return nil, fault.New(fault.NotFound, "no such client")
	}
	return d.Clients.Client(ctx, clientID)
}

func about(c *client.Client) templates.ClientPage {
	return templates.ClientPage{ClientID: c.ID, ClientName: c.Metadata.Name, Base: "/console/clients/" + c.ID}
}

// shownEvents is how many failures the page shows.
const shownEvents = 100

// showLog is GET /console/clients/{client}/log.
func (d *Diagnosis) showLog(w http.ResponseWriter, r *http.Request, v *principal.Visit, c *client.Client) {
	p, err := LogPage(r, d.Log, about(c))
	if err != nil {
		d.Web.Fail(w, r, err)
		return
	}
	d.Web.Show(w, r, http.StatusOK, p, web.As(visitor.Name(v.Principal), ""))
}

// LogPage is a client's log as the query of r filters it.
func LogPage(r *http.Request, log Log, page templates.ClientPage) (templates.ClientLog, error) {
	q := r.URL.Query()
	p := templates.ClientLog{ClientPage: page, Live: q.Get("live") == "1"}
	if k := diagnosis.Kind(q.Get("kind")); k.Known() {
		p.Kind = string(k)
	}
	for _, k := range diagnosis.Kinds() {
		p.Kinds = append(p.Kinds, string(k))
	}
	events, err := log.Latest(r.Context(), page.ClientID, diagnosis.Kind(p.Kind), shownEvents)
	if err != nil {
		return p, err
	}
	for _, e := range events {
		p.Events = append(p.Events, templates.LoggedFailure{
			Kind: string(e.Kind), Endpoint: e.Endpoint, Error: e.Error, Expected: e.Expected, Received: e.Received, Request: e.Request, At: e.At, Warns: e.Kind.Warns(),
		})
	}
	return p, nil
}
