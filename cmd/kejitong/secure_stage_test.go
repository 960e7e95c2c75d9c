package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/store"
)

// authority is a certificate authority of a test: what the provider serves with
// and what its clients trust.
type authority struct {
	roots *x509.CertPool
	file  string // its own certificate, PEM
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, dir string) *authority {
	t.Helper()
	sheet := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: now().Add(-time.Hour), NotAfter: now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &authority{roots: x509.NewCertPool(), file: filepath.Join(dir, "authority.pem")}
	var der []byte
	a.key, der = signed(t, sheet, sheet, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.roots.AddCert(a.cert)
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// signed makes a key and its certificate after sheet, signed by parent's key;
// without one by its own.
func signed(t testing.TB, sheet, parent *x509.Certificate, by *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, sheet, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// issue makes a certificate and gives the files of it and of its key.
func (a *authority) issue(t testing.TB, name string, sheet *x509.Certificate) (certFile, keyFile string) {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	sheet.SerialNumber, sheet.NotBefore, sheet.NotAfter, sheet.KeyUsage = serial, now().Add(-time.Hour), now().Add(24*time.Hour), x509.KeyUsageDigitalSignature
	key, der := signed(t, sheet, a.cert, a.key)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(filepath.Dir(a.file), name)
	writePEM(t, base+".pem", "CERTIFICATE", der)
	writePEM(t, base+".key", "PRIVATE KEY", raw)
	return base + ".pem", base + ".key"
}

func writePEM(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newSecureArena serves https itself, with a certificate of an authority of its
// own. tweak and alter may be nil.
func newSecureArena(t *testing.T, o store.Options, tweak func(*config.Config), alter func(*app)) (*arena, *authority) {
	t.Helper()
	ca := newAuthority(t, t.TempDir())
	certFile, keyFile := ca.issue(t, "provider", &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := "https://localhost:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	s := arenaOf(t, newStageAt(t, o, l, issuer, func(c *config.Config) {
		c.Listen.TLS = config.TLS{CertFile: certFile, KeyFile: keyFile, ReloadInterval: time.Minute}
		if tweak != nil {
			tweak(c)
		}
	}, alter), o)
	over := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	t.Cleanup(over.CloseIdleConnections)
	s.over = over
	return s, ca
}
