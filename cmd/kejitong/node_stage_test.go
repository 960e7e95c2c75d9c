package main

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// nodeScript prepares a script of testdata/node: the program that runs it, its
// path, and the environment that trusts the plan's authority. Scripts find their
// libraries beside themselves, so they run from a folder that has both.
func (p *plan) nodeScript(name string) *exec.Cmd {
	p.t.Helper()
	home := os.Getenv("KEJITONG_TEST_NODE")
	if home == "" {
		home, _ = filepath.Abs(filepath.Join(root, ".tools", "node")) // where .ci/node installs by itself
	}
	if _, err := os.Stat(filepath.Join(home, "bin", "node")); err != nil {
		p.t.Fatalf("no relying parties of Node.js: run .ci/node, or set KEJITONG_TEST_NODE to what it printed, or run through make test: %v", err)
	}
	dir := p.t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "node", name))
	if err != nil {
		p.t.Fatal(err)
	}
	write(p.t, dir, name, string(text))
	if err := os.Symlink(filepath.Join(home, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), filepath.Join(home, "bin", "node"), filepath.Join(dir, name)) //nolint:gosec // chosen by who runs the tests
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+p.ca.file, "NODE_NO_WARNINGS=1")
	return cmd
}

// nodeParty is a relying party in a process of its own.
type nodeParty struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	wrong syncBuffer
}

// node starts openid-client as the relying party c; more says how it is to go
// about the sign-in.
func (p *plan) node(c *party, more map[string]any) *nodeParty {
	p.t.Helper()
	n := &nodeParty{t: p.t, cmd: p.nodeScript("rp.mjs")}
	var err error
	if n.in, err = n.cmd.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	n.out = bufio.NewScanner(out)
	n.out.Buffer(nil, 1<<20)
	n.cmd.Stderr = &n.wrong
	if err := n.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	guard := time.AfterFunc(time.Minute, func() { _ = n.cmd.Process.Kill() })
	p.t.Cleanup(func() {
		guard.Stop()
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait() // how it ended was seen by hear
	})
	ask := map[string]any{
		"issuer": p.issuer, "client_id": c.id, "secret": c.secret, "auth": c.meta.TokenEndpointAuthMethod, "redirect_uri": c.redirect, "scope": "openid email offline_access",
		"metadata": map[string]any{"id_token_signed_response_alg": c.meta.IDTokenSignedResponseAlg},
	}
	if c.key.key != nil {
		ask["key"], ask["alg"] = jose.JSONWebKey{Key: c.key.key, KeyID: c.key.kid, Algorithm: string(c.key.alg)}, c.key.alg
	}
	maps.Copy(ask, more)
	n.tell(ask)
	return n
}

func (n *nodeParty) tell(v any) {
	n.t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		_, err = n.in.Write(append(b, '\n'))
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// hear reads what the relying party says; if it says nothing, what went wrong.
func (n *nodeParty) hear() map[string]any {
	n.t.Helper()
	if !n.out.Scan() {
		_ = n.in.Close()
		_ = n.cmd.Wait() // its complaint says more than its status
		n.t.Fatalf("openid-client gave up:\n%s", n.wrong.String())
	}
	var m map[string]any
	if err := json.Unmarshal(n.out.Bytes(), &m); err != nil {
		n.t.Fatalf("%s: %v", n.out.Text(), err)
	}
	return m
}

// signIn walks the browser through the sign-in that the relying party began and
// gives what it learnt.
func (p *plan) nodeSignIn(b *browser, n *nodeParty) map[string]any {
	p.t.Helper()
	at := b.get(text(n.hear(), "url"))
	o := p.through(b, nil, at)
	if o.params == nil {
		p.t.Fatalf("the browser stayed at %s with %d:\n%s", o.page.Request.URL, o.page.StatusCode, o.page.body)
	}
	back := map[string]any{"url": o.page.Header.Get("Location")}
	if o.via == "form_post" {
		back = map[string]any{"url": p.first.redirect, "body": o.params.Encode()}
	}
	n.tell(back)
	return n.hear()
}
