// Package portal is 在线办事 for those who are signed in: 我的信息 with what belongs
// to it, each part in a file of its own.
package portal

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Handler serves the pages. All fields but Parts must be set before Mount.
type Handler struct {
	// Develops tells whether the developer console is of use to somebody.
	Develops func(ctx context.Context, v *principal.Visit) (bool, error)
	Web      *web.Kit
	Visitors *visitor.Hall
	Names    *RealName
	Parts    []Part // in the order of their links
}

// Part is a group of pages. What it offers stands on 我的信息.
type Part interface {
	// Mount adds the part's pages.
	Mount(p Pages)
	// Links are what 我的信息 offers of the part to v, if anything.
	Links(v *principal.Visit) []templates.Link
}

// Pages takes the routes of a part.
type Pages struct {
	Router   *mux.Router
	Web      *web.Kit
	Visitors *visitor.Hall
}

// In adds a page for those who are signed in. What is posted passes
// web.Kit.Guard; either function may be nil.
func (p Pages) In(path string, get, post visitor.Page) {
	p.add(path, p.Visitors.In, get, post)
}

// Fresh is In for sensitive changes (S63).
func (p Pages) Fresh(path string, get, post visitor.Page) {
	p.add(path, p.Visitors.Fresh, get, post)
}

func (p Pages) add(path string, door func(visitor.Page) http.Handler, get, post visitor.Page) {
	if get != nil {
		p.Router.Handle(path, door(get)).Methods(http.MethodGet, http.MethodHead)
	}
	if post != nil {
		p.Router.Handle(path, p.Web.Guard(door(post))).Methods(http.MethodPost)
	}
}

// Mount adds the pages to r.
func (h *Handler) Mount(r *mux.Router) {
	p := Pages{Router: r, Web: h.Web, Visitors: h.Visitors}
	p.In("/me", h.showMe, nil)
	h.Names.Mount(p)
	for _, part := range h.Parts {
		part.Mount(p)
	}
}

// see sends the browser to another page. 303, so that nothing posted is posted
// again (RFC 9700 §4.12).
func see(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// as names the visitor in the frame of a page.
func as(v *principal.Visit) web.Option { return web.As(visitor.Name(v.Principal), "") }
