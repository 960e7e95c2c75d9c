package outbound_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/provider/outbound"
)

func newClient(allow ...string) *outbound.Client {
	c := &outbound.Client{Allow: allow, Timeout: 2 * time.Second, MaxBody: 1024}
	c.Init()
	return c
}

// S66: what must not be registered, by the look of the address alone.
func TestCheckURL(t *testing.T) {
	c := newClient("10.1.2.3:8443")
	for _, raw := range []string{
		"", "https://", "ftp://rp.example.cn/k", "http://rp.example.cn/k", "https://rp.example.cn:8443/k", "https://u:p@rp.example.cn/k", "https://rp.example.cn/k#f",
		"https://127.0.0.1/k", "https://[::1]/k", "https://10.0.0.1/k", "https://172.16.0.1/k", "https://192.168.1.1/k", "https://169.254.169.254/k",
		"https://[fd00::1]/k", "https://[fe80::1]/k", "https://100.64.0.1/k", "https://0.0.0.0/k", "https://[::ffff:127.0.0.1]/k", "https://[64:ff9b::7f00:1]/k",
		"https://localhost/k", "https://LOCALHOST/k", "https://x.localhost/k", "https://metadata.internal/k", "https://localhost./k", "https://127.0.0.1./k", "https://metadata.internal./k",
		"https://2130706433/k", "https://0x7f000001/k", "https://0x7f.1/k", "https://0177.0.0.1/k", "https://127.1/k", "https://./k", "https://10.1.2.3/k", "https://10.1.2.3:8444/k",
	} {
		if err := c.CheckURL(raw); !errors.Is(err, outbound.ErrRefused) {
			t.Errorf("%q: %v, want it refused", raw, err)
		}
	}
	for _, raw := range []string{"https://rp.example.cn/k", "https://rp.example.cn:443/k", "https://10.1.2.3:8443/k", "http://10.1.2.3:8443/k"} {
		if err := c.CheckURL(raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// OpenID Connect Back-Channel Logout §2.8: 200 and 204 say that it worked,
// nothing else does, and no redirect is followed.
func TestWhatSaysThatItWorked(t *testing.T) {
	var inside atomic.Int64
	secret := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	defer secret.Close()
	status := 0
	rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", secret.URL)
		w.WriteHeader(status)
	}))
	defer rp.Close()
	c := newClient(strings.TrimPrefix(rp.URL, "http://"), strings.TrimPrefix(secret.URL, "http://"))
	for _, status = range []int{201, 202, 205, 206, 301, 302, 303, 304, 307, 308, 400, 401, 404, 500, 501, 503, 200, 204} {
		err := c.PostForm(context.Background(), rp.URL, url.Values{"logout_token": {"x"}})
		if worked := status == 200 || status == 204; (err == nil) != worked {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := inside.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// S66: an allowed address is reached, but no redirect leads on from it and no
// answer is read beyond the bound.
func TestWhatAnAllowedAddressMayDo(t *testing.T) {
	var inside atomic.Int64
	secret := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	defer secret.Close()
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, secret.URL, http.StatusFound)
		case "/long":
			_, _ = w.Write([]byte(strings.Repeat("x", 1025)))
		case "/fails":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = w.Write([]byte("ok"))
		}
	}))
	defer open.Close()
	c, ctx := newClient(strings.TrimPrefix(open.URL, "http://")), context.Background()
	for _, path := range []string{"/away", "/long", "/fails"} {
		if b, err := c.Get(ctx, open.URL+path); err == nil {
			t.Errorf("%s gave %d bytes", path, len(b))
		}
	}
	if _, err := c.Get(ctx, secret.URL); !errors.Is(err, outbound.ErrRefused) || inside.Load() != 0 {
		t.Errorf("the other address: %v, reached %d times", err, inside.Load())
	}
	if b, err := c.Get(ctx, open.URL+"/"); err != nil || string(b) != "ok" {
		t.Errorf("the allowed address: %q %v", b, err)
	}
}
