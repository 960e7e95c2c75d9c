package challenge

import (
	"context"
	"strconv"
	"time"

	"kejitong/provider/fault"
)

// capped says which cap stops a code and until when.
type capped struct {
	until  time.Time
	global bool
}

func (c *capped) fault(now time.Time) error {
	return &fault.Error{Kind: fault.Throttled, Msg: MsgTooMany, RetryAfter: max(c.until.Sub(now), time.Second)}
}

// rule is one cap: so many within a time.
type rule struct {
	most   int
	within time.Duration
}

// Admit holds the times of a tally (the oldest first) against the rules: it gives
// the times to keep with now added, or else when the next one is admitted.
// Windows slide: no moment has more than most behind it.
func Admit(times []time.Time, now time.Time, rules ...rule) (keep []time.Time, again time.Time, ok bool) {
	longest := time.Duration(0)
	for _, r := range rules {
		longest = max(longest, r.within)
		n := 0
		for i := len(times) - 1; i >= 0 && now.Before(times[i].Add(r.within)); i-- {
			if n++; n < r.most {
				continue
			}
			if free := times[i].Add(r.within); free.After(again) {
				again = free
			}
			break
		}
	}
	if !again.IsZero() {
		return nil, again, false
	}
	for _, t := range times {
		if now.Before(t.Add(longest)) {
			keep = append(keep, t)
		}
	}
	return append(keep, now), time.Time{}, true
}

// count takes one from what the asked-for, the recipient, the address and all
// together have left. quiet says that the recipient has none left and the asker
// must not see that. The order is always the same, so that no two wait for each
// other, and the counter that everybody shares comes last, so that it is held the
// shortest.
func (d *Desk) count(ctx context.Context, a Ask, now time.Time) (stop *capped, quiet bool, err error) {
	caps := d.Caps.OrDefault()
	one := []rule{{1, caps.Gap}, {caps.PerHour, time.Hour}, {caps.PerDay, 24 * time.Hour}}
	if a.As != "" {
		if stop, err = d.take(ctx, text(d.MAC("asked for", string(a.Purpose), a.As)), now, false, one...); stop != nil || err != nil {
			return stop, false, err
		}
	}
	if a.test() { // nobody is called and nothing is paid for: only whoever asks is held back
		stop, err = d.take(ctx, text(d.MAC("asked from", network(a.Address))), now, false, rule{caps.PerAddress, time.Hour})
		return stop, false, err
	}
	stop, err = d.take(ctx, text(d.MAC("sent to", string(a.Channel), a.To)), now, a.As != "", one...)
	switch {
	case err != nil, stop != nil && a.As == "":
		return stop, false, err
	case stop != nil:
		quiet = true
	}
	if stop, err = d.take(ctx, text(d.MAC("asked from", network(a.Address))), now, false, rule{caps.PerAddress, time.Hour}); stop != nil || err != nil {
		return stop, false, err
	}
	n, end, err := d.Store.CountTry(ctx, "codes sent by all", time.Hour, now)
	if err != nil {
		return nil, false, err
	}
	if n > caps.Global {
		return &capped{until: end, global: true}, false, nil
	}
	return nil, quiet, nil
}

// take counts one more on a tally, if its rules admit it. alike writes the tally
// even so, as it was: nobody is to see from the work that it is full (S48).
func (d *Desk) take(ctx context.Context, key string, now time.Time, alike bool, rules ...rule) (*capped, error) {
	times, err := d.Store.Tally(ctx, key)
	if err != nil {
		return nil, err
	}
	keep, again, ok := Admit(times, now, rules...)
	if !ok {
		if alike {
			err = d.Store.PutTally(ctx, key, times, now.Add(24*time.Hour))
		}
		return &capped{until: again}, err
	}
	return nil, d.Store.PutTally(ctx, key, keep, now.Add(24*time.Hour))
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }
