// Package visitor tells the surfaces who is signed in, and keeps their pages for
// those who are. It belongs to the kit: every surface may use it, and it uses
// none.
package visitor

import (
	"net/http"
	"net/url"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/templates"
)

// FreshFor is how long ago a sign-in may lie that allows a sensitive change
// (S63).
const FreshFor = 5 * time.Minute

// Hall is where visitors are told apart. All fields must be set.
type Hall struct {
	Web        *web.Kit
	Sessions   *session.Service
	Principals principal.Reader
	Now        func() time.Time
}

// Page is a page for somebody who is signed in.
type Page func(w http.ResponseWriter, r *http.Request, v *principal.Visit)

// Brought is the session that the browser brings, in whatever state it is, with
// what its account allowed the client (none if clientID is empty); nil if none.
func (h *Hall) Brought(r *http.Request, clientID string) (*principal.Visit, error) {
	cookie, ok := h.Web.Cookie(r, web.SessionCookie)
	if !ok {
		return nil, nil
	}
	v, err := h.Principals.ByCookie(r.Context(), session.Key(cookie), clientID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// Present tells whether a session still lets its account in.
func (h *Hall) Present(v *principal.Visit) bool {
	return v.Session.Live(h.Sessions.Limits, h.Now()) && v.Principal.Account.Usable()
}

// Of is the live session of a usable account that the browser brings, or nil.
func (h *Hall) Of(r *http.Request, clientID string) (*principal.Visit, error) {
	v, err := h.Brought(r, clientID)
	if err != nil || v == nil || !h.Present(v) {
		return nil, err
	}
	return v, nil
}

// In keeps a page for those who are signed in; others sign in first and come
// back, to the page's address if they asked for it by GET, else home.
func (h *Hall) In(next Page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := h.Of(r, "")
		if err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		if v == nil {
			h.send(w, r, "/login", url.Values{})
			return
		}
		// A test account is good for signing in at its sandbox and for nothing here.
		if v.Principal.Account.Sandbox != "" {
			h.Web.Problem(w, r, http.StatusForbidden, templates.T("problem.test_account"))
			return
		}
		if err := h.touch(r, v); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		next(w, r, v)
	})
}

// Fresh is In for sensitive changes (S63). Freshness is that of the method that is
// required: of the second factor where the account has one, whatever else was
// shown since, else of the sign-in. What is older than FreshFor is shown again
// first.
func (h *Hall) Fresh(next Page) http.Handler {
	return h.In(func(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
		switch now := h.Now(); {
		case v.Factors.Any() && now.Sub(v.Session.FactorAt) > FreshFor:
			h.send(w, r, "/login/factor", url.Values{})
		case !v.Factors.Any() && now.Sub(v.Session.AuthTime) > FreshFor:
			h.send(w, r, "/login", url.Values{"again": {"1"}})
		default:
			next(w, r, v)
		}
	})
}

// send sends the browser to a page of the sign-in. 303, so that nothing posted is
// posted again (RFC 9700 §4.12).
func (h *Hall) send(w http.ResponseWriter, r *http.Request, page string, q url.Values) {
	from := r.URL.RequestURI()
	if r.Method != http.MethodGet { // back to the page that the form stood on
		from = ""
		if u, err := url.Parse(r.Referer()); err == nil && u.Host == h.Web.Issuer.Host {
			from = u.RequestURI()
		}
	}
	if path, ok := web.SamePath(from); ok {
		q.Set("next", path)
	}
	w.Header().Set("Cache-Control", "no-store")
	if query := q.Encode(); query != "" {
		page += "?" + query
	}
	w.Header().Set("Location", page)
	w.WriteHeader(http.StatusSeeOther)
}

func (h *Hall) touch(r *http.Request, v *principal.Visit) error {
	now := h.Now()
	if !v.Session.Stale(now) {
		return nil
	}
	return h.Sessions.Store.TouchSession(r.Context(), v.Session.Key, now)
}

// KnownBy is what a password of p must not contain.
func KnownBy(who principal.Principal) []string {
	p := who.Account.Profile
	known := []string{who.Account.LoginName, p.Name, p.Phone, p.IDNumber, p.Email}
	if who.Unit != nil {
		known = append(known, string(who.Unit.USCC), who.Unit.Name)
	}
	for _, somebody := range []*account.Person{p.LegalRep, p.Contact} {
		if somebody != nil {
			known = append(known, somebody.Name, somebody.IDNumber, somebody.Phone)
		}
	}
	return known
}

// Name is what the pages call an account: a unit by its name, which is public, a
// person by the masked verified name, else by the login name.
func Name(p principal.Principal) string {
	a := p.Account
	if a.Kind == account.LegalEntity && p.Unit != nil && p.Unit.Name != "" {
		return p.Unit.Name
	}
	if a.RealName.Verified() && a.Profile.Name != "" {
		if a.Kind == account.LegalEntity {
			return a.Profile.Name
		}
		return account.MaskName(a.Profile.Name)
	}
	return LoginName(a)
}

// LoginName is the login name, masked where it is a mobile number.
func LoginName(a account.Account) string {
	return account.MaskLogin(a.LoginName)
}
