package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
	"kejitong/store"
	"kejitong/store/storetest"
)

// world is what ought to be: who has which login name, and what became of the
// keys that were brought over.
type world struct {
	names   map[string]account.Kind // by login key
	units   map[string]bool         // USCC with a verified legal account of another name
	brought map[string]torch.Code
	random  *rand.Rand
}

func (w *world) takes(name string) bool { _, taken := w.names[strings.ToLower(name)]; return taken }

// bring is the decision for a key, and what it does to the names.
func (w *world) bring(r torch.Record) torch.Code {
	key := strings.ToLower(r.Key)
	kind, held := w.names[key]
	var c torch.Code
	if r.Kind == torch.UnitRecord {
		c = torch.DecideUnit(torch.UnitFacts{
			There: true, LoginHere: held && kind == account.LegalEntity, OtherName: w.units[r.Key], PersonHolds: held && kind == account.NaturalPerson,
		})
	} else {
		c = torch.DecidePerson(torch.PersonFacts{There: true, Held: held})
	}
	w.brought[r.Key] = c
	if made := c.Makes(); made.Kind != "" {
		name, _ := c.LoginName(r.Key, w.takes)
		w.names[strings.ToLower(name)] = account.Kind(made.Kind)
	}
	return c
}

// Whatever is registered and imported in whatever order, every key has the outcome
// that the tables say for the moment at which it came, once; no login name is held
// twice, no row is lost, and importing again is nothing.
func TestAnyOrderOfRegistrationAndImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for seed := range uint64(4) {
			town, w := &town{t: t, db: db, n: int(seed) * 1000}, &world{names: map[string]account.Kind{}, units: map[string]bool{}, brought: map[string]torch.Code{}, random: rand.New(rand.NewPCG(seed, 2026))} //nolint:gosec // a test that can be repeated
			before := accountsIn(t, db)
			var keys []torch.Record
			for i := range 12 {
				if i%2 == 0 {
					keys = append(keys, unitRow(i+2, modelUSCC(int(seed)*100+i)))
				} else {
					keys = append(keys, personRow(i+2, fmt.Sprintf("187%04d%04d", seed, i), ""))
				}
			}
			registered, batches := 0, 0
			for range 25 {
				r := keys[w.random.IntN(len(keys))]
				switch what := w.random.IntN(5); {
				case what == 0: // a batch of some keys
					var rows []torch.Record
					for i, k := range keys {
						if w.random.IntN(4) == 0 {
							k.Row = i + 2
							rows = append(rows, k)
						}
					}
					batches++
					w.importing(t, db, fmt.Sprintf("b%d-%d", seed, batches), rows)
				case w.takes(r.Key): // the name is gone, and a registration hears of it
					a := person("x", r.Key)
					a.ID, a.LoginKey, a.Profile = account.NewID(), strings.ToLower(r.Key), account.Profile{}
					if err := db.PutAccount(ctx, a, "", did(audit.AccountCreated)); !fault.Is(err, fault.Conflict) {
						t.Fatalf("seed %d: %s is held twice: %v", seed, r.Key, err)
					}
				case r.Kind == torch.UnitRecord && what == 1 && !w.units[r.Key] && w.brought[r.Key] == "":
					registered++
					name := fmt.Sprintf("works%d-%d", seed, registered)
					town.unit(r.Key, name, true)
					w.names[name], w.units[r.Key] = account.LegalEntity, true
				default: // somebody else takes the name
					registered++
					town.account(account.NaturalPerson, r.Key, "", "", "")
					w.names[strings.ToLower(r.Key)] = account.NaturalPerson
				}
			}
			w.importing(t, db, fmt.Sprintf("all-%d", seed), keys)
			again := w.importing(t, db, fmt.Sprintf("again-%d", seed), keys)
			if again.Made != 0 || again.Known != int64(len(keys)) {
				t.Errorf("seed %d: again %+v", seed, again)
			}
			for name, kind := range w.names {
				if a, err := db.AccountByLogin(ctx, name); err != nil || a.Kind != kind {
					t.Errorf("seed %d: %s is %s, want %s, %v", seed, name, a.Kind, kind, err)
				}
			}
			if n := accountsIn(t, db) - before; n != len(w.names) {
				t.Errorf("seed %d: %d accounts for %d names", seed, n, len(w.names))
			}
		}
	})
}

// importing brings rows over and holds what it did against the model.
func (w *world) importing(t *testing.T, db *store.DB, batch string, rows []torch.Record) torch.Plan {
	t.Helper()
	stageAll(t, db, batch, rows)
	p, err := db.Commit(t.Context(), batch, torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted, Object: batch})
	must(t, err)
	want, known := map[torch.Code]int64{}, int64(0)
	for _, r := range rows {
		if w.brought[r.Key] != "" {
			known++
			continue
		}
		want[w.bring(r)]++
	}
	for c, n := range want {
		if p.Outcomes[c] != n {
			t.Errorf("%s: %d of %s, want %d", batch, p.Outcomes[c], c, n)
		}
	}
	if p.Known != known {
		t.Errorf("%s: %d known, want %d", batch, p.Known, known)
	}
	return p
}

// A batch that is committed while people register the same names: each name is
// held once, each key was brought over once, and nobody was told a lie.
func TestRegisteringDuringAnImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.WithoutCancel(t.Context())
		var rows []torch.Record
		for i := range 40 {
			rows = append(rows, personRow(i+2, fmt.Sprintf("1860000%04d", i), ""))
		}
		stageAll(t, db, "b", rows)
		var wg sync.WaitGroup
		took := make([]bool, len(rows))
		wg.Go(func() {
			if _, err := db.Commit(ctx, "b", torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted}); err != nil {
				t.Error(err)
			}
		})
		for part := range 4 {
			wg.Go(func() {
				for i := part; i < len(rows); i += 4 {
					a := account.Account{ID: account.NewID(), Kind: account.NaturalPerson, State: account.Active, LoginName: rows[i].Key, LoginKey: rows[i].Key,
						RealName: account.RealName{Status: account.StatusUnverified, Level: "L0"}, CreatedAt: clock, UpdatedAt: clock}
					err := db.PutAccount(ctx, a, "", did(audit.AccountCreated))
					if took[i] = err == nil; err != nil && !fault.Is(err, fault.Conflict) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for i, r := range rows {
			_, plain := db.AccountByLogin(ctx, r.Key)
			_, prefixed := db.AccountByLogin(ctx, "hj_"+r.Key)
			if plain != nil || (prefixed == nil) != took[i] {
				t.Errorf("%s: registered %v, plain %v, prefixed %v", r.Key, took[i], plain, prefixed)
			}
		}
		if n := accountsIn(t, db); n < len(rows) {
			t.Errorf("%d accounts of %d rows", n, len(rows))
		}
	})
}

func accountsIn(t *testing.T, db *store.DB) int {
	t.Helper()
	n := 0
	after := ""
	for {
		page, err := db.Accounts(t.Context(), after, 500)
		must(t, err)
		if n += len(page); len(page) < 500 {
			return n
		}
		after = page[len(page)-1].LoginKey
	}
}

// modelUSCC gives the n-th code of a region that was never issued.
func modelUSCC(n int) string {
	const letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	body := fmt.Sprintf("91110000%09d", 700000000+n)
	sum, weight := 0, 1
	for _, c := range body {
		sum, weight = sum+strings.IndexRune(letters, c)*weight, weight*3%31
	}
	return body + string(letters[(31-sum%31)%31])
}
