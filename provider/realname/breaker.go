package realname

import (
	"sync"
	"time"
)

// Breaker spares a gateway that fails: after so many failures in a row nobody asks
// for a while, then one asks, and his luck decides. It is this process's alone;
// all that it can do is to make an answer come later.
type Breaker struct {
	Failures int
	For      time.Duration
	Now      func() time.Time

	mu     sync.Mutex
	failed int
	until  time.Time
	trying bool
}

// Allow tells whether the gateway may be asked now. Whoever was allowed reports.
func (b *Breaker) Allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed < b.Failures {
		return true
	}
	if b.trying || b.Now().Before(b.until) {
		return false
	}
	b.trying = true
	return true
}

// Report says how it went.
func (b *Breaker) Report(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	if ok {
		b.failed = 0
		return
	}
	b.failed++
	if b.failed >= b.Failures {
		b.until = b.Now().Add(b.For)
	}
}
