package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"time"
)

// calm is the share of the machine that others may take before a figure is
// worth measuring again.
const calm = .1

// calmest measures until others leave the machine alone, at most 1+again times,
// and keeps the least disturbed measurement: chosen by what others did, never
// by what came out.
func calmest[T any](again int, measure func() (T, float64, error)) (best T, err error) {
	least := math.Inf(1)
	for range 1 + again {
		v, disturbed, err := measure()
		if err != nil {
			return best, err
		}
		if disturbed < least {
			best, least = v, disturbed
		}
		if least <= calm {
			break
		}
	}
	return best, nil
}

// watched runs a measurement that happens in this process and in the family of
// postmaster (0: none), and tells what share of the machine others took.
func watched(ctx context.Context, postmaster int, measure func(context.Context) error) (float64, error) {
	began := time.Now()
	before, err := readUsage(os.Getpid(), postmaster)
	if err != nil {
		return 0, err
	}
	if err := measure(ctx); err != nil {
		return 0, err
	}
	after, err := readUsage(os.Getpid(), postmaster)
	if err != nil {
		return 0, fmt.Errorf("read CPU times: %w", err)
	}
	u := after.minus(before)
	u.server = 0 // it is this process, which is counted as the load
	return u.others().Seconds() / time.Since(began).Seconds() / float64(runtime.GOMAXPROCS(0)), nil
}
