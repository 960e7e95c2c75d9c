package main

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/lib/pq"

	"kejitong/store"
)

// link is a wire to PostgreSQL that can be cut.
type link struct {
	options store.Options // reach the database through the wire
	t       testing.TB
	address string
	dial    func() (net.Conn, error)

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
}

func newLink(t testing.TB, o store.Options) *link {
	t.Helper()
	cfg, err := pq.NewConfig(o.DSN)
	if err != nil {
		t.Fatal(err)
	}
	network, target := "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	if cfg.Host != "" && cfg.Host[0] == '/' {
		network, target = "unix", cfg.Host+"/.s.PGSQL."+strconv.Itoa(int(cfg.Port))
	}
	l := &link{t: t, address: "127.0.0.1:0", dial: func() (net.Conn, error) { return net.Dial(network, target) }}
	l.mend()
	host, port, err := net.SplitHostPort(l.address)
	if err != nil {
		t.Fatal(err)
	}
	l.options = o
	l.options.DSN = "host=" + host + " port=" + port + " user='" + cfg.User + "' password='" + cfg.Password + "' dbname='" + cfg.Database + "' sslmode=disable"
	t.Cleanup(l.cut)
	return l
}

// mend opens the wire.
func (l *link) mend() {
	l.t.Helper()
	ln, err := net.Listen("tcp", l.address)
	if err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.address, l.listener, l.conns = ln.Addr().String(), ln, map[net.Conn]bool{}
	go func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := l.dial()
			if err != nil {
				_ = near.Close()
				continue
			}
			l.keep(near, far)
			go pipe(near, far)
			go pipe(far, near)
		}
	}()
}

func (l *link) keep(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		if l.conns == nil { // cut meanwhile
			_ = c.Close()
			continue
		}
		l.conns[c] = true
	}
}

// cut breaks every connection and refuses new ones.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.listener.Close()
	for c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from) // either side may go at any moment
	_ = to.Close()
	_ = from.Close()
}
