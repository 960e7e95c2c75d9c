package main

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"testing"
	"time"

	"kejitong/config"
)

// FAPI 2.0 Security Profile §5.2.2, BCP 195: what a handshake really ends in,
// for certificates of both kinds. Old versions and suites without forward
// secrecy or AEAD are refused.
func TestTLSHandshakes(t *testing.T) {
	a := newAuthority(t, t.TempDir())
	cert, key := a.issue(t, "server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	c, err := newCertificate(config.TLS{CertFile: cert, KeyFile: key, ReloadInterval: time.Minute}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", tlsConfig(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.(*tls.Conn).Handshake() // its outcome is the client's to see
				_ = conn.Close()
			}()
		}
	}()
	try := func(low, high uint16, suites ...uint16) (tls.ConnectionState, error) {
		d := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{RootCAs: a.roots, ServerName: "127.0.0.1", MinVersion: low, MaxVersion: high, CipherSuites: suites}} //nolint:gosec // old versions are the point
		conn, err := d.Dial("tcp", l.Addr().String())
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer func() { _ = conn.Close() }()
		return conn.(*tls.Conn).ConnectionState(), nil
	}
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if s, err := try(v, v); err == nil {
			t.Errorf("a handshake by %s", tls.VersionName(s.Version))
		}
	}
	if s, err := try(tls.VersionTLS12, 0); err != nil || s.Version != tls.VersionTLS13 {
		t.Errorf("the best of both is %s, %v; want TLS 1.3", tls.VersionName(s.Version), err)
	}
	good := map[uint16]bool{ // those of an ECDSA certificate; the RSA three are their twins
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: true, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: true, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: true,
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suite.SupportedVersions[len(suite.SupportedVersions)-1] == tls.VersionTLS13 && len(suite.SupportedVersions) == 1 {
			continue // not up to anybody's configuration
		}
		_, err := try(tls.VersionTLS12, tls.VersionTLS12, suite.ID)
		if (err == nil) != good[suite.ID] {
			t.Errorf("%s alone: %v, want a handshake: %v", suite.Name, err, good[suite.ID])
		}
	}
	allowed := map[uint16]bool{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: true, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: true, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: true,
	}
	for id := range good {
		allowed[id] = true
	}
	for _, id := range tlsConfig(c).CipherSuites {
		if !allowed[id] {
			t.Errorf("%s is configured", tls.CipherSuiteName(id))
		}
		delete(allowed, id)
	}
	if len(allowed) > 0 {
		t.Errorf("%d suites are missing", len(allowed))
	}
}
