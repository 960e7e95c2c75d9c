package web

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"io"
	"net/http"
	"net/netip"
)

// visit is what is known of one request; Wrap puts it into the context.
type visit struct {
	kit     *Kit
	request *http.Request // as it came in, for the language
	id      string
	ip      netip.Addr
	browser string        // the browser id once it is read or set
	body    io.ReadCloser // of a form with files, without Wrap's limit
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// RequestID is the id that the log, the response header X-Request-Id and the
// pages carry; 16 letters and digits unless a trusted proxy gave one. Empty
// outside a request.
func RequestID(ctx context.Context) string {
	if v := visitOf(ctx); v != nil {
		return v.id
	}
	return ""
}

// ClientIP is the address that the request came from, as far as the trusted
// proxies tell; IPv4 is never mapped and there is no zone. Empty outside a
// request or if the peer has no address.
func ClientIP(ctx context.Context) string {
	if v := visitOf(ctx); v != nil && v.ip.IsValid() {
		return v.ip.String()
	}
	return ""
}

// easily told over the telephone: lower-case letters and 2–7
var spoken = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newRequestID() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	var text [16]byte
	spoken.Encode(text[:], b[:])
	return string(text[:])
}

// isRequestID tells whether a proxy's id is fit for logs and pages.
func isRequestID(s string) bool {
	if len(s) < 8 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}
