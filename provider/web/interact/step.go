package interact

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/templates"
)

// step is one visit to a page within a parked authorization request.
type step struct {
	id     string // as the browser carries it; empty outside of any interaction
	pd     authflow.Pending
	form   url.Values // the authorization request
	client *client.Client
	visit  *principal.Visit // who is signed in, nil if nobody
	next   string           // where a sign-in outside of any interaction leads; a path of ours, "/" by default
	former account.ID       // whose session the browser brings, dead or alive; empty if none's
}

// How much a page needs an interaction.
const (
	required = true
	optional = false
)

// The ways in which an interaction is not to be had.
var (
	errGone         = errors.New("interaction is unknown, expired or finished")
	errOtherBrowser = errors.New("interaction was begun in another browser")
	errNoClient     = errors.New("interaction of a client that is gone")
	errTwoIDs       = errors.New("address and form name different interactions")
)

// within runs next inside the interaction that the request names. A form that
// is sent again after the interaction ended changes nothing: it goes back to
// the authorization endpoint, which gives the same answer as before.
func (h *Handler) within(need bool, next func(http.ResponseWriter, *http.Request, *step)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := interactionID(r)
		if err == nil && id == "" && need {
			err = errGone
		}
		if err != nil {
			h.stop(w, r, err)
			return
		}
		s := &step{id: id, next: "/"}
		if path, ok := web.SamePath(r.URL.Query().Get("next")); ok {
			s.next = path
		}
		if id != "" {
			if err := h.load(w, r, s); err != nil {
				h.stopAt(w, r, err, s.pd.Client)
				return
			}
			r = r.WithContext(web.WithLocale(r.Context(), web.ParseLocales(s.form.Get("ui_locales"))...))
			if over(s.pd) {
				if r.Method == http.MethodPost {
					h.back(w, s)
				} else {
					h.stopAt(w, r, errGone, s.pd.Client)
				}
				return
			}
		}
		v, err := h.brought(r, s.pd.Client)
		if err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		if v != nil {
			s.former = v.Session.Account
			if h.Visitors.Present(v) {
				s.visit = v
			}
		}
		next(w, r, s)
	})
}

// interactionID reads the id from the address and the form, which must agree.
func interactionID(r *http.Request) (string, error) {
	id := r.URL.Query().Get("interaction")
	if posted := r.PostForm.Get("interaction"); posted != "" {
		if id != "" && id != posted {
			return "", errTwoIDs
		}
		id = posted
	}
	return id, nil
}

func over(pd authflow.Pending) bool { return pd.GrantID != "" || pd.Declined != "" }

// load fills s with the interaction and its client.
func (h *Handler) load(w http.ResponseWriter, r *http.Request, s *step) (err error) {
	if s.pd, s.form, err = h.parked(w, r, authflow.Key(s.id)); err != nil {
		return err
	}
	// Requests to sign out are parked as well. They have no response type, which
	// no authorization request gets this far without.
	if s.form.Get("response_type") == "" {
		return errGone
	}
	s.client, err = h.Clients.Find(r.Context(), s.pd.Client)
	if fault.Is(err, fault.NotFound) {
		return errNoClient
	}
	return err
}

// parked reads what was parked under key, if it is this browser's and has not
// expired.
func (h *Handler) parked(w http.ResponseWriter, r *http.Request, key string) (authflow.Pending, url.Values, error) {
	pd, err := h.Flow.Pending(r.Context(), key)
	if fault.Is(err, fault.NotFound) {
		return pd, nil, errGone
	}
	if err != nil {
		return pd, nil, err
	}
	if authflow.Key(h.Web.Browser(w, r)) != pd.Browser {
		return pd, nil, errOtherBrowser
	}
	if !h.Now().Before(pd.ExpiresAt) {
		return pd, nil, errGone
	}
	form, err := url.ParseQuery(pd.Form)
	return pd, form, err
}

// stopAt is stop where a client is known: a request that is over can be started
// anew there, if the client lets others do so (OpenID Connect Core §4).
func (h *Handler) stopAt(w http.ResponseWriter, r *http.Request, err error, id string) {
	if errors.Is(err, errGone) && id != "" {
		if c, unknown := h.Clients.Find(r.Context(), id); unknown == nil {
			h.Web.Expired(w, r, c.Metadata.Name, c.LoginLink(h.Issuer, ""))
			return
		}
	}
	h.stop(w, r, err)
}

