package main

import (
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
)

// newBalanced starts three replicas whose issuer is the balancer in front.
func newBalanced(t *testing.T) (*fleet, *balancer) {
	t.Helper()
	lb := newBalancer(t)
	f := newFleet(t, 3, func(c *config.Config) { c.Issuer = lb.url() })
	f.register("rp", client.Metadata{IDTokenSignedResponseAlg: "ES256", Scope: "openid profile offline_access"})
	return f, lb
}

// through is the provider as the world sees it, behind the balancer.
func (f *fleet) through(t *testing.T, lb *balancer) *rig {
	s := f.as(t)
	s.issuer = lb.url()
	return s
}

// Every step of a sign-in may be answered by another replica, and each may die
// by kill -9 when it has answered: nothing that a step left behind was in its
// memory.
func TestSignInOutlivesTheReplicasItBeganOn(t *testing.T) {
	f, lb := newBalanced(t)
	r := f.through(t, lb)
	b := r.browser()
	lb.to(f.replicas...)

	lb.to(f.replicas[0])
	a := request("rp", "openid profile offline_access")
	page := b.get(r.authorizeURL(a))
	if page.StatusCode != http.StatusOK || page.Request.URL.Path != "/login" {
		t.Fatalf("sign-in page: %d at %s", page.StatusCode, page.Request.URL)
	}
	f.replicas[0].kill(t)
	lb.to(f.replicas[1])
	b.http.CloseIdleConnections() // as a browser notices by itself
	code := callback(t, b.signIn(r.stage, page, "a")).Get("code")
	if code == "" {
		t.Fatal("no code at the second replica")
	}
	f.replicas[1].kill(t)
	lb.to(f.replicas[2])
	b.http.CloseIdleConnections()
	direct.CloseIdleConnections()
	m := r.redeem(a, code)
	r.wantAlive("rp", m, "at the third replica")
	next := r.refresh("rp", text(m, "refresh_token"))
	r.want(next, 200, "", "refresh at the third replica")
	if q := callback(t, b.get(r.authorizeURL(silent()))); q.Get("code") == "" {
		t.Errorf("the session is lost: %v", q)
	}
	r.want(r.token("rp", codeForm(request("rp", "openid"), code)), 400, "invalid_grant", "the code, again")
	r.wantDead("rp", next.body, "after the replay at the third replica")
}

// One of three replicas dies by kill -9 under load. Whoever got no answer asks
// again, as clients do; then all goes on. No session, no token that was
// acknowledged and no family is lost, and none has two branches.
func TestReplicaKilledUnderLoad(t *testing.T) {
	f, lb := newBalanced(t)
	r := f.through(t, lb)
	lb.to(f.replicas...)
	const workers, turns = 8, 40
	browsers, chains := make([]*browser, workers), make([]map[string]any, workers)
	for i := range workers {
		browsers[i] = r.browser()
		chains[i] = r.granted(browsers[i], "a", "rp", "openid profile offline_access")
	}
	reused := r.audited(audit.RefreshReused)
	// again sends until there is an answer.
	again := func(ready func() *http.Request) (answer, error) {
		for attempt := 0; ; attempt++ {
			got, err := try(ready())
			if err == nil || attempt == 20 {
				return got, err
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	halfway := make(chan struct{})
	var done atomic.Int64
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for range turns {
				got, err := again(func() *http.Request {
					return r.form("/oauth2/token", refreshForm(text(chains[i], "refresh_token")), r.creds("rp"))
				})
				if err == nil && got.status != http.StatusOK {
					err = errors.New("refresh: " + got.String())
				}
				if err != nil {
					errs[i] = err
					return
				}
				chains[i] = got.body
				info, err := again(func() *http.Request {
					q, _ := http.NewRequest(http.MethodGet, r.issuer+"/oauth2/userinfo", nil) // a constant address is well-formed
					q.Header.Set("Authorization", "Bearer "+text(chains[i], "access_token"))
					return q
				})
				if err == nil && info.status != http.StatusOK {
					err = errors.New("userinfo with an acknowledged token: " + info.String())
				}
				if err != nil {
					errs[i] = err
					return
				}
				if done.Add(1) == workers*turns/3 {
					close(halfway)
				}
			}
		})
	}
	select {
	case <-halfway:
	case <-time.After(30 * time.Second):
		t.Error("the load does not run")
	}
	f.replicas[1].kill(t)
	if done.Load() == workers*turns {
		t.Error("the replica died after the load")
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	direct.CloseIdleConnections()
	for i, m := range chains {
		r.wantAlive("rp", m, "after the death")
		browsers[i].http.CloseIdleConnections()
		if q := callback(t, browsers[i].get(r.authorizeURL(silent()))); q.Get("code") == "" {
			t.Errorf("session %d is lost: %v", i, q)
		}
	}
	if n := r.audited(audit.RefreshReused) - reused; n != 0 {
		t.Errorf("%d families were taken for stolen", n)
	}
	n := r.ask(`SELECT COUNT(*) FROM grants WHERE state = 1`)
	if n != workers {
		t.Errorf("%d living grants, want %d", n, workers)
	}
}

// silent is a request that must not ask the user anything.
func silent() attempt {
	a := request("rp", "openid")
	a.params.Set("prompt", "none")
	return a
}

// A client that one replica disabled is refused by processes that have it in
// memory, within a second (S30).
func TestDisabledClientIsRefusedByEveryProcess(t *testing.T) {
	f := newFleet(t, 2, nil)
	f.register("rp", client.Metadata{})
	m := f.granted(f.browser(), "a", "rp", "openid")
	at := func(p *process) answer {
		return f.sent(formTo(t, p.url+"/oauth2/introspect", url.Values{"token": {text(m, "access_token")}}, f.creds("rp")))
	}
	for _, p := range f.replicas {
		f.want(at(p), 200, "", "before")
	}
	f.setClient("rp", client.Disabled)
	time.Sleep(time.Second) // what is claimed; these processes have no clock to move
	for _, p := range f.replicas {
		f.want(at(p), 401, "invalid_client", "a second later")
	}
}
