package web

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"kejitong/templates"
)

// Kit is what the surfaces need to answer browsers. Its fields are set once,
// before the first request.
type Kit struct {
	Render *templates.Renderer
	Issuer *url.URL // scheme and host of this server as browsers see it; never taken from a request
	// FormKey is the HMAC key of form tokens, at least 32 bytes, the same on
	// every replica.
	FormKey        []byte
	TrustedProxies []netip.Prefix // peers whose X-Forwarded-For and X-Request-Id are believed
	MaxBody        int64          // bytes of a request body, 64 KiB if 0
	Log            *slog.Logger   // nil discards
	Now            func() time.Time
	Watched        bool          // sessions have a browser state (Session Management 1.0), see StartSession
	AccessLog      bool          // one line per request
	Debug          bool          // answers tell the cause of a failure of ours; for one's own machine alone
	HSTS           time.Duration // max-age, one year if 0, none if negative; only sent over https
	Version        string        // of the program, in the footer
	// Notices are what the operators tell everybody now; nil if nobody tells
	// anything. It is called for every page and must answer from memory.
	Notices func() []templates.Notice

	under underway // uploads
}

// minFormKey is the least length of Kit.FormKey in bytes.
const minFormKey = 32

// Check tells what is missing for serving.
func (k *Kit) Check() error {
	switch {
	case k.Render == nil:
		return fmt.Errorf("web kit: no renderer")
	case k.Issuer == nil || k.Issuer.Host == "":
		return fmt.Errorf("web kit: no issuer")
	case len(k.FormKey) < minFormKey:
		return fmt.Errorf("web kit: form key of %d bytes, wants %d", len(k.FormKey), minFormKey)
	}
	return nil
}

// Secure tells whether browsers reach us over TLS. It decides over the __Host-
// prefix and the Secure attribute of cookies and over HSTS.
func (k *Kit) Secure() bool { return k.Issuer != nil && k.Issuer.Scheme == "https" }

// Static serves the stylesheet and the script; mount it at
// templates.StaticPath.
func (k *Kit) Static() http.Handler { return k.Render.Static() }

func (k *Kit) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}

func (k *Kit) log() *slog.Logger {
	if k.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return k.Log
}

func (k *Kit) maxBody() int64 {
	if k.MaxBody <= 0 {
		return 64 << 10
	}
	return k.MaxBody
}

// random gives n random bytes as base64url text. crypto/rand.Read never fails.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
