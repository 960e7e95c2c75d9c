package store_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/operator"
	"kejitong/store"
	"kejitong/store/storetest"
)

var (
	places   = regexp.MustCompile(`"([a-z_]+[.|][a-z_]+)\|"`)
	unsealed = map[string]string{ // what looks like a place and is none, with the reason
	}
)

// A sealed column that the rotation does not know would be lost with its key:
// every place that the sources name stands in the registry.
func TestEverySealedColumnIsKnown(t *testing.T) {
	known := map[string]bool{}
	for _, place := range store.SealedPlaces("KEY") {
		name, key, ok := cutLast(place)
		if !ok || key != "KEY" {
			t.Errorf("place %q does not end in the row's key", place)
		}
		if known[name] {
			t.Errorf("%s stands there twice", name)
		}
		known[name] = true
	}
	for _, folder := range []string{"*.go", "../provider/*/*.go", "../provider/web/*/*.go", "../cmd/kejitong/*.go"} {
		files, err := filepath.Glob(folder)
		must(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			must(t, err)
			for _, hit := range places.FindAllSubmatch(text, -1) {
				if name := string(hit[1]); !known[name] && unsealed[name] == "" {
					t.Errorf("%s: %q is not in sealedColumns (store/sealed.go)", file, name)
				}
			}
		}
	}
	// The other way round: whoever seals says where.
	calls := regexp.MustCompile(`\.[sS]eal\(keys\.[A-Za-z]+, ([^,]+),`)
	for _, folder := range []string{"*.go", "../provider/*/*.go"} {
		files, err := filepath.Glob(folder)
		must(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			must(t, err)
			for _, hit := range calls.FindAllSubmatch(text, -1) {
				if place := string(hit[1]); !strings.HasSuffix(file, "_test.go") && !strings.Contains(strings.ToLower(place), "place") {
					t.Errorf("%s: sealed for %s: make the place with a function …Place, as the others do", file, place)
				}
			}
		}
	}
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '|')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// aged is a database whose ring has a clock that can be moved.
func aged(t *testing.T, o store.Options) (*store.DB, *keys.Ring, *time.Duration) {
	db, ring := storetest.Ready(t, o)
	ahead := new(time.Duration)
	ring.Now = func() time.Time { return time.Now().UTC().Add(*ahead) }
	return db, ring, ahead
}

