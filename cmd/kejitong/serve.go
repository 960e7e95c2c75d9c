package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"kejitong/config"
	"kejitong/provider/keys"
	"kejitong/provider/torch"
)

// loadConfig reads the file that --config names and refuses what is wrong.
func loadConfig(path string) (config.Config, error) {
	if path == "" {
		return config.Config{}, errors.New("--config FILE is missing")
	}
	c, err := config.Load(path, os.Environ())
	if err != nil {
		return config.Config{}, err
	}
	return c, c.Validate()
}

// serve is the real thing.
func serve(ctx context.Context, args []string, out io.Writer) error {
	f := flags("serve", out)
	path := f.String("config", "", "configuration file (YAML)")
	if err := f.Parse(args); err != nil {
		return err
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	fewerCollections()
	log := newLogger(c.Log)
	if err := noCoreDumps(); err != nil {
		log.Warn("core dumps stay on", "error", err)
	}
	a, err := build(ctx, c, log)
	if err != nil {
		return err
	}
	if err := a.loadFixture(ctx, c.Fixture); err != nil {
		return errors.Join(err, a.close())
	}
	tel, err := newTelemetry(ctx, c, a)
	if err != nil {
		return errors.Join(err, a.close())
	}
	public, err := net.Listen("tcp", c.Listen.Address)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), a.close())
	}
	internal, err := net.Listen("tcp", c.Listen.InternalAddress)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), public.Close(), a.close())
	}
	if c.Listen.MTLS.Address != "" {
		if a.mutual, err = net.Listen("tcp", c.Listen.MTLS.Address); err != nil {
			return errors.Join(fmt.Errorf("listen: %w", err), public.Close(), internal.Close(), a.close())
		}
	}
	log.Info("serving", "issuer", c.Issuer, "address", public.Addr().String(), "internal", internal.Addr().String(), "version", version)
	err = a.run(ctx, []net.Listener{public}, internal, tel)
	return errors.Join(err, tel.close(), a.close())
}

