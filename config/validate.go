package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The values of database.driver.
const (
	DriverPostgres = "postgres"
	DriverSQLite   = "sqlite"
)

// Floors and ceilings that no configuration moves.
const (
	minArgon2Memory = 19456                // KiB; OWASP's smallest argon2id with two passes
	minArgon2Time   = 2                    // passes
	maxArgon2Memory = 1 << 20              // KiB; beyond it a few sign-ins exhaust a machine
	minAudit        = 180 * 24 * time.Hour // six months, Cybersecurity Law article 21
)

// Validate gives every reason not to start as Problems, nil if there is none.
// It looks at values only, never at files.
func (c Config) Validate() error {
	var problems Problems
	c.check(&problems)
	return inOrder(problems).err()
}

// check adds what is wrong with c to problems.
func (c Config) check(p *Problems) {
	c.checkIssuer(p)
	c.checkListen(p)
	c.checkDatabase(p)
	c.checkRootKey(p)
	c.checkDocuments(p)

	between(p, "keys.rotate_after", c.Keys.RotateAfter, 24*time.Hour, 730*24*time.Hour)
	between(p, "keys.retire_after", c.Keys.RetireAfter, 24*time.Hour, 365*24*time.Hour)

	// RFC 6749 §4.1.2 recommends ten minutes at most; codes travel through the
	// browser's history, so one minute it is.
	between(p, "tokens.code_ttl", c.Tokens.CodeTTL, 5*time.Second, time.Minute)
	between(p, "tokens.access_ttl", c.Tokens.AccessTTL, 10*time.Second, 10*time.Minute)
	between(p, "tokens.id_token_ttl", c.Tokens.IDTokenTTL, 10*time.Second, time.Hour)
	between(p, "tokens.refresh_idle", c.Tokens.RefreshIdle, time.Minute, 90*24*time.Hour)
	between(p, "tokens.refresh_absolute", c.Tokens.RefreshAbsolute, time.Minute, 365*24*time.Hour)
	between(p, "tokens.refresh_grace", c.Tokens.RefreshGrace, 0, time.Minute)
	// RFC 9126 §2.2: between 5 and 600 seconds.
	between(p, "tokens.par_ttl", c.Tokens.PARTTL, 5*time.Second, 10*time.Minute)
	between(p, "tokens.clock_skew", c.Tokens.ClockSkew, 0, time.Minute)
	notAbove(p, "tokens.refresh_idle", c.Tokens.RefreshIdle, "tokens.refresh_absolute", c.Tokens.RefreshAbsolute)

	between(p, "sessions.idle", c.Sessions.Idle, time.Minute, time.Hour)
	between(p, "sessions.absolute", c.Sessions.Absolute, time.Minute, 24*time.Hour)
	between(p, "sessions.interaction_ttl", c.Sessions.InteractionTTL, time.Minute, time.Hour)
	notAbove(p, "sessions.idle", c.Sessions.Idle, "sessions.absolute", c.Sessions.Absolute)

	within(p, "passwords.argon2_memory_kib", c.Passwords.Argon2MemoryKiB, minArgon2Memory, maxArgon2Memory)
	within(p, "passwords.argon2_time", c.Passwords.Argon2Time, minArgon2Time, 64)
	within(p, "passwords.argon2_parallelism", c.Passwords.Argon2Parallelism, 1, 16)
	within(p, "passwords.concurrency", c.Passwords.Concurrency, 0, 1024)
	within(p, "passwords.queue", c.Passwords.Queue, 0, 100000)
	between(p, "passwords.failure_floor", c.Passwords.FailureFloor, 0, 5*time.Second)
	within(p, "passwords.per_pair_limit", c.Passwords.PerPairLimit, 3, 10)
	between(p, "passwords.lock_for", c.Passwords.LockFor, time.Minute, 24*time.Hour)
	// NIST SP 800-63B-4 §3.2.2: at most 100 failures of one account.
	within(p, "passwords.account_limit", c.Passwords.AccountLimit, 10, 100)

	c.checkRetention(p)
	c.checkPlatform(p)
	c.checkAdmin(p)
	c.checkOperations(p)
	c.checkRealName(p)
	c.checkNotify(p)
	c.checkSignUp(p)
}

