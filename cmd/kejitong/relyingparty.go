package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"kejitong/cmd/kejitong/relyingparty"
)

// relyingPartyCommand runs one demonstration relying party until ctx ends.
func relyingPartyCommand(ctx context.Context, args []string, out io.Writer) error {
	f := flags("relyingparty", out)
	s := relyingparty.System{Log: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	f.StringVar(&s.Name, "name", "", "name on its pages")
	f.StringVar(&s.NameEN, "name-en", "", "English name")
	f.StringVar(&s.Code, "code", "", "code of the business system, such as hightech_enterprise")
	f.StringVar(&s.Issuer, "issuer", "", "the provider, as its discovery document names it")
	f.StringVar(&s.ClientID, "client-id", "", "client id")
	secretFile := f.String("client-secret-file", "", "file that holds the client's secret")
	f.StringVar(&s.BaseURL, "base-url", "", "address under which browsers reach this system")
	listen := f.String("listen", ":8081", "address to listen on, host:port")
	scope := f.String("scope", "openid profile phone org entitlements", "scopes to ask for, separated by blanks")
	if err := f.Parse(args); err != nil {
		return err
	}
	for _, need := range []struct{ flag, value, what string }{
		{"name", s.Name, "the name on its pages"}, {"issuer", s.Issuer, "the provider's address"},
		{"client-id", s.ClientID, "the client id that it is registered with"}, {"client-secret-file", *secretFile, "the file that holds its secret"},
	} {
		if need.value == "" {
			return missing(need.flag, need.what)
		}
	}
	if err := checkCode("code", s.Code); err != nil {
		return err
	}
	for flag, address := range map[string]string{"issuer": s.Issuer, "base-url": s.BaseURL} {
		if u, err := url.Parse(strings.TrimSuffix(address, "/")); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
			return refuse(flag, address, "is no scheme, host and port such as https://hightech.example.gov.cn")
		}
	}
	var err error
	if s.ClientSecret, err = readSecret("client-secret-file", *secretFile); err != nil {
		return err
	}
	s.Scopes = strings.Fields(*scope)
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return refuse("listen", *listen, err.Error())
	}
	if _, err := fmt.Fprintf(out, "%s for %s listens on %s\n", s.ClientID, s.BaseURL, l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	return serveUntil(ctx, l, s.Handler())
}

// serveUntil serves until ctx ends, then lets requests under way finish.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return srv.Shutdown(grace)
}
