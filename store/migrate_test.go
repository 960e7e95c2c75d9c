package store_test

import (
	"sync"
	"testing"

	"kejitong/store"
	"kejitong/store/storetest"
)

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.EmptySQLite, "postgres": storetest.EmptyPostgres} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), options(t))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			current, wanted, err := db.MigrationState(t.Context())
			if err != nil || current != 0 || wanted == 0 {
				t.Fatalf("empty database: state %d of %d, %v", current, wanted, err)
			}
			var wg sync.WaitGroup
			racers := 3
			if !db.Postgres() {
				racers = 1
			}
			for range racers {
				wg.Go(func() {
					if err := db.Migrate(t.Context()); err != nil {
						t.Errorf("migrate: %v", err)
					}
				})
			}
			wg.Wait()
			if err := db.Migrate(t.Context()); err != nil {
				t.Errorf("again: %v", err)
			}
			if current, wanted, err = db.MigrationState(t.Context()); err != nil || current != wanted {
				t.Errorf("state %d of %d, %v", current, wanted, err)
			}
		})
	}
}
