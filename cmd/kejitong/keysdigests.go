package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"kejitong/provider/keys"
)

// progressEvery is after how many digests the command says how far it is.
const progressEvery = 10_000

// rotateDigests gives the blind indexes and the MACs of rights new keys and makes
// them anew. It may be broken off and run again at any moment; a service that runs
// goes on with it, and lets the old keys go when every process has had its time.
func rotateDigests(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("keys rotate digests", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		ripe, err := a.ring.AnnounceDigests(ctx, "operator")
		if err != nil {
			return err
		}
		// Every process must make its digests under both keys before one is found by
		// the new key alone.
		if err := waitUntil(ctx, ripe, a.clock); err != nil {
			return err
		}
		shown := 0
		n, err := a.ring.TurnDigests(ctx, resealBatch, "operator", func(n int) {
			if !f.asJSON && n/progressEvery > shown {
				shown = n / progressEvery
				fmt.Fprintf(f.out, "%d digests made anew\n", n)
			}
		})
		if err != nil {
			return fmt.Errorf("after %d digests: %w; run the command again, or leave it to a running server", n, err)
		}
		return printKeys(ctx, a, f)
	})
}

// turnDigests goes on with a rotation that somebody began.
func (a *app) turnDigests(ctx context.Context) error {
	if s := a.ring.Snapshot(); !slices.ContainsFunc(keys.Digests(), s.Turning) {
		return nil
	}
	_, err := a.ring.TurnDigests(ctx, resealBatch, "system", func(int) {})
	return err
}
