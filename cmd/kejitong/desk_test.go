package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/keys"
	"kejitong/store"
	"kejitong/store/storetest"
)

// desk is an operator with a shell: a configuration file, an embedded database
// and the command line.
type desk struct {
	t    *testing.T
	dir  string
	conf string
	o    store.Options
}

// cabinet is the root key and the keys of this process's first desk, for all
// others: RSA keys are slow to find.
var cabinet struct {
	sync.Mutex
	root string
	rows []keys.Row
}

// newDesk writes a configuration with a root key; more is further YAML. The
// database holds keys and nothing else.
func newDesk(t *testing.T, more string) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), o: storetest.SQLite(t)}
	cabinet.Lock()
	defer cabinet.Unlock()
	root := filepath.Join(d.dir, "root.key")
	if cabinet.root == "" {
		d.makes("keys", "root", "--out", root)
		text, err := os.ReadFile(root)
		if err != nil {
			t.Fatal(err)
		}
		cabinet.root = string(text)
	}
	d.file("root.key", cabinet.root)
	d.conf = d.file("kejitong.yaml", fmt.Sprintf(`
issuer: http://localhost:8080
listen:
  address: 127.0.0.1:8080
  internal_address: %s
database:
  driver: sqlite
  path: %s
keys:
  root_key_file: %s
log:
  level: error
%s`, quietAddress(t), d.o.Path, root, more))
	if cabinet.rows != nil {
		db, err := openDatabase(t.Context(), d.config())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.AddKeys(t.Context(), cabinet.rows, deed(audit.KeyRotated, "keys", "test")), db.Close()); err != nil {
			t.Fatal(err)
		}
		return d
	}
	d.inside(func(a *app) {
		err := a.ring.Prepare(t.Context())
		if err == nil {
			cabinet.rows, err = a.db.Keys(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	return d
}

// makes runs a command line that takes no configuration.
func (d *desk) makes(args ...string) string {
	d.t.Helper()
	var out bytes.Buffer
	if err := dispatch(d.t.Context(), args, &out); err != nil {
		d.t.Fatalf("kejitong %s: %v", strings.Join(args, " "), err)
	}
	return out.String()
}

// as is the same desk for a part of the test.
func (d *desk) as(t *testing.T) *desk {
	other := *d
	other.t = t
	return &other
}

// quietAddress is a loopback address where nobody listens.
func quietAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// file writes a file that is the owner's alone.
func (d *desk) file(name, content string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

func (d *desk) config() config.Config {
	d.t.Helper()
	c, err := loadConfig(d.conf)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// run runs a command line, with --config after its verbs.
func (d *desk) run(args ...string) (string, error) {
	var out bytes.Buffer
	line := append([]string{}, args...)
	for i := 0; i <= len(line); i++ {
		if i == len(line) || strings.HasPrefix(line[i], "-") {
			line = append(line[:i:i], append([]string{"--config", d.conf}, line[i:]...)...)
			break
		}
	}
	err := dispatch(d.t.Context(), line, &out)
	return out.String(), err
}

// does runs a command line that must succeed.
func (d *desk) does(args ...string) string {
	d.t.Helper()
	out, err := d.run(args...)
	if err != nil {
		d.t.Fatalf("kejitong %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// tells runs a command line with --json and reads what it prints into v.
func (d *desk) tells(v any, args ...string) {
	d.t.Helper()
	out := d.does(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		d.t.Fatalf("kejitong %s: %v in %s", strings.Join(args, " "), err, out)
	}
}

// refuses runs a command line that must be refused; the refusal begins with
// the flag and holds what it must and nothing that it must not.
func (d *desk) refuses(flag string, holds, never []string, args ...string) {
	d.t.Helper()
	out, err := d.run(args...)
	if err == nil {
		d.t.Fatalf("kejitong %s: done: %s", strings.Join(args, " "), out)
	}
	if flag != "" && !strings.HasPrefix(err.Error(), "--"+flag) {
		d.t.Errorf("the refusal does not name --%s: %v", flag, err)
	}
	for _, text := range holds {
		if !strings.Contains(err.Error(), text) {
			d.t.Errorf("the refusal does not say %q: %v", text, err)
		}
	}
	for _, text := range never {
		if strings.Contains(err.Error()+out, text) {
			d.t.Errorf("the refusal shows %q: %v %s", text, err, out)
		}
	}
}

// inside opens the database as a command does.
func (d *desk) inside(fn func(a *app)) {
	d.t.Helper()
	err := inVault(d.t.Context(), d.conf, func(a *app) error {
		fn(a)
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// person enters a verified natural person.
func (d *desk) person(login string) {
	d.t.Helper()
	number := aNumber
	switch login { // one document, one verified account
	case "lisi":
		number = "110000199001010013"
	case "wangwu":
		number = "110000199001010080"
	}
	d.does("account", "add", "--kind", "natural_person", "--login", login, "--generate-password", "--realname", "verified",
		"--name", "张三", "--id-number", number, "--phone", "18711111111")
}
