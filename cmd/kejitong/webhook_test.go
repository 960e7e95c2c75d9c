package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/webhook"
	"kejitong/store"
	"kejitong/store/storetest"
)

// hookNote is one request that a receiver of webhooks got.
type hookNote struct {
	head http.Header
	body string
}

// ear is a receiver that answers with whatever status it is set to.
type ear struct {
	*httptest.Server
	notes  chan hookNote
	status chan int
}

func newEar(t testing.TB) *ear {
	t.Helper()
	e := &ear{notes: make(chan hookNote, 64), status: make(chan int, 64)}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		e.notes <- hookNote{q.Header, string(b)}
		select {
		case s := <-e.status:
			w.WriteHeader(s)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *ear) next(t testing.TB) hookNote {
	t.Helper()
	select {
	case n := <-e.notes:
		return n
	case <-time.After(20 * time.Second):
		t.Fatal("no webhook came")
		return hookNote{}
	}
}

// verify is what docs/integrate.md tells receivers to do.
func verify(secret string, n hookNote, now time.Time) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	at, numeric := strconv.ParseInt(n.head.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || numeric != nil || now.Sub(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(n.head.Get("Webhook-Id") + "." + n.head.Get("Webhook-Timestamp") + "." + n.body))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, s := range strings.Fields(n.head.Get("Webhook-Signature")) {
		if hmac.Equal([]byte(s), []byte(want)) {
			return true
		}
	}
	return false
}

func onHookRigs(t *testing.T, fn func(t *testing.T, r *rig, e *ear)) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			e := newEar(t)
			fn(t, newRig(t, options(t), func(c *config.Config) {
				c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, strings.TrimPrefix(e.URL, "http://"))
			}, nil), e)
		})
	}
}

// S66: no endpoint inside, no unknown events, no foreign owner.
func TestWebhooksThatAreRefused(t *testing.T) {
	onHookRigs(t, func(t *testing.T, r *rig, e *ear) {
		token := r.administrator("ops", "admin.webhooks")
		for _, url := range []string{"", "http://rp.example/h", "https://127.0.0.1/h", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/h", "https://rp.example:8443/h", "https://u:p@rp.example/h", "javascript:alert(1)"} {
			r.asks(400, token, "POST", "/webhooks", map[string]any{"url": url, "events": []string{"client.changed"}})
		}
		for _, events := range []any{[]string{}, []string{"everything"}, nil} {
			r.asks(400, token, "POST", "/webhooks", map[string]any{"url": e.URL, "events": events})
		}
		r.asks(400, token, "POST", "/webhooks", map[string]any{"url": e.URL, "events": []string{"client.changed"}, "client_id": "nobody"})
		for range 10 {
			r.asks(201, token, "POST", "/webhooks", map[string]any{"url": e.URL, "events": []string{"client.changed"}})
		}
		r.asks(409, token, "POST", "/webhooks", map[string]any{"url": e.URL, "events": []string{"client.changed"}})
	})
}

