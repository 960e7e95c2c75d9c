package outbound

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What a name resolves to is judged when it is dialled: whoever answers
// differently the second time (DNS rebinding) gains nothing, and nothing inside
// is even knocked at.
func TestAddressesAreJudgedWhenDialled(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1:443", "[::1]:443", "0.0.0.0:443", "[::]:443", "10.0.0.1:443", "172.16.0.1:443", "192.168.1.1:443", "169.254.169.254:443", "100.64.0.1:443",
		"[fe80::1]:443", "[fc00::1]:443", "[::ffff:127.0.0.1]:443", "[::ffff:10.0.0.1]:443", "[64:ff9b::7f00:1]:443", "[2002:7f00:1::]:443", "224.0.0.1:443", "255.255.255.255:443",
		"[::127.0.0.1]:443", "[::10.0.0.1]:443", "[fec0::1]:443", "[100::1]:443", "[3fff::1]:443", "[4000::1]:443",
		"198.51.100.1:443", "1.1.1.1:80", "1.1.1.1:8443", "nonsense", "",
	} {
		if err := checkAddress(address); !errors.Is(err, ErrRefused) {
			t.Errorf("%q may be dialled: %v", address, err)
		}
	}
	for _, address := range []string{"1.1.1.1:443", "[2606:4700:4700::1111]:443"} {
		if err := checkAddress(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var knocks atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			knocks.Add(1)
			_ = c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dial := func(c *Client, address string) error {
		t.Helper()
		conn, err := c.http.Transport.(*http.Transport).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	strict := &Client{Timeout: 5 * time.Second, MaxBody: 1 << 10}
	strict.Init()
	for _, address := range []string{l.Addr().String(), "localhost:" + port, "localhost:443"} { // the name is resolved here, after every other check
		if err := dial(strict, address); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want it refused before anything is sent", address, err)
		}
	}
	if n := knocks.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	open := &Client{Allow: []string{l.Addr().String()}, Timeout: 5 * time.Second, MaxBody: 1 << 10}
	open.Init()
	if err := dial(open, l.Addr().String()); err != nil {
		t.Errorf("control: an allowed address: %v", err)
	}
	if err := dial(open, "localhost:"+port); !errors.Is(err, ErrRefused) {
		t.Errorf("another name for an allowed address: %v", err)
	}
}

// An answer is read as far as MaxBody and no further, however much comes.
func TestAnswersAreReadToACap(t *testing.T) {
	var sent atomic.Int64
	gone := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fits" {
			_, _ = w.Write([]byte(strings.Repeat("x", 1<<10))) // the client reads it or fails
			return
		}
		defer close(gone)
		for range 4096 { // 64 MiB
			n, err := w.Write(make([]byte, 16<<10))
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	c := &Client{Allow: []string{srv.Listener.Addr().String()}, Timeout: 20 * time.Second, MaxBody: 1 << 10}
	c.Init()
	if b, err := c.Get(t.Context(), srv.URL+"/fits"); err != nil || len(b) != 1<<10 {
		t.Errorf("an answer of just that size: %d bytes, %v", len(b), err)
	}
	if _, err := c.Get(t.Context(), srv.URL+"/endless"); err == nil {
		t.Error("too long an answer is taken")
	}
	<-gone
	if n := sent.Load(); n >= 64<<20 { // what the kernel buffers may be on its way
		t.Errorf("%d bytes were taken from the server", n)
	}
}
