package main

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/webhook"
	"kejitong/store"
	"kejitong/store/storetest"
)

// newHookDesk is a desk whose provider may call the ear.
func newHookDesk(t *testing.T, o store.Options, e *ear) *rig {
	t.Helper()
	r := newRig(t, o, func(c *config.Config) {
		c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, strings.TrimPrefix(e.URL, "http://"))
	}, nil)
	if err := r.cast.seedDesk(t.Context(), r.app); err != nil {
		t.Fatal(err)
	}
	return r
}

var draftField = regexp.MustCompile(`name="draft" value="([^"]+)"`)

// hookForm is the form of a new address as a browser sends it.
func (b *browser) hookForm(r *rig, address string, events ...string) url.Values {
	b.t.Helper()
	m := draftField.FindStringSubmatch(b.get(r.issuer + "/admin/webhooks").body)
	if m == nil {
		b.t.Fatal("no form for a new address")
	}
	return url.Values{"draft": {m[1]}, "hook_url": {address}, "events": events}
}

var hookSecret = regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`)

// S66, S71, S78, S83: nobody but a system administrator changes an address, nothing
// that is wrong is added, nobody's delivery is sent by way of another address, a
// form that is sent again does nothing again, and a secret is on one page alone.
func TestDeskWebhooksAttacked(t *testing.T) {
	e := newEar(t)
	r := newHookDesk(t, storetest.SQLite(t), e)
	sys, sec, rev, aud := r.atDesk("sysadmin"), r.atDesk("secadmin"), r.atDesk("reviewer"), r.atDesk("auditor")
	at := r.issuer + "/admin/webhooks"
	for name, try := range map[string]struct{ address, client, events, says string }{
		"an address inside":     {"https://127.0.0.1/h", "", "client.changed", "f-hook_url-why"},
		"no TLS":                {"http://rp.example/h", "", "client.changed", "f-hook_url-why"},
		"a script":              {"javascript:alert(1)", "", "client.changed", "f-hook_url-why"},
		"a name and password":   {"https://u:p@rp.example/h", "", "client.changed", "f-hook_url-why"},
		"nobody's":              {e.URL, "nobody", "client.changed", "f-hook_client-why"},
		"no events":             {e.URL, "", "", "f-events-why"},
		"an event of one's own": {e.URL, "", "everything", "f-events-why"},
	} {
		f := sys.hookForm(r, try.address, try.events)
		f.Set("hook_client", try.client)
		if p := sys.deskPost(at, f); !strings.Contains(p.body, try.says) || strings.Contains(p.body, "<script>alert") || hookSecret.MatchString(p.body) {
			t.Errorf("%s: %d\n%s", name, p.StatusCode, p.body)
		}
	}
	f := sys.hookForm(r, e.URL, "client.changed")
	for name, p := range map[string]page{
		"no form token":        sys.deskSend(at, f),
		"another site's":       sys.deskSend(at, f, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"),
		"security adds":        sec.deskPost(at, f),
		"a reviewer adds":      rev.deskPost(at, f),
		"an auditor adds":      aud.deskPost(at, f),
		"a reviewer looks":     rev.get(at),
		"an auditor looks":     aud.get(at),
		"nobody in particular": r.browser().get(at),
	} {
		if p.StatusCode != http.StatusForbidden && p.Request.URL.Path != "/admin/login" || strings.Contains(p.body, "draft") {
			t.Errorf("%s: %d at %s", name, p.StatusCode, p.Request.URL)
		}
	}
	if n := r.ask(`SELECT COUNT(*) FROM webhook_endpoints`); n != 0 {
		t.Fatalf("%d addresses were added", n)
	}

	// Added once, however often the form is sent; the secret is shown once.
	shown := sys.deskPost(at, f)
	secret := hookSecret.FindString(html.UnescapeString(shown.body))
	if shown.StatusCode != http.StatusOK || secret == "" {
		t.Fatalf("%d\n%s", shown.StatusCode, shown.body)
	}
	if p := sys.deskPost(at, f); p.StatusCode != http.StatusConflict || hookSecret.MatchString(p.body) {
		t.Errorf("the form once more: %d", p.StatusCode)
	}
	f2 := sys.hookForm(r, e.URL+"/other", "grant.changed")
	if p := sys.deskPost(at, f2); p.StatusCode != http.StatusOK {
		t.Fatal(p.StatusCode)
	}
	mine, other := at+"/"+f.Get("draft"), at+"/"+f2.Get("draft")
	for _, b := range []*browser{sys, sec} {
		for _, u := range []string{at, mine, other, r.issuer + "/admin"} {
			if p := b.get(u); p.StatusCode != http.StatusOK || hookSecret.MatchString(p.body) {
				t.Errorf("%s: %d, with a secret: %v", u, p.StatusCode, hookSecret.MatchString(p.body))
			}
		}
	}
	if p := sec.get(mine); strings.Contains(p.body, `name="deed"`) {
		t.Error("who may only look is offered deeds")
	}

	// A delivery that arrived, to be sent again.
	r.change("hightech-enterprise")
	first := e.next(t)
	if !verify(secret, first, r.clock.now()) {
		t.Error("the secret that was shown does not verify")
	}
	id := first.head.Get("Webhook-Id")
	r.hookEnded(t, id, webhook.Delivered)
	for name, try := range map[string]struct {
		who  *browser
		at   string
		form url.Values
		code int
	}{
		"security pauses":             {sec, mine, url.Values{"deed": {"pause"}, "version": {"1"}}, http.StatusForbidden},
		"security sends again":        {sec, mine + "/deliveries/" + id, url.Values{}, http.StatusForbidden},
		"a reviewer removes":          {rev, mine, url.Values{"deed": {"remove"}, "version": {"1"}, "sure": {"1"}}, http.StatusForbidden},
		"another address's delivery":  {sys, other + "/deliveries/" + id, url.Values{}, http.StatusNotFound},
		"no delivery":                 {sys, mine + "/deliveries/msg_x", url.Values{}, http.StatusNotFound},
		"no address":                  {sys, at + "/wh_x", url.Values{"deed": {"pause"}, "version": {"1"}}, http.StatusNotFound},
		"a version that is not there": {sys, mine, url.Values{"deed": {"rotate"}, "version": {"9"}}, http.StatusConflict},
		"no version":                  {sys, mine, url.Values{"deed": {"rotate"}}, http.StatusConflict},
		"any version":                 {sys, mine, url.Values{"deed": {"rotate"}, "version": {"0"}}, http.StatusConflict},
		"resuming what is told":       {sys, mine, url.Values{"deed": {"resume"}, "version": {"1"}}, http.StatusConflict},
		"removing without being sure": {sys, mine, url.Values{"deed": {"remove"}, "version": {"1"}}, http.StatusOK},
		"a deed of one's own":         {sys, mine, url.Values{"deed": {"steal"}, "version": {"1"}}, http.StatusOK},
		"no events":                   {sys, mine, url.Values{"deed": {"events"}, "version": {"1"}}, http.StatusOK},
		"events of one's own":         {sys, mine, url.Values{"deed": {"events"}, "version": {"1"}, "events": {"all"}}, http.StatusOK},
	} {
		if p := try.who.deskPost(try.at, try.form); p.StatusCode != try.code || hookSecret.MatchString(p.body) {
			t.Errorf("%s: %d, want %d", name, p.StatusCode, try.code)
		}
	}
	if n := r.ask(`SELECT COUNT(*) FROM webhook_endpoints WHERE version = 1 AND standing = 'active'`); n != 2 {
		t.Errorf("%d addresses are as they were, want 2", n)
	}
	if p := sys.get(mine + "?page=AAAA"); p.StatusCode != http.StatusNotFound {
		t.Errorf("a page that was made up: %d", p.StatusCode)
	}
}

// change alters a client, which is told to whoever listens.
func (r *rig) change(id string) {
	r.t.Helper()
	c, err := r.app.db.Client(r.t.Context(), id)
	if err == nil {
		c.UpdatedAt = r.clock.now()
		err = r.app.db.PutClient(r.t.Context(), c, clientDeed("client.changed", id, "metadata"))
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.app.runner.Wake()
}

// hookEnded waits until the delivery is in the state.
func (r *rig) hookEnded(t testing.TB, id string, want webhook.State) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if d, err := r.app.db.Delivery(context.Background(), id); err == nil && d.State == want {
			return
		}
	}
	t.Fatalf("%s is not %s", id, want)
}

// The whole life of an address at the desk, and the same deeds by the interface and
// on the command line's service: one log, one trail.
func TestDeskWebhooks(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			e := newEar(t)
			r := newHookDesk(t, options(t), e)
			sys := r.atDesk("sysadmin")
			at := r.issuer + "/admin/webhooks"
			f := sys.hookForm(r, e.URL, "grant.changed")
			if p := sys.deskPost(at, f); p.StatusCode != http.StatusOK {
				t.Fatalf("%d\n%s", p.StatusCode, p.body)
			}
			id := f.Get("draft")
			mine := at + "/" + id
			do := func(deed, done string, more url.Values) {
				t.Helper()
				hook, err := r.app.db.Endpoint(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				v := url.Values{"deed": {deed}, "version": {fmt.Sprint(hook.Version)}}
				for k, list := range more {
					v[k] = list
				}
				if p := sys.deskPost(mine, v); p.StatusCode != http.StatusSeeOther || !strings.HasSuffix(p.Header.Get("Location"), "done="+done) {
					t.Fatalf("%s: %d to %s\n%s", deed, p.StatusCode, p.Header.Get("Location"), p.body)
				}
			}
			do("events", "events", url.Values{"events": {"client.changed"}})
			do("pause", "pause", nil)
			r.change("hightech-enterprise")
			var held []webhook.Delivery
			for deadline := time.Now().Add(20 * time.Second); len(held) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				var err error
				if held, err = r.app.db.Deliveries(t.Context(), id, webhook.Newest(), "", 2); err != nil {
					t.Fatal(err)
				}
			}
			if len(held) != 1 || held[0].State != webhook.Held {
				t.Fatalf("held: %+v", held)
			}
			if p := sys.get(mine); !strings.Contains(p.body, "保留待发") || !strings.Contains(p.body, held[0].ID) || strings.Contains(p.body, "重新投递</button>") {
				t.Errorf("the page of a paused address:\n%s", p.body)
			}
			do("resume", "resume", nil)
			r.app.runner.Wake()
			if n := e.next(t); n.head.Get("Webhook-Id") != held[0].ID {
				t.Errorf("sent %v", n.head)
			}
			r.hookEnded(t, held[0].ID, webhook.Delivered)
			if p := sys.deskPost(mine+"/deliveries/"+held[0].ID, url.Values{}); p.StatusCode != http.StatusSeeOther {
				t.Fatalf("send again: %d\n%s", p.StatusCode, p.body)
			}
			r.app.runner.Wake()
			if n := e.next(t); n.head.Get("Webhook-Id") != held[0].ID {
				t.Errorf("sent again: %v", n.head)
			}
			r.hookEnded(t, held[0].ID, webhook.Delivered)

			// The same by the interface.
			token := r.administrator("ops", "admin.webhooks")
			path := "/webhooks/" + id
			tag := r.asks(200, token, "GET", path, nil).head.Get("ETag")
			r.asks(428, token, "PUT", path, map[string]any{"events": []string{"grant.changed"}})
			r.asks(412, token, "PUT", path, map[string]any{"events": []string{"grant.changed"}}, "If-Match", `"1"`)
			r.asks(400, token, "PUT", path, map[string]any{"events": []string{}}, "If-Match", tag)
			r.asks(200, token, "PUT", path, map[string]any{"events": []string{"grant.changed", "client.changed"}}, "If-Match", tag)
			r.asks(412, token, "POST", path+"/pause", nil, "If-Match", tag)
			r.asks(412, token, "POST", path+"/secret", nil, "If-Match", tag)
			r.asks(409, token, "POST", path+"/resume", nil)
			if s := r.asks(200, token, "POST", path+"/pause", nil); s.text("state") != "paused" || s.body["state_since"] == nil {
				t.Errorf("paused: %s", s.raw)
			}
			r.asks(409, token, "POST", path+"/pause", nil)
			r.asks(409, token, "POST", path+"/deliveries/"+held[0].ID+"/redeliver", nil)
			r.asks(200, token, "POST", path+"/resume", nil)
			r.asks(404, token, "POST", path+"/deliveries/msg_x/redeliver", nil)
			r.asks(404, token, "POST", "/webhooks/wh_x/pause", nil)
			other := r.asks(201, token, "POST", "/webhooks", map[string]any{"url": e.URL + "/other", "events": []string{"grant.changed"}}).text("id")
			r.asks(404, token, "POST", "/webhooks/"+other+"/deliveries/"+held[0].ID+"/redeliver", nil)
			if s := r.asks(202, token, "POST", path+"/deliveries/"+held[0].ID+"/redeliver", nil); s.text("id") != held[0].ID {
				t.Errorf("again: %s", s.raw)
			}
			r.app.runner.Wake()
			e.next(t)
			r.hookEnded(t, held[0].ID, webhook.Delivered)

			// A receiver that says it is gone: told nothing more, and counted in front.
			e.status <- http.StatusGone
			r.change("hightech-enterprise")
			e.next(t)
			gone := func() bool {
				hook, err := r.app.db.Endpoint(t.Context(), id)
				return err == nil && hook.Standing == webhook.Disabled
			}
			for deadline := time.Now().Add(20 * time.Second); !gone() && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			}
			if p := sys.get(r.issuer + "/admin"); !gone() || !strings.Contains(p.body, "已停发的变更通知") {
				t.Errorf("disabled: %v\n%s", gone(), p.body)
			}
			do("remove", "remove", url.Values{"sure": {"1"}})
			if n := r.ask(`SELECT COUNT(*) FROM webhook_deliveries WHERE endpoint_id = ?`, id); n != 0 {
				t.Errorf("%d deliveries of what was removed", n)
			}
			for kind, want := range map[string]int64{"webhook.added": 1, "webhook.changed": 6, "webhook.redelivered": 2, "webhook.disabled": 1, "webhook.removed": 1} {
				if n := r.ask(`SELECT COUNT(*) FROM audit WHERE kind = ? AND object = ?`, kind, id); n != want {
					t.Errorf("%s: %d rows, want %d", kind, n, want)
				}
			}
			if n := r.ask(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%whsec%'`); n != 0 {
				t.Error("a secret stands in the trail")
			}
		})
	}
}
