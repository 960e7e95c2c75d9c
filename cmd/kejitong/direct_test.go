package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// answer is what a direct endpoint said.
type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// String shows an answer without any token in it.
func (a answer) String() string {
	shown := maps.Clone(a.body)
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if _, there := shown[name]; there {
			shown[name] = "..."
		}
	}
	return fmt.Sprintf("%d %v", a.status, shown)
}

func (a answer) err() string { return text(a.body, "error") }

// token posts to the token endpoint as the client; see call.
func (r *rig) token(id string, v url.Values) answer {
	r.t.Helper()
	return r.call("/oauth2/token", v, r.creds(id))
}

// refresh shows a refresh token.
func (r *rig) refresh(id, token string) answer {
	r.t.Helper()
	return r.token(id, refreshForm(token))
}

// creds authenticates with Basic, or names a public client.
func (r *rig) creds(id string) func(*http.Request, url.Values) {
	return func(q *http.Request, v url.Values) {
		if k, ok := r.signers[id]; ok {
			k.prove(r.t, r, id)(q, v)
		} else if s := r.secret(id); s != "" {
			q.SetBasicAuth(id, s)
		} else if id != "" {
			v.Set("client_id", id)
		}
	}
}

// call posts a form to a direct endpoint. prove, which may be nil, adds what
// authenticates the client.
func (r *rig) call(path string, v url.Values, prove func(*http.Request, url.Values)) answer {
	r.t.Helper()
	return r.sent(r.form(path, v, prove))
}

// form is the request that call sends.
func (r *rig) form(path string, v url.Values, prove func(*http.Request, url.Values)) *http.Request {
	r.t.Helper()
	return formTo(r.t, r.issuer+path, v, prove)
}

func formTo(t testing.TB, target string, v url.Values, prove func(*http.Request, url.Values)) *http.Request {
	t.Helper()
	form := maps.Clone(v)
	q, err := http.NewRequest(http.MethodPost, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if prove != nil {
		prove(q, form)
	}
	body := form.Encode()
	q.Body, q.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return q
}

// sent sends q and holds every answer of the protocol's endpoints to what all
// of them owe (S22): nobody may keep it, and an error is one of the registered
// codes with a text of ours.
func (r *rig) sent(q *http.Request) answer {
	r.t.Helper()
	got, err := try(q)
	if err != nil {
		r.t.Fatal(err)
	}
	if c := got.header.Get("Cache-Control"); c != "no-store" {
		r.t.Errorf("%s: Cache-Control %q, want no-store (RFC 6749 section 5.1)", q.URL.Path, c)
	}
	if got.status >= 400 {
		r.checkError(q.URL.Path, got)
	}
	return got
}

// racers is how many clients race for one thing.
const racers = 64

// race sends what ready made for each racer at the same moment.
func race(t testing.TB, n int, ready func(i int) *http.Request) []answer {
	t.Helper()
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = ready(i)
	}
	answers, errs := make([]answer, n), make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			<-start
			answers[i], errs[i] = try(requests[i])
		})
	}
	close(start)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return answers
}

// statuses counts answers by status.
func statuses(answers []answer) map[int]int {
	out := map[int]int{}
	for _, a := range answers {
		out[a.status]++
	}
	return out
}

// try is sent for several goroutines: it fails nothing.
func try(q *http.Request) (answer, error) {
	res, err := direct.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{status: res.StatusCode, header: res.Header, raw: string(b)}
	if len(b) > 0 && !(got.status == http.StatusOK && strings.HasSuffix(got.header.Get("Content-Type"), "jwt")) { // a JWT is for the caller to read
		if err := json.Unmarshal(b, &got.body); err != nil {
			return got, fmt.Errorf("%s answered %d with no JSON: %.200s", q.URL.Path, res.StatusCode, b)
		}
	}
	return got, nil
}

