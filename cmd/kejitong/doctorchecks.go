package main

import (
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

	"kejitong/config"
	"kejitong/provider/keys"
	"kejitong/store"
)

// addresses holds issuer and listeners together.
func (e *examination) addresses(c config.Config) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		e.fail("issuer", err.Error(), "")
		return
	}
	switch {
	case c.IssuerIsLoopback():
		e.warn("issuer", c.Issuer+" reaches this machine alone", "for others, set issuer to the public https address before any relying party uses it")
	default:
		e.ok("issuer", "%s", c.Issuer)
	}
	_, port, err := net.SplitHostPort(c.Listen.Address)
	if err != nil {
		e.fail("listen", err.Error(), "write listen.address as host:port")
		return
	}
	switch {
	case len(c.Listen.TrustedProxies) > 0:
		e.ok("listen", "%s behind %d trusted proxy network(s)", c.Listen.Address, len(c.Listen.TrustedProxies))
	case port != portOf(issuer):
		e.warn("listen", fmt.Sprintf("%s is not the issuer's port %s", c.Listen.Address, portOf(issuer)), "forward that port, or name the proxy in front in listen.trusted_proxies")
	default:
		e.ok("listen", "%s", c.Listen.Address)
	}
	if host, _, err := net.SplitHostPort(c.Listen.InternalAddress); err == nil && !loopbackHost(host) {
		e.warn("internal", c.Listen.InternalAddress+" may be reached from other machines", "metrics are for the inner network alone: listen on 127.0.0.1 or close the port outside")
	}
	if c.Debug {
		e.warn("debug", "causes of failures are shown to browsers", "set debug to false for anything but development")
	}
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

func loopbackHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// renewal is how long before its end a certificate should be renewed.
const renewal = 30 * 24 * time.Hour

// certificate checks what the public listener will show.
func (e *examination) certificate(c config.Config, t time.Time) {
	const check = "certificate"
	files := c.Listen.TLS
	if !files.Enabled() {
		if c.IssuerIsHTTPS() {
			e.ok(check, "none here: TLS ends in front")
		} else {
			e.ok(check, "none: the issuer is http on loopback")
		}
		return
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return // said already
	}
	e.pair(check, files, issuer.Hostname(), t)
}

// pair checks a certificate and its key for a host.
func (e *examination) pair(check string, files config.TLS, host string, t time.Time) {
	pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		e.fail(check, err.Error(), "put a certificate in PEM and its own key into the two files")
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		e.fail(check, err.Error(), "put the server's own certificate first in the file")
		return
	}
	ends := leaf.NotAfter.In(beijing).Format(time.DateOnly)
	switch {
	case t.Before(leaf.NotBefore):
		e.fail(check, "begins only at "+day(leaf.NotBefore), "look at this machine's clock, or install the certificate later")
	case t.After(leaf.NotAfter):
		e.fail(check, "ended on "+ends, "renew it; the server takes a new one without a restart")
	case leaf.VerifyHostname(host) != nil:
		e.fail(check, fmt.Sprintf("is not for %s but for %s", host, strings.Join(leaf.DNSNames, ", ")), "install one that names the issuer's host")
	case leaf.NotAfter.Sub(t) < renewal:
		e.warn(check, "ends on "+ends, "renew it; the server takes a new one without a restart")
	default:
		e.ok(check, "for %s until %s", host, ends)
	}
}

// serving is what the server check says of a healthy server.
const serving = "a server runs here and is healthy"

// server asks a server on this machine how it is. That none runs is no failure:
// doctor is also what one runs before the first start.
func (e *examination) server(ctx context.Context, c config.Config) {
	const check = "server"
	host, port, err := net.SplitHostPort(c.Listen.InternalAddress)
	if err != nil {
		return // config refuses it
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		e.fail(check, err.Error(), "")
		return
	}
	// No proxy from the environment: this is a neighbour.
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		e.ok(check, "none runs on %s", address)
		return
	}
	if err != nil {
		e.fail(check, "the internal listener "+address+" does not answer: "+err.Error(), "look at the server's log")
		return
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "ok" {
		e.fail(check, fmt.Sprintf("http://%s/healthz answers %d", address, resp.StatusCode), "look at the server's log, and whether something else has listen.internal_address")
		return
	}
	e.ok(check, serving)
}

