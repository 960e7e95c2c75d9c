package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/store/storetest"
)

// A server that was told to stop says that it is not ready and still answers,
// until balancers had the time to notice.
func TestStoppingIsAnnouncedFirst(t *testing.T) {
	cast, err := rehearse(t.TempDir(), 8080)
	if err != nil {
		t.Fatal(err)
	}
	o := storetest.SQLite(t)
	c := cast.config
	c.Database.Path, c.Keys.RootKey, c.Listen.DrainDelay = o.Path, config.NewSecret(storetest.Root), 2*time.Second
	db, _ := storetest.Ready(t, o)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := build(t.Context(), c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	tel, err := newTelemetry(t.Context(), c, a)
	if err != nil {
		t.Fatal(err)
	}
	var at [2]net.Listener
	for i := range at {
		if at[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	get := func(l net.Listener, path string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r) // a new connection each time
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx, at[:1], at[1], tel) }()
	for get(at[1], "/readyz") != http.StatusOK {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	for status := http.StatusOK; status != http.StatusServiceUnavailable; status = get(at[1], "/readyz") {
		if status == 0 {
			t.Fatal("closed before it said that it is not ready")
		}
	}
	if got := get(at[0], "/.well-known/openid-configuration"); got != http.StatusOK {
		t.Errorf("a request right after the announcement: %d, want an answer", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := get(at[0], "/healthz"); got != 0 {
		t.Errorf("after the end: %d", got)
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
}
