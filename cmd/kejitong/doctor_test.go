package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/store"
	"kejitong/store/storetest"
)

// visit is what the doctor says, by check; the worst verdict of a check counts.
func (d *desk) visit() (map[string]finding, error) {
	d.t.Helper()
	out, err := d.run("doctor", "--json")
	var said struct {
		OK     bool
		Checks []finding
	}
	if json.Unmarshal([]byte(out), &said) != nil || said.OK != (err == nil) {
		d.t.Fatalf("%v and %s", err, out)
	}
	all := map[string]finding{}
	for _, f := range said.Checks {
		if old, there := all[f.Check]; !there || old.Verdict == verdictOK || f.Verdict == verdictFailed {
			all[f.Check] = f
		}
		if f.Verdict == verdictFailed && f.Remedy == "" && f.Check != "configuration" {
			d.t.Errorf("%s fails without a remedy: %s", f.Check, f.Detail)
		}
	}
	return all, err
}

func (d *desk) finds(check string, v verdict, holds string) {
	d.t.Helper()
	all, err := d.visit()
	f := all[check]
	if f.Verdict != v || !strings.Contains(f.Detail+f.Remedy, holds) || (err != nil) != (v == verdictFailed) {
		d.t.Errorf("%s: %+v, %v; want %s with %q among %+v", check, f, err, v, holds, all)
	}
}

// rewrite changes the configuration file.
func (d *desk) rewrite(old, new string) {
	d.t.Helper()
	b, err := os.ReadFile(d.conf)
	if err != nil || !bytes.Contains(b, []byte(old)) {
		d.t.Fatalf("%v: no %q in %s", err, old, b)
	}
	d.file("kejitong.yaml", strings.Replace(string(b), old, new, 1))
}

// postgres turns the configuration to the database that the file names.
func (d *desk) postgres(dsnFile string) {
	d.t.Helper()
	d.rewrite("driver: sqlite", "driver: postgres\n  dsn_file: "+dsnFile)
	d.rewrite("  path: "+d.o.Path+"\n", "")
}

