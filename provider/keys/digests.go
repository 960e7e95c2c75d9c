package keys

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Digests lists the purposes whose digests are kept and can be made again, since
// what they are of lies sealed, or open, beside them. Their keys rotate in steps
// that never leave two processes apart by more than one:
//
//	next    digests are made under both keys, and found under the active one, until
//	        every one has its twin
//	active  (the old one retired) found under the new key, still made under both
//	spent   (the old one) made under the new key alone; what is left of the old goes
//
// A value that may stand once collides under one key or the other at every moment.
// The keys of all other digests stay: docs/security.md says why.
func Digests() []Purpose { return []Purpose{Blind, Rights} }

// DigestStore keeps what is made under the keys of Digests.
type DigestStore interface {
	// Redigest makes the digests of purpose that the rotation still wants, a batch to a
	// transaction, and gives how many; told is called with their number after each.
	// Any number of processes may do it at once, and it may be broken off.
	Redigest(ctx context.Context, purpose Purpose, batch int, told func(n int)) (int, error)
	// SpendKey turns the retired key kid of purpose into spent at now, in a transaction
	// with ev that looks once more: fault.Conflict if something can be found or
	// verified under it alone.
	SpendKey(ctx context.Context, purpose Purpose, kid string, now time.Time, ev audit.Event) error
	// DropSpent deletes the spent key kid of purpose with ev; fault.Conflict if there are
	// digests of it.
	DropSpent(ctx context.Context, purpose Purpose, kid string, ev audit.Event) error
}

// MAC is HMAC-SHA-256 of parts under the key, as Snapshot.MAC.
func (k Secret) MAC(parts ...string) []byte {
	h := hmac.New(sha256.New, k.Bytes)
	for i, part := range parts {
		if i > 0 {
			h.Write([]byte{0})
		}
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// Live gives the keys of a purpose under which digests are made, by their numbers:
// one, or two during a rotation.
func (s *Snapshot) Live(p Purpose) []Secret {
	out := make([]Secret, 0, 2)
	for _, k := range s.numbers[p] {
		if k.State != Spent {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Secret) int { return cmp.Compare(a.Number, b.Number) })
	return out
}

// Spent tells whether there may be digests of p under a key that makes none any more.
func (s *Snapshot) Spent(p Purpose) bool { return len(s.numbers[p]) > len(s.Live(p)) }

// Turning tells whether a rotation of p is under way.
func (s *Snapshot) Turning(p Purpose) bool { return len(s.numbers[p]) > 1 }

// AnnounceDigests begins a rotation of the keys of Digests, or finds the one that is
// under way, and gives when the new keys may be used. fault.Conflict if one before
// has not come to its end.
func (r *Ring) AnnounceDigests(ctx context.Context, actor string) (time.Time, error) {
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for _, k := range rows {
		if slices.Contains(Digests(), k.Purpose) && (k.State == Retired || k.State == Spent) {
			return time.Time{}, fault.New(fault.Conflict, "the rotation before has not come to its end: %s key %s is %s", k.Purpose, k.Kid, k.State)
		}
	}
	return r.announce(ctx, actor, "digests", Digests())
}

// TurnDigests takes every rotation of Digests as far as it can go now, and tells how
// many digests it made; told is called with their number after every batch, nil for
// nobody. It may be broken off and called by several processes.
func (r *Ring) TurnDigests(ctx context.Context, batch int, actor string, told func(n int)) (int, error) {
	if err := r.Reload(ctx); err != nil {
		return 0, err
	}
	all := 0
	for _, p := range Digests() {
		for moved := r.Snapshot().Turning(p); moved; {
			before := all
			n, err := r.Store.Redigest(ctx, p, batch, func(n int) { told(before + n) })
			all += n
			if err != nil {
				return all, err
			}
			if moved, err = r.step(ctx, p, actor); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// step lets the keys of p take their next step if it is time, and tells whether one
// did.
func (r *Ring) step(ctx context.Context, p Purpose, actor string) (bool, error) {
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return false, err
	}
	done := false
	for _, k := range rows {
		if k.Purpose != p {
			continue
		}
		now := r.Now()
		ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: string(p)})
		switch {
		case k.State == Next && !now.Before(k.CreatedAt.Add(KnownFor)):
			var relieved []Purpose
			relieved, err = r.relieve(ctx, actor, []Purpose{p})
			done = done || len(relieved) > 0
		case k.State == Retired && !now.Before(k.RetiredAt.Add(KeptFor)):
			ev.Detail = "retired key spent"
			err = r.Store.SpendKey(ctx, p, k.Kid, now, ev)
			done = done || err == nil
		case k.State == Spent && !now.Before(k.RetiredAt.Add(KnownFor)):
			ev.Detail = "spent key deleted"
			err = r.Store.DropSpent(ctx, p, k.Kid, ev)
			done = done || err == nil
		}
		if err != nil && !fault.Is(err, fault.Conflict) {
			return done, err
		}
	}
	return done, r.Reload(ctx)
}
