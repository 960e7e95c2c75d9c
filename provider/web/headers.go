package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// barePolicy is the Content-Security-Policy of every response that is not one
// of our pages: nothing may load, run, frame it or be sent from it.
const barePolicy = "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'none'"

// headers are the values that every response begins with, made once. Slices
// are shared between responses: they have no room to append to and are only
// ever replaced.
type headers struct {
	policy, nosniff, referrer, resource, frame, hsts []string
}

func (k *Kit) headers() headers {
	h := headers{
		policy:   []string{barePolicy},
		nosniff:  []string{"nosniff"},
		referrer: []string{"same-origin"},
		resource: []string{"same-origin"},
		frame:    []string{"DENY"}, // for browsers older than frame-ancestors
	}
	if life := k.HSTS; k.Secure() && life >= 0 {
		if life == 0 {
			life = 365 * 24 * time.Hour
		}
		h.hsts = []string{"max-age=" + strconv.FormatInt(int64(life/time.Second), 10) + "; includeSubDomains"}
	}
	return h
}

// put writes the headers. The keys are canonical, so that the map can be
// written directly.
func (h *headers) put(to http.Header, requestID string) {
	to["Content-Security-Policy"] = h.policy
	to["X-Content-Type-Options"] = h.nosniff
	to["Referrer-Policy"] = h.referrer
	to["Cross-Origin-Resource-Policy"] = h.resource
	to["X-Frame-Options"] = h.frame
	if h.hsts != nil {
		to["Strict-Transport-Security"] = h.hsts
	}
	to["X-Request-Id"] = []string{requestID}
}

// pagePolicy is the Content-Security-Policy of one page. Sources that are not
// plain scheme or host sources are left out, so that nothing that came from a
// client's registration can add a directive.
func pagePolicy(nonce string, formAction, pictures, frames []string) string {
	var b strings.Builder
	b.Grow(320)
	b.WriteString("default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; style-src 'self'; script-src 'nonce-")
	b.WriteString(nonce)
	b.WriteString("'; img-src 'self' data:")
	sources(&b, pictures)
	if len(frames) > 0 {
		b.WriteString("; frame-src")
		sources(&b, frames)
	}
	b.WriteString("; form-action 'self'")
	sources(&b, formAction)
	return b.String()
}

func sources(b *strings.Builder, list []string) {
	for _, s := range list {
		if isSource(s) {
			b.WriteByte(' ')
			b.WriteString(s)
		}
	}
}

// isSource tells whether s is a scheme source ("https:", "myapp:") or a host
// source ("http://127.0.0.1:9999") by its letters alone (CSP3 §2.3.1, without
// wildcards).
func isSource(s string) bool {
	if s == "" || len(s) > 300 || !strings.Contains(s, ":") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+-._:/", c) >= 0) {
			return false
		}
	}
	return !isScripted(s)
}

func isScripted(source string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(source), ":")
	switch scheme {
	case "javascript", "data", "vbscript", "blob", "filesystem":
		return true
	}
	return false
}

// RedirectSources gives the form-action sources for a page whose form ends in
// a redirect to uri, the client's redirect URI. Chromium checks every hop of
// the redirect chain, the client's own onward redirects included, so https is
// allowed as a whole; beside it stands this client's own loopback origin or
// private scheme (RFC 8252 §7), nothing else.
func RedirectSources(uri string) []string {
	list := []string{"https:"}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.Scheme == "https" {
		return list
	}
	switch {
	case u.Scheme != "http":
		list = append(list, u.Scheme+":")
	case strings.Contains(u.Host, "["):
		// CSP has no way to write an IPv6 address.
		list = append(list, "http:")
	default:
		list = append(list, "http://"+u.Host)
	}
	return list
}