// lose removes the embedded database.
func (d *desk) lose() {
	d.t.Helper()
	files, err := filepath.Glob(d.o.Path + "*")
	if err != nil || len(files) == 0 {
		d.t.Fatalf("no database to lose: %v", err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, check string
		v           verdict
		holds       string
		do          func(d *desk)
	}{
		{"no configuration", "configuration", verdictFailed, "", func(d *desk) { d.conf = filepath.Join(d.dir, "nowhere") }},
		{"an issuer over http", "configuration", verdictFailed, "issuer", func(d *desk) { d.rewrite("http://localhost:8080", "http://sso.example.cn") }},
		{"a root key for all the world", "configuration", verdictFailed, "chmod 600", func(d *desk) {
			if err := os.Chmod(filepath.Join(d.dir, "root.key"), 0o644); err != nil { //nolint:gosec // the point of the test
				d.t.Fatal(err)
			}
		}},
		{"another root key", "keys", verdictFailed, "root key", func(d *desk) {
			other := filepath.Join(d.dir, "other.key")
			d.makes("keys", "root", "--out", other)
			d.rewrite("root.key", "other.key")
		}},
		{"no database server", "database", verdictFailed, "database.*", func(d *desk) {
			dsn := d.file("dsn", "postgres://kejitong:very2secret9indeed@"+quietAddress(d.t)+"/kejitong?sslmode=disable")
			d.postgres(dsn)
		}},
		{"a server that is not well", "server", verdictFailed, "503", func(d *desk) {
			d.neighbour(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
		}},
		{"something else on the internal address", "server", verdictFailed, "healthz", func(d *desk) {
			d.neighbour(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
		}},
		{"a database in use and no server", "database", verdictFailed, "another process", func(d *desk) { d.occupy() }},

		{"no database yet", "database", verdictWarning, "migrate", func(d *desk) {
			d.lose()
		}},
		{"a schema of old", "database", verdictWarning, "0 of", func(d *desk) {
			d.lose()
			if err := os.WriteFile(d.o.Path, nil, 0o600); err != nil {
				d.t.Fatal(err)
			}
		}},
		{"logouts that nobody delivers", "outbox", verdictWarning, "2 deliveries", func(d *desk) { d.owes(11*time.Minute, 2*time.Minute) }},
		{"debug", "debug", verdictWarning, "browsers", func(d *desk) { d.rewrite("log:", "debug: true\nlog:") }},
		{"a fixture", "fixture", verdictWarning, "can sign in", func(d *desk) { d.rewrite("log:", "fixture: {enabled: true, file: f.yaml}\nlog:") }},
		{"a loopback issuer", "issuer", verdictWarning, "this machine alone", func(*desk) {}},
		{"another port than the issuer's", "listen", verdictWarning, "8080", func(d *desk) { d.rewrite("address: 127.0.0.1:8080", "address: 127.0.0.1:8090") }},
		{"metrics for everybody", "internal", verdictWarning, "127.0.0.1", func(d *desk) {
			d.rewrite("internal_address: 127.0.0.1:", "internal_address: 0.0.0.0:")
		}},

		{"logouts that were just queued", "outbox", verdictOK, "2 deliveries", func(d *desk) { d.owes(9*time.Minute, 2*time.Minute) }},
		{"logouts put off", "outbox", verdictOK, "0 deliveries", func(d *desk) { d.owes(-10 * time.Minute) }},
		{"documents that nobody scans", "scans", verdictWarning, "1 documents", func(d *desk) { d.waits(11 * time.Minute) }},
		{"documents that were just held", "scans", verdictOK, "1 documents", func(d *desk) { d.waits(time.Minute) }},
		{"all is well", "keys", verdictOK, "open with the root key", func(*desk) {}},
		{"a healthy server", "server", verdictOK, "healthy", func(d *desk) { d.neighbour(well) }},
		{"a database in use by a healthy server", "database", verdictOK, "running server", func(d *desk) {
			d.neighbour(well)
			d.occupy()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, "")
			c.do(d)
			d.finds(c.check, c.v, c.holds)
			out, _ := d.run("doctor")
			if strings.Contains(out, "very2secret9indeed") || strings.Contains(out, strings.TrimSpace(cabinet.root)) {
				t.Errorf("the doctor tells a secret: %s", out)
			}
		})
	}
}

// owes queues a logout for each time since when it is due.
func (d *desk) owes(since ...time.Duration) {
	d.t.Helper()
	beside := openBeside(d.t, d.o)
	for i, ago := range since {
		_, err := beside.ExecContext(d.t.Context(), `
INSERT INTO outbox (id, kind, key, payload, attempts, created_at, due_at) VALUES (?, 'backchannel_logout', 'rp', '{}', 0, 0, ?)`,
			string(rune('a'+i)), now().Add(-ago).UnixMilli())
		if err != nil {
			d.t.Fatal(err)
		}
	}
	if err := beside.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// waits holds a document that was handed in some time ago.
func (d *desk) waits(ago time.Duration) {
	d.t.Helper()
	beside := openBeside(d.t, d.o)
	for _, statement := range []string{
		`INSERT INTO document_cases (id, touched_at, closed_at, erase_at) VALUES ('c', ?, 0, 0)`,
		`INSERT INTO documents (id, owner, case_id, kind, state, pages, size, scan, dek, blob, created_at, erased_at) VALUES ('d', 'o', 'c', 'other', 1, 1, 1, 'waiting', 'x', 'b', ?, 0)`,
	} {
		if _, err := beside.ExecContext(d.t.Context(), statement, now().Add(-ago).UnixMilli()); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := beside.Close(); err != nil {
		d.t.Fatal(err)
	}
}

var well = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		healthy(w)
	}
})

// neighbour serves h on the internal address.
func (d *desk) neighbour(h http.Handler) {
	d.t.Helper()
	l, err := net.Listen("tcp", d.config().Listen.InternalAddress)
	if err != nil {
		d.t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}} //nolint:gosec // a test
	srv.Start()
	d.t.Cleanup(srv.Close)
}

// occupy holds the embedded database as a server does.
func (d *desk) occupy() {
	d.t.Helper()
	db, err := store.Open(d.t.Context(), d.o)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = db.Close() })
}

