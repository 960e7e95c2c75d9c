package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"kejitong/provider/audit"
)

// auditCommand is what an auditor does with the trail.
func auditCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "audit", []command{
		{"verify", "hold the trail to its chain: --config FILE [--checkpoints FILE]", auditVerify},
		{"export", "write rows as CSV or JSON lines: --config FILE [--since DAY] [--until DAY] [--kind KIND]", auditExport},
		{"prune", "remove what is older than audit.retention: --config FILE", auditPrune},
	}, args, out)
}

var errTampered = errors.New("the audit trail is not as it was written")

func auditVerify(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("audit verify", out)
	path := f.String("checkpoints", "", "file of audit.checkpoint_file; without it an end that was cut off cannot be seen")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		if *path == "" {
			*path = a.cfg.Audit.CheckpointFile
		}
		var points []audit.Checkpoint
		if *path != "" {
			var err error
			if points, err = readCheckpoints(*path); err != nil {
				return refuse("checkpoints", *path, cause(err))
			}
		}
		r, err := a.chain.Verify(ctx, points)
		if err != nil {
			return err
		}
		if err := f.print(r, toldTrail(r, len(points))); err != nil {
			return err
		}
		if len(r.Problems) > 0 {
			return errTampered
		}
		return nil
	})
}

func toldTrail(r audit.Report, points int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows in %d blocks, %d not sealed yet, %d checkpoints\n", r.Rows, r.Blocks, r.Unsealed, points)
	if r.Removed > 0 {
		fmt.Fprintf(&b, "blocks up to %d were removed for their age\n", r.Removed)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(&b, "PROBLEM:", p)
	}
	if len(r.Problems) == 0 {
		fmt.Fprintln(&b, "the trail is whole")
	}
	return b.String()
}

func auditPrune(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("audit prune", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		before := now().Add(-a.cfg.Audit.Retention)
		n, err := a.chain.Prune(ctx, before)
		if err != nil {
			return err
		}
		if n > 0 {
			if err := a.db.Record(ctx, deed(audit.TrailPruned, "audit", "before "+before.Format(time.DateOnly))); err != nil {
				return err
			}
		}
		return f.print(map[string]any{"removed": n, "before": rfc3339(before)}, fmt.Sprintf("%d rows from before %s removed\n", n, day(before)))
	})
}

// auditExport streams rows, so that a trail of any length can be written out.
func auditExport(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("audit export", out)
	since := f.String("since", "", "first day, YYYY-MM-DD in Beijing time")
	until := f.String("until", "", "last day, YYYY-MM-DD in Beijing time")
	kind := f.String("kind", "", "events of this kind alone, such as sign_in.failed")
	format := f.String("format", "csv", "csv or jsonl")
	file := f.String("out", "", "file to write, which must not exist; without it, standard output")
	if err := f.read(args); err != nil {
		return err
	}
	from, err := dayOr(*since, time.Time{})
	if err != nil {
		return refuse("since", *since, "want YYYY-MM-DD")
	}
	to, err := dayOr(*until, now())
	if err != nil {
		return refuse("until", *until, "want YYYY-MM-DD")
	}
	if *until != "" {
		to = to.AddDate(0, 0, 1)
	}
	if *format != "csv" && *format != "jsonl" {
		return refuse("format", *format, "want csv or jsonl")
	}
	if *file != "" {
		w, err := os.OpenFile(*file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return refuse("out", *file, cause(err))
		}
		defer func() { _ = w.Close() }() // the one that counts is below
		err = inVault(ctx, f.config, func(a *app) error { return exportTrail(ctx, a, w, *format, *kind, from, to) })
		return errors.Join(err, w.Close())
	}
	return inVault(ctx, f.config, func(a *app) error { return exportTrail(ctx, a, out, *format, *kind, from, to) })
}

func dayOr(s string, otherwise time.Time) (time.Time, error) {
	if s == "" {
		return otherwise, nil
	}
	return time.ParseInLocation(time.DateOnly, s, beijing)
}

func exportTrail(ctx context.Context, a *app, out io.Writer, format, kind string, from, to time.Time) error {
	buffered := bufio.NewWriter(out)
	rows := csvRows
	if format == "jsonl" {
		rows = jsonRows
	}
	write, flush := rows(buffered)
	for after := int64(0); ; {
		page, err := a.db.AuditRows(ctx, after, math.MaxInt64, 2000)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return errors.Join(flush(), buffered.Flush())
		}
		for _, r := range page {
			if r.At.Before(from) || !r.At.Before(to) || kind != "" && string(r.Kind) != kind {
				continue
			}
			if err := write(r); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

func csvRows(out io.Writer) (write func(audit.Row) error, flush func() error) {
	t := audit.NewTable(out)
	return t.Write, t.Flush
}

func jsonRows(out io.Writer) (write func(audit.Row) error, flush func() error) {
	e := json.NewEncoder(out)
	write = func(r audit.Row) error {
		return e.Encode(map[string]any{
			"id": r.ID, "at": r.At.Format(time.RFC3339Nano), "kind": r.Kind, "actor": r.Actor, "object": r.Object, "client": r.Client,
			"result": r.Result, "detail": r.Detail, "ip": r.IP, "user_agent": r.UserAgent, "request_id": r.RequestID,
		})
	}
	return write, func() error { return nil }
}