// checkIssuer holds the issuer to a bare https origin.
func (c Config) checkIssuer(p *Problems) {
	const key = "issuer"
	if c.Issuer == "" {
		p.add(key, "", "is missing; set the public address of this service, such as https://sso.example.gov.cn")
		return
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		p.add(key, "", "is not an address such as https://sso.example.gov.cn")
	case u.User != nil:
		p.add(key, "", "carries a user or password; scheme, host and port alone are an issuer")
	// OpenID Connect Discovery 1.0 §3: no query, no fragment.
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(c.Issuer, "?#"):
		p.add(key, c.Issuer, "carries a query or a fragment; remove it")
	case u.Path != "":
		p.add(key, c.Issuer, "carries a path or a slash at its end; remove it")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		p.add(key, c.Issuer, "is http; passwords and tokens need https (http is for loopback addresses only)")
	case u.Scheme != "https" && u.Scheme != "http":
		p.add(key, c.Issuer, "is not https")
	case c.Issuer != strings.ToLower(c.Issuer):
		p.add(key, c.Issuer, "has capital letters; relying parties compare it byte by byte, write it in small letters")
	case u.Port() != "" && !isPort(u.Port()):
		p.add(key, c.Issuer, "has no valid port")
	}
	if c.Debug && !c.IssuerIsLoopback() {
		p.add("debug", "true", "shows causes of failures to strangers; it is for a loopback issuer only, set it to false")
	}
}

// IssuerIsLoopback tells whether only this machine can reach the issuer; there
// alone http, plain cookie names and debug are accepted.
func (c Config) IssuerIsLoopback() bool {
	u, err := url.Parse(c.Issuer)
	return err == nil && isLoopback(u.Hostname())
}

// IssuerIsHTTPS tells whether cookies can be Secure.
func (c Config) IssuerIsHTTPS() bool { return strings.HasPrefix(c.Issuer, "https://") }

func (c Config) checkListen(p *Problems) {
	l := c.Listen
	host, port, ok := hostPort(l.Address)
	internalHost, internalPort, internalOK := hostPort(l.InternalAddress)
	if !ok {
		p.add("listen.address", l.Address, `is not host:port, such as ":8443"`)
	}
	if !internalOK {
		p.add("listen.internal_address", l.InternalAddress, `is not host:port, such as "127.0.0.1:9090"`)
	}
	if ok && internalOK && port == internalPort && (host == internalHost || host == "" || internalHost == "") && port != "0" {
		p.add("listen.internal_address", l.InternalAddress, "is the public listener's; metrics must not be reachable from outside, choose another port")
	}
	switch {
	case l.TLS.CertFile != "" && l.TLS.KeyFile == "":
		p.add("listen.tls.key_file", "", "is missing beside listen.tls.cert_file")
	case l.TLS.KeyFile != "" && l.TLS.CertFile == "":
		p.add("listen.tls.cert_file", "", "is missing beside listen.tls.key_file")
	case ok && !l.TLS.Enabled() && !isLoopback(host) && (!c.IssuerIsHTTPS() || len(l.TrustedProxies) == 0):
		p.add("listen.address", l.Address, "would take passwords in clear; set listen.tls.cert_file and key_file, or name the TLS proxies in front in listen.trusted_proxies, or listen on 127.0.0.1")
	}
	for _, proxy := range l.TrustedProxies {
		if proxy.Bits() == 0 {
			p.add("listen.trusted_proxies", proxy.String(), "trusts the whole world's X-Forwarded-For; name the proxies' own network")
		}
	}
	c.checkMTLS(p)
	between(p, "listen.tls.reload_interval", l.TLS.ReloadInterval, time.Second, 24*time.Hour)
	between(p, "listen.read_header_timeout", l.ReadHeaderTimeout, time.Second, time.Minute)
	between(p, "listen.read_timeout", l.ReadTimeout, time.Second, 5*time.Minute)
	between(p, "listen.write_timeout", l.WriteTimeout, time.Second, 5*time.Minute)
	between(p, "listen.idle_timeout", l.IdleTimeout, time.Second, time.Hour)
	between(p, "listen.shutdown_timeout", l.ShutdownTimeout, time.Second, 5*time.Minute)
	between(p, "listen.drain_delay", l.DrainDelay, 0, 15*time.Second)
	notAbove(p, "listen.drain_delay", l.DrainDelay, "listen.shutdown_timeout", l.ShutdownTimeout)
	within(p, "listen.max_connections", l.MaxConnections, 1, 1000000)
}

