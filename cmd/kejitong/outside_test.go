package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/store/storetest"
)

// outsider is a program of somebody else's module that knows go-oidc and
// nothing of ours. It prints what it learnt.
const outsider = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	check(err)
	rp := oauth2.Config{ClientID: os.Getenv("CLIENT"), ClientSecret: os.Getenv("SECRET"), Endpoint: provider.Endpoint(),
		RedirectURL: "http://127.0.0.1:9998/cb", Scopes: []string{"openid", "org", "entitlements"}}
	verifier := oauth2.GenerateVerifier()
	fmt.Println(rp.AuthCodeURL("s", oidc.Nonce("n"), oauth2.S256ChallengeOption(verifier)))
	var code string
	_, err = fmt.Scanln(&code)
	check(err)
	tok, err := rp.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	check(err)
	raw, _ := tok.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: rp.ClientID}).Verify(ctx, raw)
	check(err)
	if id.Nonce != "n" {
		check(fmt.Errorf("nonce %q", id.Nonce))
	}
	var claims struct {
		Org struct{ USCC string }
		Entitlements []string
	}
	check(id.Claims(&claims))
	info, err := provider.UserInfo(ctx, rp.TokenSource(ctx, tok))
	check(err)
	fmt.Println(claims.Org.USCC, claims.Entitlements, info.Subject == id.Subject)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`

// A program outside the module that uses go-oidc alone signs a unit in against
// "kejitong serve" on PostgreSQL, set up by the command line alone.
func TestStoryOfAnOutsider(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "kejitong")
	run(t, ".", nil, "go", "build", "-o", binary, ".")
	public, internal := freeAddress(t), freeAddress(t)
	issuer := "http://" + public
	write(t, dir, "dsn", storetest.Postgres(t).DSN)
	write(t, dir, "kejitong.yaml", fmt.Sprintf("issuer: %s\ndocuments: {folder: %q}\nlisten:\n  address: %s\n  internal_address: %s\ndatabase:\n  driver: postgres\n  dsn_file: %s\nkeys:\n  root_key_file: %s\n",
		issuer, filepath.Join(dir, "documents"), public, internal, filepath.Join(dir, "dsn"), filepath.Join(dir, "root.key")))
	cfg := filepath.Join(dir, "kejitong.yaml")
	write(t, dir, "secret", "outsider-secret-0123456789abcdefghijklmnopqrs")
	write(t, dir, "password", "Long-enough-pa55")
	kj := func(args ...string) string { return run(t, dir, nil, binary, args...) }
	kj("keys", "root", "--out", filepath.Join(dir, "root.key"))
	kj("migrate", "--config", cfg)
	kj("grant", "system", "--config", cfg, "--code", "hightech_enterprise", "--name-zh", "高企认定", "--name-en", "High-tech", "--action", "apply")
	kj("client", "add", "--config", cfg, "--id", "outsider", "--name", "Outsider", "--system", "hightech_enterprise", "--first-party",
		"--secret-file", filepath.Join(dir, "secret"), "--redirect-uri", "http://127.0.0.1:9998/cb")
	kj("account", "add", "--config", cfg, "--kind", "legal_entity", "--login", demoUSCC, "--password-file", filepath.Join(dir, "password"),
		"--realname", "verified", "--level", "L2", "--method", "auto", "--uscc", demoUSCC, "--unit-name", "示例科技有限公司",
		"--legal-rep-name", "李四", "--legal-rep-id-number", "440000198512319997")
	kj("grant", "add", "--config", cfg, "--login", demoUSCC, "--uscc", demoUSCC, "--system", "hightech_enterprise", "--action", "apply")

	server := exec.CommandContext(t.Context(), binary, "serve", "--config", cfg)
	var log syncBuffer
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	ready(t, "http://"+internal+"/readyz", &log)
	kj("doctor", "--config", cfg)

	module := filepath.Join(dir, "outsider")
	if err := os.Mkdir(module, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, module, "main.go", outsider)
	// The same versions as ours, so that nothing has to be downloaded.
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write(t, module, "go.mod", strings.Replace(strings.ReplaceAll(string(mod), "replace github.com/ory/x => ./third_party/oryx", ""), "module kejitong", "module outsider", 1))
	write(t, module, "go.sum", string(sum))
	program := filepath.Join(module, "outsider")
	run(t, module, nil, "go", "build", "-mod=mod", "-o", program, ".")

	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "ISSUER="+issuer, "CLIENT=outsider", "SECRET=outsider-secret-0123456789abcdefghijklmnopqrs")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out, complaints syncBuffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(out.String(), "\n") && complaints.String() == "" {
		time.Sleep(10 * time.Millisecond)
	}
	s := &stage{t: t, issuer: issuer, cast: &performance{accounts: []demoAccount{{Case: "b", Kind: "legal_entity", Username: demoUSCC, Password: "Long-enough-pa55"}}}}
	b := s.browser()
	p := b.signIn(s, b.get(strings.TrimSpace(out.String())), "b")
	if _, err := fmt.Fprintln(in, callback(t, p).Get("code")); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("outsider: %v\n%s", err, complaints.String())
	}
	if want := demoUSCC + " [hightech_enterprise:apply] true"; !strings.Contains(out.String(), want) {
		t.Errorf("the outsider learnt %q, want %q", out.String(), want)
	}
	// SIGTERM: what is under way finishes and the process leaves in good order.
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("serve after an interrupt: %v\n%s", err, log.String())
	}
	if strings.Contains(log.String(), "Long-enough-pa55") || strings.Contains(log.String(), "outsider-secret") {
		t.Error("a secret stands in the log")
	}
}

func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), complaints.String())
	}
	return out.String()
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// ready waits until the server says so, or fails with its log.
func ready(t *testing.T, url string, log *syncBuffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		res, err := http.Get(url) //nolint:gosec // an address of this test
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s was never ready:\n%s", url, log.String())
}
