package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/config"
)

// TestStarts: what a careful operator writes is taken as it is.
func TestStarts(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(*testing.T, *installation)
		check func(config.Config) bool
	}{
		{"behind a proxy", func(*testing.T, *installation) {}, func(c config.Config) bool {
			return c.Issuer == "https://sso.example.gov.cn" && !c.Listen.TLS.Enabled() &&
				slices.Equal(c.Listen.TrustedProxies, []netip.Prefix{netip.MustParsePrefix("10.20.0.0/24")}) &&
				len(c.Keys.RootKey.Bytes()) == 32 && strings.HasSuffix(c.Database.DSN.Text(), "sslmode=verify-full")
		}},
		{"environment over YAML", func(_ *testing.T, in *installation) {
			in.yaml += "tokens: {code_ttl: 30s, access_ttl: 5m}\n"
			in.env = []string{"KEJITONG_TOKENS__CODE_TTL=20s", "KEJITONG_CLIENTS__OUTBOUND_ALLOW=a.intranet:443, 10.0.0.9:8443"}
		}, func(c config.Config) bool {
			return c.Tokens.CodeTTL == 20*time.Second && c.Tokens.AccessTTL == 5*time.Minute &&
				slices.Equal(c.Clients.OutboundAllow, []string{"a.intranet:443", "10.0.0.9:8443"})
		}},
		{"empty variables and empty keys count as absent", func(_ *testing.T, in *installation) {
			in.yaml += "tokens:\nsessions: {}\nlog: {level: }\n"
			in.env = []string{"KEJITONG_ISSUER=", "KEJITONG_LOG__FORMAT="}
		}, func(c config.Config) bool {
			return c.Issuer == "https://sso.example.gov.cn" && c.Log.Level == "info" && c.Log.Format == "json" && c.Tokens.CodeTTL == time.Minute
		}},
		{"variables of the tests are no keys", func(_ *testing.T, in *installation) {
			in.env = []string{"KEJITONG_TEST_POSTGRES=postgres://x", "PATH=/bin", "NOTHING"}
		}, func(config.Config) bool { return true }},
		{"systemd credentials", func(t *testing.T, in *installation) {
			if err := os.Rename(in.path("dsn"), in.path("database_dsn")); err != nil {
				t.Fatal(err)
			}
			in.yaml = "issuer: https://sso.example.gov.cn\nlisten: {trusted_proxies: [10.20.0.0/24]}\n"
			in.env = []string{"CREDENTIALS_DIRECTORY=" + in.dir}
		}, func(c config.Config) bool { return c.Keys.RootKey.IsSet() && c.Database.DSN.IsSet() }},
		{"loopback over http with debug", func(_ *testing.T, in *installation) {
			in.replace("https://sso.example.gov.cn", "http://localhost:8080")
			in.replace(`":8443"`, "127.0.0.1:8080")
			in.replace("trusted_proxies", "# trusted_proxies")
			in.yaml += "debug: true\n"
		}, func(c config.Config) bool { return c.Debug && c.IssuerIsLoopback() && !c.IssuerIsHTTPS() }},
		{"IPv6 loopback", func(_ *testing.T, in *installation) {
			in.replace("https://sso.example.gov.cn", `"http://[::1]:8080"`)
			in.replace(`":8443"`, `"[::1]:8080"`)
		}, func(c config.Config) bool { return c.IssuerIsLoopback() }},
		{"sqlite", func(_ *testing.T, in *installation) {
			in.replace("dsn_file: "+in.path("dsn"), "driver: sqlite\n  path: /var/lib/kejitong/sso.db")
		}, func(c config.Config) bool { return c.Database.Path == "/var/lib/kejitong/sso.db" }},
		{"unix socket without password", func(t *testing.T, in *installation) {
			in.write(t, "dsn", "postgres://app@/sso?host=/run/postgresql", 0o400)
		}, func(c config.Config) bool { return c.Database.DSN.IsSet() }},
		{"root key in hex", func(t *testing.T, in *installation) {
			in.write(t, "root_key", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n", 0o400)
		}, func(c config.Config) bool { return c.Keys.RootKey.Bytes()[0] == 0x9f }},
		{"own TLS, key for the group ssl-cert", func(t *testing.T, in *installation) {
			in.withCertificate(t, 0o640)
			in.replace("trusted_proxies", "# trusted_proxies")
		}, func(c config.Config) bool { return c.Listen.TLS.Enabled() }},
		{"retention in days", func(_ *testing.T, in *installation) { in.yaml += "audit: {retention: 180d}\n" },
			func(c config.Config) bool { return c.Audit.Retention == 4320*time.Hour }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := newInstallation(t)
			test.edit(t, in)
			c, err := in.load(t)
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(c) {
				t.Errorf("not as written:\n%s", strings.Join(c.Lines(), "\n"))
			}
			if err := c.Validate(); err != nil {
				t.Errorf("Load() took what Validate() refuses: %v", err)
			}
		})
	}
}

// TestRefusesBadCertificate: the private key of the listener is a secret too.
func TestRefusesBadCertificate(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*testing.T, *installation)
		key   string
	}{
		{"key world-readable", func(t *testing.T, in *installation) { in.withCertificate(t, 0o644) }, "listen.tls.key_file"},
		{"key missing", func(t *testing.T, in *installation) {
			in.withCertificate(t, 0o600)
			_ = os.Remove(in.path("tls.key"))
		}, "listen.tls.key_file"},
		{"certificate missing", func(t *testing.T, in *installation) {
			in.withCertificate(t, 0o600)
			_ = os.Remove(in.path("tls.pem"))
		}, "listen.tls.cert_file"},
		{"key of another certificate", func(t *testing.T, in *installation) {
			in.withCertificate(t, 0o600)
			old, err := os.ReadFile(in.path("tls.pem"))
			if err != nil {
				t.Fatal(err)
			}
			in.withCertificate(t, 0o600)
			in.write(t, "tls.pem", string(old), 0o644)
		}, "listen.tls.cert_file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := newInstallation(t)
			test.spoil(t, in)
			_, err := in.load(t)
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Key != test.key {
				t.Errorf("Load() = %v, want one problem of %s", err, test.key)
			}
		})
	}
}

// withCertificate makes a self-signed pair and names it in the environment.
func (in *installation) withCertificate(t *testing.T, mode os.FileMode) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sso.example.gov.cn"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	in.write(t, "tls.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	in.write(t, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), mode)
	in.env = []string{"KEJITONG_LISTEN__TLS__CERT_FILE=" + in.path("tls.pem"), "KEJITONG_LISTEN__TLS__KEY_FILE=" + in.path("tls.key")}
}

// TestFingerprint: two configurations that differ in one limit differ in it,
// two with different secrets in the same files do not.
func TestFingerprint(t *testing.T) {
	in := newInstallation(t)
	first, err := in.load(t)
	if err != nil {
		t.Fatal(err)
	}
	in.env = []string{"KEJITONG_PASSWORDS__ARGON2_TIME=3"}
	second, err := in.load(t)
	if err != nil {
		t.Fatal(err)
	}
	if first.Fingerprint() == second.Fingerprint() {
		t.Error("another cost of hashing has the same fingerprint")
	}
	second.Passwords.Argon2Time = first.Passwords.Argon2Time
	second.Keys.RootKey = config.NewSecret([]byte("another"))
	if first.Fingerprint() != second.Fingerprint() {
		t.Error("the fingerprint depends on a secret")
	}
}