// Differences of clocks: tokens live for minutes, codes for seconds.
const (
	clockWarns = 2 * time.Second
	clockFails = 30 * time.Second
)

// clock compares the database's clock with this machine's.
func (e *examination) clock(ctx context.Context, db *store.DB) {
	before := now()
	theirs, err := db.Clock(ctx)
	if err != nil {
		e.fail("clock", err.Error(), "")
		return
	}
	e.difference(theirs.Sub(before.Add(now().Sub(before) / 2)).Abs())
}

func (e *examination) difference(d time.Duration) {
	const remedy = "let both machines follow one time server (NTP)"
	text := fmt.Sprintf("the database's differs by %v", d.Round(time.Millisecond))
	switch {
	case d > clockFails:
		e.fail("clock", text, remedy)
	case d > clockWarns:
		e.warn("clock", text, remedy)
	default:
		e.ok("clock", "%s", text)
	}
}

// outboxWarns is how long a delivery may be due: servers look every few
// seconds, and a receiver that fails puts its own delivery off.
const outboxWarns = 10 * time.Minute

// outbox looks whether somebody delivers what clients are owed.
func (e *examination) outbox(ctx context.Context, db *store.DB) {
	const check = "outbox"
	n, overdue, err := db.OutboxBacklog(ctx, now())
	switch {
	case err != nil:
		e.fail(check, err.Error(), "look at the rights of the database's role")
	case overdue > outboxWarns:
		e.warn(check, fmt.Sprintf("%d deliveries are due, the oldest for %v", n, overdue.Round(time.Second)),
			"see that a server runs, and in its log which relying party does not answer sign-outs")
	default:
		e.ok(check, "%d deliveries are due, none for longer than %v", n, outboxWarns)
	}
}

// scansWarn is how long a document may wait to be scanned; a sweep takes a minute.
const scansWarn = 10 * time.Minute

// scans looks whether documents wait that no reviewer sees.
func (e *examination) scans(ctx context.Context, db *store.DB) {
	const check = "scans"
	n, longest, err := db.WaitingScans(ctx, now())
	switch {
	case err != nil:
		e.fail(check, err.Error(), "look at the rights of the database's role")
	case longest > scansWarn:
		e.warn(check, fmt.Sprintf("%d documents wait to be scanned, the oldest for %v; no reviewer sees them", n, longest.Round(time.Second)),
			"see that a server runs and that the clamd of documents.clamav answers")
	default:
		e.ok(check, "%d documents wait to be scanned, none for longer than %v", n, scansWarn)
	}
}

// rights looks at every mandate and grant, and says which were changed in the
// database past the provider.
func (e *examination) rights(ctx context.Context, c config.Config, db *store.DB) {
	const check = "rights"
	ring := &keys.Ring{Store: db, Root: c.Keys.RootKey.Bytes(), Now: now}
	if err := ring.Reload(ctx); err != nil || len(ring.Snapshot().Current(keys.Rights).Bytes) == 0 {
		return // said already, or no server has started with this schema yet
	}
	db.Seal = func() store.Sealer { return ring.Snapshot() }
	var ids []string
	for after, more := "", true; more; {
		found, last, err := db.ExamineRights(ctx, after, examined)
		if err != nil {
			e.fail(check, err.Error(), "look at the rights of the database's role")
			return
		}
		for _, one := range found {
			ids = append(ids, one.Kind+" "+one.ID)
		}
		after, more = last, last != ""
	}
	if len(ids) > 0 {
		e.fail(check, fmt.Sprintf("%d mandates or grants were changed in the database past the provider and give nothing: %s", len(ids), strings.Join(ids[:min(len(ids), 5)], ", ")),
			"find out who wrote to the database; kejitong grant history --id shows what they were; end and give them anew")
		return
	}
	e.ok(check, "every mandate and grant is as the provider wrote it")
}