func (c Config) checkPlatform(p *Problems) {
	for _, name := range []struct{ key, value string }{
		{"platform.name_zh", c.Platform.NameZH}, {"platform.name_en", c.Platform.NameEN},
	} {
		if name.value == "" || len([]rune(name.value)) > 60 {
			p.add(name.key, name.value, "is empty or longer than 60 characters; users read it on every page")
		}
	}
	if strings.Trim(c.Platform.SupportPhone, "0123456789+- ()/") != "" {
		p.add("platform.support_phone", c.Platform.SupportPhone, "is not a telephone number")
	}
	if u := c.Platform.ManualURL; u != "" && !isWebAddress(u, "https") {
		p.add("platform.manual_url", u, "is not an https address")
	}
}

// mailDomain is at least two labels of RFC 1035 §2.3.1.
var mailDomain = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (c Config) checkOperations(p *Problems) {
	if u := c.Telemetry.OTLPEndpoint; u != "" && !isWebAddress(u, "https", "http") {
		p.add("telemetry.otlp_endpoint", "", "is not an address such as http://127.0.0.1:4318, without user and password")
	}
	if r := c.Telemetry.SampleRatio; !(r >= 0 && r <= 1) {
		p.add("telemetry.sample_ratio", fmt.Sprint(r), "is not between 0 and 1")
	}
	oneOf(p, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(p, "log.format", c.Log.Format, "json", "text")
	for _, target := range c.Clients.OutboundAllow {
		if host, port, ok := hostPort(target); !ok || host == "" || port == "0" || strings.ContainsAny(host, "*?/@") {
			p.add("clients.outbound_allow", target, `is not host:port, such as "erp.intranet:8443"; patterns are not allowed`)
		}
	}
	if file := c.Clients.StatementIssuersFile; file != "" && !c.Protocol.Registration {
		p.add("clients.statement_issuers_file", file, "means nothing while protocol.registration is false; remove it, or set that to true")
	}
	switch d := c.Clients.SubstituteEmailDomain; {
	case d != "" && (len(d) > 190 || !mailDomain.MatchString(d)):
		p.add("clients.substitute_email_domain", d, `is not a domain in small letters, such as "users.invalid.example.gov.cn"`)
	case d == "" && c.Clients.SubstituteEmailVerified:
		p.add("clients.substitute_email_verified", "true", "means nothing without clients.substitute_email_domain")
	}
	switch f := c.Fixture; {
	case f.File != "" && !f.Enabled:
		p.add("fixture.file", f.File, "would let in whoever knows the file; remove it, or set fixture.enabled to true for a certification run")
	case f.Enabled && f.File == "":
		p.add("fixture.file", "", "is missing beside fixture.enabled")
	}
	between(p, "audit.retention", c.Audit.Retention, minAudit, 100*365*24*time.Hour)
}

// between holds a length of time to its bounds, both included.
func between(p *Problems, key string, d, low, high time.Duration) {
	if d < low || d > high {
		p.add(key, d.String(), fmt.Sprintf("is not between %v and %v", low, high))
	}
}

// within holds a number to its bounds, both included.
func within(p *Problems, key string, n, low, high int) {
	if n < low || n > high {
		p.add(key, strconv.Itoa(n), fmt.Sprintf("is not between %d and %d", low, high))
	}
}

// notAbove holds one life to another that bounds it.
func notAbove(p *Problems, key string, d time.Duration, other string, limit time.Duration) {
	if d > limit {
		p.add(key, d.String(), fmt.Sprintf("is longer than %s (%v)", other, limit))
	}
}

// oneOf holds a word to a list.
func oneOf(p *Problems, key, value string, allowed ...string) {
	for _, one := range allowed {
		if value == one {
			return
		}
	}
	p.add(key, value, "is none of "+strings.Join(allowed, ", "))
}

// isLoopback tells whether host is this machine to itself.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// hostPort splits host:port with a numeric port; the host may be empty.
func hostPort(s string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " \t") {
		return "", "", false
	}
	return host, port, port == "0" || isPort(port)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// isWebAddress tells whether s is an absolute URL of one of the schemes,
// without user information.
func isWebAddress(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	for _, scheme := range schemes {
		if u.Scheme == scheme {
			return true
		}
	}
	return false
}
