package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// relying is a registered client as the load knows it.
type relying struct {
	id, secret string
	redirect   string
	scope      string
	alg        string // of its ID tokens
}

func (c relying) auth() string { return basicAuth(c.id, c.secret) }

// site is the server under test with what was seeded into it.
type site struct {
	address  string // host:port
	issuer   string
	password string // of every seeded account
	accounts int
	code     map[string]relying // by algorithm of the ID token: "RS256", "ES256"
	service  relying            // client_credentials, opaque
	machine  relying            // client_credentials, ES256 JWT
}

// request is one authorization request with PKCE.
type request struct {
	c                      relying
	verifier, state, nonce string
}

func newRequest(c relying) request {
	return request{c: c, verifier: randomText(32), state: randomText(12), nonce: randomText(12)}
}

func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

func (q request) target() string {
	sum := sha256.Sum256([]byte(q.verifier))
	return "/oauth2/authorize?response_type=code&client_id=" + q.c.id + "&redirect_uri=" + url.QueryEscape(q.c.redirect) +
		"&scope=" + url.QueryEscape(q.c.scope) + "&state=" + q.state + "&nonce=" + q.nonce +
		"&code_challenge_method=S256&code_challenge=" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// code reads the answer that sends the browser to the client.
func (q request) code(a *answer) (string, error) {
	query, ok := strings.CutPrefix(a.location, q.c.redirect+"?")
	if a.status != 303 || !ok {
		return "", a.unexpected("303 to the client")
	}
	v, err := url.ParseQuery(query)
	if err != nil || v.Get("code") == "" || v.Get("state") != q.state || v.Get("iss") == "" {
		return "", a.unexpected("code, state and iss")
	}
	return v.Get("code"), nil
}

// tokens is what the token endpoint gave.
type tokens struct{ access, refresh, id string }

// worker is one member of the load with its own connection, users and tokens.
type worker struct {
	site  *site
	peer  *peer
	users []*user
	turn  int
	held  tokens
	fresh func() string // another account that has not signed in yet
	door  *user         // the browser that the sign-in row posts from
	form  url.Values
}

func (w *worker) user() *user {
	w.turn++
	return w.users[w.turn%len(w.users)]
}

// authorize is the first half of a signed-in user's flow.
func (w *worker) authorize(ctx context.Context, c relying) (request, string, error) {
	q := newRequest(c)
	a, err := w.peer.do(ctx, ask{method: "GET", target: q.target(), cookie: w.user().header()})
	if err != nil {
		return q, "", err
	}
	code, err := q.code(a)
	return q, code, err
}

// redeem is the second half.
func (w *worker) redeem(ctx context.Context, q request, code string) (tokens, error) {
	a, err := w.peer.do(ctx, ask{method: "POST", target: "/oauth2/token", auth: q.c.auth(), form: "grant_type=authorization_code&code=" + code +
		"&redirect_uri=" + url.QueryEscape(q.c.redirect) + "&code_verifier=" + q.verifier})
	if err != nil {
		return tokens{}, err
	}
	return threeTokens(a)
}

func threeTokens(a *answer) (tokens, error) {
	t := tokens{a.member("access_token"), a.member("refresh_token"), a.member("id_token")}
	if a.status != 200 || t.access == "" || t.refresh == "" || strings.Count(t.id, ".") != 2 {
		return t, a.unexpected("an access token, a refresh token and an ID token")
	}
	return t, nil
}

func (w *worker) flow(ctx context.Context, c relying) (request, tokens, error) {
	q, code, err := w.authorize(ctx, c)
	if err != nil {
		return q, tokens{}, err
	}
	t, err := w.redeem(ctx, q, code)
	return q, t, err
}

func (w *worker) refresh(ctx context.Context, c relying) error {
	a, err := w.peer.do(ctx, ask{method: "POST", target: "/oauth2/token", auth: c.auth(), form: "grant_type=refresh_token&refresh_token=" + w.held.refresh})
	if err != nil {
		return err
	}
	before := w.held.refresh
	if w.held, err = threeTokens(a); err != nil {
		return err
	}
	if w.held.refresh == before {
		return errors.New("the refresh token was not rotated")
	}
	return nil
}

func (w *worker) clientCredentials(ctx context.Context, c relying, dots int) error {
	a, err := w.peer.do(ctx, ask{method: "POST", target: "/oauth2/token", auth: c.auth(), form: "grant_type=client_credentials"})
	if err != nil {
		return err
	}
	if t := a.member("access_token"); a.status != 200 || t == "" || strings.Count(t, ".") != dots {
		return a.unexpected("an access token")
	}
	return nil
}

func (w *worker) introspect(ctx context.Context, c relying) error {
	a, err := w.peer.do(ctx, ask{method: "POST", target: "/oauth2/introspect", auth: c.auth(), form: "token=" + w.held.access})
	if err != nil {
		return err
	}
	if body := string(a.body); a.status != 200 || !strings.Contains(body, `"active":true`) || a.member("sub") == "" {
		return a.unexpected("an active token and its subject")
	}
	return nil
}

func (w *worker) userinfo(ctx context.Context) error {
	a, err := w.peer.do(ctx, ask{method: "GET", target: "/oauth2/userinfo", auth: "Bearer " + w.held.access})
	if err != nil {
		return err
	}
	if body := string(a.body); a.status != 200 || a.member("sub") == "" || !strings.Contains(body, `"org":{`) || !strings.Contains(body, string(hightech)+":apply") {
		return a.unexpected("subject, unit and entitlements")
	}
	return nil
}

func (w *worker) document(ctx context.Context, target, holds string) error {
	a, err := w.peer.do(ctx, ask{method: "GET", target: target})
	if err != nil {
		return err
	}
	if a.status != 200 || !strings.Contains(string(a.body), holds) {
		return a.unexpected(holds)
	}
	return nil
}

// openDoor fetches the sign-in page once, for its form token.
func (w *worker) openDoor(ctx context.Context) error {
	w.door = &user{cookies: map[string]string{}}
	a, err := w.peer.do(ctx, ask{method: "GET", target: "/login"})
	if err != nil {
		return err
	}
	w.door.keep(a)
	if a.status != 200 {
		return a.unexpected("the sign-in page")
	}
	w.form, err = signInForm(a.body)
	return err
}

// errShed is a refusal for lack of room that says when to come again.
var errShed = errors.New("refused for now")

// signInOnce posts the form of an account that has not signed in yet.
func (w *worker) signInOnce(ctx context.Context) error {
	login := w.fresh()
	w.form.Set("username", login)
	w.form.Set("password", w.site.password)
	w.form.Set("window", windowOf(login))
	a, err := w.peer.do(ctx, ask{method: "POST", target: "/login", cookie: w.door.header(), form: w.form.Encode(), html: true})
	if err != nil {
		return err
	}
	if a.status == 503 {
		if a.retryAfter == "" {
			return a.unexpected("Retry-After beside 503")
		}
		return errShed
	}
	signedIn := false
	for _, pair := range a.cookies {
		signedIn = signedIn || strings.HasPrefix(pair, sessionCookie+"=")
	}
	if a.status != 303 || a.location != "/" || !signedIn {
		return fmt.Errorf("sign in %s: %w", login, a.unexpected("303 home with a session"))
	}
	return nil
}