// server makes an HTTP server with the limits of the configuration.
func (a *app) server(h http.Handler) *http.Server {
	l := a.cfg.Listen
	return &http.Server{
		Handler: h, ReadHeaderTimeout: l.ReadHeaderTimeout, ReadTimeout: l.ReadTimeout, WriteTimeout: l.WriteTimeout, IdleTimeout: l.IdleTimeout,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
}

// run serves until ctx ends, goes on for as long as balancers need to notice,
// then lets requests under way finish. Background work (outbox, key reload,
// sweeping) ends with it.
func (a *app) run(ctx context.Context, public []net.Listener, internal net.Listener, tel *telemetry) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var jobs sync.WaitGroup
	jobs.Go(func() { a.runner.Run(work) })
	jobs.Go(func() { a.tend(work) })
	jobs.Go(func() { a.toil(work) })
	jobs.Go(func() { a.sealTrail(work) })
	jobs.Go(func() { a.wrap(work) })
	jobs.Go(func() { a.reasons.Run(work) })

	srv := a.server(tel.public(a.handler))
	secure := a.cfg.Listen.TLS.Enabled()
	if secure {
		pair, err := newCertificate(a.cfg.Listen.TLS, a.log)
		if err != nil {
			stopWork()
			return err
		}
		srv.TLSConfig = tlsConfig(pair)
		jobs.Go(func() { pair.watch(work) })
	}
	servers := []*http.Server{srv}
	failed := make(chan error, len(public)+2)
	if a.mutual != nil {
		mutual, err := a.mutualServer(tel, work, &jobs)
		if err != nil {
			stopWork()
			return err
		}
		servers = append(servers, mutual)
		l := netutil.LimitListener(a.mutual, a.cfg.Listen.MaxConnections)
		go func() { failed <- mutual.ServeTLS(l, "", "") }()
	}
	for _, l := range public {
		l := netutil.LimitListener(l, a.cfg.Listen.MaxConnections)
		go func() {
			if secure {
				failed <- srv.ServeTLS(l, "", "")
				return
			}
			failed <- srv.Serve(l)
		}()
	}
	if internal != nil {
		ops := a.server(tel.internal(a))
		servers = append(servers, ops)
		go func() { failed <- ops.Serve(internal) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	}
	tel.drain()
	grace, cancel := context.WithTimeout(context.Background(), a.cfg.Listen.ShutdownTimeout)
	defer cancel()
	if err == nil {
		select {
		case <-time.After(a.cfg.Listen.DrainDelay):
		case err = <-failed:
			err = fmt.Errorf("serve: %w", err)
		}
	}
	for _, s := range servers { // the public one first, so that readiness can still be read
		err = errors.Join(err, s.Shutdown(grace))
	}
	stopWork()
	jobs.Wait()
	return err
}

// tend keeps house: it makes the next signing keys, picks up keys that another
// process rotated, and deletes what has expired.
func (a *app) tend(ctx context.Context) {
	if err := a.ring.Prepare(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("prepare keys", "error", err)
	}
	a.readNotices(ctx)
	reload, sweep, rotate, watch := time.NewTicker(20*time.Second), time.NewTicker(time.Minute), time.NewTicker(time.Hour), time.NewTicker(3*time.Second)
	defer watch.Stop()
	defer reload.Stop()
	defer rotate.Stop()
	defer sweep.Stop()
	examined := "" // up to which id mandates and grants were looked at
	for {
		select {
		case <-ctx.Done():
			return
		case <-reload.C:
			if err := a.ring.Reload(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("reload keys", "error", err)
			}
			a.readNotices(ctx)
		case <-watch.C:
			if err := a.watch.Refresh(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("watch sign-ins", "error", err)
			}
		case <-sweep.C:
			a.sweep(ctx)
			if err := a.holders.Tend(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("tend accounts", "error", err)
			}
			if err := a.handlers.Tend(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("tend handlers", "error", err)
			}
			a.rescanDocuments(ctx)
			a.eraseDocuments(ctx)
			if err := a.expireRights(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("expire mandates and grants", "error", err)
			}
			var err error
			if examined, err = a.examineRights(ctx, examined); err != nil && ctx.Err() == nil {
				a.log.Error("examine mandates and grants", "error", err)
			}
		case <-rotate.C:
			if err := a.ring.Tend(ctx, a.cfg.Keys.RotateAfter, keys.HintsFor); err != nil && ctx.Err() == nil {
				a.log.Error("tend keys", "error", err)
			}
		}
	}
}

// toil does what may take long, since it comes by every row there is, where nothing
// of tend waits for it.
func (a *app) toil(ctx context.Context) {
	batches := &torch.Watch{Uses: a.db, Now: a.clock}
	soon, rarely := time.NewTicker(time.Minute), time.NewTicker(time.Hour)
	defer soon.Stop()
	defer rarely.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-soon.C:
			if err := batches.Tend(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("look for use of imported accounts", "error", err)
			}
			if err := a.turnDigests(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("make digests anew", "error", err)
			}
		case <-rarely.C:
			if err := a.reseal(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("seal anew", "error", err)
			}
		}
	}
}

// sweep deletes expired rows in batches, so that no statement runs long.
func (a *app) sweep(ctx context.Context) {
	const batch = 1000
	for range 100 {
		n, err := a.db.SweepExpired(ctx, now().Add(-time.Hour), batch)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Error("sweep", "error", err)
			}
			return
		}
		if n < batch {
			return
		}
	}
}

// migrate brings the schema up to date and says from where to where.
func migrate(ctx context.Context, args []string, out io.Writer) error {
	f := flags("migrate", out)
	path := f.String("config", "", "configuration file (YAML)")
	if err := f.Parse(args); err != nil {
		return err
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	current, wanted, err := db.MigrationState(ctx)
	if err == nil {
		_, err = fmt.Fprintf(out, "schema version %d of %d\n", current, wanted)
	}
	return errors.Join(err, db.Close())
}
