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

// count takes one from what recipient, address and all together have left. The
// order is always the same, so that no two wait for each other, and the counter
// that everybody shares comes last, so that it is held the shortest.
func (d *Desk) count(ctx context.Context, a Ask, now time.Time) (*capped, error) {
	caps := d.Caps.OrDefault()
	for _, t := range []struct {
		key   string
		rules []rule
	}{
		{text(d.MAC("sent to", string(a.Channel), a.To)), []rule{{1, caps.Gap}, {caps.PerHour, time.Hour}, {caps.PerDay, 24 * time.Hour}}},
		{text(d.MAC("asked from", network(a.Address))), []rule{{caps.PerAddress, time.Hour}}},
	} {
		times, err := d.Store.Tally(ctx, t.key)
		if err != nil {
			return nil, err
		}
		keep, again, ok := Admit(times, now, t.rules...)
		if !ok {
			return &capped{until: again}, nil
		}
		if err := d.Store.PutTally(ctx, t.key, keep, now.Add(24*time.Hour)); err != nil {
			return nil, err
		}
	}
	n, end, err := d.Store.CountTry(ctx, "codes sent by all", time.Hour, now)
	if err != nil {
		return nil, err
	}
	if n > caps.Global {
		return &capped{until: end, global: true}, nil
	}
	return nil, nil
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }
