package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
)

func importRevert(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("import revert", out)
	batch := f.String("batch", "", "the batch to take back")
	if err := f.read(args); err != nil {
		return err
	}
	if *batch == "" {
		return missing("batch", "the batch; import list names them")
	}
	return inVault(ctx, f.config, func(a *app) error {
		err := a.db.Revert(ctx, *batch, a.clock(), audit.Event{Kind: audit.ImportReverted, Actor: "operator", Object: *batch, Result: "ok"})
		if fault.Is(err, fault.Conflict) {
			return refuse("batch", *batch, "cannot be taken back: "+err.Error())
		}
		if err != nil {
			return err
		}
		return f.print(map[string]string{"batch": *batch, "state": string(torch.Reverted)}, "batch "+*batch+" taken back")
	})
}

// batchReport is a batch as the commands print it.
type batchReport struct {
	Batch       string           `json:"batch"`
	State       torch.BatchState `json:"state"`
	Rows        int64            `json:"rows"`
	Bad         int64            `json:"bad"`
	CreatedAt   string           `json:"created_at"`
	CommittedAt string           `json:"committed_at,omitempty"`
	RevertedAt  string           `json:"reverted_at,omitempty"`
}

func importList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("import list", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		batches, err := a.db.Batches(ctx, 1000)
		if err != nil {
			return err
		}
		list := []batchReport{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "BATCH\tSTATE\tROWS\tLEFT OUT\tBEGUN\tCOMMITTED")
		for _, b := range batches {
			list = append(list, batchReport{b.ID, b.State, b.Staged, b.Bad, rfc3339(b.CreatedAt), rfc3339(b.CommittedAt), rfc3339(b.RevertedAt)})
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\n", b.ID, b.State, b.Staged, b.Bad, day(b.CreatedAt), day(b.CommittedAt))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}

func importWrap(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("import wrap", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		began := time.Now()
		n, err := a.wrapLegacy(ctx, func(done, all int64) {
			rate := float64(done) / max(time.Since(began).Seconds(), 0.001)
			left := time.Duration(float64(all-done) / max(rate, 0.001) * float64(time.Second)).Round(time.Second)
			fmt.Fprintf(os.Stderr, "wrapped %d of %d passwords, %.1f/s, %s left\n", done, all, rate, left) //nolint:errcheck // progress
		})
		if err != nil {
			return err
		}
		return f.print(map[string]int64{"wrapped": n}, fmt.Sprintf("%d passwords wrapped", n))
	})
}

// wrapBatch is how many passwords are read at once.
const wrapBatch = 100

// wrapLegacy puts the passwords of the former platform that lie as they came under
// argon2id, one after another, so that sign-ins keep the other cores. It can stop
// at any password and be run again; of several processes each may wrap the same
// one, and one of them counts.
func (a *app) wrapLegacy(ctx context.Context, progress func(done, all int64)) (done int64, err error) {
	var all int64
	for after := ""; ; {
		some, err := a.db.Unwrapped(ctx, after, wrapBatch)
		if err != nil || len(some) == 0 {
			return done, err
		}
		if all == 0 {
			if all, err = a.db.CountUnwrapped(ctx); err != nil {
				return done, err
			}
		}
		for _, u := range some {
			p, _, err := torch.ParseStored(u.Stored)
			if err != nil {
				return done, fmt.Errorf("account %s: %w", u.Account, err)
			}
			phc, err := a.hasher.Hash(ctx, p.Preimage())
			if fault.Is(err, fault.Unavailable) { // people come first
				select {
				case <-time.After(time.Second):
					phc, err = a.hasher.Hash(ctx, p.Preimage())
				case <-ctx.Done():
					return done, ctx.Err()
				}
			}
			if err != nil {
				return done, err
			}
			if err := a.db.Wrap(ctx, u, p.Wrapped(phc)); err != nil {
				return done, err
			}
			done, after = done+1, u.Account
		}
		progress(done, all)
	}
}

// wrap is wrapLegacy in the background of the service.
func (a *app) wrap(ctx context.Context) {
	for {
		n, err := a.wrapLegacy(ctx, func(done, all int64) {
			a.log.Info("passwords of the former platform", "wrapped", done, "of", all)
		})
		switch {
		case ctx.Err() != nil:
			return
		case fault.Is(err, fault.Unavailable): // busy with sign-ins
		case err != nil:
			a.log.Error("wrap passwords", "error", err)
		case n > 0:
			continue
		}
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return
		}
	}
}
