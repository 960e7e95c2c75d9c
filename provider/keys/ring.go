package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Secret is a parsed symmetric key.
type Secret struct {
	Kid     string
	Purpose Purpose
	Number  int
	State   State
	Bytes   []byte
}

// Signing is a parsed signing key.
type Signing struct {
	Kid       string
	Algorithm Algorithm
	State     State
	Private   crypto.Signer
	signers   map[string]jose.Signer // by typ
}

// Snapshot is the ring at one moment; it is immutable and shared by readers.
type Snapshot struct {
	current map[Purpose]Secret
	secrets map[string]Secret
	numbers map[Purpose]map[int]Secret
	active  map[Algorithm]*Signing
	byKid   map[string]*Signing
	jwks    []byte
}

// Ring serves keys from memory. Make it with Open.
type Ring struct {
	Store Store
	Root  []byte // 32 bytes, sealing every key at rest
	Vault Vault  // where signing keys are made and kept; nil: sealed in the database
	Now   func() time.Time
	// RetireAfter is how long a retired key stays in the JWKS; 0 is as long as it is
	// kept.
	RetireAfter time.Duration

	mu   sync.Mutex
	snap atomic.Pointer[Snapshot]
}

// Open reads the keys, first making those that an empty database lacks, and
// fails if the root key does not open them (a wrong root key must stop the
// start, not produce a second set of keys).
func (r *Ring) Open(ctx context.Context) error {
	if len(r.Root) != 32 {
		return errors.New("keys: the root key must have 32 bytes")
	}
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows { // before anything is sealed under a root key that is none
		if _, _, err := openRow(r.Root, row); err != nil {
			return err
		}
	}
	if err := r.Store.FoundRoot(ctx, RootID(r.Root), r.Now()); err != nil {
		return err
	}
	missing, err := r.missing(ctx, rows)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if err := r.Store.AddKeys(ctx, missing, audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: "system", Object: "keys", Detail: "generated"})); err != nil {
			return err
		}
	}
	return r.Reload(ctx)
}

// missing makes a row for every symmetric purpose and every algorithm that has
// no active key. RSA keys take a while to find, so they are made in parallel.
func (r *Ring) missing(ctx context.Context, rows []Row) ([]Row, error) {
	have := map[string]bool{}
	for _, k := range rows {
		if k.State == Active {
			have[string(k.Purpose)+"|"+string(k.Algorithm)] = true
		}
	}
	now := r.Now()
	var out []Row
	for _, p := range symmetric {
		if have[string(p)+"|"] {
			continue
		}
		row, err := newSecretRow(r.Root, p, 1, now)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	signing, err := r.generate(ctx, now, Active, func(a Algorithm) bool { return !have[string(Sign)+"|"+string(a)] })
	return append(out, signing...), err
}

func (r *Ring) generate(ctx context.Context, now time.Time, state State, want func(Algorithm) bool) ([]Row, error) {
	algs := Algorithms()
	rows, errs := make([]Row, len(algs)), make([]error, len(algs))
	var wg sync.WaitGroup
	for i, a := range algs {
		if !want(a) {
			continue
		}
		wg.Go(func() { rows[i], errs[i] = r.newSigningRow(ctx, a, state, now) })
	}
	wg.Wait()
	var out []Row
	for i := range rows {
		if rows[i].Kid != "" {
			out = append(out, rows[i])
		}
	}
	return out, errors.Join(errs...)
}

// Prepare makes the next signing keys that are missing, so that relying
// parties see them in the JWKS long before they sign. It runs after start.
func (r *Ring) Prepare(ctx context.Context) error {
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return err
	}
	have := map[Algorithm]bool{}
	for _, k := range rows {
		if k.Purpose == Sign && k.State == Next {
			have[k.Algorithm] = true
		}
	}
	next, err := r.generate(ctx, r.Now(), Next, func(a Algorithm) bool { return !have[a] })
	if err != nil || len(next) == 0 {
		return err
	}
	if err := r.Store.AddKeys(ctx, next, audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: "system", Object: "keys", Detail: "next prepared"})); err != nil {
		return err
	}
	return r.Reload(ctx)
}

// RotateSigning retires the active key of every algorithm and puts the next
// one in its place.
func (r *Ring) RotateSigning(ctx context.Context, actor string) error {
	if err := r.Prepare(ctx); err != nil {
		return err
	}
	for _, a := range Algorithms() {
		if err := r.rotate(ctx, a, r.Snapshot().active[a].Kid, actor); err != nil {
			return err
		}
	}
	return r.Reload(ctx)
}

