package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/keys"
	"kejitong/store"
	"kejitong/store/storetest"
)

// module stands for a hardware module: it signs with keys that it never gives
// away, and can be out of reach.
type module struct {
	mu     sync.Mutex
	keys   map[string]crypto.Signer
	wrong  bool // it makes keys of another type than it was asked for
	down   bool
	looked int
}

var errDown = errors.New("module does not answer")

func (m *module) Generate(_ context.Context, alg keys.Algorithm) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return "", errDown
	}
	var k crypto.Signer
	var err error
	switch {
	case alg == keys.EdDSA || m.wrong:
		_, k, err = ed25519.GenerateKey(rand.Reader)
	case alg == keys.ES256:
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	ref := fmt.Sprintf("slot-1/object-%d", len(m.keys))
	m.keys[ref] = k
	return ref, err
}

func (m *module) Signer(_ context.Context, ref string) (crypto.Signer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looked++
	if m.down || m.keys[ref] == nil {
		return nil, errDown
	}
	return handle{m, ref, m.keys[ref].Public()}, nil
}

// handle is what the module lets out of itself: a public key, and signing.
type handle struct {
	m      *module
	ref    string
	public crypto.PublicKey
}

func (h handle) Public() crypto.PublicKey { return h.public }

func (h handle) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.m.down {
		return nil, errDown
	}
	return h.m.keys[h.ref].Sign(r, digest, opts)
}

func open(t *testing.T, db *store.DB, v keys.Vault) *keys.Ring {
	t.Helper()
	r := &keys.Ring{Store: db, Root: storetest.Root, Now: time.Now, Vault: v}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// signAll makes a token with every algorithm.
func signAll(t *testing.T, r *keys.Ring) (out []string) {
	t.Helper()
	for _, a := range keys.Algorithms() {
		text, err := r.Snapshot().Sign(a, "JWT", map[string]any{"sub": "s"})
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		out = append(out, text)
	}
	return out
}

// verifyAll verifies tokens as relying parties do, with the key that the kid
// names in the published set and the algorithm that stands there.
func verifyAll(t *testing.T, jwks []byte, tokens []string) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	for _, text := range tokens {
		jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
		if err != nil {
			t.Fatal(err)
		}
		h := jws.Signatures[0].Protected
		found := set.Key(h.KeyID)
		if len(found) != 1 || found[0].Algorithm != h.Algorithm || !found[0].IsPublic() {
			t.Errorf("kid %s of %s names %d keys", h.KeyID, h.Algorithm, len(found))
			continue
		}
		if _, err := jws.Verify(found[0]); err != nil {
			t.Errorf("%s: %v", h.Algorithm, err)
		}
	}
}

// An installation moves its signing keys into a module without a break: what
// lies in the database goes on, each rotation makes keys in the module, and
// every token verifies all the while, in other processes, too.
func TestKeysMoveIntoAVault(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens := signAll(t, open(t, db, nil))
		m := &module{keys: map[string]crypto.Signer{}}
		r := open(t, db, m)
		if len(m.keys) != 0 {
			t.Fatal("keys were made in the module although there are some")
		}
		tokens = append(tokens, signAll(t, r)...)
		for range 2 { // the second puts those of the module to work if the first took prepared ones
			if err := r.RotateSigning(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, signAll(t, r)...)
		}
		verifyAll(t, r.Snapshot().JWKS(), tokens)
		verifyAll(t, open(t, db, m).Snapshot().JWKS(), tokens)
		rows, err := db.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		away := 0
		for _, k := range rows {
			if k.Purpose != keys.Sign {
				continue
			}
			kept := strings.HasPrefix(k.Sealed, "vault:")
			if kept {
				away++
			}
			if k.State != keys.Retired && !kept {
				t.Errorf("the %s key for %s is in the database", k.State, k.Algorithm)
			}
			if kept && len(k.Sealed) > 200 { // a reference, not a key
				t.Errorf("%d characters for a reference", len(k.Sealed))
			}
		}
		if away != len(m.keys) || away < 2*len(keys.Algorithms()) {
			t.Errorf("%d references to %d keys", away, len(m.keys))
		}
		if strings.Contains(string(r.Snapshot().JWKS()), "slot-1") {
			t.Error("a reference is published")
		}
		looked := m.looked
		for range 5 {
			if err := r.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if m.looked != looked {
			t.Errorf("%d looks at known keys", m.looked-looked)
		}
	})
}

