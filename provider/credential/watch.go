package credential

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Counts are sign-ins of one network or of all.
type Counts struct{ Succeeded, Failed int64 }

// WatchStore keeps the counts of the last minutes.
type WatchStore interface {
	// AddSignIns adds to the counts of a minute, by network.
	AddSignIns(ctx context.Context, minute time.Time, counts map[string]Counts) error
	// SumSignIns gives the counts since a minute: of all, and of the networks that
	// had so many failures at least.
	SumSignIns(ctx context.Context, since time.Time, failures int64) (all Counts, networks map[string]Counts, err error)
}

// WatchLimits say when a captcha is asked of everybody: at so many failures within
// Window that are at least half of the sign-ins. Zero fields take the defaults.
type WatchLimits struct {
	Window  time.Duration // default 10 minutes
	Network int64         // failures of one network (IPv4 /24, IPv6 /48); default 50
	All     int64         // failures of all together; default 500
}

func (l WatchLimits) orDefault() WatchLimits {
	if l.Window == 0 {
		l.Window = 10 * time.Minute
	}
	if l.Network == 0 {
		l.Network = 50
	}
	if l.All == 0 {
		l.All = 500
	}
	return l
}

// Watch looks for one password tried on many accounts (S52), which no counter of
// an account or a pair can see. Processes note what they see in memory, and every
// few seconds Refresh adds it to what all have seen and looks at the sums; a
// sign-in never waits for that. It is an alarm, not a bound: the bounds are the
// counters.
type Watch struct {
	Store  WatchStore
	Limits WatchLimits
	Now    func() time.Time
	Log    *slog.Logger

	mu    sync.Mutex
	noted map[string]Counts
	alarm atomic.Pointer[alarm]
}

type alarm struct {
	all      bool
	networks map[string]bool
}

// maxNoted bounds how many networks are told apart between two refreshes.
const maxNoted = 10000

// Note counts a sign-in that came from ip.
func (w *Watch) Note(ip string, failed bool) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noted == nil {
		w.noted = map[string]Counts{}
	}
	network := neighbourhood(ip)
	if _, known := w.noted[network]; !known && len(w.noted) >= maxNoted {
		network = "others"
	}
	c := w.noted[network]
	if failed {
		c.Failed++
	} else {
		c.Succeeded++
	}
	w.noted[network] = c
}

// Wary tells whether a sign-in from ip needs a captcha.
func (w *Watch) Wary(ip string) bool {
	if w == nil {
		return false
	}
	a := w.alarm.Load()
	return a != nil && (a.all || a.networks[neighbourhood(ip)])
}

// Refresh adds what was noted and looks at the sums.
func (w *Watch) Refresh(ctx context.Context) error {
	l, now := w.Limits.orDefault(), w.Now()
	w.mu.Lock()
	noted := w.noted
	w.noted = nil
	w.mu.Unlock()
	if len(noted) > 0 {
		if err := w.Store.AddSignIns(ctx, now.Truncate(time.Minute), noted); err != nil {
			return err
		}
	}
	all, networks, err := w.Store.SumSignIns(ctx, now.Add(-l.Window).Truncate(time.Minute), l.Network)
	if err != nil {
		return err
	}
	next := &alarm{all: all.suspicious(l.All), networks: map[string]bool{}}
	for network, c := range networks {
		if c.suspicious(l.Network) {
			next.networks[network] = true
		}
	}
	last := w.alarm.Swap(next)
	if last == nil {
		last = &alarm{}
	}
	if next.all && !last.all {
		w.Log.ErrorContext(ctx, "most sign-ins fail: a captcha is asked of everybody", "failed", all.Failed, "succeeded", all.Succeeded)
	}
	for network := range next.networks {
		if !last.networks[network] {
			w.Log.WarnContext(ctx, "most sign-ins of a network fail: a captcha is asked there",
				"network", network, "failed", networks[network].Failed, "succeeded", networks[network].Succeeded)
		}
	}
	return nil
}

// suspicious tells whether so many failed that it cannot be forgetfulness.
func (c Counts) suspicious(most int64) bool { return c.Failed >= most && c.Failed >= c.Succeeded }

// neighbourhood is what addresses belong together when one of them misbehaves.
func neighbourhood(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(a, bits).Masked().String()
}
