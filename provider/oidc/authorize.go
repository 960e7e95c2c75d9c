package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/authflow"
	"kejitong/provider/diagnosis"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/provider/web"
	"kejitong/templates"
)

const requestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// authorize is the authorization endpoint: entry and exit of every sign-in.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		p.parkPost(w, r)
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.refuseLocally(w, r, localError{"malformed query"})
		return
	}
	if id := query.Get("interaction"); id != "" {
		p.resume(w, r, id)
		return
	}
	a, err := p.unpack(r, query)
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	p.proceed(w, r, a, nil)
}

// unpack gives the request that the query stands for: itself, or the one that
// was pushed, in which case nothing but client_id and request_uri counts (RFC
// 9126 §4; RFC 9101 §5: outer parameters are ignored).
func (p *Provider) unpack(r *http.Request, query url.Values) (*asked, error) {
	uri := query.Get("request_uri")
	if !strings.HasPrefix(uri, requestURIPrefix) || len(query["request_uri"]) != 1 {
		return p.received(r.Context(), query)
	}
	key := authflow.Key(strings.TrimPrefix(uri, requestURIPrefix))
	pushed, err := p.Flow.Pushed(r.Context(), key)
	if fault.Is(err, fault.NotFound) {
		return nil, blame(p.suspect(r.Context(), query.Get("client_id")), because(localError{"unknown request_uri"}, diagnosis.RequestURI, "", ""))
	}
	if err != nil {
		return nil, err
	}
	if pushed.Client == "" || pushed.Client != query.Get("client_id") || len(query["client_id"]) != 1 {
		return nil, blame(p.suspect(r.Context(), query.Get("client_id")), because(localError{"request_uri of another client"}, diagnosis.RequestURI, "client_id", orNone(pushed.Client)))
	}
	form, err := url.ParseQuery(pushed.Form)
	if err != nil {
		return nil, err
	}
	a, err := p.examine(r.Context(), form)
	if err != nil {
		return a, err
	}
	if !p.Now().Before(pushed.ExpiresAt) || !pushed.UsedAt.IsZero() {
		err := oauthError{"invalid_request_uri", http.StatusBadRequest, "the request_uri has expired or was used"}
		late := "2"
		if pushed.UsedAt.IsZero() {
			late = seconds(p.Times.Pushed + p.Now().Sub(pushed.ExpiresAt))
		}
		return a, because(err, diagnosis.RequestURI, seconds(p.Times.Pushed)+", 1", late)
	}
	a.pushed = key
	return a, nil
}