func (r *Ring) rotate(ctx context.Context, a Algorithm, active, actor string) error {
	now := r.Now()
	next, err := r.newSigningRow(ctx, a, Next, now)
	if err != nil {
		return err
	}
	ev := audit.From(ctx, audit.Event{Kind: audit.KeyRotated, Actor: actor, Object: string(a), Detail: "rotated"})
	if err := r.Store.RotateKeys(ctx, Sign, a, active, now, next, ev); err != nil {
		return fmt.Errorf("rotate %s: %w", a, err)
	}
	return nil
}

// PublishedFor is how long a signing key must have stood in the JWKS before it
// signs, so that relying parties which read the set once a day know it.
const PublishedFor = 24 * time.Hour

// HintsFor is how long a retired key still verifies what comes back to us, after
// it has left the JWKS: relying parties keep ID tokens for id_token_hint as long
// as their users stay signed in there (OpenID Connect RP-Initiated Logout §2).
const HintsFor = 400 * 24 * time.Hour

// Tend rotates, algorithm by algorithm, what has signed for longer than
// rotateAfter and has a next key that was published long enough, and deletes
// what was retired more than keepFor ago. Several processes may tend one
// database: of those that rotate the same key at once, one wins.
func (r *Ring) Tend(ctx context.Context, rotateAfter, keepFor time.Duration) error {
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return err
	}
	now, ripe := r.Now(), map[Algorithm]bool{}
	for _, k := range rows {
		if k.Purpose == Sign && k.State == Next && !now.Before(k.CreatedAt.Add(PublishedFor)) {
			ripe[k.Algorithm] = true
		}
	}
	for _, k := range rows {
		if k.Purpose != Sign || k.State != Active || !ripe[k.Algorithm] || now.Before(k.ActivatedAt.Add(rotateAfter)) {
			continue
		}
		if err := r.rotate(ctx, k.Algorithm, k.Kid, "system"); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	if _, err := r.Store.DropKeys(ctx, now.Add(-keepFor)); err != nil {
		return err
	}
	return r.Reload(ctx)
}

// Reload reads the keys anew and swaps the snapshot in.
func (r *Ring) Reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows, err := r.Store.Keys(ctx)
	if err != nil {
		return err
	}
	s, err := r.parse(ctx, rows)
	if err != nil {
		return err
	}
	r.snap.Store(s)
	return nil
}

// Snapshot gives the keys in force; nil before Open.
func (r *Ring) Snapshot() *Snapshot { return r.snap.Load() }

func (r *Ring) parse(ctx context.Context, rows []Row) (*Snapshot, error) {
	s := &Snapshot{
		current: map[Purpose]Secret{}, secrets: map[string]Secret{}, numbers: map[Purpose]map[int]Secret{},
		active: map[Algorithm]*Signing{}, byKid: map[string]*Signing{},
	}
	sort.Slice(rows, func(i, j int) bool { // stable order of the JWKS: active, next, retired; then algorithm
		if rows[i].State != rows[j].State {
			return order(rows[i].State) < order(rows[j].State)
		}
		return order2(rows[i].Algorithm) < order2(rows[j].Algorithm)
	})
	var set jose.JSONWebKeySet
	for _, row := range rows {
		plain, away, err := openRow(r.Root, row)
		if err != nil {
			return nil, err
		}
		if row.Purpose != Sign {
			s.addSecret(row, plain)
			continue
		}
		var k *Signing
		if away {
			k, err = r.fromVault(ctx, row, plain)
		} else {
			k, err = fromSeal(row, plain)
		}
		if err != nil {
			return nil, err
		}
		s.byKid[k.Kid] = k
		if k.State == Active {
			s.active[k.Algorithm] = k
		}
		if k.State == Retired && r.RetireAfter > 0 && r.Now().Sub(row.RetiredAt) > r.RetireAfter {
			continue // it verifies id_token_hint here and nothing elsewhere
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.Kid, Algorithm: string(k.Algorithm), Use: "sig"})
	}
	var err error
	s.jwks, err = json.Marshal(set)
	return s, err
}

func (s *Snapshot) addSecret(row Row, plain []byte) {
	k := Secret{Kid: row.Kid, Purpose: row.Purpose, Number: row.Number, State: row.State, Bytes: plain}
	s.secrets[k.Kid] = k
	if s.numbers[k.Purpose] == nil {
		s.numbers[k.Purpose] = map[int]Secret{}
	}
	s.numbers[k.Purpose][k.Number] = k
	if row.State == Active {
		s.current[k.Purpose] = k
	}
}

func order(s State) int {
	switch s {
	case Active:
		return 0
	case Next:
		return 1
	}
	return 2
}

func order2(a Algorithm) int {
	for i, x := range Algorithms() {
		if x == a {
			return i
		}
	}
	return len(Algorithms())
}

// fromSeal is the key that lies sealed in its row (PKCS #8).
func fromSeal(row Row, der []byte) (*Signing, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("keys: key %s: %w", row.Kid, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("keys: key %s cannot sign", row.Kid)
	}
	return newSigning(row, private, private)
}
