package store_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/storetest"
)

// wire carries bytes to a server until it is cut; then it swallows them and
// says nothing, as a broken network does.
type wire struct {
	net.Listener
	mu  sync.Mutex
	cut bool
}

func (w *wire) set(cut bool) { w.mu.Lock(); defer w.mu.Unlock(); w.cut = cut }

func (w *wire) dead() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.cut }

func (w *wire) serve(network, address string) {
	for {
		client, err := w.Accept()
		if err != nil {
			return
		}
		go func() {
			server, err := net.Dial(network, address)
			if err != nil {
				_ = client.Close()
				return
			}
			go w.carry(client, server)
			w.carry(server, client)
		}()
	}
}

func (w *wire) carry(from, to net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if w.dead() {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if err == nil {
			_, err = to.Write(b[:n])
		}
		if err != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

func TestANetworkThatSwallowsEverything(t *testing.T) {
	o, w := throughWire(t)
	o.StatementTimeout = 200 * time.Millisecond
	db, _ := storetest.Ready(t, o)
	seed(t, db)

	w.set(true)
	for name, do := range map[string]func(context.Context) error{
		"a read":  func(ctx context.Context) error { _, err := db.ByAccount(ctx, "zhang"); return err },
		"a write": func(ctx context.Context) error { return db.TouchSession(ctx, "k", clock) },
		"a transaction": func(ctx context.Context) error {
			return db.InTx(ctx, func(ctx context.Context) error {
				return db.SetAccountState(ctx, "zhang", account.Frozen, did(audit.AccountChanged))
			})
		},
	} {
		answer := make(chan error, 1)
		go func() { answer <- do(t.Context()) }()
		select {
		case err := <-answer:
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: %v, want fault.Unavailable", name, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s has no answer", name)
		}
	}
	w.set(false)
	for attempt := 0; ; attempt++ { // the pool still holds dead connections
		p, err := db.ByAccount(t.Context(), "zhang")
		if err == nil {
			if p.Account.State != account.Active {
				t.Error("an unacknowledged write stands")
			}
			return
		}
		if attempt == 50 {
			t.Fatalf("no recovery: %v", err)
		}
	}
}

// A caller whose time is up is answered soon after, however long a statement
// may take: the bound of a request is worth nothing if the network's silence
// outlasts it (E8).
func TestATimeThatIsUpEndsTheWait(t *testing.T) {
	o, w := throughWire(t)
	o.StatementTimeout = time.Hour
	db, _ := storetest.Ready(t, o)
	seed(t, db)
	w.set(true)
	for name, do := range map[string]func(context.Context) error{
		"a read":  func(ctx context.Context) error { _, err := db.ByAccount(ctx, "zhang"); return err },
		"a write": func(ctx context.Context) error { return db.TouchSession(ctx, "k", clock) },
		"a transaction": func(ctx context.Context) error {
			return db.InTx(ctx, func(ctx context.Context) error { return db.TouchSession(ctx, "k", clock) })
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		answer := make(chan error, 1)
		go func() { answer <- do(ctx) }()
		select {
		case err := <-answer:
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: %v, want fault.Unavailable", name, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s has no answer", name)
		}
	}
}

// throughWire is a database behind a wire that can be cut.
func throughWire(t *testing.T) (store.Options, *wire) {
	t.Helper()
	o := storetest.Postgres(t)
	cfg, err := pq.NewConfig(o.DSN)
	must(t, err)
	network, address := "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	if strings.HasPrefix(cfg.Host, "/") {
		network, address = "unix", filepath.Join(cfg.Host, fmt.Sprintf(".s.PGSQL.%d", cfg.Port))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{Listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go w.serve(network, address)
	o.DSN = fmt.Sprintf("host=127.0.0.1 port=%d user='%s' password='%s' dbname='%s' sslmode=disable",
		listener.Addr().(*net.TCPAddr).Port, cfg.User, cfg.Password, cfg.Database)
	return o, w
}
