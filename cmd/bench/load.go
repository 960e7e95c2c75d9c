package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is how a row is driven.
type load struct {
	workers int
	rate    float64       // operations offered per second; 0: each worker begins when it has finished (closed loop)
	warmUp  time.Duration // before anything counts
	period  time.Duration
	passes  int // instead of time: operations of each worker
}

// result is what came of a row.
type result struct {
	row     row
	load    load
	done    int
	shed    int
	elapsed time.Duration
	took    []time.Duration // of done, sorted; with a rate counted from when the operation was due
	refused []time.Duration // of shed, sorted
	used    usage
	wal     float64 // bytes; negative: unknown
}

func (r result) rate() float64 { return float64(r.done) / r.elapsed.Seconds() }

// perOp divides, without an answer where nothing was done.
func (r result) perOp(x float64) float64 {
	if r.done == 0 {
		return 0
	}
	return x / float64(r.done)
}

// percentile of sorted durations.
func percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[min(int(p*float64(len(d))), len(d)-1)]
}

// meter reads counters around a row.
type meter interface {
	read(ctx context.Context) (usage, float64, error)
}

// window is the time in which what ends counts.
type window struct {
	open, shut time.Time
}

// tally is one worker's count.
type tally struct {
	done, shed    int
	took, refused []time.Duration
}

// drive runs a row. The first wrong answer stops it.
func drive(ctx context.Context, r row, l load, team []*worker, m meter) (result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if r.prepare != nil {
		for _, w := range team {
			if err := r.prepare(ctx, w); err != nil {
				return result{}, fmt.Errorf("%s: prepare: %w", r.name, err)
			}
		}
	}
	out := result{row: r, load: l}
	now := time.Now()
	win := window{now.Add(l.warmUp), now.Add(l.warmUp + l.period)}
	if l.passes > 0 {
		win = window{now, now.Add(time.Hour)}
	}
	tallies := make([]tally, len(team))
	var next atomic.Int64
	var work sync.WaitGroup
	for i, w := range team {
		work.Go(func() {
			if err := perform(ctx, r, l, w, win, now, &next, &tallies[i]); err != nil {
				cancel(fmt.Errorf("%s: %w", r.name, err))
			}
		})
	}
	before, after, err := around(ctx, l, win, m, &work)
	work.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return out, cause
	}
	if err != nil {
		return out, err
	}
	out.elapsed = win.shut.Sub(win.open)
	if l.passes > 0 {
		out.elapsed = time.Since(now)
	}
	out.used, out.wal = after.used.minus(before.used), -1
	if before.wal >= 0 {
		out.wal = after.wal - before.wal
	}
	for _, t := range tallies {
		out.done, out.shed = out.done+t.done, out.shed+t.shed
		out.took, out.refused = append(out.took, t.took...), append(out.refused, t.refused...)
	}
	slices.Sort(out.took)
	slices.Sort(out.refused)
	if out.done == 0 {
		return out, fmt.Errorf("%s: nothing was done in %v", r.name, out.elapsed)
	}
	return out, nil
}

type reading struct {
	used usage
	wal  float64
}

// around reads the meter when the window opens and when it shuts.
func around(ctx context.Context, l load, win window, m meter, work *sync.WaitGroup) (before, after reading, err error) {
	wait := func(until time.Time) {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	wait(win.open)
	if before.used, before.wal, err = m.read(ctx); err != nil {
		return before, after, err
	}
	if l.passes > 0 {
		work.Wait()
	} else {
		wait(win.shut)
	}
	after.used, after.wal, err = m.read(ctx)
	return before, after, err
}

// perform is one worker's part of a row.
func perform(ctx context.Context, r row, l load, w *worker, win window, start time.Time, next *atomic.Int64, t *tally) error {
	for n := 0; ctx.Err() == nil && (l.passes == 0 || n < l.passes); n++ {
		began := time.Now()
		if l.rate > 0 && l.passes == 0 {
			// Arrivals do not wait for the server: who comes late counts the wait.
			due := start.Add(time.Duration(float64(next.Add(1)-1) / l.rate * float64(time.Second)))
			if d := time.Until(due); d > 0 {
				time.Sleep(d)
			}
			began = due
		}
		if !began.Before(win.shut) {
			return nil
		}
		err := r.do(ctx, w)
		ended := time.Now()
		counts := !ended.Before(win.open) && ended.Before(win.shut)
		switch {
		case errors.Is(err, errShed) && r.mayShed:
			if counts {
				t.shed++
				t.refused = append(t.refused, ended.Sub(began))
			}
		case err != nil:
			if ctx.Err() != nil {
				return nil
			}
			return err
		case counts:
			t.done++
			t.took = append(t.took, ended.Sub(began))
		}
	}
	return nil
}
