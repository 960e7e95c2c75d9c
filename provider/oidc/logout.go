package oidc

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/provider/fault"
	"kejitong/provider/parting"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
)

// farewell is an RP-initiated logout request that was checked.
type farewell struct {
	client   *client.Client
	hint     *hinted
	redirect string // a registered post_logout_redirect_uri, or ""
	state    string
	form     url.Values
}

// logout is the end_session endpoint (OpenID Connect RP-Initiated Logout 1.0).
// With a genuine hint of this browser's own session it signs out at once;
// otherwise the user is asked, because anybody can make a browser come here.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	form, err := p.logoutForm(w, r)
	if err != nil || form == nil {
		if err != nil {
			p.note(r, err, "")
			p.Web.Fail(w, r, err)
		}
		return
	}
	r = r.WithContext(web.WithLocale(r.Context(), web.ParseLocales(form.Get("ui_locales"))...))
	f, err := p.examineLogout(r.Context(), form)
	if err != nil {
		p.note(r, err, "")
		p.Web.Fail(w, r, err)
		return
	}
	v, err := p.lingering(r, "")
	if err != nil {
		p.Web.Fail(w, r, err)
		return
	}
	switch {
	case v == nil && (f.redirect == "" || f.hint != nil):
		p.depart(w, f) // nobody is signed in: there is nothing to ask
	case v != nil && f.hint != nil && p.hintsAt(f, v):
		ev := audit.From(r.Context(), audit.Event{Kind: audit.SessionEnded, Actor: string(v.Session.Account), Object: v.Session.ID, Client: f.client.ID, Detail: "rp_initiated"})
		ended, err := p.Sessions.Store.EndSessions(r.Context(), session.Which{Key: v.Session.Key}, p.Now(), ev)
		if err != nil {
			p.Web.Fail(w, r, err)
			return
		}
		p.Outbox.Wake()
		p.Web.EndSession(w)
		p.Web.NewBrowser(w, r) // the next user of this browser inherits nothing
		p.part(w, r, f, ended)
	default:
		p.askLogout(w, r, f)
	}
}

// logoutForm reads the parameters. A POST, which may come from another site and
// then lacks our cookies, is parked and comes back as a GET; nil then.
func (p *Provider) logoutForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method == http.MethodPost {
		if mediaType(r) != formType {
			return nil, fault.New(fault.Invalid, "the sign-out request is malformed")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxAuthorizeBody)
		if err := r.ParseForm(); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the sign-out request is malformed")
		}
		form := only(r.PostForm, logoutParams)
		if checkForm(form) != nil {
			return nil, fault.New(fault.Invalid, "the sign-out request is malformed")
		}
		if _, err := p.examineLogout(r.Context(), form); err != nil {
			return nil, err // what is refused is not stored
		}
		id, _, err := authflow.NewID()
		if err != nil {
			return nil, err
		}
		if err := p.Flow.Push(r.Context(), authflow.Pushed{Key: logoutKey(id), Form: form.Encode(), ExpiresAt: p.Now().Add(time.Minute)}); err != nil {
			return nil, err
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, "/oauth2/logout?"+url.Values{"request": {id}}.Encode(), http.StatusSeeOther)
		return nil, nil
	}
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the sign-out request is malformed")
	}
	if id := form.Get("request"); id != "" {
		pushed, err := p.Flow.Pushed(r.Context(), logoutKey(id))
		if err != nil {
			return nil, err
		}
		if pushed.Client != "" || !p.Now().Before(pushed.ExpiresAt) {
			return nil, fault.New(fault.Gone, "the sign-out request has expired")
		}
		if form, err = url.ParseQuery(pushed.Form); err != nil {
			return nil, err
		}
	}
	form = only(form, logoutParams)
	if checkForm(form) != nil {
		return nil, fault.New(fault.Invalid, "the sign-out request is malformed")
	}
	return form, nil
}

// logoutKey is the key of a parked sign-out request. It is of another kind than
// that of a pushed authorization request, which stands in the same table, so
// that neither passes for the other.
func logoutKey(id string) string { return authflow.Key("logout|" + id) }

