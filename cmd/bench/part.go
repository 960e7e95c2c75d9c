package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// part is what one database gave.
type part struct {
	database    string
	about       string
	fingerprint string
	seeding     time.Duration
	limits      machineLimits
	alone       databaseLimits
	results     []result
	pressure    []pressed
	steps       []step
}

// siteMeter reads CPU time of server and database, and the WAL.
type siteMeter struct {
	server *server
	place  *place
}

func (m siteMeter) read(ctx context.Context) (usage, float64, error) {
	postmaster, wal := 0, -1.0
	if c := m.place.postgres; c != nil {
		postmaster = c.postmaster
		var err error
		if wal, err = c.walBytes(ctx); err != nil {
			return usage{}, 0, err
		}
	}
	u, err := readUsage(m.server.pid(), postmaster)
	return u, wal, err
}

// signedIn is how many users each worker has.
const signedIn = 4

// runOn measures one database from an empty one to its end.
func runOn(ctx context.Context, o options, database string, m machineLimits, say func(string, ...any)) (_ part, err error) {
	out := part{database: database, about: "SQLite " + sqliteAbout}
	p, err := newPlace(ctx, database, o.postgres)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, p.remove(context.WithoutCancel(ctx))) }()
	out.fingerprint = p.fingerprint()
	if p.postgres != nil {
		out.about = p.postgres.about
	}
	say("%s: %d accounts", database, o.accounts)
	began := time.Now()
	s, err := seed(ctx, p, o)
	if err != nil {
		return out, fmt.Errorf("seed: %w", err)
	}
	if p.postgres != nil {
		if err := p.postgres.settle(ctx); err != nil {
			return out, err
		}
	}
	out.seeding = time.Since(began)
	say("%s: the database's limits", database)
	postmaster := 0
	if p.postgres != nil {
		postmaster = p.postgres.postmaster
	}
	out.alone, err = calmest(o.again, func() (l databaseLimits, disturbed float64, err error) {
		disturbed, err = watched(ctx, postmaster, func(ctx context.Context) (err error) {
			l, err = measureDatabase(ctx, p, o)
			return err
		})
		return l, disturbed, err
	})
	if err != nil {
		return out, err
	}
	out.limits = m.at(out.alone)
	srv, err := startServer(ctx, o.binary, p)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, srv.stop()) }()
	if err := out.measure(ctx, o, s, siteMeter{srv, p}, say); err != nil {
		return out, fmt.Errorf("%w\nthe server's last words:\n%s", err, tail(p.path("server.log")))
	}
	return out, nil
}

// sqliteAbout says how the store opens its file.
const sqliteAbout = "(modernc.org/sqlite, in the server's process), WAL, synchronous FULL, one writer"

func (p *part) measure(ctx context.Context, o options, s *site, m siteMeter, say func(string, ...any)) error {
	var taken atomic.Int64
	fresh := func() string { // persons without a unit: every one of them once
		n := int(taken.Add(1) - 1)
		return loginOf((n/3*5 + 2 + n%3) % s.accounts)
	}
	users, err := admit(ctx, s, signedIn*o.workers)
	if err != nil {
		return err
	}
	best := map[string]result{}
	for _, r := range rows(s) {
		if o.rows != nil && !o.rows.MatchString(r.name) {
			continue
		}
		res, err := p.once(ctx, o, r, load{workers: o.workers}, s, users, fresh, m)
		if err != nil {
			return err
		}
		say("%s: %-40s %8.0f /s", p.database, r.name, res.rate())
		best[r.name] = res
		p.results = append(p.results, res)
	}
	for _, pr := range pressures(s, o, best) {
		res, err := p.once(ctx, o, pr.row, pr.load, s, users, fresh, m)
		if err != nil {
			return fmt.Errorf("%s: %w", pr.name, err)
		}
		pr.result = res
		say("%s: %-40s %8.0f /s, %d refused", p.database, pr.name, res.rate(), res.shed)
		p.pressure = append(p.pressure, pr)
	}
	if m.place.postgres != nil && o.rows == nil {
		say("%s: statements of each step", p.database)
		p.steps, err = countSteps(ctx, o, s, m.place.postgres, fresh)
	}
	return err
}

// once drives a row with a team of its own, again if others disturbed it.
func (p *part) once(ctx context.Context, o options, r row, l load, s *site, users []*user, fresh func() string, m meter) (result, error) {
	l.warmUp, l.period, l.passes = o.warmUp, o.period, o.passes
	return calmest(o.again, func() (result, float64, error) {
		team := hire(s, l.workers, users, fresh)
		defer dismiss(team)
		res, err := drive(ctx, r, l, team, m)
		return res, res.disturbed(), err
	})
}

// admit signs n users in, units and handlers by turns, each through the pages.
func admit(ctx context.Context, s *site, n int) ([]*user, error) {
	p := &peer{address: s.address}
	defer p.close()
	var users []*user
	for i := range n {
		u, err := s.signIn(ctx, p, s.code["ES256"], loginOf((i/2*5+i%2)%s.accounts))
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

// pressed is a row under more than it can take, or under less.
type pressed struct {
	name   string
	row    row
	load   load
	peak   float64 // operations per second of the row by itself
	offers string
	result result
}

// pressures are what the peak of a row is held against: five times the
// workers, five times the arrivals, and 70 % of the arrivals.
func pressures(s *site, o options, best map[string]result) []pressed {
	var out []pressed
	for _, r := range rows(s) {
		peak, ok := best[r.name]
		if !ok {
			continue
		}
		switch {
		case strings.HasSuffix(r.name, "signed-in user, ES256"):
			out = append(out,
				pressed{name: "code flow, ES256, five times the workers", row: r, load: load{workers: 5 * o.workers}, peak: peak.rate(), offers: fmt.Sprintf("%d workers", 5*o.workers)},
				pressed{name: "code flow, ES256, at 70 %", row: r, load: load{workers: 4 * o.workers, rate: .7 * peak.rate()}, peak: peak.rate(), offers: fmt.Sprintf("%.0f /s", .7*peak.rate())})
		case r.name == "password sign-in":
			r.mayShed = true
			out = append(out, pressed{name: "password sign-in, five times the arrivals", row: r, load: load{workers: 32 * o.workers, rate: 5 * peak.rate()}, peak: peak.rate(),
				offers: fmt.Sprintf("%.0f /s", 5*peak.rate())})
		}
	}
	return out
}
