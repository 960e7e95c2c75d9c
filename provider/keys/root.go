package keys

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Root is a root key by its id, for those who must know which one opens the rows.
type Root struct {
	ID     string
	Former bool // accepted until the change of the root key is confirmed
	Since  time.Time
}

// RootStore keeps what the database knows of its root keys.
type RootStore interface {
	// Roots gives the root keys that the rows are sealed under, the one in force
	// first.
	Roots(ctx context.Context) ([]Root, error)
	// FoundRoot enters the root key id as the one in force, and as that of all rows,
	// if the database knows none yet.
	FoundRoot(ctx context.Context, id string, now time.Time) error
	// Rewrap puts rows, which are all keys, sealed under the root key to, in the
	// place of those under from, which stay beside them, in one transaction with ev.
	// fault.Conflict if from is not in force, a change waits to be confirmed, or the
	// rows are not the keys any more.
	Rewrap(ctx context.Context, from, to string, rows []Row, now time.Time, ev audit.Event) error
	// ConfirmRoot forgets the root key before id, with ev; fault.Conflict if id is not
	// in force or there is none before it.
	ConfirmRoot(ctx context.Context, id string, ev audit.Event) error
	// AbandonRoot puts the root key id, which is the one before, in force again and
	// forgets the new one, with ev; fault.Conflict if id is no such key.
	AbandonRoot(ctx context.Context, id string, now time.Time, ev audit.Event) error
}

// ErrRoot is returned for keys that the root key does not open.
var ErrRoot = errors.New("put the right root key into the file that the configuration names; no other opens anything")

// RootID names a root key without giving it away.
func RootID(root []byte) string {
	h := hmac.New(sha256.New, root)
	h.Write([]byte("kejitong root key"))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// openRow opens a row with the root key in force or the one before. away tells
// that it refers to a key in the Vault.
func openRow(root []byte, row Row) (plain []byte, away bool, err error) {
	for _, text := range []string{row.Sealed, row.Former} {
		if text == "" {
			continue
		}
		sealed, away := strings.CutPrefix(text, inVault)
		kid, rest, err := cut(sealed)
		if err != nil || kid != row.Kid {
			return nil, false, fmt.Errorf("keys: key %s: %w", row.Kid, ErrUnsealable)
		}
		if plain, err = openKid(kid, root, rootPlace(row.Purpose, row.Algorithm), rest); err == nil {
			return plain, away, nil
		}
	}
	of := ""
	if row.Root != "" && row.Root != RootID(root) {
		of = " (the database is sealed under root key " + row.Root + ")"
	}
	return nil, false, fmt.Errorf("keys: key %s does not open with root key %s%s: %w: %w", row.Kid, RootID(root), of, ErrRoot, ErrUnsealable)
}

// RotateRoot seals every key under the root key next as well, in one transaction:
// from then on processes with either root key open the database. No key can be
// made until ConfirmRoot or AbandonRoot says which one stays. The ring goes on
// with the root key that it has.
func (r *Ring) RotateRoot(ctx context.Context, next []byte, actor string) error {
	if len(next) != 32 {
		return errors.New("keys: the root key must have 32 bytes")
	}
	from, to := RootID(r.Root), RootID(next)
	if from == to {
		return fault.New(fault.Conflict, "the new root key is the one in force")
	}
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return err
	}
	rows = slices.Clone(rows)
	for i, row := range rows {
		plain, away, err := openRow(r.Root, row)
		if err != nil {
			return err
		}
		if row.Sealed, err = sealWith(row.Kid, next, rootPlace(row.Purpose, row.Algorithm), plain); err != nil {
			return err
		}
		if away {
			row.Sealed = inVault + row.Sealed
		}
		row.Root = to
		rows[i] = row
	}
	ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: "root", Detail: "sealed under " + to + " beside " + from})
	if err := r.Store.Rewrap(ctx, from, to, rows, r.Now(), ev); err != nil {
		return fmt.Errorf("change the root key: %w", err)
	}
	return r.Reload(ctx)
}

// ConfirmRoot ends a change of the root key: the one before opens nothing any
// more. The ring must have the new one.
func (r *Ring) ConfirmRoot(ctx context.Context, actor string) error {
	id := RootID(r.Root)
	ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: "root", Detail: "confirmed " + id})
	if err := r.Store.ConfirmRoot(ctx, id, ev); err != nil {
		return fmt.Errorf("confirm the root key: %w", err)
	}
	return r.Reload(ctx)
}

// AbandonRoot takes a change of the root key back that was not confirmed. The ring
// must have the one before.
func (r *Ring) AbandonRoot(ctx context.Context, actor string) error {
	id := RootID(r.Root)
	ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: "root", Detail: "back to " + id})
	if err := r.Store.AbandonRoot(ctx, id, r.Now(), ev); err != nil {
		return fmt.Errorf("abandon the change of the root key: %w", err)
	}
	return r.Reload(ctx)
}
