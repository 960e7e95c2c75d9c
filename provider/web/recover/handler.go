// Package recover is the pages on which people get back what they forgot: the
// choice of a way, resets, contacts of units, appeals, their progress and
// objections to them. A handler parses, calls one method of package recovery and
// shows what came of it; where a flow stands is known to its row alone, and a
// page that is asked for out of turn leads to where the flow is.
package recover

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/document"
	"kejitong/provider/recovery"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
)

// Handler serves the pages. All fields must be set before Mount.
type Handler struct {
	Web       *web.Kit
	Visitors  *visitor.Hall
	Recovery  *recovery.Service
	Documents *document.Service
	Captchas  challenge.Captchas
	Policy    credential.Policy
	Now       func() time.Time
}

// Mount adds the pages to r. Everything that is posted passes web.Kit.Guard.
func (h *Handler) Mount(r *mux.Router) {
	page := func(path string, get, post http.HandlerFunc) {
		r.Handle(path, get).Methods(http.MethodGet, http.MethodHead)
		if post != nil {
			r.Handle(path, h.Web.Guard(post)).Methods(http.MethodPost)
		}
	}
	page("/forgot", h.showForgot, nil)
	page("/forgot/reset", h.showFind, h.find)
	page("/forgot/reset/verify", h.showReset, h.reset)
	page("/forgot/done", h.showDone, nil)
	page("/forgot/contact", h.showContactAsk, h.askContact)
	page("/forgot/contact/shown", h.showContact, h.tellContact)
	page("/appeal/person", h.showPerson, h.beginPerson(recovery.Person, h.personForm))
	page("/appeal/unit", h.showUnit, h.beginUnit(recovery.Unit, h.unitForm))
	page("/appeal/name/person", h.showNamePerson, h.beginPerson(recovery.PersonName, h.namePersonForm))
	page("/appeal/name/unit", h.showNameUnit, h.beginUnit(recovery.UnitName, h.nameUnitForm))
	page("/appeal/factor/person", h.showFactorPerson, h.beginPerson(recovery.PersonFactor, h.factorPersonForm))
	page("/appeal/factor/unit", h.showFactorUnit, h.beginUnit(recovery.UnitFactor, h.factorUnitForm))
	page("/appeal/fill", h.showFill, h.fill)
	page("/appeal/mobile", h.showMobile, h.proveMobile)
	page("/appeal/evidence", h.showEvidence, h.submit)
	page("/appeal/filed", h.showFiled, nil)
	page("/appeal/track", h.showTrack, h.track)
	page("/appeal/progress", h.showProgress, h.withdraw)
	page("/appeal/redeem", h.showRedeem, h.redeem)
	page("/appeal/claim", h.showReclaim, h.reclaim)
	page("/appeal/object", h.showObject, h.object)
	page("/appeal/object/verify", h.showObjectVerify, h.objectVerify)
	h.mountUpload(r)
}

// flowField names the flow in addresses. It is worth nothing in another browser.
const flowField = "flow"

func flowOf(r *http.Request) string { return r.URL.Query().Get(flowField) }

// at is the address of a flow's page.
func at(path, flow string) string { return path + "?" + url.Values{flowField: {flow}}.Encode() }

func (h *Handler) asker(w http.ResponseWriter, r *http.Request) recovery.Asker {
	ctx := r.Context()
	return recovery.Asker{Browser: h.Web.Browser(w, r), IP: web.ClientIP(ctx), Locale: web.Locale(ctx).String()}
}

func solved(r *http.Request) recovery.Solved {
	return recovery.Solved{ID: r.PostForm.Get("captcha_id"), Answer: r.PostForm.Get("captcha")}
}

// see sends the browser to another page. 303, so that nothing posted is posted
// again (RFC 9700 §4.12).
func see(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}
