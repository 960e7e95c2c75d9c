package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"kejitong/config"
)

// certificate is a key pair that is read anew when its files change.
type certificate struct {
	files config.TLS
	log   *slog.Logger
	pair  atomic.Pointer[tls.Certificate]
}

func newCertificate(files config.TLS, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log}
	return c, c.load()
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.pair.Store(&pair)
	return nil
}

// watch reloads until ctx ends; a pair that does not load leaves the old one in
// place.
func (c *certificate) watch(ctx context.Context) {
	t := time.NewTicker(c.files.ReloadInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := c.load(); err != nil {
				c.log.Error("certificate not reloaded", "error", err)
			}
		}
	}
}

// tlsConfig allows TLS 1.3 and, of TLS 1.2, the six ECDHE AEAD suites alone:
// Go's default list still holds CBC suites.
func tlsConfig(c *certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil },
	}
}
