package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"kejitong/config"
	"kejitong/provider/outbound"
	"kejitong/store"
)

// verdict is how one check came out. Only a failure fails the examination.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictWarning verdict = "warning"
	verdictFailed  verdict = "failed"
)

// finding is one line of the examination.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail"`
	Remedy  string  `json:"remedy,omitempty"`
}

// examination collects findings, in the order of the checks.
type examination struct{ findings []finding }

func (e *examination) ok(check, format string, args ...any) {
	e.findings = append(e.findings, finding{check, verdictOK, fmt.Sprintf(format, args...), ""})
}

func (e *examination) warn(check, detail, remedy string) {
	e.findings = append(e.findings, finding{check, verdictWarning, detail, remedy})
}

func (e *examination) fail(check, detail, remedy string) {
	e.findings = append(e.findings, finding{check, verdictFailed, detail, remedy})
}

func (e *examination) failures() int {
	n := 0
	for _, f := range e.findings {
		if f.Verdict == verdictFailed {
			n++
		}
	}
	return n
}

// doctor examines an installation and changes nothing. It is what a container's
// health check runs, so beside a healthy server it finds no failure.
func doctor(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("doctor", out)
	if err := f.read(args); err != nil {
		return err
	}
	if f.config == "" {
		return missing("config", "the configuration file")
	}
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	var e examination
	if c, ok := e.configuration(f.config); ok {
		e.addresses(c)
		e.certificate(c, now())
		e.mutual(c, now())
		e.documents(ctx, c)
		e.senders(ctx, c)
		if _, err := publishers(c.Clients.StatementIssuersFile, &outbound.Client{Allow: c.Clients.OutboundAllow}); err != nil {
			e.fail("statements", err.Error(), "serve does not start with it")
		}
		if c.Fixture.Enabled {
			e.warn("fixture", "whoever knows "+c.Fixture.File+" can sign in", "set fixture.enabled to false where real users are")
		}
		e.server(ctx, c)
		e.database(ctx, c)
	}
	if err := e.print(f); err != nil {
		return err
	}
	if n := e.failures(); n > 0 {
		return fmt.Errorf("%d check(s) failed", n)
	}
	return nil
}

func (e *examination) print(f *sheet) error {
	var text strings.Builder
	for _, one := range e.findings {
		fmt.Fprintf(&text, "%-8s %-14s %s", one.Verdict, one.Check, one.Detail)
		if one.Remedy != "" {
			fmt.Fprintf(&text, "; %s", one.Remedy)
		}
		text.WriteByte('\n')
	}
	return f.print(struct {
		OK     bool      `json:"ok"`
		Checks []finding `json:"checks"`
	}{e.failures() == 0, e.findings}, text.String())
}

// configuration loads the file and what it names.
func (e *examination) configuration(path string) (config.Config, bool) {
	const check = "configuration"
	c, err := config.Load(path, os.Environ())
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			e.fail(check, p.String(), "")
		}
		return c, false
	case err != nil:
		e.fail(check, err.Error(), "")
		return c, false
	}
	e.ok(check, "%s is complete", path)
	return c, true
}

// inUse is how the store refuses a file that another process has open.
const inUse = "another process"

// database opens the database without touching the schema, and what is in it.
func (e *examination) database(ctx context.Context, c config.Config) {
	const check = "database"
	d := c.Database
	if d.Driver == config.DriverSQLite {
		if _, err := os.Stat(d.Path); err != nil {
			e.warn(check, d.Path+" is not there yet", "kejitong migrate or serve makes it")
			return
		}
	}
	db, err := store.Open(ctx, store.Options{
		Driver: d.Driver, DSN: d.DSN.Text(), Path: d.Path, MaxOpen: 2, ConnMaxLifetime: d.ConnMaxLifetime, StatementTimeout: d.StatementTimeout,
	})
	if err != nil && d.Driver == config.DriverSQLite && strings.Contains(err.Error(), inUse) {
		e.beside()
		return
	}
	if err != nil {
		e.fail(check, err.Error(), "look at database.* in the configuration, and whether the database runs and lets this role in")
		return
	}
	defer func() {
		if err := db.Close(); err != nil {
			e.fail(check, err.Error(), "")
		}
	}()
	current, wanted, err := db.MigrationState(ctx)
	switch {
	case err != nil:
		e.fail(check, "the schema cannot be read: "+err.Error(), "look at the rights of the database's role")
		return
	case current > wanted:
		e.fail(check, fmt.Sprintf("the schema is of version %d, this program knows %d", current, wanted), "run the newer program")
		return
	case current < wanted:
		e.warn(check, fmt.Sprintf("%s answers; its schema is of version %d of %d", d.Driver, current, wanted), "kejitong migrate or serve brings it up to date")
		return
	}
	e.ok(check, "%s answers; schema version %d of %d", d.Driver, current, wanted)
	e.clock(ctx, db)
	e.keys(ctx, c, db)
	e.outbox(ctx, db)
	e.scans(ctx, db)
	e.rights(ctx, c, db)
}

// beside is what there is to say where a server has the embedded database.
func (e *examination) beside() {
	for _, f := range e.findings {
		if f.Check == "server" && f.Detail == serving {
			e.ok("database", "in use by the running server, which is healthy; clock and keys were checked when it started")
			return
		}
	}
	e.fail("database", "in use by another process, and no healthy server answers", "wait for that process, or stop it; an embedded database serves one process")
}
