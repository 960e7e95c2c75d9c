package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// helloWord is the argument with which this program runs itself as the
// smallest net/http server there is.
const helloWord = "serve-hello"

// serveHello prints its address and serves until it is killed.
func serveHello(out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return err
	}
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello\n") // the load hung up: it is over
	})}
	return srv.Serve(l)
}

// processMeter reads CPU time alone.
type processMeter struct{ pid int }

func (m processMeter) read(context.Context) (usage, float64, error) {
	u, err := readUsage(m.pid, 0)
	return u, -1, err
}

// measureHello drives it, in a process of its own, with the load of the rows:
// what the network, net/http and the load itself cost at least.
func measureHello(ctx context.Context, o options) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, self, helloWord) //nolint:gosec // this program
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	defer func() {
		_ = cmd.Process.Kill() // it ends in no other way
		_ = cmd.Wait()
	}()
	address, err := bufio.NewReader(pipe).ReadString('\n')
	if err != nil {
		return result{}, errors.Join(errors.New("hello does not start"), err)
	}
	s := &site{address: strings.TrimSpace(address)}
	team := hire(s, o.workers, nil, nil)
	defer dismiss(team)
	return drive(ctx, row{name: "hello", do: func(ctx context.Context, w *worker) error { return w.document(ctx, "/", "hello") }},
		load{workers: o.workers, warmUp: o.warmUp / 2, period: o.moment(), passes: o.passes}, team, processMeter{cmd.Process.Pid})
}

// hire makes a team on one site; users are dealt out among its members.
func hire(s *site, n int, users []*user, fresh func() string) []*worker {
	team := make([]*worker, n)
	for i := range team {
		team[i] = &worker{site: s, peer: &peer{address: s.address}, fresh: fresh}
		for j := i; j < len(users); j += n {
			team[i].users = append(team[i].users, users[j])
		}
		if len(team[i].users) == 0 && len(users) > 0 {
			team[i].users = []*user{users[i%len(users)]}
		}
	}
	return team
}

func dismiss(team []*worker) {
	for _, w := range team {
		w.peer.close()
	}
}
