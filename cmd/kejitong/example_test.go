package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/web/console"
	"kejitong/store/storetest"
)

// The examples that the console shows run as they stand there, with the secret in
// the environment: they sign somebody in and make every check of their library.
func TestExamplesSignIn(t *testing.T) {
	p := newPlan(t, storetest.SQLite(t), variant{response: "code", auth: "client_secret_basic"}, nil)
	for _, e := range []struct {
		name, file string
		run        func(p *plan, path string) *exec.Cmd
	}{
		{"Node.js", "server.mjs", func(p *plan, path string) *exec.Cmd {
			cmd := p.nodeScript("rp.mjs")                             // finds Node.js and its libraries
			return exec.CommandContext(p.t.Context(), cmd.Path, path) //nolint:gosec // chosen by who runs the tests
		}},
		{"Go (", "main.go", func(p *plan, path string) *exec.Cmd {
			binary := filepath.Join(p.t.TempDir(), "example")
			build := exec.CommandContext(p.t.Context(), "go", "build", "-o", binary, path) //nolint:gosec // a file of this test
			if out, err := build.CombinedOutput(); err != nil {
				p.t.Fatalf("%v\n%s", err, out)
			}
			return exec.CommandContext(p.t.Context(), binary) //nolint:gosec // built above
		}},
	} {
		p.sub(e.name, func(p *plan) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				p.t.Fatal(err)
			}
			address := l.Addr().String()
			_ = l.Close()
			c := p.party("example", "http://"+address+"/callback", func(m *client.Metadata) { m.PKCEOptional = false })
			dir := p.t.TempDir()
			for _, x := range console.Examples(p.issuer, c.id, c.redirect, "openid profile", false) {
				if strings.HasPrefix(x.Name, e.name) {
					write(p.t, dir, e.file, x.Text)
				}
				if strings.Contains(x.Text, c.secret) || strings.Contains(x.Text, "{{") || !strings.Contains(x.Text, c.id) || !strings.Contains(x.Text, p.issuer) {
					p.fail("example %s is not filled in, or holds the secret", x.Name)
				}
			}
			cmd := e.run(p, filepath.Join(dir, e.file))
			if home := os.Getenv("KEJITONG_TEST_NODE"); home != "" && e.file == "server.mjs" {
				if err := os.Symlink(filepath.Join(home, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
					p.t.Fatal(err)
				}
			}
			wrong := &syncBuffer{}
			cmd.Stderr = wrong
			cmd.Env = append(os.Environ(), "FUWU_CLIENT_SECRET="+c.secret, "NODE_EXTRA_CA_CERTS="+p.ca.file, "SSL_CERT_FILE="+p.ca.file)
			if err := cmd.Start(); err != nil {
				p.t.Fatal(err)
			}
			p.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			for range 600 { // until it listens
				if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
					_ = conn.Close()
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			b := p.agent()
			o := p.through(b, nil, b.get("http://"+address+"/"))
			if o.params == nil {
				p.t.Fatalf("the browser stayed at %s with %d\n%s\n%s", o.page.Request.URL, o.page.StatusCode, o.page.body, wrong.String())
			}
			done := b.get(o.page.Header.Get("Location"))
			if done.StatusCode != http.StatusOK || !strings.Contains(done.body, `"sub"`) || !strings.Contains(done.body, `"name"`) {
				p.t.Fatalf("%d %s\n%s", done.StatusCode, done.body, wrong.String())
			}
		})
	}
}
