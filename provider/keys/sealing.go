package keys

import (
	"context"
	"slices"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Sealing lists the purposes whose keys seal columns. What they sealed can be
// sealed anew, so that these keys rotate.
func Sealing() []Purpose {
	return []Purpose{Personal, Pepper, SharedSecret, Documents, Factor, Desk, Hooks}
}

const (
	// KnownFor is how long a new sealing key must have stood in the database before
	// anything is sealed under it: every process reads the keys three times as
	// often, and opens what another one sealed.
	KnownFor = time.Minute
	// KeptFor is how long a relieved sealing key stays at least: a process that
	// missed the change may have sealed under it meanwhile.
	KeptFor = time.Hour
)

// Announce makes a next key for every sealing purpose that has none, and gives
// when the last of them may take over.
func (r *Ring) Announce(ctx context.Context, actor string) (time.Time, error) {
	return r.announce(ctx, actor, "sealing", Sealing())
}

func (r *Ring) announce(ctx context.Context, actor, object string, purposes []Purpose) (time.Time, error) {
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return time.Time{}, err
	}
	now := r.Now()
	ripe := now
	var fresh []Row
	for _, p := range purposes {
		number, waiting := 0, false
		for _, k := range rows {
			if k.Purpose != p {
				continue
			}
			number = max(number, k.Number)
			if k.State == Next {
				waiting = true
				if at := k.CreatedAt.Add(KnownFor); at.After(ripe) {
					ripe = at
				}
			}
		}
		if waiting {
			continue
		}
		row, err := newSecretRow(r.Root, p, number+1, now)
		if err != nil {
			return time.Time{}, err
		}
		row.State, row.ActivatedAt = Next, time.Time{}
		fresh, ripe = append(fresh, row), now.Add(KnownFor)
	}
	if len(fresh) > 0 {
		ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: object, Detail: "next prepared"})
		if err := r.Store.AddKeys(ctx, fresh, ev); err != nil {
			return time.Time{}, err
		}
	}
	return ripe, r.Reload(ctx)
}

// Relieve lets every next sealing key that has been known for long enough take
// over, and gives the purposes that have a new key now. Of several processes that
// do so at once, one wins and the others find it done.
func (r *Ring) Relieve(ctx context.Context, actor string) ([]Purpose, error) {
	return r.relieve(ctx, actor, Sealing())
}

func (r *Ring) relieve(ctx context.Context, actor string, purposes []Purpose) ([]Purpose, error) {
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	now := r.Now()
	active, ripe := map[Purpose]string{}, map[Purpose]bool{}
	for _, k := range rows {
		switch k.State {
		case Active:
			active[k.Purpose] = k.Kid
		case Next:
			ripe[k.Purpose] = !now.Before(k.CreatedAt.Add(KnownFor))
		}
	}
	var done []Purpose
	for _, p := range purposes {
		if !ripe[p] {
			continue
		}
		ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: string(p), Detail: "rotated"})
		switch err := r.Store.RelieveKey(ctx, p, active[p], now, ev); {
		case err == nil:
			done = append(done, p)
		case !fault.Is(err, fault.Conflict):
			return done, err
		}
	}
	return done, r.Reload(ctx)
}

// Retire deletes the sealing keys that were relieved long enough ago and that no
// sealed value needs any more, and gives their kids. The store counts within the
// deletion: what is still sealed under a key keeps it.
func (r *Ring) Retire(ctx context.Context, actor string) ([]string, error) {
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, k := range rows {
		if !slices.Contains(Sealing(), k.Purpose) || k.State != Retired || r.Now().Before(k.RetiredAt.Add(KeptFor)) {
			continue
		}
		ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: string(k.Purpose), Detail: "retired key deleted"})
		switch err := r.Store.DropSealing(ctx, k.Kid, ev); {
		case err == nil:
			gone = append(gone, k.Kid)
		case !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound):
			return gone, err
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, r.Reload(ctx)
}

// Replaced tells whether a relieved sealing key is still there, so that there may
// be something to seal anew.
func (s *Snapshot) Replaced() bool {
	for kid, k := range s.secrets {
		if k.State == Retired && slices.Contains(Sealing(), k.Purpose) && kid != s.current[k.Purpose].Kid {
			return true
		}
	}
	return false
}