// From the deed to the receiver: signed, tried again, logged, without anything
// personal; to a client by its own subjects, and only of whom it knows.
func TestWebhooks(t *testing.T) {
	onHookRigs(t, func(t *testing.T, r *rig, e *ear) {
		token := r.administrator("ops", "admin.webhooks admin.grants admin.accounts.read")
		who := fmt.Sprint(r.asks(200, token, "POST", "/accounts/search", map[string]string{"by": "uscc", "value": demoUSCC}).items()[0]["id"])
		var grant, unit string
		for _, g := range r.asks(200, token, "GET", "/grants?account_id="+who, nil).items() {
			if g["system"] == "hightech_enterprise" {
				grant, unit = fmt.Sprint(g["id"]), fmt.Sprint(g["unit_id"])
			}
		}
		for _, g := range r.asks(200, token, "GET", "/grants?unit_id="+unit, nil).items() {
			if g["system"] == "hightech_enterprise" && g["account_id"] != who { // it would follow the unit's own, and be told as well
				r.asks(200, token, "POST", "/grants/"+fmt.Sprint(g["id"])+"/end", nil)
			}
		}
		operator := r.asks(201, token, "POST", "/webhooks", map[string]any{"url": e.URL + "/operator", "events": []string{"grant.changed"}})
		secret := operator.text("secret")

		e.status <- http.StatusInternalServerError // the first try fails
		r.asks(200, token, "POST", "/grants/"+grant+"/suspend", nil)
		first := e.next(t)
		if !verify(secret, first, r.clock.now()) {
			t.Errorf("the signature does not verify: %v", first.head)
		}
		if forged := (hookNote{first.head, strings.Replace(first.body, "suspended", "active", 1)}); verify(secret, forged, r.clock.now()) {
			t.Error("control: an altered body verifies")
		}
		if !strings.Contains(first.body, `"suspended"`) || !strings.Contains(first.body, who) {
			t.Errorf("body %s", first.body)
		}
		r.clock.move(10 * time.Second)
		r.app.runner.Wake()
		second := e.next(t)
		if second.head.Get("Webhook-Id") != first.head.Get("Webhook-Id") || second.body != first.body {
			t.Errorf("tried again as %v %s", second.head, second.body)
		}
		log := r.delivered(token, operator.text("id"), 1)
		if log[0]["attempts"] != float64(2) || log[0]["status"] != float64(204) {
			t.Errorf("the log: %v", log)
		}

		// The client that owns the system, before and after it knows the account.
		theirs := r.asks(201, token, "POST", "/webhooks", map[string]any{"url": e.URL + "/client", "events": []string{"grant.changed"}, "client_id": "hightech-enterprise"})
		r.asks(200, token, "POST", "/grants/"+grant+"/resume", nil)
		e.next(t)
		r.delivered(token, operator.text("id"), 2)
		if n := len(r.asks(200, token, "GET", "/webhooks/"+theirs.text("id")+"/deliveries", nil).items()); n != 0 {
			t.Errorf("a client hears of whom it does not know: %d", n)
		}
		r.exec(`INSERT INTO consents (client_id, account_id, scopes, given_at) SELECT 'hightech-enterprise', id, '[]', 1 FROM accounts WHERE id = ?`, who)
		r.asks(200, token, "POST", "/grants/"+grant+"/end", nil)
		for range 2 {
			n := e.next(t)
			for _, personal := range []string{"示例科技", demoUSCC, "李四", "13800000000", "office@example.com"} {
				if strings.Contains(n.body, personal) {
					t.Errorf("%s is sent: %s", personal, n.body)
				}
			}
			if verify(theirs.text("secret"), n, r.clock.now()) && (strings.Contains(n.body, who) || strings.Contains(n.body, grant) || !strings.Contains(n.body, `"sub"`)) {
				t.Errorf("a client gets internal ids: %s", n.body)
			}
		}

		// A new secret; the former one signs as well for a day.
		rotated := r.asks(200, token, "POST", "/webhooks/"+operator.text("id")+"/secret", nil).text("secret")
		if rotated == "" || rotated == secret {
			t.Fatal("no new secret")
		}
		made := r.asks(201, token, "POST", "/grants", map[string]any{"account_id": who, "system": "hightech_enterprise", "actions": []string{"apply"}})
		both := e.next(t)
		for !verify(rotated, both, r.clock.now()) {
			both = e.next(t) // the client's came first
		}
		if !verify(secret, both, r.clock.now()) {
			t.Error("the former secret signs no more at once")
		}
		r.clock.move(25 * time.Hour)
		token = r.interfaceToken("ops")
		r.asks(200, token, "POST", "/grants/"+made.text("id")+"/end", nil)
		late := e.next(t)
		for !verify(rotated, late, r.clock.now()) {
			late = e.next(t)
		}
		if verify(secret, late, r.clock.now()) {
			t.Error("the former secret signs for ever")
		}
		r.asks(204, token, "DELETE", "/webhooks/"+operator.text("id"), nil)
		r.asks(404, token, "GET", "/webhooks/"+operator.text("id"), nil)
		if n := r.ask(`SELECT COUNT(*) FROM webhook_endpoints WHERE secret LIKE '%whsec%' OR secret = ''`); n != 0 {
			t.Error("a secret stands in the clear")
		}
		for kind, want := range map[string]int64{"webhook.added": 2, "webhook.rotated": 1, "webhook.removed": 1} {
			if n := r.ask(`SELECT COUNT(*) FROM audit WHERE kind = ? AND actor = 'ops'`, kind); n != want {
				t.Errorf("%s: %d rows, want %d", kind, n, want)
			}
		}
	})
}

// delivered waits until n deliveries of the endpoint arrived and gives its log.
func (r *rig) delivered(token, id string, n int) []map[string]any {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		done := 0
		items := r.asks(200, token, "GET", "/webhooks/"+id+"/deliveries", nil).items()
		for _, d := range items {
			if d["state"] == string(webhook.Delivered) {
				done++
			}
		}
		if done == n {
			return items
		}
	}
	r.t.Fatalf("not %d deliveries", n)
	return nil
}
