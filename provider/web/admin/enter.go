package admin

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/web"
	"kejitong/templates"
)

// The cookies of the desk. Both are SameSite=Strict: no other site leads in here
// with them.
const (
	deskCookie  = "kejitong_desk"
	enrolCookie = "kejitong_enrol"
)

// visit is who stands at the desk.
type visit struct {
	session  operator.Session
	operator operator.Operator
}

// enter puts before a page what must hold for everybody: the network, our own
// origin for what is posted (S80), a living session, the role.
func (h *Handler) enter(d door) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.who.public {
			d.do(w, r, visit{})
			return
		}
		v, err := h.visitor(r)
		switch {
		case fault.Is(err, fault.NotFound):
			h.toSignIn(w, r)
		case err != nil:
			h.Web.Fail(w, r, err)
		case !d.who.allows(v.operator.Role):
			h.Web.Problem(w, r, http.StatusForbidden, templates.T("desk.error.role_may_not"))
		case v.operator.Due(h.Now()) && !d.who.due:
			see(w, "/admin/self")
		default:
			d.do(w, r, v)
		}
	})
	guarded := h.Web.Guard(inner)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.near(r) {
			h.Web.NotFound().ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// near tells whether the request comes from a network that the desk is open to.
func (h *Handler) near(r *http.Request) bool {
	if len(h.Networks) == 0 {
		return true
	}
	ip, err := netip.ParseAddr(web.ClientIP(r.Context()))
	if err != nil {
		return false
	}
	for _, n := range h.Networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// visitor gives who is signed in; fault.NotFound if nobody is.
func (h *Handler) visitor(r *http.Request) (visit, error) {
	cookie, ok := h.Web.Cookie(r, deskCookie)
	if !ok {
		return visit{}, fault.New(fault.NotFound, "no session")
	}
	sn, o, err := h.Desk.Present(r.Context(), cookie)
	return visit{sn, o}, err
}

// toSignIn leads to the sign-in and back to the page, if it was asked for by GET.
func (h *Handler) toSignIn(w http.ResponseWriter, r *http.Request) {
	q := url.Values{}
	if path, ok := deskPath(r.URL.RequestURI()); ok && r.Method == http.MethodGet && path != "/admin" {
		q.Set("next", path)
	}
	to := "/admin/login"
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	see(w, to)
}

// deskPath is a path of the desk that a browser may be sent to.
func deskPath(s string) (string, bool) {
	path, ok := web.SamePath(s)
	if !ok || path != "/admin" && !strings.HasPrefix(path, "/admin/") && !strings.HasPrefix(path, "/admin?") {
		return "", false
	}
	return path, true
}

// frame is what every page shows of who works there.
func (h *Handler) frame(v visit, here string) templates.Desk {
	d := templates.Desk{Login: v.operator.LoginName, Role: string(v.operator.Role)}
	due := v.operator.Due(h.Now())
	for _, p := range places {
		if h.may(v.operator.Role, p.path) && (!due || p.key == "self") {
			d.Nav = append(d.Nav, templates.DeskLink{Key: p.key, URL: p.path, Here: p.key == here})
		}
	}
	return d
}

// asFault is the fault in err, nil if there is none.
func asFault(err error) *fault.Error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	return f
}

// told gives the text of a fault that an operator can act on, and the field that is
// to blame; ok is false for everything else.
func told(err error) (field string, text templates.Text, ok bool) {
	f := asFault(err)
	if f == nil {
		return "", templates.Text{}, false
	}
	switch f.Kind {
	case fault.Invalid, fault.Conflict, fault.Refused, fault.Unproven, fault.Throttled:
	default:
		return "", templates.Text{}, false
	}
	if !strings.Contains(f.Msg, ".") || strings.Contains(f.Msg, " ") { // no key of the catalogues
		return f.Field, templates.T("desk.error.changed"), f.Kind == fault.Conflict
	}
	return f.Field, templates.Text{Key: f.Msg}, true
}

// statusOf is the status of a page that shows a fault.
func statusOf(err error) int {
	switch fault.KindOf(err) {
	case fault.Conflict:
		return http.StatusConflict
	case fault.Refused:
		return http.StatusForbidden
	case fault.Throttled:
		return http.StatusTooManyRequests
	}
	return http.StatusOK
}

// blame puts a fault to the field that it names; what no field bears is given
// back for the top of the page.
func blame(fields []templates.DeskField, err error, args ...any) (templates.Text, bool) {
	field, text, ok := told(err)
	if !ok {
		return templates.Text{}, false
	}
	text.Args = args
	for i := range fields {
		if fields[i].Name == field {
			fields[i].Why = text
			return templates.Text{}, true
		}
	}
	return text, true
}
