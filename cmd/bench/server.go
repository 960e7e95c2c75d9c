package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// buildServer builds the binary as it is shipped, without cgo.
func buildServer(ctx context.Context, root, dir string) (string, error) {
	binary := filepath.Join(dir, "kejitong")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/kejitong") //nolint:gosec // no input of others
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return binary, nil
}

// server is a running kejitong.
type server struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan error
}

// startServer runs "serve" and waits until it is ready. Its log goes to a file,
// as a service manager would have it.
func startServer(ctx context.Context, binary string, p *place) (*server, error) {
	log, err := os.OpenFile(p.path("server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(binary, "serve", "--config", p.file), log: log, done: make(chan error, 1)} //nolint:gosec // built above, or named on the command line
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "KEJITONG_") { // the shipped default, whatever the shell says
			s.cmd.Env = append(s.cmd.Env, v)
		}
	}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() { s.done <- s.cmd.Wait() }()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-s.done:
			return nil, fmt.Errorf("the server ended at once: %w\n%s", err, tail(p.path("server.log")))
		default:
		}
		if ready(ctx, p.config.Listen.InternalAddress) && ready(ctx, p.config.Listen.Address) {
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("the server is not ready\n%s", tail(p.path("server.log"))), s.stop())
}

// ready asks /readyz of the internal listener, /healthz of the public one.
func ready(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// stop ends the server and waits for it.
func (s *server) stop() error {
	defer func() { _ = s.log.Close() }()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		return err
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("the server did not stop"), s.cmd.Process.Kill())
	}
}

// tail is the end of a log.
func tail(path string) string {
	b, err := os.ReadFile(path) //nolint:gosec // our own log
	if err != nil {
		return ""
	}
	if len(b) > 2000 {
		b = b[len(b)-2000:]
	}
	return string(b)
}