// TestDoctorChangesNothing: neither schema nor keys appear because somebody
// looked for them.
func TestDoctorChangesNothing(t *testing.T) {
	d := newDesk(t, "")
	d.lose()
	d.does("doctor")
	if _, err := os.Stat(d.o.Path); err == nil {
		t.Fatal("the doctor made a database")
	}
	d.does("migrate")
	d.finds("keys", verdictWarning, "first start")
	db, err := store.Open(t.Context(), d.o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if rows, err := db.Keys(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("the doctor made %d keys, %v", len(rows), err)
	}
}

func TestDoctorOnPostgres(t *testing.T) {
	o := storetest.EmptyPostgres(t)
	d := newDesk(t, "")
	d.postgres(d.file("dsn", o.DSN))
	d.finds("database", verdictWarning, "0 of")
	d.does("migrate")
	d.person("zhangsan") // makes the keys
	all, err := d.visit()
	for _, check := range []string{"configuration", "database", "clock", "keys", "server", "certificate"} {
		if all[check].Verdict != verdictOK {
			t.Errorf("%s: %+v", check, all[check])
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func TestDoctorOnCertificates(t *testing.T) {
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	d := &desk{t: t, dir: t.TempDir()}
	day := 24 * time.Hour
	good, key := d.certificate("good", at.Add(-day), at.Add(90*day), "sso.example.cn")
	_, foreign := d.certificate("foreign", at.Add(-day), at.Add(90*day), "sso.example.cn")
	soon, soonKey := d.certificate("soon", at.Add(-day), at.Add(29*day), "sso.example.cn")
	ended, endedKey := d.certificate("ended", at.Add(-90*day), at.Add(-day), "sso.example.cn")
	ahead, aheadKey := d.certificate("ahead", at.Add(day), at.Add(90*day), "sso.example.cn")
	other, otherKey := d.certificate("other", at.Add(-day), at.Add(90*day), "www.example.cn")
	wild, wildKey := d.certificate("wild", at.Add(-day), at.Add(90*day), "*.example.cn")
	for _, c := range []struct {
		name, cert, key string
		want            verdict
		holds           string
	}{
		{"another's key", good, foreign, verdictFailed, "its own key"},
		{"no certificate", filepath.Join(d.dir, "nowhere"), key, verdictFailed, "PEM"},
		{"no PEM", d.file("text", "hello"), key, verdictFailed, "PEM"},
		{"ended yesterday", ended, endedKey, verdictFailed, "renew"},
		{"begins tomorrow", ahead, aheadKey, verdictFailed, "clock"},
		{"another host", other, otherKey, verdictFailed, "www.example.cn"},
		{"ends in 29 days", soon, soonKey, verdictWarning, "renew"},
		{"good", good, key, verdictOK, "2027-02-21"},
		{"good by a wildcard", wild, wildKey, verdictOK, ""},
		{"none, TLS in front", "", "", verdictOK, "in front"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := config.Default()
			conf.Issuer, conf.Listen.TLS.CertFile, conf.Listen.TLS.KeyFile = "https://sso.example.cn", c.cert, c.key
			var e examination
			e.certificate(conf, at)
			if len(e.findings) != 1 || e.findings[0].Verdict != c.want || !strings.Contains(e.findings[0].Detail+e.findings[0].Remedy, c.holds) {
				t.Errorf("got %+v", e.findings)
			}
		})
	}
}

// certificate makes a self-signed certificate and gives its two files.
func (d *desk) certificate(name string, from, until time.Time, host string) (cert, key string) {
	d.t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		d.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		d.t.Fatal(err)
	}
	encode := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return d.file(name+".pem", encode("CERTIFICATE", der)), d.file(name+".key", encode("PRIVATE KEY", private))
}

func TestDoctorOnClocks(t *testing.T) {
	for _, c := range []struct {
		apart time.Duration
		want  verdict
	}{{31 * time.Second, verdictFailed}, {3 * time.Second, verdictWarning}, {1900 * time.Millisecond, verdictOK}, {0, verdictOK}} {
		var e examination
		e.difference(c.apart)
		if e.findings[0].Verdict != c.want {
			t.Errorf("%v apart: %+v", c.apart, e.findings)
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		before := time.Now().Add(-time.Minute)
		if got, err := db.Clock(t.Context()); err != nil || got.Before(before) || got.After(before.Add(2*time.Minute)) || got.Location() != time.UTC {
			t.Errorf("the database's clock says %v, %v", got, err)
		}
	})
}
