package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"kejitong/config"
	"kejitong/store"
)

// place is a folder with everything that one server needs, and its database.
type place struct {
	dir      string
	file     string // the configuration
	config   config.Config
	postgres *cluster // nil on SQLite
}

// newPlace makes the folder, an empty database (a new one in the PostgreSQL at
// server) and a configuration that leaves everything at the shipped default but
// names, addresses and secrets.
func newPlace(ctx context.Context, database, server string) (p *place, err error) {
	p = &place{}
	if p.dir, err = os.MkdirTemp("", "kejitong-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.remove(context.WithoutCancel(ctx)))
		}
	}()
	public, internal, err := freePorts()
	if err != nil {
		return p, err
	}
	root := make([]byte, 32)
	if _, err := rand.Read(root); err != nil {
		return p, err
	}
	if err := p.write("root.key", base64.StdEncoding.EncodeToString(root)); err != nil {
		return p, err
	}
	text := fmt.Sprintf("issuer: http://127.0.0.1:%d\nlisten:\n  address: 127.0.0.1:%d\n  internal_address: 127.0.0.1:%d\nkeys:\n  root_key_file: %s\ndocuments:\n  folder: %s\ndatabase:\n  driver: %s\n",
		public, public, internal, strconv.Quote(p.path("root.key")), strconv.Quote(p.path("documents")), database)
	switch database {
	case config.DriverPostgres:
		if p.postgres, err = newCluster(ctx, server); err != nil {
			return p, err
		}
		if err := p.write("dsn", p.postgres.dsn); err != nil {
			return p, err
		}
		text += "  dsn_file: " + strconv.Quote(p.path("dsn")) + "\n"
	case config.DriverSQLite:
		text += "  path: " + strconv.Quote(p.path("kejitong.db")) + "\n"
	}
	p.file = p.path("kejitong.yaml")
	if err := p.write("kejitong.yaml", text); err != nil {
		return p, err
	}
	if p.config, err = config.Load(p.file, nil); err != nil {
		return p, err
	}
	return p, p.config.Validate()
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) write(name, content string) error {
	return os.WriteFile(p.path(name), []byte(content), 0o600)
}

// remove leaves nothing behind.
func (p *place) remove(ctx context.Context) error {
	var err error
	if p.postgres != nil {
		err = p.postgres.drop(ctx)
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

func (p *place) storeOptions() store.Options {
	d := p.config.Database
	return store.Options{Driver: d.Driver, DSN: d.DSN.Text(), Path: d.Path, MaxOpen: d.MaxOpen, MaxIdle: d.MaxIdle, ConnMaxLifetime: d.ConnMaxLifetime,
		StatementTimeout: d.StatementTimeout}
}

// fingerprint is that of the configuration without the places that differ from
// run to run, so that two runs can be compared.
func (p *place) fingerprint() string {
	c := p.config
	c.Issuer, c.Listen.Address, c.Listen.InternalAddress = "", "", ""
	c.Keys.RootKeyFile, c.Database.DSNFile, c.Database.Path = "", "", ""
	return c.Fingerprint()
}

// freePorts finds two ports that nobody listens on now.
func freePorts() (a, b int, err error) {
	ports := make([]int, 2)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, 0, err
		}
		defer func() { _ = l.Close() }()
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return 0, 0, errors.New("a TCP listener without a port")
		}
		ports[i] = address.Port
	}
	return ports[0], ports[1], nil
}

// moduleRoot finds the folder of go.mod from here upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run this inside the repository: it builds the server from it")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
