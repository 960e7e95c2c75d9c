package keys_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/store"
	"kejitong/store/storetest"
)

func anyRoot(t *testing.T) []byte {
	t.Helper()
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// process is one more process on the database, with its own root key.
func process(t *testing.T, db *store.DB, root []byte) (*keys.Ring, error) {
	t.Helper()
	r := &keys.Ring{Store: db, Root: root, Now: time.Now}
	return r, r.Open(t.Context())
}

// The root key is changed while processes with the old one and with the new one
// run: each opens what the other seals, until the change is confirmed (E23).
func TestTheRootKeyChanges(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			db, old := storetest.Ready(t, o)
			ctx, root := t.Context(), anyRoot(t)
			sealed, err := old.Snapshot().Seal(keys.Personal, "accounts.profile|a", []byte("张三"))
			if err != nil {
				t.Fatal(err)
			}
			for what, next := range map[string][]byte{"short": root[:31], "the one in force": storetest.Root} {
				if err := old.RotateRoot(ctx, next, "test"); err == nil {
					t.Errorf("changed to a root key that is %s", what)
				}
			}
			if err := old.ConfirmRoot(ctx, "test"); !fault.Is(err, fault.Conflict) {
				t.Errorf("confirmed nothing: %v", err)
			}
			before := signAll(t, old)
			if err := old.RotateRoot(ctx, root, "test"); err != nil {
				t.Fatal(err)
			}
			fresh, err := process(t, db, root)
			if err != nil {
				t.Fatalf("a process with the new root key: %v", err)
			}
			if err := old.Reload(ctx); err != nil {
				t.Fatalf("a process with the old root key: %v", err)
			}
			if _, err := process(t, db, storetest.Root); err != nil {
				t.Errorf("a process that starts with the old root key: %v", err)
			}
			for _, r := range []*keys.Ring{old, fresh} {
				if plain, err := r.Snapshot().Open(keys.Personal, "accounts.profile|a", sealed); err != nil || string(plain) != "张三" {
					t.Errorf("%q, %v", plain, err)
				}
				if !bytes.Equal(r.Snapshot().JWKS(), old.Snapshot().JWKS()) || len(signAll(t, r)) != len(before) {
					t.Error("not the same signing keys")
				}
			}
			// What is made now would open for one half of the processes alone.
			for _, r := range []*keys.Ring{old, fresh} {
				if err := r.Prepare(ctx); !fault.Is(err, fault.Conflict) {
					t.Errorf("made next keys meanwhile: %v", err)
				}
				if _, err := r.Announce(ctx, "test"); !fault.Is(err, fault.Conflict) {
					t.Errorf("made sealing keys meanwhile: %v", err)
				}
				if err := r.RotateRoot(ctx, anyRoot(t), "test"); !fault.Is(err, fault.Conflict) {
					t.Errorf("a third root key: %v", err)
				}
			}
			if err := old.ConfirmRoot(ctx, "test"); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), keys.RootID(root)) {
				t.Errorf("confirmed with the old root key: %v", err)
			}
			if err := fresh.AbandonRoot(ctx, "test"); !fault.Is(err, fault.Conflict) {
				t.Errorf("abandoned with the new root key: %v", err)
			}
			if err := fresh.ConfirmRoot(ctx, "test"); err != nil {
				t.Fatal(err)
			}
			_, err = process(t, db, storetest.Root)
			if !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), keys.RootID(root)) || !strings.Contains(err.Error(), keys.RootID(storetest.Root)) {
				t.Errorf("the old root key after the confirmation: %v", err)
			}
			rows, err := db.Keys(ctx)
			for _, k := range rows {
				if k.Former != "" || k.Root != keys.RootID(root) {
					t.Errorf("key %s is under %q, and %q beside it", k.Kid, k.Root, k.Former)
				}
			}
			if err := errors.Join(err, fresh.Prepare(ctx)); err != nil {
				t.Errorf("keys are made again: %v", err)
			}
			if n := storetest.Count(t, o, `SELECT COUNT(*) FROM audit WHERE object = 'root'`); n != 2 {
				t.Errorf("%d rows of the trail for two deeds", n)
			}
			if roots, err := db.Roots(ctx); err != nil || len(roots) != 1 || roots[0].ID != keys.RootID(root) || roots[0].Former {
				t.Errorf("%+v, %v", roots, err)
			}
		})
	}
}

// A change that is taken back leaves the old root key, and the new one opens
// nothing.
func TestTheRootKeyStays(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db, old := storetest.Ready(t, options(t))
			root := anyRoot(t)
			if err := old.RotateRoot(t.Context(), root, "test"); err != nil {
				t.Fatal(err)
			}
			if err := old.AbandonRoot(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			if _, err := process(t, db, root); !errors.Is(err, keys.ErrRoot) {
				t.Errorf("the abandoned root key: %v", err)
			}
			again, err := process(t, db, storetest.Root)
			if err != nil {
				t.Fatal(err)
			}
			if err := again.RotateRoot(t.Context(), root, "test"); err != nil {
				t.Errorf("a second try: %v", err)
			}
		})
	}
}

// broken fails somewhere in the middle of what a transaction does.
type broken struct {
	keys.Store
	db *store.DB
}

var errKilled = errors.New("killed")

func (b broken) Rewrap(ctx context.Context, from, to string, rows []keys.Row, now time.Time, ev audit.Event) error {
	return b.db.InTx(ctx, func(ctx context.Context) error {
		return errors.Join(b.db.Rewrap(ctx, from, to, rows, now, ev), errKilled)
	})
}

// Whoever dies in the middle of the change has changed nothing; a key that
// somebody makes meanwhile is not left behind under the old root key alone.
func TestTheRootKeyChangesAtOnce(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db, old := storetest.Ready(t, options(t))
			ctx, root := t.Context(), anyRoot(t)
			dying := &keys.Ring{Store: broken{db, db}, Root: storetest.Root, Now: time.Now}
			if err := dying.Open(ctx); err != nil {
				t.Fatal(err)
			}
			if err := dying.RotateRoot(ctx, root, "test"); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if _, err := process(t, db, root); !errors.Is(err, keys.ErrRoot) {
				t.Errorf("half a change: %v", err)
			}
			rows, err := db.Keys(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Rewrap(ctx, keys.RootID(storetest.Root), keys.RootID(root), rows[:len(rows)-1], time.Now(), audit.Event{Kind: audit.KeyRotated}); !fault.Is(err, fault.Conflict) {
				t.Errorf("a key was left behind: %v", err)
			}
			done := make(chan error, 2)
			go func() { done <- old.RotateRoot(ctx, root, "test") }()
			go func() {
				other := &keys.Ring{Store: db, Root: storetest.Root, Now: time.Now}
				if err := other.Open(ctx); err != nil {
					done <- err
					return
				}
				_, err := other.Announce(ctx, "test")
				done <- err
			}()
			for range 2 {
				if err := <-done; err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			}
			for _, root := range [][]byte{storetest.Root, root} {
				if _, err := process(t, db, root); err != nil {
					if roots, e := db.Roots(ctx); e != nil || len(roots) == 2 {
						t.Errorf("%v, %v", err, e)
					}
				}
			}
		})
	}
}
