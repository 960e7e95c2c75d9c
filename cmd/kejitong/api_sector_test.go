package main

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/store/storetest"
)

// The document of a sector is fetched before the transaction that makes a client:
// while its server takes its time, others write. SQLite has one writer, so that a
// fetch within would keep everybody waiting. Nor is it fetched again for a request
// that was done.
func TestNoFetchWithinATransaction(t *testing.T) {
	var r *rig
	write := func(ctx context.Context) error {
		return r.app.db.InTx(ctx, func(ctx context.Context) error {
			return r.app.db.Record(ctx, audit.Event{Kind: audit.ClientChanged, Actor: "beside"})
		})
	}
	fetches, gone := 0, false
	var beside error
	sector := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches++
		if gone {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		beside = write(ctx)
		_, _ = w.Write([]byte(`["https://a.example/cb","https://b.example/cb"]`))
	}))
	t.Cleanup(sector.Close)
	r = newRig(t, storetest.SQLite(t), func(c *config.Config) {
		c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, sector.Listener.Addr().String())
	}, func(a *app) {
		a.roots = x509.NewCertPool()
		a.roots.AddCert(sector.Certificate())
	})
	// Control: within a transaction of somebody else the write does not come through.
	_ = r.app.db.InTx(t.Context(), func(tx context.Context) error {
		if err := r.app.db.Record(tx, audit.Event{Kind: audit.ClientChanged, Actor: "slow"}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if write(ctx) == nil {
			t.Error("a second writer comes through: this test shows nothing")
		}
		return nil
	})
	token := r.administrator("ops", "admin.clients")
	body := map[string]any{"client_id": "two-hosts", "metadata": map[string]any{
		"client_name": "两处", "redirect_uris": []string{"https://a.example/cb", "https://b.example/cb"}, "sector_identifier_uri": sector.URL + "/s",
	}}
	r.asks(201, token, "POST", "/clients", body, "Idempotency-Key", "k")
	if fetches != 1 || beside != nil {
		t.Errorf("%d fetches; a writer beside them: %v", fetches, beside)
	}
	gone = true
	if again := r.asks(201, token, "POST", "/clients", body, "Idempotency-Key", "k"); again.head.Get("Idempotent-Replayed") != "true" || again.text("client_secret") != "" || fetches != 1 {
		t.Errorf("the same again, %d fetches: %s", fetches, again.raw)
	}
	body["client_id"] = "other"
	r.asks(409, token, "POST", "/clients", body, "Idempotency-Key", "k") // another request under the key
	r.asks(400, token, "POST", "/clients", body)                         // whose document is gone
	if n := r.ask(`SELECT COUNT(*) FROM clients WHERE id IN ('two-hosts', 'other')`); n != 1 {
		t.Errorf("%d clients", n)
	}
}
