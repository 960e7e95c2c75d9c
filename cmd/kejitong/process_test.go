package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/store/storetest"
)

// serveVariable holds the configuration file that this test binary is to serve.
const serveVariable = "KEJITONG_TEST_SERVE"

// TestServeProcess is what a process started by replica does: it runs "kejitong
// serve" until it is told to stop or its parent is gone. Among the other tests
// it does nothing. So replicas are processes of their own, under the race
// detector when their parent is, and need no second build.
func TestServeProcess(t *testing.T) {
	path := os.Getenv(serveVariable)
	if path == "" {
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent closes it, or ends
		stop()
	}()
	if err := serve(ctx, []string{"--config", path}, io.Discard); err != nil {
		t.Fatal(err)
	}
}

// process is a replica in an operating-system process of its own.
type process struct {
	url    string
	cmd    *exec.Cmd
	in     io.Closer
	log    syncBuffer
	exited chan struct{}
	killed bool
}

// fleet is a provider of several processes on one PostgreSQL, and one more
// replica within the test, which seeds and asks.
type fleet struct {
	*rig
	replicas []*process
	conf     string // the configuration file that they share, and that commands take
}

// newFleet starts n replicas. tweak sees the configuration that all share.
func newFleet(t *testing.T, n int, tweak func(*config.Config)) *fleet {
	t.Helper()
	root := make([]byte, 32)
	rand.Read(root) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	o := storetest.Postgres(t)
	r := newRig(t, o, func(c *config.Config) {
		c.Keys.RootKey = config.NewSecret(root) // serve refuses the one that tests share
		c.Database.MaxOpen = 8
		if tweak != nil {
			tweak(c)
		}
	}, nil)
	dir := t.TempDir()
	write(t, dir, "dsn", o.DSN)
	write(t, dir, "root", base64.StdEncoding.EncodeToString(root))
	write(t, dir, "kejitong.yaml", fmt.Sprintf(`
issuer: %s
listen: {address: "127.0.0.1:0", internal_address: "127.0.0.1:0", shutdown_timeout: 5s}
database: {driver: postgres, dsn_file: %q, max_open: 16, max_idle: 16}
documents: {folder: %q}
keys: {root_key_file: %q}
tokens: {refresh_grace: %s}
clients: {outbound_allow: [%s]}
realname: {verifier: %s, registry_name: %q}
log: {access: false}
`, r.name(), filepath.Join(dir, "dsn"), filepath.Join(dir, "documents"), filepath.Join(dir, "root"), r.cast.config.Tokens.RefreshGrace, strings.Join(r.cast.config.Clients.OutboundAllow, ", "),
		r.cast.config.RealName.Verifier, r.cast.config.RealName.RegistryName))
	f := &fleet{rig: r, conf: filepath.Join(dir, "kejitong.yaml")}
	var wg sync.WaitGroup
	for range n {
		p := &process{exited: make(chan struct{})}
		f.replicas = append(f.replicas, p)
		p.start(t, f.conf)
		t.Cleanup(func() { p.end(t) })
		wg.Go(func() { p.await(t) })
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return f
}

func (p *process) start(t *testing.T, path string) {
	t.Helper()
	p.cmd = exec.Command(os.Args[0], "-test.run=^TestServeProcess$", "-test.timeout=0") //nolint:gosec // this very program
	p.cmd.Env = append(os.Environ(), serveVariable+"="+path)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.exited) }() // how it ended is in cmd.ProcessState
}

// await reads in the log where the process listens.
func (p *process) await(t *testing.T) {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		lines := bufio.NewScanner(strings.NewReader(p.log.String()))
		for lines.Scan() {
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				p.url = "http://" + line.Address
				return
			}
		}
		select {
		case <-p.exited:
			t.Errorf("a replica stopped:\n%s", p.log.String())
			return
		default:
		}
	}
	t.Errorf("a replica never served:\n%s", p.log.String())
}

// kill is kill -9; it comes back when the process is gone.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.killed = true
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.exited
}

// end lets the process finish and looks at what it logged.
func (p *process) end(t *testing.T) {
	_ = p.in.Close() // it is gone already where it was killed
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		t.Error("a replica does not stop")
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	log := p.log.String()
	if !p.killed && !p.cmd.ProcessState.Success() || strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic") {
		t.Errorf("a replica ended with %v:\n%s", p.cmd.ProcessState, log)
	}
	for line := range bytes.Lines([]byte(log)) {
		if bytes.Contains(line, []byte(`"level":"ERROR"`)) {
			t.Errorf("a replica complained: %s", line)
		}
	}
}

// balancer spreads connections over the replicas in turn, as a TCP balancer in
// front does, and leaves out those that do not answer.
type balancer struct {
	l        net.Listener
	mu       sync.Mutex
	backends []string
	turn     atomic.Int64
}

func newBalancer(t testing.TB) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := &balancer{l: l}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go b.carry(near)
		}
	}()
	return b
}

func (b *balancer) url() string { return "http://" + b.l.Addr().String() }

// to sets who stands behind.
func (b *balancer) to(replicas ...*process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = nil
	for _, p := range replicas {
		b.backends = append(b.backends, strings.TrimPrefix(p.url, "http://"))
	}
}

func (b *balancer) carry(near net.Conn) {
	b.mu.Lock()
	backends := b.backends
	b.mu.Unlock()
	for range backends {
		far, err := net.Dial("tcp", backends[int(b.turn.Add(1))%len(backends)])
		if err != nil {
			continue
		}
		go pipe(near, far)
		pipe(far, near)
		return
	}
	_ = near.Close()
}
