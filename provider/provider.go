// Package provider mounts the surfaces on one handler. It wires nothing: what
// it mounts was built by the command line.
package provider

import (
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/oidc"
	"kejitong/provider/web"
	"kejitong/provider/web/interact"
	"kejitong/templates"
)

// Deps are the surfaces to mount.
type Deps struct {
	Web      *web.Kit
	OIDC     *oidc.Provider
	Interact *interact.Handler
	More     []Surface
}

// Surface is anything that has pages or endpoints of its own.
type Surface interface{ Mount(r *mux.Router) }

// New gives the public handler: every response passes web.Kit.Wrap.
func New(d Deps) http.Handler {
	r := mux.NewRouter().SkipClean(true) // odd paths are refused by Wrap, never redirected
	d.OIDC.Mount(r)
	d.Interact.Mount(r)
	for _, s := range d.More {
		s.Mount(r)
	}
	r.Handle("/lang", d.Web.Language()).Methods(http.MethodGet)
	r.PathPrefix(templates.StaticPath).Handler(d.Web.Static()).Methods(http.MethodGet, http.MethodHead)
	r.NotFoundHandler = d.Web.NotFound()
	r.MethodNotAllowedHandler = d.Web.NotAllowed()
	return d.Web.Wrap(r)
}