// direct is the client of direct endpoints: no redirects, connections for as
// many racers as there may be.
var direct = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 128},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// registered are the error codes that a registry of RFC 6749 §11.4 or 6750 §3.1
// has; fosite knows others.
var registered = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true, "unsupported_grant_type": true,
	"invalid_scope": true, "invalid_token": true, "insufficient_scope": true, "temporarily_unavailable": true, "server_error": true,
	"invalid_target": true, "unsupported_response_type": true, "invalid_authorization_details": true, "invalid_dpop_proof": true, "use_dpop_nonce": true,
	"authorization_pending": true, "slow_down": true, "expired_token": true, "access_denied": true,
	"invalid_redirect_uri": true, "invalid_client_metadata": true, "invalid_software_statement": true, "unapproved_software_statement": true, // RFC 7591 §3.2.2
}

func (r *rig) checkError(path string, got answer) {
	r.t.Helper()
	if c := got.err(); c != "" && !registered[c] {
		r.t.Errorf("%s: error %q is no registered code", path, c)
	}
	for name := range got.body {
		if name != "error" && name != "error_description" {
			r.t.Errorf("%s: member %q in an error: debug or hint (S22)", path, name)
		}
	}
	d := text(got.body, "error_description")
	if strings.ContainsFunc(d, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		r.t.Errorf("%s: error_description %q has characters that RFC 6749 section 5.2 forbids", path, d)
	}
	if got.status == http.StatusUnauthorized && got.header.Get("WWW-Authenticate") == "" {
		r.t.Errorf("%s: 401 without WWW-Authenticate (RFC 6749 section 5.2, RFC 9110 section 15.5.2)", path)
	}
	if got.status == http.StatusInternalServerError {
		r.t.Errorf("%s: 500 %s", path, got.raw)
	}
}

// info reads userinfo with a bearer token.
func (r *rig) info(token string) answer {
	r.t.Helper()
	q, err := http.NewRequest(http.MethodGet, r.issuer+"/oauth2/userinfo", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+token)
	return r.sent(q)
}

// inspect introspects as the client.
func (r *rig) inspect(id, token string) answer {
	r.t.Helper()
	return r.call("/oauth2/introspect", url.Values{"token": {token}}, r.creds(id))
}

// revoked shows a token at the revocation endpoint as the client.
func (r *rig) revoked(id, token string) answer {
	r.t.Helper()
	return r.call("/oauth2/revoke", url.Values{"token": {token}}, r.creds(id))
}

// alive tells of the tokens of a response which still live, asking the provider
// alone: userinfo for the access token, introspection for the refresh token.
func (r *rig) alive(id string, m map[string]any) (access, refresh bool) {
	r.t.Helper()
	live := func(token string) bool {
		got := r.inspect(id, token)
		if got.status != http.StatusOK {
			r.t.Fatalf("introspection: %s", got)
		}
		on, _ := got.body["active"].(bool)
		if !on && len(got.body) != 1 {
			r.t.Errorf("introspection of a dead token says more than active=false: %s", got) // RFC 7662 §2.2
		}
		return on
	}
	if t := text(m, "access_token"); t != "" {
		access = live(t)
		if ui := r.info(t).status == http.StatusOK; ui != access {
			r.t.Errorf("introspection says the access token lives: %v, userinfo: %v", access, ui)
		}
	}
	if t := text(m, "refresh_token"); t != "" {
		refresh = live(t)
	}
	return access, refresh
}

// wantDead fails unless every token of the response is dead.
func (r *rig) wantDead(id string, m map[string]any, why string) {
	r.t.Helper()
	if a, f := r.alive(id, m); a || f {
		r.t.Errorf("%s: access token lives: %v, refresh token lives: %v; want both dead", why, a, f)
	}
}

// wantAlive fails unless every token of the response lives.
func (r *rig) wantAlive(id string, m map[string]any, why string) {
	r.t.Helper()
	if a, f := r.alive(id, m); !a || text(m, "refresh_token") != "" && !f {
		r.t.Errorf("%s: access token lives: %v, refresh token lives: %v; want both alive", why, a, f)
	}
}

// want fails unless the answer has the status and error code.
func (r *rig) want(got answer, status int, code, why string) {
	r.t.Helper()
	if got.status != status || got.err() != code {
		r.t.Errorf("%s: answered %s, want %d %s", why, got, status, code)
	}
}