// logoutParams are the parameters of RP-Initiated Logout §2. Others are ignored;
// logout_hint is one of them and has no effect, since it proves nothing: the
// session to end is the browser's own.
var logoutParams = []string{"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}

// examineLogout checks hint, client and URI (§2, §3). A hint that is not
// genuine is refused as a whole, not ignored.
func (p *Provider) examineLogout(ctx context.Context, form url.Values) (*farewell, error) {
	f := &farewell{state: form.Get("state"), form: form}
	clientID := form.Get("client_id")
	if text := form.Get("id_token_hint"); text != "" {
		h, ok := p.readHint(text)
		if !ok || clientID != "" && !slices.Contains(h.Audience, clientID) {
			return nil, fault.New(fault.Invalid, "the sign-out request is not genuine")
		}
		f.hint = h
		if clientID == "" {
			clientID = h.Audience[0]
		}
	}
	if clientID != "" {
		c, err := p.Clients.Find(ctx, clientID)
		if fault.Is(err, fault.NotFound) {
			return nil, fault.New(fault.Invalid, "the sign-out request names an unknown system")
		}
		if err != nil {
			return nil, err
		}
		f.client = c
	}
	uri := form.Get("post_logout_redirect_uri")
	if uri == "" {
		return f, nil
	}
	if f.client == nil { // a URI alone says nothing about whose it is
		return nil, fault.New(fault.Invalid, "the sign-out request does not say which system it comes from")
	}
	if !slices.Contains(f.client.Metadata.PostLogoutRedirectURIs, uri) {
		return nil, blame(f.client, because(fault.New(fault.Invalid, "the address to return to after signing out is not registered"), diagnosis.LogoutURI,
			orNone(strings.Join(f.client.Metadata.PostLogoutRedirectURIs, " ")), uri))
	}
	f.redirect = uri
	return f, nil
}

// hintsAt tells whether the hint is about the session at hand.
func (p *Provider) hintsAt(f *farewell, v *principal.Visit) bool {
	s := p.Keys.Snapshot()
	if f.hint.Session != "" {
		return f.hint.Session == sidOf(s, f.client.ID, v.Session.ID)
	}
	return f.hint.Subject == subjectOf(s, f.client, v.Session.Account)
}

// onward is where the browser goes afterwards.
func (f *farewell) onward() parting.Onward {
	to := parting.Onward{Locales: f.form.Get("ui_locales")}
	if f.redirect != "" {
		to.Client, to.URI, to.State = f.client.ID, f.redirect, f.state
	}
	return to
}

// part sends the browser to the page that calls the clients of the ended
// session, if any of them is to be called (Front-Channel Logout 1.0 §3). The
// session is over in any case.
func (p *Provider) part(w http.ResponseWriter, r *http.Request, f *farewell, ended []session.Ended) {
	for _, e := range ended {
		page, err := p.Parting.Begin(r.Context(), authflow.Key(p.Web.Browser(w, r)), e, f.onward())
		if err != nil {
			p.Log.ErrorContext(r.Context(), "front-channel logout not begun", "request_id", web.RequestID(r.Context()), "error", err)
		}
		if page != "" {
			sendTo(w, page)
			return
		}
	}
	p.depart(w, f)
}

// depart sends the browser on: to the registered URI with nothing but the
// state, or to the page that says it is done.
func (p *Provider) depart(w http.ResponseWriter, f *farewell) {
	target := f.onward().Done()
	if f.redirect != "" {
		target = f.redirect
		if f.state != "" {
			target = web.WithParams(target, url.Values{"state": {f.state}})
		}
	}
	sendTo(w, target)
}

func sendTo(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// askLogout parks what was checked and sends the browser to the page that asks.
func (p *Provider) askLogout(w http.ResponseWriter, r *http.Request, f *farewell) {
	id, key, err := authflow.NewID()
	if err != nil {
		p.Web.Fail(w, r, err)
		return
	}
	form := url.Values{}
	if f.client != nil {
		form.Set("client_id", f.client.ID)
	}
	if f.redirect != "" {
		form.Set("post_logout_redirect_uri", f.redirect)
		if f.state != "" {
			form.Set("state", f.state)
		}
	}
	if l := f.form.Get("ui_locales"); l != "" {
		form.Set("ui_locales", l)
	}
	now := p.Now()
	err = p.Flow.Park(r.Context(), authflow.Pending{
		Key: key, Client: form.Get("client_id"), Form: form.Encode(), Browser: authflow.Key(p.Web.Browser(w, r)),
		CreatedAt: now, ExpiresAt: now.Add(p.Times.Interaction),
	})
	if err != nil {
		p.Web.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/logout?"+url.Values{"interaction": {id}}.Encode(), http.StatusSeeOther)
}
