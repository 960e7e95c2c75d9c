package entitlement

import (
	"context"
	"sync"
	"time"
)

// Use is what rests on a system.
type Use struct {
	Grants  int64    // that hold
	Clients []string // active ones that own it
}

// UseStore counts.
type UseStore interface {
	// SystemUse gives what rests on each system at now; those with nothing are left
	// out. It looks at every grant.
	SystemUse(ctx context.Context, now time.Time) (map[SystemID]Use, error)
}

// countedFor is how long a count is good enough for people who look at it.
const countedFor = time.Minute

// Census counts what rests on each system, once a minute for everybody.
type Census struct {
	Store UseStore
	Now   func() time.Time

	lock sync.Mutex
	at   time.Time
	uses map[SystemID]Use
}

// Uses gives the counts, a minute old at most.
func (c *Census) Uses(ctx context.Context) (map[SystemID]Use, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	now := c.Now()
	if c.uses != nil && now.Sub(c.at) < countedFor && !now.Before(c.at) {
		return c.uses, nil
	}
	uses, err := c.Store.SystemUse(ctx, now)
	if err != nil {
		return nil, err
	}
	c.uses, c.at = uses, now
	return uses, nil
}
