package client

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/singleflight"

	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// MaxAge bounds how old a cached client may be: a disabled client is refused
// by every process within this time (one second, less the time of a query).
const MaxAge = 500 * time.Millisecond

// Registry serves clients from memory. At most every MaxAge it asks the
// database for the version of the registry; when that moved on, everything
// cached is dropped. If the database does not answer, nothing cached is served
// past MaxAge: an identity provider must not honour a client that may have
// been disabled.
type Registry struct {
	Store Store
	Now   func() time.Time

	flight   singleflight.Group
	mu       sync.RWMutex
	version  int64
	checked  time.Time
	cached   map[string]*Client
	origins  map[string]bool
	starters map[entitlement.SystemID]*Client // nil: not read yet
}

// maxCached bounds memory; beyond it the cache starts anew.
const maxCached = 10000

// Find gives an active client. The result is shared: callers must not change
// it. An unknown or disabled client is fault.NotFound; a database failure is
// passed on as it is, never as "not found".
func (r *Registry) Find(ctx context.Context, id string) (*Client, error) {
	if !writable(id) {
		return nil, fault.New(fault.NotFound, "no such client")
	}
	if !r.fresh() {
		if err := r.refresh(ctx); err != nil {
			return nil, err
		}
	}
	r.mu.RLock()
	c := r.cached[id]
	r.mu.RUnlock()
	if c == nil {
		var err error
		if c, err = r.load(ctx, id); err != nil {
			return nil, err
		}
	}
	if c.State != Active {
		return nil, fault.New(fault.NotFound, "no such client")
	}
	return c, nil
}

// writable tells whether a database can hold id as text at all: an id that it
// would choke on is unknown, not a failure of ours.
func writable(id string) bool {
	return id != "" && len(id) <= 255 && utf8.ValidString(id) && strings.IndexByte(id, 0) < 0
}

func (r *Registry) fresh() bool {
	now := r.Now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	return now.Sub(r.checked) < MaxAge && !now.Before(r.checked)
}

// Expire lets the next question go to the database. Who has just changed a client
// need not wait for MaxAge to see it here; other processes do.
func (r *Registry) Expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked = time.Time{}
}

func (r *Registry) refresh(ctx context.Context) error {
	_, err, _ := r.flight.Do("version", func() (any, error) {
		now := r.Now()
		// The asker may hang up; the answer serves everybody.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		v, err := r.Store.ClientsVersion(ctx)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if v != r.version || r.cached == nil {
			r.cached, r.origins, r.starters, r.version = map[string]*Client{}, map[string]bool{}, nil, v
		}
		r.checked = now
		return nil, nil
	})
	return err
}

func (r *Registry) load(ctx context.Context, id string) (*Client, error) {
	v, err, _ := r.flight.Do("client|"+id, func() (any, error) {
		r.mu.RLock()
		version := r.version
		r.mu.RUnlock()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		c, err := r.Store.Client(ctx, id)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.version == version { // else a change came in between: serve it, do not keep it
			if len(r.cached) >= maxCached {
				r.cached = map[string]*Client{}
			}
			r.cached[id] = c
		}
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*Client), nil
}
