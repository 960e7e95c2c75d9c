package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// host serves what a test puts at its paths, and counts who comes.
type host struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]func(http.ResponseWriter)
	knock atomic.Int64
	hold  chan struct{} // not nil: requests wait until it is closed
}

func newHost(t *testing.T) *host {
	h := &host{pages: map[string]func(http.ResponseWriter){}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.knock.Add(1)
		h.mu.Lock()
		page, hold := h.pages[r.URL.RequestURI()], h.hold
		h.mu.Unlock()
		if hold != nil {
			<-hold
		}
		if page == nil {
			http.NotFound(w, r)
			return
		}
		page(w)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *host) put(path, kind, body string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pages[path] = func(w http.ResponseWriter) {
		w.Header()["Content-Type"] = []string{kind}
		_, _ = w.Write([]byte(body))
	}
}

func (h *host) address() string { return strings.TrimPrefix(h.URL, "http://") }

// Request objects by reference (RFC 9101 §5.2, OpenID Connect Core §6.2): the
// provider connects to nothing but what the client registered, asks once, and
// believes nothing but the signature (S11, S66).
func TestRequestURI(t *testing.T) {
	key := newSigner(t, "RS256", "")
	run := func(t *testing.T, postgres bool) {
		rp, canary := newHost(t), newHost(t)
		o := storetest.SQLite(t)
		if postgres {
			o = storetest.Postgres(t)
		}
		s := newArena(t, o, func(c *config.Config) { c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, rp.address()) })
		s.client("web", func(c *client.Client) {
			c.Metadata.JWKS = key.set(t)
			for _, path := range []string{"/good", "/anchored#registered", "/q?a=b", "/json", "/html", "/none", "/away", "/round", "/long", "/unsigned", "/missing", "/nothing", "/foreign", "/inner"} {
				c.Metadata.RequestURIs = append(c.Metadata.RequestURIs, rp.URL+path)
			}
			c.Metadata.RequestURIs = append(c.Metadata.RequestURIs, canary.URL+"/not-allowed", "http://169.254.169.254/latest", "https://localhost/r")
		})
		s.client("unregistered", func(c *client.Client) { c.Metadata.JWKS = key.set(t) })
		s.client("pushes", func(c *client.Client) {
			c.Metadata.JWKS, c.Metadata.RequestURIs, c.Metadata.RequirePushedAuthRequests = key.set(t), []string{rp.URL + "/good"}, true
		})
		b := s.browser()
		b.in(s, "a")
		a := asking("web", "openid")
		object := key.sign(t, s.object(a), nil)
		rp.put("/html", "text/html; charset=utf-8", "<html>"+object)
		rp.put("/json", "application/json", object)
		rp.put("/none", "", object)
		rp.put("/long", "application/jwt", object+strings.Repeat(" ", 65<<10))
		rp.put("/nothing", "application/jwt", "")
		rp.put("/unsigned", "application/jwt", unsecured(t, s.object(a)))
		rp.put("/foreign", "application/jwt", newSigner(t, "RS256", "").sign(t, s.object(a), nil))
		rp.put("/inner", "application/jwt", key.sign(t, s.object(a, "request_uri", canary.URL+"/inner"), nil))
		rp.pages["/away"] = func(w http.ResponseWriter) {
			w.Header().Set("Location", canary.URL+"/away")
			w.WriteHeader(http.StatusFound)
		}
		rp.pages["/round"] = func(w http.ResponseWriter) { // to where it may go: still not followed
			w.Header().Set("Location", rp.URL+"/good")
			w.WriteHeader(http.StatusFound)
		}
		rp.put("/good", "application/jwt", object)
		canary.put("/away", "application/jwt", object)
		canary.put("/not-allowed", "application/jwt", object)
		canary.put("/x", "application/jwt", object)

		for _, row := range []struct {
			name, client, uri, want string
			knocks                  int64 // at the client's own server
		}{
			{"registered by nobody", "unregistered", rp.URL + "/good", "request_uri_not_supported", 0},
			{"not registered", "web", canary.URL + "/x", "invalid_request_uri", 0},
			{"a registered host, another path", "web", rp.URL + "/goods", "invalid_request_uri", 0},
			{"a query added", "web", rp.URL + "/good?x", "invalid_request_uri", 0},
			{"a query left out", "web", rp.URL + "/q", "invalid_request_uri", 0},
			{"a user name", "web", strings.Replace(rp.URL, "http://", "http://u@", 1) + "/good", "invalid_request_uri", 0},
			{"another scheme", "web", strings.Replace(rp.URL, "http:", "https:", 1) + "/good", "invalid_request_uri", 0},
			{"capitals", "web", strings.Replace(rp.URL, "http:", "HTTP:", 1) + "/good", "invalid_request_uri", 0},
			{"a URN in capitals", "web", "URN:ietf:params:oauth:request_uri:x", "invalid_request_uri", 0},
			{"into the house", "web", "http://127.0.0.1/", "invalid_request_uri", 0},
			{"registered, but into the house", "web", "http://169.254.169.254/latest", "invalid_request_uri", 0},
			{"registered, but localhost", "web", "https://localhost/r", "invalid_request_uri", 0},
			{"registered, but not on the allow-list", "web", canary.URL + "/not-allowed", "invalid_request_uri", 0},
			{"of a client that must push", "pushes", rp.URL + "/good", "invalid_request", 0},
			{"an address that leads away", "web", rp.URL + "/away", "invalid_request_uri", 1},
			{"an address that leads to another of its own", "web", rp.URL + "/round", "invalid_request_uri", 1},
			{"nothing there", "web", rp.URL + "/missing", "invalid_request_uri", 1},
			{"more than 64 KiB", "web", rp.URL + "/long", "invalid_request_uri", 1},
			{"JSON", "web", rp.URL + "/json", "invalid_request_uri", 1},
			{"no media type", "web", rp.URL + "/none", "invalid_request_uri", 1},
			{"a page", "web", rp.URL + "/html", "invalid_request_object", 1},
			{"an empty object", "web", rp.URL + "/nothing", "invalid_request_object", 1},
			{"unsigned (P4)", "web", rp.URL + "/unsigned", "invalid_request_object", 1},
			{"signed by a stranger", "web", rp.URL + "/foreign", "invalid_request_object", 1},
			{"another reference inside", "web", rp.URL + "/inner", "invalid_request_object", 1},
		} {
			s.run(row.name, func(t *testing.T, s *arena) {
				for _, post := range []bool{false, true} {
					before := rp.knock.Load()
					// What stands beside the reference is where errors go.
					a := asking(row.client, "openid", "request_uri", row.uri, "state", a.params.Get("state"))
					var p page
					if !post {
						p = b.still().get(s.authorizeURL(a))
					} else {
						p = b.still().send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params, "Origin", "https://rp.example.gov.cn")
					}
					s.refused(a, p, row.want)
					if n := rp.knock.Load() - before; n != row.knocks {
						t.Errorf("%d requests reached the client's server, want %d", n, row.knocks)
					}
				}
			})
		}
		if n := canary.knock.Load(); n != 0 {
			t.Errorf("%d connections to what nobody registered or allowed", n)
		}
		s.run("no redirect_uri to trust", func(t *testing.T, s *arena) {
			a := asking("web", "openid", "request_uri", rp.URL+"/missing", "redirect_uri", "-")
			refusedHere(t, b.still().get(s.authorizeURL(a)))
		})
		for kind, reference := range map[string]string{
			"application/oauth-authz-req+jwt": "/good", "application/jwt": "/good#hash-that-is-not-its-own", "Application/JWT; charset=utf-8": "/anchored#requested", "text/plain": "/q?a=b",
		} {
			s.run("good as "+kind, func(t *testing.T, s *arena) { // conformance 3.5: no exp, no kid; state and nonce only inside
				a := asking("web", "openid", "prompt", "login")
				members := s.object(a)
				for _, name := range []string{"exp", "nbf", "iat"} {
					delete(members, name)
				}
				path, _, _ := strings.Cut(reference, "#")
				rp.put(path, kind, key.sign(t, members, nil)+"\n")
				before := rp.knock.Load()
				p := b.get(s.authorizeURL(outside(a, "request_uri", rp.URL+reference)))
				at(t, p, "/login")
				rp.put(path, kind, "changed meanwhile") // what was fetched is parked
				m := s.redeem(a, b.signIn(s.stage, p, "a"))
				if idToken(t, m)["nonce"] != a.params.Get("nonce") {
					t.Errorf("nonce %v", idToken(t, m)["nonce"])
				}
				if n := rp.knock.Load() - before; n != 1 {
					t.Errorf("fetched %d times, want once", n)
				}
			})
		}
		s.run("posted from another site", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			rp.put("/good", "application/jwt", key.sign(t, s.object(a), nil))
			before := rp.knock.Load()
			p := s.browser().still().send(http.MethodPost, s.issuer+"/oauth2/authorize", outside(a, "request_uri", rp.URL+"/good").params, "Origin", "https://rp.example.gov.cn")
			s.redeem(a, b.get(s.issuer+p.Header.Get("Location")))
			if n := rp.knock.Load() - before; n != 1 {
				t.Errorf("fetched %d times, want once", n)
			}
		})
		s.run("a flood does not press the client's server", func(t *testing.T, s *arena) {
			release := make(chan struct{})
			rp.mu.Lock()
			rp.hold = release
			rp.mu.Unlock()
			before, u := rp.knock.Load(), s.authorizeURL(outside(asking("web", "openid"), "request_uri", rp.URL+"/good"))
			let := sync.OnceFunc(func() { close(release) })
			var busy atomic.Int64
			var wg sync.WaitGroup
			for range 24 {
				wg.Go(func() {
					if p := b.still().get(u); p.StatusCode == http.StatusServiceUnavailable && busy.Add(1) == 16 {
						let() // all but those under way have been told
					}
				})
			}
			wg.Wait()
			let()
			rp.mu.Lock()
			rp.hold = nil
			rp.mu.Unlock()
			if n := rp.knock.Load() - before; n != 8 || busy.Load() != 16 {
				t.Errorf("%d fetches at a time and %d refusals, want 8 and 16", n, busy.Load())
			}
		})
	}
	t.Run("sqlite", func(t *testing.T) { run(t, false) })
	t.Run("postgres", func(t *testing.T) { run(t, true) })
}

