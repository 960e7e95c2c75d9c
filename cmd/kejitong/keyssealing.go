package main

import (
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"kejitong/provider/keys"
)

// resealBatch bounds how many values one transaction seals anew.
const resealBatch = 500

// rotateSealing gives every sealing purpose a new key and seals what is at rest
// anew. It may be broken off and run again at any moment: what is left is found by
// the key that it is sealed under, and a service that runs finishes it.
func rotateSealing(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("keys rotate sealing", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		ripe, err := a.ring.Announce(ctx, "operator")
		if err != nil {
			return err
		}
		// Every process must be able to open what the first one seals.
		if err := waitUntil(ctx, ripe, a.clock); err != nil {
			return err
		}
		if _, err := a.ring.Relieve(ctx, "operator"); err != nil {
			return err
		}
		if err := a.reseal(ctx); err != nil {
			return err
		}
		return printKeys(ctx, a, f)
	})
}

// waitUntil returns at that moment, or when ctx ends.
func waitUntil(ctx context.Context, at time.Time, now func() time.Time) error {
	t := time.NewTimer(at.Sub(now()))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// reseal seals anew what is not under the current keys, batch by batch, and lets
// go of keys that nothing needs any more. Without a key that was relieved there is
// nothing to do.
func (a *app) reseal(ctx context.Context) error {
	if !a.ring.Snapshot().Replaced() {
		return nil
	}
	for n := 1; n > 0; {
		var err error
		if n, err = a.db.Reseal(ctx, resealBatch); err != nil {
			return err
		}
	}
	_, err := a.ring.Retire(ctx, "system")
	return err
}

// valuesText is how many values need a key, for keys whose values are kept and can be
// made anew.
func valuesText(k keys.Row, n int64) string {
	if !slices.Contains(keys.Sealing(), k.Purpose) && !slices.Contains(keys.Digests(), k.Purpose) {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