// parkPost answers a POST with a redirect to a GET. A form on another site may
// post here (OpenID Connect Core §3.1.2.1), and such a request comes without
// our SameSite=Lax cookies; the GET brings them.
func (p *Provider) parkPost(w http.ResponseWriter, r *http.Request) {
	if mediaType(r) != formType {
		p.refuseLocally(w, r, localError{"content type"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAuthorizeBody)
	if err := r.ParseForm(); err != nil {
		p.refuseLocally(w, r, localError{"malformed form"})
		return
	}
	for name := range r.URL.Query() {
		if _, twice := r.PostForm[name]; twice {
			p.refuseLocally(w, r, localError{"parameter in URL and body"})
			return
		}
	}
	form := r.Form
	if strings.HasPrefix(form.Get("request_uri"), requestURIPrefix) {
		http.Redirect(w, r, "/oauth2/authorize?"+url.Values{"client_id": form["client_id"], "request_uri": form["request_uri"]}.Encode(), http.StatusSeeOther)
		return
	}
	a, err := p.received(r.Context(), form)
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	id, key, err := authflow.NewID()
	if err == nil {
		err = p.Flow.Push(r.Context(), authflow.Pushed{Key: key, Client: a.client.ID, Form: a.form.Encode(), ExpiresAt: p.Now().Add(p.Times.Pushed)})
	}
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	target := url.Values{"client_id": {a.client.ID}, "request_uri": {requestURIPrefix + id}}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/oauth2/authorize?"+target.Encode(), http.StatusSeeOther)
}

// resume takes a parked request up again. It is worth something only in the
// browser that began it.
func (p *Provider) resume(w http.ResponseWriter, r *http.Request, id string) {
	pd, err := p.Flow.Pending(r.Context(), authflow.Key(id))
	if err != nil {
		p.Web.Fail(w, r, err)
		return
	}
	if authflow.Key(p.Web.Browser(w, r)) != pd.Browser {
		p.Web.Problem(w, r, http.StatusForbidden, templates.T("problem.other_browser"))
		return
	}
	form, err := url.ParseQuery(pd.Form)
	if err != nil {
		p.Web.Fail(w, r, err)
		return
	}
	examine := p.examine
	if form.Get(deviceParam) != "" {
		examine = p.askedByDevice
	}
	a, err := examine(r.Context(), form)
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	a.pushed = pd.Pushed
	switch {
	case pd.GrantID != "" && a.device != "":
		deviceDone(w, "allowed")
	case pd.GrantID != "":
		p.repeat(w, r, a, pd)
	case pd.Declined != "":
		p.answerError(w, r, a, oauthError{"access_denied", http.StatusBadRequest, "the user declined"})
	case !p.Now().Before(pd.ExpiresAt):
		p.Web.Expired(w, r, a.client.Metadata.Name, a.client.LoginLink(p.Issuer, ""))
	default:
		p.proceed(w, r, a, &parked{id: id, Pending: pd})
	}
}

// parked is a request with the id under which the browser knows it.
type parked struct {
	id string
	authflow.Pending
}

// repeat answers a second submit of a finished interaction with the same code,
// or with new tokens of the same grant, while the code lives or could: whoever
// clicks twice still arrives once.
func (p *Provider) repeat(w http.ResponseWriter, r *http.Request, a *asked, pd authflow.Pending) {
	h, err := p.Principals.ByGrant(r.Context(), pd.GrantID)
	over := err != nil || !p.Now().Before(h.Grant.CodeExp) || h.Grant.CodeSpent == a.kind.code || h.Grant.State == token.Revoked || h.SessionOver
	if !over { // the browser may be somebody else's by now
		v, err := p.visitor(r, a.client.ID)
		over = err != nil || v == nil || v.Session.ID != h.Grant.SessionID
		p.watch(w, r, a, v)
	}
	u := &unit{client: a.client, redirect: a.redirect, held: &h, grant: &h.Grant}
	if over || a.kind.front() && p.stands(u) != nil {
		p.Web.Expired(w, r, a.client.Metadata.Name, a.client.LoginLink(p.Issuer, ""))
		return
	}
	params := url.Values{}
	if a.kind.code {
		code, err := p.codeOf(&h.Grant)
		if err != nil {
			p.Web.Fail(w, r, err)
			return
		}
		params.Set("code", code)
	}
	if a.kind.front() {
		if err := p.frontChannel(r.Context(), a, u, params); err != nil {
			p.answerError(w, r, a, err)
			return
		}
	}
	p.respond(w, r, a, params)
}

// proceed asks what is owed and does it.
func (p *Provider) proceed(w http.ResponseWriter, r *http.Request, a *asked, pd *parked) {
	v, err := p.visitor(r, a.client.ID)
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	p.watch(w, r, a, v)
	if pd == nil {
		p.noteIgnored(r, a)
	}
	if v != nil && v.Session.Stale(p.Now()) {
		if err := p.Sessions.Store.TouchSession(r.Context(), v.Session.Key, p.Now()); err != nil {
			p.answerError(w, r, a, err)
			return
		}
	}
	facts, unitID := p.facts(a, v, pd)
	verdict := authflow.Decide(facts)
	if verdict.Step == authflow.Issue && a.device != "" {
		p.allowDevice(w, r, a, v, pd, unitID)
		return
	}
	if verdict.Step == authflow.Issue {
		p.issue(w, r, a, v, pd, unitID)
		return
	}
	if verdict.Reason == authflow.ACRUnmet { // no page of ours can change it: the client must know
		p.answerError(w, r, a, errACR)
		return
	}
	if a.asks("none") {
		p.answerError(w, r, a, oauthError{verdict.SilentError(), http.StatusBadRequest, "the user would have to be asked"})
		return
	}
	p.send(w, r, a, pd, verdict)
}

// visitor is the live session of an active account that the browser brings, or
// nil.
func (p *Provider) visitor(r *http.Request, clientID string) (*principal.Visit, error) {
	v, err := p.lingering(r, clientID)
	if err != nil || v == nil || !v.Session.Live(p.Sessions.Limits, p.Now()) || v.Principal.Account.State != account.Active {
		return nil, err
	}
	return v, nil
}

// lingering is the session that the browser brings and nobody ended, even if it
// is idle: it opens nothing any more, but its tokens live, and there is
// something to sign out of.
func (p *Provider) lingering(r *http.Request, clientID string) (*principal.Visit, error) {
	cookie, ok := p.Web.Cookie(r, web.SessionCookie)
	if !ok {
		return nil, nil
	}
	v, err := p.Principals.ByCookie(r.Context(), session.Key(cookie), clientID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !v.Session.EndedAt.IsZero() {
		return nil, nil
	}
	return &v, nil
}

var pages = map[authflow.Step]string{
	authflow.SignIn: "/login", authflow.SelectAccount: "/login/account", authflow.Factor: "/login/factor", authflow.ChooseUnit: "/login/unit",
	authflow.Act: "/me/acting", authflow.Confirm: "/login/entry", authflow.Consent: "/consent", authflow.Refuse: "/refused",
}

// registration is where prompt=create begins.
const registration = "/register"

// send parks the request, if it is not parked yet, and sends the browser to the
// page of the step. 303, so that nothing posted is posted again (RFC 9700
// §4.12).
func (p *Provider) send(w http.ResponseWriter, r *http.Request, a *asked, pd *parked, v authflow.Verdict) {
	page := pages[v.Step]
	if pd == nil && v.Step == authflow.SignIn && a.asks("create") {
		page = registration // Initiating User Registration 1.0 §4.1; it leads on to the sign-in
	}
	if pd == nil {
		id, key, err := authflow.NewID()
		if err != nil {
			p.answerError(w, r, a, err)
			return
		}
		now := p.Now()
		pd = &parked{id: id, Pending: authflow.Pending{
			Key: key, Client: a.client.ID, Form: a.form.Encode(), Browser: authflow.Key(p.Web.Browser(w, r)), Pushed: a.pushed,
			CreatedAt: now, ExpiresAt: now.Add(p.Times.Interaction),
		}}
		if err := p.Flow.Park(r.Context(), pd.Pending); err != nil {
			p.answerError(w, r, a, err)
			return
		}
	}
	q := url.Values{"interaction": {pd.id}}
	if v.Step == authflow.Refuse {
		q.Set("reason", string(v.Reason))
	}
	if v.Step == authflow.Act {
		q = url.Values{"next": {"/oauth2/authorize?" + q.Encode()}}
	}
	if v.Reason == authflow.KeyNeeded {
		q.Set("key", "1")
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, page+"?"+q.Encode(), http.StatusSeeOther)
}

// refuseLocally shows a page and sends nothing anywhere.
func (p *Provider) refuseLocally(w http.ResponseWriter, r *http.Request, e localError) {
	p.Log.InfoContext(r.Context(), "authorization request refused", "reason", e.why, "request_id", web.RequestID(r.Context()))
	p.Web.Problem(w, r, http.StatusBadRequest, templates.T("problem.unknown_client"))
}

// answerError sends an error where it belongs: to the redirect URI if the
// request got so far, else to a page here.
func (p *Provider) answerError(w http.ResponseWriter, r *http.Request, a *asked, err error) {
	if a != nil {
		err = blame(a.client, err)
	}
	var local localError
	if errors.As(err, &local) {
		p.note(r, err, "")
		p.refuseLocally(w, r, local)
		return
	}
	e, _, ok := asProtocol(err)
	if a == nil || !ok || e.status >= 500 {
		p.Web.Fail(w, r, err)
		return
	}
	p.note(r, err, e.code)
	if a.device != "" {
		p.refuseDevice(w, r, a, e.code)
		return
	}
	p.respond(w, r, a, url.Values{"error": {e.code}, "error_description": {e.description}})
}