// Request objects by value, from the request to the token, on both ways in
// (RFC 9101 §5.1): what the object says is what happens.
func TestRequestObjects(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		key := newSigner(t, "ES256", "k1")
		s.client("web", func(c *client.Client) { c.Metadata.JWKS = key.set(t) })
		s.client("pushes", func(c *client.Client) {
			c.Metadata.JWKS, c.Metadata.RequirePushedAuthRequests, c.Metadata.RequireSignedRequestObject = key.set(t), true, true
		})
		b := s.browser()
		b.in(s, "a")
		s.run("max_age of 0 signs in anew", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			p := b.get(s.authorizeURL(outside(a, "request", key.sign(t, s.object(a, "max_age", 0), nil), "max_age", "99999")))
			at(t, p, "/login")
			if m := s.redeem(a, b.signIn(s.stage, p, "a")); idToken(t, m)["auth_time"] == nil {
				t.Error("no auth_time")
			}
		})
		s.run("claims as an object", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			m := s.redeem(a, b.get(s.authorizeURL(outside(a, "request", key.sign(t, s.object(a, "claims", map[string]any{"userinfo": map[string]any{"name": map[string]any{"essential": true}}}), nil)))))
			if _, ui := s.userinfo(text(m, "access_token")); ui["name"] == nil {
				t.Errorf("userinfo %v", ui)
			}
		})
		s.run("prompt none inside, nobody signed in", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			s.refused(a, s.browser().get(s.authorizeURL(outside(a, "request", key.sign(t, s.object(a, "prompt", "none"), nil), "state", "beside"))), "login_required")
		})
		s.run("posted from another site", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			form := outside(a, "request", key.sign(t, s.object(a), nil)).params
			p := s.browser().still().send(http.MethodPost, s.issuer+"/oauth2/authorize", form, "Origin", "https://rp.example.gov.cn", "Sec-Fetch-Site", "cross-site")
			s.redeem(a, b.get(s.issuer+p.Header.Get("Location")))
		})
		s.run("parked longer than the object lives", func(t *testing.T, s *arena) {
			a := asking("web", "openid", "prompt", "login")
			u := s.authorizeURL(outside(a, "request", key.sign(t, s.object(a, "exp", now().Unix()+1), nil)))
			p := b.get(u)
			at(t, p, "/login") // the object was good when it came
			s.redeem(a, b.signIn(s.stage, p, "a"))
		})
		s.run("pushed, by a client that must sign", func(t *testing.T, s *arena) {
			a := asking("pushes", "openid")
			if status, m := s.post("/oauth2/par", "pushes", a.params); status != http.StatusBadRequest || m["error"] != "invalid_request" {
				t.Errorf("unsigned: %d %v", status, m)
			}
			if status, m := s.post("/oauth2/par", "pushes", url.Values{"request": {newSigner(t, "ES256", "k1").sign(t, s.object(a), nil)}}); status != http.StatusBadRequest || m["error"] != "invalid_request_object" {
				t.Errorf("another key: %d %v", status, m)
			}
			status, m := s.post("/oauth2/par", "pushes", url.Values{"request": {key.sign(t, s.object(a), map[string]any{"typ": "oauth-authz-req+jwt"})}})
			if status != http.StatusCreated {
				t.Fatalf("%d %v", status, m)
			}
			q := url.Values{"client_id": {"pushes"}, "request_uri": {text(m, "request_uri")}, "state": {"outside"}, "nonce": {"outside"}, "response_type": {"code"}, "scope": {"openid phone"}}
			got := s.redeem(a, b.get(s.issuer+"/oauth2/authorize?"+q.Encode()))
			if got["scope"] != "openid" || idToken(t, got)["nonce"] != a.params.Get("nonce") {
				t.Errorf("scope %v, nonce %v", got["scope"], idToken(t, got)["nonce"])
			}
			s.refused(a, b.still().get(s.authorizeURL(outside(a, "request", key.sign(t, s.object(a), nil), "state", a.params.Get("state")))), "invalid_request")
		})
	})
}
