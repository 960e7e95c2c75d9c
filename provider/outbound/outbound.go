// Package outbound makes the provider's own HTTP requests to addresses that
// others registered (jwks_uri, request_uris, backchannel_logout_uri). It refuses every
// address that is not public at the moment of dialling, so that no name, no
// redirect and no rebinding can turn the provider into a way into the network
// it stands in (SSRF).
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrRefused is returned, without a reason that would map the network, for
// every address that may not be reached.
var ErrRefused = errors.New("outbound: address refused")

// Client sends requests. Allow lists "host:port" pairs of private deployments
// that are exempt from the address rule and from the https and port rule.
type Client struct {
	Allow   []string
	Roots   *x509.CertPool // nil: the system's
	Timeout time.Duration  // for the whole exchange
	MaxBody int64          // bytes of an answer that are read

	http *http.Client
}

// Init makes the client ready; call it once.
func (c *Client) Init() {
	dialer := &net.Dialer{Timeout: c.Timeout, Control: func(_, address string, _ syscall.RawConn) error {
		return checkAddress(address)
	}}
	open := &net.Dialer{Timeout: c.Timeout}
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if c.allowed(address) {
				return open.DialContext(ctx, network, address)
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
		TLSHandshakeTimeout:   c.Timeout,
		ResponseHeaderTimeout: c.Timeout,
		MaxIdleConns:          16,
		IdleConnTimeout:       30 * time.Second,
		DisableCompression:    true,
	}
	c.http = &http.Client{Transport: tr, Timeout: c.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// CheckURL tells whether u may be registered: https on port 443 unless its
// host:port is allowed, no user info, no fragment, and no address literal that
// dialling would refuse.
func (c *Client) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return ErrRefused
	}
	if c.allowed(hostPort(u)) && (u.Scheme == "http" || u.Scheme == "https") {
		return nil
	}
	if u.Scheme != "https" || (u.Port() != "" && u.Port() != "443") {
		return ErrRefused
	}
	h := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	a, err := netip.ParseAddr(h)
	switch {
	case err == nil && !public(a), err != nil && numeric(h):
		return ErrRefused
	case h == "localhost" || strings.HasSuffix(h, ".localhost") || strings.HasSuffix(h, ".internal"):
		return ErrRefused
	}
	return nil
}

// numeric tells whether a resolver of the C library may take host for an IPv4
// address though it is not written as one: 2130706433, 0x7f.1, 0177.0.0.1. No
// public name has a last label of that form (RFC 3696 §2).
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == "" || last[0] >= '0' && last[0] <= '9'
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (c *Client) allowed(address string) bool {
	for _, a := range c.Allow {
		if strings.EqualFold(a, address) {
			return true
		}
	}
	return false
}

// Get fetches raw and gives at most MaxBody bytes of a 200 answer.
func (c *Client) Get(ctx context.Context, raw string) ([]byte, error) {
	b, _, err := c.Fetch(ctx, raw, "application/json")
	return b, err
}

// Fetch is Get for other media types than JSON: accept is what is asked for,
// contentType what came, without parameters and in lower case.
func (c *Client) Fetch(ctx context.Context, raw, accept string) (body []byte, contentType string, err error) {
	return c.do(ctx, http.MethodGet, raw, accept, "", nil)
}

// PostForm posts form values. Only 200 and 204 say that it worked: what a
// receiver means by another 2xx, such as 202, is not that it has done it
// (OpenID Connect Back-Channel Logout §2.8).
func (c *Client) PostForm(ctx context.Context, raw string, form url.Values) error {
	_, _, err := c.do(ctx, http.MethodPost, raw, "application/json", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	return err
}

// PostJSON posts a JSON document with headers of the caller's and gives the status
// of the answer, whatever it is; of the answer's body nothing is kept. No redirect
// is followed.
func (c *Client) PostJSON(ctx context.Context, raw string, body []byte, head http.Header) (status int, err error) {
	head = head.Clone()
	if head == nil {
		head = http.Header{}
	}
	head.Set("Content-Type", "application/json")
	res, err := c.send(ctx, http.MethodPost, raw, head, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, res.Body, c.MaxBody) // so that the connection can serve again
	return res.StatusCode, res.Body.Close()
}

// send sends a request to an address that may be called. Whoever gets an answer
// closes its body.
func (c *Client) send(ctx context.Context, method, raw string, head http.Header, body io.Reader) (*http.Response, error) {
	if err := c.CheckURL(raw); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, raw, body)
	if err != nil {
		return nil, ErrRefused
	}
	req.Header = head
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("outbound: %s %s: %w", method, req.URL.Host, err)
	}
	return res, nil
}

func (c *Client) do(ctx context.Context, method, raw, accept, contentType string, body io.Reader) ([]byte, string, error) {
	head := http.Header{"Accept": {accept}}
	if contentType != "" {
		head.Set("Content-Type", contentType)
	}
	res, err := c.send(ctx, method, raw, head, body)
	if err != nil {
		return nil, "", err
	}
	host := res.Request.URL.Host
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, c.MaxBody+1))
	if err != nil {
		return nil, "", fmt.Errorf("outbound: read from %s: %w", host, err)
	}
	if int64(len(b)) > c.MaxBody {
		return nil, "", fmt.Errorf("outbound: answer of %s is longer than %d bytes", host, c.MaxBody)
	}
	if res.StatusCode != http.StatusOK && (method == http.MethodGet || res.StatusCode != http.StatusNoContent) {
		return nil, "", fmt.Errorf("outbound: %s answered %d", host, res.StatusCode)
	}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return b, strings.ToLower(strings.TrimSpace(kind)), nil
}

// checkAddress runs after name resolution, on the address that is dialled.
func checkAddress(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !public(ap.Addr()) || ap.Port() != 443 {
		return ErrRefused
	}
	return nil
}

var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("2002::/16"),
}

// assigned is all of IPv6 that is routed to anybody. What lies outside of it,
// IPv4-compatible addresses (::127.0.0.1) and the former site-local ones
// (fec0::/10) among the rest, has a meaning at most where this service stands.
var assigned = netip.MustParsePrefix("2000::/3")

// public tells whether a is a globally routed unicast address; addresses that
// embed an IPv4 address (mapped, NAT64, 6to4) are judged by neither name nor
// look: mapped ones are unmapped, the others are refused.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	if a.Is6() && !assigned.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
