package web_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/web"
	"kejitong/templates"
)

// kit is a whole kit behind issuer, with one trusted proxy, and its log.
func kit(t testing.TB, issuer string) (*web.Kit, *bytes.Buffer) {
	t.Helper()
	render, err := templates.New(templates.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	return &web.Kit{
		Render: render, Issuer: u, FormKey: bytes.Repeat([]byte{7}, 32),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		Log:            slog.New(slog.NewJSONHandler(log, nil)),
		Now:            func() time.Time { return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) },
		AccessLog:      true, Version: "1.0.0",
	}, log
}

const issuer = "https://fuwu.example.gov.cn"

// ask sends one request through h; header holds names and values in turn.
func ask(h http.Handler, method, target, body string, header ...string) *http.Response {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		req = httptest.NewRequest(method, target, nil)
	}
	for i := 0; i+1 < len(header); i += 2 {
		switch header[i] {
		case "Host":
			req.Host = header[i+1]
		case "Peer":
			req.RemoteAddr = header[i+1]
		default:
			req.Header.Add(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result()
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// fine is a handler that answers 200 and tells what it saw.
var fine = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Saw", r.Method+" "+web.ClientIP(r.Context()))
	w.WriteHeader(http.StatusOK)
})

func TestCheck(t *testing.T) {
	k, _ := kit(t, issuer)
	if err := k.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*web.Kit){
		"no renderer":    func(k *web.Kit) { k.Render = nil },
		"no issuer":      func(k *web.Kit) { k.Issuer = nil },
		"short form key": func(k *web.Kit) { k.FormKey = k.FormKey[:31] },
	} {
		k, _ := kit(t, issuer)
		spoil(k)
		if k.Check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// brokenPage has a template that fails, stray one has none, and the panicking
// one does not even get so far.
type strayPage struct{ templates.Problem }

func (strayPage) Name() string { return "interact/stray" }

type brokenPage struct{ templates.Problem }

func (brokenPage) Name() string { return "interact/consent" }

type panickingPage struct{ templates.Problem }

func (panickingPage) Formless() bool { panic("secret of the page") }

var errSecret = errors.New(`pq: relation "account" at db.internal:5432: password=hunter2`)