// stop ends the visit with a page that says why.
func (h *Handler) stop(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errGone):
		h.Web.Problem(w, r, http.StatusGone, templates.T("problem.expired"))
	case errors.Is(err, errOtherBrowser):
		h.Web.Problem(w, r, http.StatusForbidden, templates.T("problem.other_browser"))
	case errors.Is(err, errNoClient):
		h.Web.Problem(w, r, http.StatusBadRequest, templates.T("problem.unknown_client"))
	case errors.Is(err, errTwoIDs):
		h.Web.Fail(w, r, fault.Wrap(fault.Invalid, err, ""))
	default:
		h.Web.Fail(w, r, err)
	}
}

// see sends the browser to another page. 303, so that nothing posted is posted
// again (RFC 9700 §4.12).
func see(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// back returns to the authorization endpoint, or home where there is nothing to
// return to.
func (h *Handler) back(w http.ResponseWriter, s *step) { see(w, s.returns()) }

func (s *step) returns() string {
	if s.id == "" {
		return s.next
	}
	return "/oauth2/authorize?" + url.Values{"interaction": {s.id}}.Encode()
}

// advance records the progress and goes back. An interaction that ended
// meanwhile in another tab answers for itself there.
func (h *Handler) advance(w http.ResponseWriter, r *http.Request, s *step) {
	if h.advanced(w, r, s) {
		h.back(w, s)
	}
}

// advanced records the progress; if it cannot, it answers and is false.
func (h *Handler) advanced(w http.ResponseWriter, r *http.Request, s *step) bool {
	if err := h.Flow.Advance(r.Context(), s.pd); err != nil && !fault.Is(err, fault.Gone) {
		h.Web.Fail(w, r, err)
		return false
	}
	return true
}

// gaveUp is what an interaction says that the user walked away from.
const gaveUp = "cancelled"

// decline ends the interaction without a grant.
func (h *Handler) decline(w http.ResponseWriter, r *http.Request, s *step, why string) {
	if s.id == "" {
		see(w, "/")
		return
	}
	s.pd.Declined = why
	h.advance(w, r, s)
}

func cancelled(r *http.Request) bool { return r.PostForm.Get("cancel") == "yes" }

// bind makes the progress that of session sn. What was done in this interaction
// under another session no longer counts.
func (s *step) bind(sn session.Session) {
	if s.pd.Session != "" && s.pd.Session != sn.ID {
		s.pd.SignedInAt, s.pd.Selected, s.pd.Unit, s.pd.Consented = time.Time{}, false, "", false
	}
	s.pd.Session = sn.ID
}

// sessionField carries the id (not the key) of the session that a page was
// drawn for. It grants nothing: a form that was drawn for another session is
// asked again instead of answered for somebody else.
const sessionField = "session"

// drawnFor tells whether the form was drawn for the session that now is.
func (s *step) drawnFor(r *http.Request) bool {
	return s.visit != nil && r.PostForm.Get(sessionField) == s.visit.Session.ID
}

// hidden are the fields of every form of the step.
func (s *step) hidden() map[string]string {
	fields := map[string]string{}
	if s.id != "" {
		fields["interaction"] = s.id
	}
	if s.visit != nil {
		fields[sessionField] = s.visit.Session.ID
	}
	return fields
}

// address is the path of another page of the same interaction.
func (s *step) address(path string, more url.Values) string {
	q := url.Values{}
	for name, values := range more {
		q[name] = values
	}
	if s.id != "" {
		q.Set("interaction", s.id)
	} else if s.next != "/" {
		q.Set("next", s.next)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// options let the page's form lead on to the client.
func (s *step) options() []web.Option {
	if s.id == "" {
		return nil
	}
	return []web.Option{web.FormAction(web.RedirectSources(s.form.Get("redirect_uri"))...)}
}

// asks is the client as its users know it, nil where the platform itself asks.
// Only reviewed clients show a picture: it would be fetched from wherever the
// registration says.
func (s *step) asks() *templates.System {
	if s.client == nil {
		return nil
	}
	m := s.client.Metadata
	t := &templates.System{Name: m.Name, Owner: m.LegalName, PolicyURL: m.PolicyURI, TosURL: m.TosURI, Host: hostOf(s.form.Get("redirect_uri"))}
	if t.Name == "" {
		t.Name = s.client.ID
	}
	if s.client.Reviewed {
		t.LogoURL = m.LogoURI
	}
	return t
}

// hostOf is what a redirect URI leads to, for the eye.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if u.Host == "" && u.Scheme != "" {
		return u.Scheme + ":"
	}
	return u.Host
}