// While the sealing keys are rotated again and again and everything is sealed
// anew, people read and write: nothing is lost, nobody sees a value that does not
// open, and no key goes that something needs (E23).
func TestSealingRotatesUnderTraffic(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			db, ring, ahead := aged(t, o)
			ctx := context.WithoutCancel(t.Context())
			const people = 30
			names := make([]string, people)
			for i := range names {
				id := "p" + string(rune('a'+i/10)) + string(rune('0'+i%10))
				names[i] = id
				a := person(id, id)
				must(t, db.PutAccount(ctx, a, "$argon2id$"+id, did(audit.AccountCreated)))
			}
			secretive := relyingParty("rp")
			secretive.Metadata.TokenEndpointAuthMethod = client.AuthSecretJWT
			must(t, secretive.SetSecret(ring.Snapshot(), "the shared secret"))
			must(t, db.PutClient(ctx, secretive, did(audit.ClientCreated)))

			must(t, db.AddOperator(ctx, operator.Operator{ID: operator.NewID(), LoginKey: "desk", Password: "$argon2id$desk"}, did(audit.OperatorAdded)))
			must(t, db.AddFactor(ctx, factor.Record{Factor: factor.Factor{ID: "f", Kind: factor.TOTP}, Subject: factor.Subject{Realm: factor.Operators, ID: "o"}, Secret: []byte("secret")}, did(audit.FactorAdded)))

			stop := make(chan struct{})
			var traffic sync.WaitGroup
			written := make([]int, people)
			for w := range 2 {
				traffic.Go(func() {
					for n := 1; ; n++ {
						for i := w; i < people; i += 2 {
							select {
							case <-stop:
								return
							default:
							}
							p, err := db.ByAccount(ctx, account.ID(names[i]))
							if err != nil || p.Account.Profile.Name != "张三丰" {
								t.Errorf("%s: %v", names[i], err)
								return
							}
							p.Account.Profile.Nickname = strings.Repeat("x", n%50)
							if err := db.PutAccount(ctx, p.Account, "", did(audit.AccountChanged)); err != nil {
								t.Errorf("%s: %v", names[i], err)
								return
							}
							written[i] = n % 50
							if l, err := db.FindLogin(ctx, names[i]); err != nil || l.Password != "$argon2id$"+names[i] {
								t.Errorf("%s: password %v", names[i], err)
								return
							}
						}
					}
				})
			}
			first := map[keys.Purpose]string{}
			for _, p := range keys.Sealing() {
				first[p] = ring.Snapshot().Current(p).Kid
			}
			for range 3 {
				_, err := ring.Announce(ctx, "test")
				must(t, err)
				if done, err := ring.Relieve(ctx, "test"); err != nil || len(done) != 0 {
					t.Fatalf("relieved by keys that nobody knows yet: %v %v", done, err)
				}
				*ahead += keys.KnownFor
				if done, err := ring.Relieve(ctx, "test"); err != nil || len(done) != len(keys.Sealing()) {
					t.Fatalf("relieved %v, %v", done, err)
				}
				reseal(t, db)
			}
			close(stop)
			traffic.Wait()
			reseal(t, db)
			if !ring.Snapshot().Replaced() {
				t.Error("no key is retired")
			}
			if gone, err := ring.Retire(ctx, "test"); err != nil || len(gone) != 0 {
				t.Fatalf("keys gone at once: %v, %v", gone, err)
			}
			*ahead += keys.KeptFor
			gone, err := ring.Retire(ctx, "test")
			if must(t, err); len(gone) != 3*len(keys.Sealing()) {
				t.Errorf("%d keys gone", len(gone))
			}
			counts, err := db.SealedUnder(ctx)
			must(t, err)
			for _, p := range keys.Sealing() {
				used := p == keys.Personal || p == keys.Pepper || p == keys.SharedSecret
				if counts[first[p]] != 0 || used && counts[ring.Snapshot().Current(p).Kid] == 0 {
					t.Errorf("%s: %v", p, counts)
				}
			}
			for i, id := range names {
				p, err := db.ByAccount(ctx, account.ID(id))
				if err != nil || len(p.Account.Profile.Nickname) != written[i] {
					t.Errorf("%s: %d, want %d, %v", id, len(p.Account.Profile.Nickname), written[i], err)
				}
			}
			c, err := db.Client(ctx, "rp")
			must(t, err)
			if s, err := c.Recover(ring.Snapshot(), time.Now()); err != nil || len(s) != 1 || s[0] != "the shared secret" {
				t.Errorf("secret %q, %v", s, err)
			}
		})
	}
}

func reseal(t *testing.T, db *store.DB) {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = db.Reseal(context.WithoutCancel(t.Context()), 7)
		must(t, err)
	}
}

// A key that one single value needs stays, however long ago it was relieved.
func TestANeededKeyStays(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db, ring, ahead := aged(t, options(t))
			must(t, db.PutAccount(t.Context(), person("zhang", "zhang"), "$argon2id$zhang", did(audit.AccountCreated)))
			old := ring.Snapshot().Current(keys.Personal).Kid
			_, err := ring.Announce(t.Context(), "test")
			must(t, err)
			*ahead += keys.KnownFor + keys.KeptFor
			_, err = ring.Relieve(t.Context(), "test")
			must(t, err)
			*ahead += keys.KeptFor
			gone, err := ring.Retire(t.Context(), "test")
			must(t, err)
			for _, kid := range gone {
				if kid == old {
					t.Fatal("the key of a profile is gone")
				}
			}
			if err := db.DropSealing(t.Context(), old, did(audit.KeyRotated)); !fault.Is(err, fault.Conflict) {
				t.Errorf("dropped: %v", err)
			}
			if err := db.DropSealing(t.Context(), ring.Snapshot().Current(keys.Personal).Kid, did(audit.KeyRotated)); err == nil {
				t.Error("the key in use was dropped")
			}
			if _, err := db.ByAccount(t.Context(), "zhang"); err != nil {
				t.Error(err)
			}
			reseal(t, db)
			if gone, err = ring.Retire(t.Context(), "test"); err != nil || !slices.Contains(gone, old) {
				t.Errorf("gone %v, %v", gone, err)
			}
		})
	}
}
