package config

import (
	"bytes"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// rootKeySize is the length of the root key in bytes.
const rootKeySize = 32

// makeRootKey is the remedy for every bad root key.
const makeRootKey = `make one with "kejitong keys root --out FILE"`

// publishedKey is the key that documentation and examples show; whoever copies
// it shares it with everybody who reads them.
const publishedKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// publishedPasswords are those that images, manuals and examples ship with.
var publishedPasswords = []string{
	"admin", "changeit", "changeme", "change-me", "default", "demo", "example", "kejitong",
	"password", "passw0rd", "postgres", "postgresql", "root", "secret", "test", "replace-me",
}

// minPassword is the shortest database password accepted, in bytes.
const minPassword = 12

// checkRootKey holds the root key to 32 random bytes.
func (c Config) checkRootKey(p *Problems) {
	const key = "keys.root_key_file"
	root := c.Keys.RootKey.Bytes()
	if len(root) == 0 {
		p.add(key, "", "is missing; "+makeRootKey)
	} else if wrong := wrongRootKey(root); wrong != "" {
		p.add(key, c.Keys.RootKeyFile, wrong)
	}
}

// wrongRootKey says why these bytes are no root key, or "".
func wrongRootKey(root []byte) string {
	switch {
	case len(root) != rootKeySize:
		return "does not hold exactly 32 bytes; " + makeRootKey
	case hex.EncodeToString(root) == publishedKey:
		return "holds the key of the documentation, which everybody knows; " + makeRootKey
	case !looksRandom(root):
		return "holds bytes that are not random (zeros, a repetition or a written word); " + makeRootKey
	}
	return ""
}

// looksRandom refuses what no generator gives: fewer than 16 different bytes in
// 32 (chance below 10^-12), or nothing but printable text (below 10^-13).
func looksRandom(key []byte) bool {
	different := map[byte]bool{}
	printable := true
	for _, b := range key {
		different[b] = true
		if b < ' ' || b > '~' {
			printable = false
		}
	}
	half := len(key) / 2
	return len(different) >= 16 && !printable && !bytes.Equal(key[:half], key[half:])
}

// checkDatabase holds the database to one driver and its own keys. No message
// quotes the DSN, nor an error of url.Parse, which would.
func (c Config) checkDatabase(p *Problems) {
	d := c.Database
	oneOf(p, "database.driver", d.Driver, DriverPostgres, DriverSQLite)
	switch d.Driver {
	case DriverPostgres:
		if d.Path != "" {
			p.add("database.path", d.Path, "is for sqlite; remove it or set database.driver to sqlite")
		}
		if !d.DSN.IsSet() {
			p.add("database.dsn_file", "", "is missing; name the file that holds postgres://user:password@host:5432/database")
		} else if wrong := wrongDSN(d.DSN.Text()); wrong != "" {
			p.add("database.dsn_file", d.DSNFile, wrong)
		}
	case DriverSQLite:
		if d.DSNFile != "" {
			p.add("database.dsn_file", d.DSNFile, "is for postgres; remove it or set database.driver to postgres")
		}
		if d.Path == "" {
			p.add("database.path", "", "is missing; name SQLite's database file")
		} else if strings.ContainsAny(d.Path, "?#\x00") || strings.HasPrefix(d.Path, "file:") {
			p.add("database.path", d.Path, "is not a plain path")
		}
	}
	within(p, "database.max_open", d.MaxOpen, 2, 10000)
	within(p, "database.max_idle", d.MaxIdle, 0, max(d.MaxOpen, 0))
	between(p, "database.conn_max_lifetime", d.ConnMaxLifetime, time.Minute, 24*time.Hour)
	between(p, "database.statement_timeout", d.StatementTimeout, 100*time.Millisecond, 10*time.Minute)
}

// wrongDSN says what is wrong with a PostgreSQL address, or "".
func wrongDSN(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "does not hold an address such as postgres://user:password@host:5432/database?sslmode=verify-full (characters such as @ : / % in the password written as %40 and so on)"
	}
	query := u.Query()
	user, host := u.User.Username(), u.Hostname()
	if query.Has("user") {
		user = query.Get("user")
	}
	if query.Has("host") {
		host = query.Get("host")
	}
	if user == "" {
		return "holds an address without a user"
	}
	if strings.Trim(u.Path, "/") == "" && query.Get("dbname") == "" {
		return "holds an address without a database's name"
	}
	password, given := u.User.Password()
	if query.Has("password") {
		password, given = query.Get("password"), true
	}
	if !given || password == "" {
		// A unix socket proves the user by the kernel, a certificate by its key.
		if strings.HasPrefix(host, "/") || query.Has("sslcert") {
			return ""
		}
		return "holds an address without a password; only a unix socket or a client certificate does without"
	}
	for _, known := range append([]string{user}, publishedPasswords...) {
		if strings.EqualFold(password, known) {
			return "holds a default password, which everybody knows; give the role a random one"
		}
	}
	if len(password) < minPassword {
		return "holds a password of fewer than 12 characters; give the role a random one"
	}
	return ""
}
