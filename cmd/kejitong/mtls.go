package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"

	"kejitong/config"
	"kejitong/provider/oidc"
)

// mutualTLS makes what the provider needs to know about clients' certificates.
func mutualTLS(m config.MTLS) (oidc.MutualTLS, error) {
	out := oidc.MutualTLS{Base: m.PublicURL, Direct: m.Address != "", Header: m.ProxyHeader, PEM: m.ProxyHeaderForm == "pem"}
	if m.ClientCAFile == "" {
		return out, nil
	}
	bundle, err := os.ReadFile(m.ClientCAFile)
	if err != nil {
		return out, fmt.Errorf("listen.mtls.client_ca_file: %w", err)
	}
	out.Roots = x509.NewCertPool()
	if !out.Roots.AppendCertsFromPEM(bundle) {
		return out, fmt.Errorf("listen.mtls.client_ca_file: %s holds no certificate in PEM", m.ClientCAFile)
	}
	return out, nil
}

// mutualServer serves clients with certificates. The handshake asks for one and
// has its key proved; whose it is, the authentication method decides later, so
// that self-signed ones get through (RFC 8705 section 2).
func (a *app) mutualServer(tel *telemetry, work context.Context, jobs *sync.WaitGroup) (*http.Server, error) { //nolint:revive // the context is of the jobs, not of the call
	pair, err := newCertificate(a.cfg.Listen.Pair(), a.log)
	if err != nil {
		return nil, err
	}
	srv := a.server(tel.public(directOnly(a.handler)))
	srv.TLSConfig = tlsConfig(pair)
	srv.TLSConfig.ClientAuth = tls.RequestClientCert
	jobs.Go(func() { pair.watch(work) })
	return srv, nil
}

// directOnly lets through what systems call themselves. No page of the provider
// is served where browsers are asked for certificates.
func directOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(oidc.MutualPaths, r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
