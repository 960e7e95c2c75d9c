package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"kejitong/provider/fault"
)

// The floor of argon2id's cost, as OWASP gives it: 19 MiB, two passes, one
// lane. Fewer passes are as good with proportionally more memory.
const (
	FloorMemoryKiB = 19456
	FloorTime      = 2
)

// Hasher computes argon2id (RFC 9106) for a bounded number of callers at a
// time. The zero value uses the floor's cost, one computation per processor,
// a waiting queue of 32 per computation and a quarter of it for one address. A
// Hasher must not be copied after first use.
type Hasher struct {
	MemoryKiB   uint32  // memory of one computation; 0 is FloorMemoryKiB
	Time        uint32  // passes; 0 is FloorTime
	Parallelism uint8   // lanes; 0 is 1
	Concurrency int     // computations at a time; 0 is GOMAXPROCS
	Queue       int     // callers that may wait besides; 0 is 32 per computation, negative is none
	PerAddress  int     // callers of one address that may wait or compute; 0 is a quarter of the queue, at least 2; negative is no bound
	Foreign     Foreign // judges passwords that came from another platform; nil: there are none

	once     sync.Once
	slots    chan struct{} // who computes
	places   chan struct{} // who computes or waits
	mu       sync.Mutex
	held     map[string]int // places by network
	computed atomic.Uint64
}

// Validate tells whether the cost is within what stored hashes may have, and
// whether it reaches the floor; tests may ignore the latter by not asking.
func (h *Hasher) Validate() error {
	c := h.cost()
	if !c.bounded() {
		return errors.New("argon2id cost is out of bounds")
	}
	if c.memory < FloorMemoryKiB || uint64(c.memory)*uint64(c.time) < FloorMemoryKiB*FloorTime {
		return fmt.Errorf("argon2id cost m=%d,t=%d is below the floor m=%d,t=%d", c.memory, c.time, FloorMemoryKiB, FloorTime)
	}
	return nil
}

// Computations counts the argon2id computations so far, for metrics and for
// tests of equal work.
func (h *Hasher) Computations() uint64 { return h.computed.Load() }

// Hash gives the PHC string of a new password. Too long or broken passwords
// are fault.Invalid, a full queue is fault.Unavailable.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	t, err := h.Admit()
	if err != nil {
		return "", err
	}
	defer t.Release()
	return t.Hash(ctx, password)
}

// Verify compares a password with a stored PHC string. needsRehash comes only
// with ok and tells that the hash has another cost than h, or that it is another
// platform's. A password that
// nobody can have set (too long, broken UTF-8) is a plain mismatch. Errors are
// ErrUnusableHash, fault.Unavailable for a full queue, and the context's.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (ok, needsRehash bool, err error) {
	t, err := h.Admit()
	if err != nil {
		return false, false, err
	}
	defer t.Release()
	return t.Verify(ctx, phc, password)
}

// Hash is Hasher.Hash in the ticket's place.
func (t *Ticket) Hash(ctx context.Context, password string) (string, error) {
	c, ok := canonical(password)
	if !ok {
		return "", &fault.Error{Kind: fault.Invalid, Field: "password", Msg: MsgPasswordLong}
	}
	if !t.h.cost().bounded() {
		return "", errors.New("argon2id cost is out of bounds")
	}
	var p phc
	if err := t.compute(ctx, func() { p = newPHC(t.h.cost(), c) }); err != nil {
		return "", err
	}
	return p.String(), nil
}

// Verify is Hasher.Verify in the ticket's place.
func (t *Ticket) Verify(ctx context.Context, stored, password string) (ok, needsRehash bool, err error) {
	c, possible := canonical(password)
	if !possible {
		return false, false, nil
	}
	if t.h.Foreign != nil && t.h.Foreign.Mine(stored) {
		ok, err := t.verifyForeign(ctx, stored, password)
		return ok, ok, err
	}
	p, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	if err := t.compute(ctx, func() { ok = p.matches(c) }); err != nil {
		return false, false, err
	}
	return ok, ok && (p.cost != t.h.cost() || len(p.salt) < saltLength || len(p.key) < keyLength), nil
}

// Dummy does the work of Verify for an account that is not there.
func (t *Ticket) Dummy(ctx context.Context, password string) error {
	c, possible := canonical(password)
	if !possible {
		return nil
	}
	p := phc{cost: t.h.cost(), salt: make([]byte, saltLength), key: make([]byte, keyLength)}
	return t.compute(ctx, func() { p.matches(c) })
}

// compute runs work when a slot is free.
func (t *Ticket) compute(ctx context.Context, work func()) error {
	// A select picks at random among what is ready; somebody who has left must
	// not be served.
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t.h.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.h.slots }()
	t.h.computed.Add(1)
	work()
	return nil
}

func (h *Hasher) cost() cost {
	c := cost{memory: h.MemoryKiB, time: h.Time, threads: h.Parallelism}
	if c.memory == 0 {
		c.memory = FloorMemoryKiB
	}
	if c.time == 0 {
		c.time = FloorTime
	}
	if c.threads == 0 {
		c.threads = 1
	}
	return c
}
