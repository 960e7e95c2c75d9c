package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRelyingPartyRefuses(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir()}
	secret := d.file("secret", aSecret)
	good := []string{
		"--name", "高企", "--code", "hightech_enterprise", "--issuer", "http://localhost:8080", "--client-id", "rp", "--client-secret-file", secret,
		"--base-url", "http://127.0.0.1:8081", "--listen", "127.0.0.1:0",
	}
	for _, c := range []struct {
		name, flag string
		more       []string
	}{
		{"no name", "name", []string{"--name", ""}},
		{"no code", "code", []string{"--code", ""}},
		{"code with capitals", "code", []string{"--code", "High"}},
		{"no issuer", "issuer", []string{"--issuer", ""}},
		{"issuer with a path", "issuer", []string{"--issuer", "https://sso.example.cn/oidc"}},
		{"no client id", "client-id", []string{"--client-id", ""}},
		{"no secret", "client-secret-file", []string{"--client-secret-file", ""}},
		{"secret that is not there", "client-secret-file", []string{"--client-secret-file", "/nowhere"}},
		{"no base URL", "base-url", []string{"--base-url", ""}},
		{"base URL by script", "base-url", []string{"--base-url", "javascript:1"}},
		{"address that is none", "listen", []string{"--listen", "nowhere"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := dispatch(t.Context(), append(append([]string{"relyingparty"}, good...), c.more...), &bytes.Buffer{})
			if err == nil || !strings.HasPrefix(err.Error(), "--"+c.flag) || strings.Contains(err.Error(), aSecret) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRelyingPartyRuns starts a system, reads its page and stops it.
func TestRelyingPartyRuns(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir()}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, done := &syncBuffer{}, make(chan error, 1)
	address := quietAddress(t)
	go func() {
		done <- dispatch(ctx, []string{"relyingparty", "--name", "高企认定", "--code", "hightech_enterprise", "--issuer", "http://localhost:1", "--client-id", "rp",
			"--client-secret-file", d.file("secret", aSecret+"\n"), "--base-url", "http://" + address, "--listen", address}, out)
	}()
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !strings.Contains(out.String(), address) {
		select {
		case err := <-done:
			t.Fatalf("ended before it began: %v", err)
		case <-deadline.Done():
			t.Fatal("it does not start")
		case <-time.After(5 * time.Millisecond):
		}
	}
	resp, err := http.Get("http://" + address + "/") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "高企认定") {
		t.Errorf("%d %v", resp.StatusCode, err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("it ends badly: %v", err)
	}
}
