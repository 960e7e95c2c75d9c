package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// TryCallback is where trials come back to, beneath the issuer. A client whose team
// wants to try it registers that address.
const TryCallback = "/console/try/callback"

// trialLife is how long a trial may take.
const trialLife = 15 * time.Minute

// Oracle gives a text that only this provider can make of what it is asked.
type Oracle func(parts ...string) []byte

// A trial keeps nothing: its state says for which client it is and until when, and
// proves by a MAC that it began here and in this browser; the PKCE verifier and the
// nonce follow from it under the same key.
type trial struct {
	client  string
	until   time.Time
	state   string
	browser string
}

func (d *Diagnosis) begin(clientID, browser string) trial {
	until := d.Now().Add(trialLife).Truncate(time.Second)
	t := trial{client: clientID, until: until, browser: browser}
	head := base64.RawURLEncoding.EncodeToString([]byte(clientID)) + "." + strconv.FormatInt(until.Unix(), 36)
	t.state = head + "." + d.mark(t, "state", head)
	return t
}

// resume takes a trial up that began in this browser and is not over.
func (d *Diagnosis) resume(r *http.Request, state string) (trial, bool) {
	browser, known := d.Web.Cookie(r, tryCookie)
	parts := strings.Split(state, ".")
	if !known || len(parts) != 3 {
		return trial{}, false
	}
	id, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	seconds, wrong := strconv.ParseInt(parts[1], 36, 64)
	if err != nil || wrong != nil {
		return trial{}, false
	}
	t := trial{client: string(id), until: time.Unix(seconds, 0), state: state, browser: browser}
	genuine := hmac.Equal([]byte(parts[2]), []byte(d.mark(t, "state", parts[0]+"."+parts[1])))
	return t, genuine && d.Now().Before(t.until)
}

func (d *Diagnosis) mark(t trial, what, text string) string {
	return base64.RawURLEncoding.EncodeToString(d.Oracle("try", what, t.browser, text))
}

func (d *Diagnosis) verifier(t trial) string { return d.mark(t, "verifier", t.state) }

func (d *Diagnosis) nonce(t trial) string { return d.mark(t, "nonce", t.state)[:22] }

// tryCookie names the browser of a trial: the id that the pages have of a browser
// changes with every sign-in, and a trial has one in between.
const tryCookie = "kejitong_try"

// request is the authorization request of a trial.
func (d *Diagnosis) request(t trial, c *client.Client, scope string) url.Values {
	sum := sha256.Sum256([]byte(d.verifier(t)))
	q := url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {d.Issuer + TryCallback}, "scope": {scope}, "state": {t.state}, "nonce": {d.nonce(t)},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if c.Sandbox != "" { // whoever develops is somebody real, and would be refused there
		q.Set("prompt", "login")
	}
	return q
}

// showTry is GET /console/clients/{client}/try: the settings, the examples, and
// where a trial begins.
func (d *Diagnosis) showTry(w http.ResponseWriter, r *http.Request, v *principal.Visit, c *client.Client) {
	p := templates.ClientTry{ClientPage: about(c), Callback: d.Issuer + TryCallback, Scope: r.URL.Query().Get("scope")}
	if p.Scope == "" {
		p.Scope = c.Metadata.Scope
	}
	for _, u := range c.Metadata.RedirectURIs {
		p.Ready = p.Ready || u == p.Callback
	}
	p.Settings = settings(d.Issuer, c)
	redirect := "https://app.example.cn/callback"
	for _, u := range c.Metadata.RedirectURIs {
		if u != p.Callback {
			redirect = u
			break
		}
	}
	p.Examples = Examples(d.Issuer, c.ID, redirect, c.Metadata.Scope, c.Public())
	d.Web.Show(w, r, http.StatusOK, p, web.As(visitor.Name(v.Principal), ""))
}

// startTry is POST /console/clients/{client}/try: off to the real authorization
// endpoint.
func (d *Diagnosis) startTry(w http.ResponseWriter, r *http.Request, _ *principal.Visit, c *client.Client) {
	browser := rand.Text()
	d.Web.SetCookie(w, tryCookie, browser, trialLife)
	t := d.begin(c.ID, browser)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/oauth2/authorize?"+d.request(t, c, r.PostForm.Get("scope")).Encode(), http.StatusSeeOther)
}

// trying is for the pages on which a trial ends. Of a sandbox it ends with a test
// account, which may see no other page of ours.
func (d *Diagnosis) trying(next visitor.Page) http.Handler {
	others := d.Visitors.In(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := d.Visitors.Of(r, "")
		switch {
		case err != nil:
			d.Web.Fail(w, r, err)
		case v != nil && v.Principal.Account.Sandbox != "":
			next(w, r, v)
		default:
			others.ServeHTTP(w, r)
		}
	})
}

// tried is the client of a trial. Somebody of its team began it in this browser;
// who comes back with it is of the team as well, or a test account of its sandbox.
func (d *Diagnosis) tried(r *http.Request, v *principal.Visit, t trial) (*client.Client, error) {
	sandbox := v.Principal.Account.Sandbox
	if sandbox == "" {
		return d.own(r.Context(), v.Principal.Account.ID, t.client)
	}
	c, err := d.Clients.Client(r.Context(), t.client)
	if err == nil && c.Sandbox != sandbox {
		err = fault.New(fault.NotFound, "no such client")
	}
	return c, err
}

// backFromTry is GET /console/try/callback: what the authorization endpoint said.
func (d *Diagnosis) backFromTry(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	q := r.URL.Query()
	t, ok := d.resume(r, q.Get("state"))
	if !ok {
		d.Web.Fail(w, r, fault.New(fault.Gone, "this trial is over, or began in another browser"))
		return
	}
	c, err := d.tried(r, v, t)
	if err != nil {
		d.Web.Fail(w, r, err)
		return
	}
	p := templates.ClientTried{ClientPage: about(c), Test: v.Principal.Account.Sandbox != "", Code: q.Get("code"), State: t.state, NeedsSecret: c.Metadata.HasSecret(), Public: c.Public()}
	p.Steps = append(p.Steps, d.authorizationStep(t, c, q))
	d.Web.Show(w, r, http.StatusOK, p, web.As(visitor.Name(v.Principal), ""))
}

// finishTry is POST /console/clients/{client}/try/token: the code for tokens. The
// secret is used for this one request and kept nowhere.
func (d *Diagnosis) finishTry(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	t, ok := d.resume(r, r.PostForm.Get("state"))
	if !ok || t.client != mux.Vars(r)["client"] {
		d.Web.Fail(w, r, fault.New(fault.Gone, "this trial is over, or began in another browser"))
		return
	}
	c, err := d.tried(r, v, t)
	if err != nil {
		d.Web.Fail(w, r, err)
		return
	}
	p := templates.ClientTried{ClientPage: about(c), Test: v.Principal.Account.Sandbox != "", Public: c.Public()}
	p.Steps = d.redeem(r, t, c, r.PostForm.Get("code"), r.PostForm.Get("client_secret"))
	d.Web.Show(w, r, http.StatusOK, p, web.As(visitor.Name(v.Principal), ""))
}