// What goes wrong around a vault: nothing signs with another key instead, and
// nothing starts without its keys.
func TestVaultOutOfReach(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := &module{keys: map[string]crypto.Signer{}}
		fresh := func(v keys.Vault) error {
			return (&keys.Ring{Store: db, Root: storetest.Root, Now: time.Now, Vault: v}).Open(t.Context())
		}
		r := open(t, db, m)
		for range 2 {
			if err := r.RotateSigning(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
		}
		tokens := signAll(t, r)
		m.down = true
		if err := fresh(m); !errors.Is(err, errDown) {
			t.Errorf("a start without the module: %v", err)
		}
		if err := fresh(nil); err == nil || !strings.Contains(err.Error(), "vault") {
			t.Errorf("a start of a process that has no vault: %v", err)
		}
		if err := r.Reload(t.Context()); err != nil {
			t.Errorf("known keys: %v", err)
		}
		for _, a := range keys.Algorithms() {
			if text, err := r.Snapshot().Sign(a, "JWT", map[string]any{}); !errors.Is(err, errDown) || text != "" {
				t.Errorf("%s signs without the module: %v", a, err)
			}
		}
		if err := r.RotateSigning(t.Context(), "test"); !errors.Is(err, errDown) {
			t.Errorf("a rotation: %v", err)
		}
		verifyAll(t, r.Snapshot().JWKS(), tokens) // verifying needs no module
		m.down = false
		verifyAll(t, r.Snapshot().JWKS(), signAll(t, r))
	})
}

// Whoever writes to the database cannot make one key stand for another, and a
// module that errs about the type of a key is not believed.
func TestVaultReferencesAreBound(t *testing.T) {
	db, _ := storetest.Ready(t, storetest.SQLite(t)) // no state of the database's own is looked at
	m := &module{keys: map[string]crypto.Signer{}}
	ring := func(rows []keys.Row) error {
		return (&keys.Ring{Store: fixed{rows: rows}, Root: storetest.Root, Now: time.Now, Vault: m}).Open(t.Context())
	}
	r := &keys.Ring{Store: db, Root: storetest.Root, Now: time.Now, Vault: m}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.RotateSigning(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ring(rows); err != nil {
		t.Fatalf("the negative control: %v", err)
	}
	var es []int
	inDatabase := -1
	for i, k := range rows {
		switch {
		case k.Purpose == keys.Sign && k.Algorithm == keys.ES256 && strings.HasPrefix(k.Sealed, "vault:"):
			es = append(es, i)
		case k.Purpose == keys.Sign && k.Algorithm == keys.ES256:
			inDatabase = i
		}
	}
	for name, change := range map[string]func(rows []keys.Row){
		"references exchanged":              func(rows []keys.Row) { rows[es[0]].Sealed, rows[es[1]].Sealed = rows[es[1]].Sealed, rows[es[0]].Sealed },
		"a reference as a key":              func(rows []keys.Row) { rows[es[0]].Sealed = strings.TrimPrefix(rows[es[0]].Sealed, "vault:") },
		"a key as a reference":              func(rows []keys.Row) { rows[inDatabase].Sealed = "vault:" + rows[inDatabase].Sealed },
		"a reference in the clear":          func(rows []keys.Row) { rows[es[0]].Sealed = "vault:slot-1/object-0" },
		"a reference for another algorithm": func(rows []keys.Row) { rows[es[0]].Algorithm = keys.RS256 },
	} {
		changed := append([]keys.Row{}, rows...)
		change(changed)
		if err := ring(changed); err == nil {
			t.Errorf("%s: the ring opens", name)
		}
	}
	// A key of a wrong type must be found out before its row is written, or no
	// process could read the keys any more.
	m.wrong = true
	if err := r.RotateSigning(t.Context(), "test"); err == nil || !strings.Contains(err.Error(), "none for") {
		t.Errorf("keys of a wrong type: %v", err)
	}
	if err := r.Reload(t.Context()); err != nil {
		t.Errorf("the wrong keys were written: %v", err)
	}
}

// fixed is a store that holds these rows and needs no others.
type fixed struct {
	keys.Store
	rows []keys.Row
}

// Keys gives a copy: the ring sorts what it gets.
func (f fixed) Keys(context.Context) ([]keys.Row, error) { return append([]keys.Row{}, f.rows...), nil }

func (f fixed) FoundRoot(context.Context, string, time.Time) error { return nil }
