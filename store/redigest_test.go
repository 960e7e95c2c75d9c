package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/integrator"
	"kejitong/provider/keys"
	"kejitong/provider/realname"
	"kejitong/provider/recovery"
	"kejitong/provider/torch"
	"kejitong/store"
	"kejitong/store/storetest"
)

// onAged runs fn on an aged database of both kinds.
func onAged(t *testing.T, fn func(t *testing.T, w *wheel)) {
	t.Helper()
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			w := &wheel{t: t, o: options(t)}
			w.db, w.ring, w.ahead = aged(t, w.o)
			fn(t, w)
		})
	}
}

// wheel turns the keys of digests stage by stage.
type wheel struct {
	t     *testing.T
	o     store.Options
	db    *store.DB
	ring  *keys.Ring
	ahead *time.Duration
}

// stages are the moments between which two processes may differ by one.
var stages = []string{"before", "announced", "relieved", "spent", "over"}

// turn takes the rotation to the stage after this one.
func (w *wheel) turn(from int) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	switch stages[from] {
	case "before":
		_, err := w.ring.AnnounceDigests(ctx, "test")
		must(w.t, err)
	case "relieved":
		*w.ahead += keys.KeptFor
	default:
		*w.ahead += keys.KnownFor
	}
	_, err := w.ring.TurnDigests(ctx, 3, "test", func(int) {})
	must(w.t, err)
	want := map[string][]keys.State{"announced": {keys.Active, keys.Next}, "relieved": {keys.Active, keys.Retired}, "spent": {keys.Active, keys.Spent}, "over": {keys.Active}}[stages[from+1]]
	for _, p := range keys.Digests() {
		var got []keys.State
		rows, err := w.db.Keys(ctx)
		must(w.t, err)
		for _, k := range rows {
			if k.Purpose == p {
				got = append(got, k.State)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			w.t.Fatalf("%s keys are %v at %q, want %v", p, got, stages[from+1], want)
		}
	}
}

// as runs fn as a process does that has read the keys at that stage.
func (w *wheel) as(s store.Sealer, fn func()) {
	w.db.Seal = func() store.Sealer { return s }
	fn()
	w.db.Seal = func() store.Sealer { return w.ring.Snapshot() }
}

// shortSighted looks at its own digest only, as a rotation that swaps keys would.
type shortSighted struct{ *keys.Snapshot }

func (c shortSighted) Live(p keys.Purpose) []keys.Secret { return []keys.Secret{c.Current(p)} }

func filedBy(id, mobile string) recovery.Appeal {
	return recovery.Appeal{ID: id, Number: id, Kind: recovery.Person, State: recovery.Filed, Secret: "s-" + id, Claim: recovery.Claim{Mobile: mobile},
		CreatedAt: clock, UpdatedAt: clock, ExpiresAt: clock.Add(1000 * time.Hour), Version: 1}
}

// What stands once stands once between any two processes whose stages of the
// rotation touch, whoever comes first, and each finds what the other wrote (R9). A
// store that looks at its own digest alone is the control: with it one document is
// proved on two accounts.
func TestOneDocumentOneAccountWhileKeysRotate(t *testing.T) {
	onAged(t, func(t *testing.T, w *wheel) {
		ctx := context.WithoutCancel(t.Context())
		must(t, w.db.PutAccount(ctx, person("first", "first"), "", did(audit.AccountCreated)))
		snaps, n := []*keys.Snapshot{w.ring.Snapshot()}, 0
		// both lets one process after the other claim the same things.
		both := func(one, two store.Sealer) (document, appeal error) {
			n++
			a, b := person(fmt.Sprintf("a%d", n), fmt.Sprintf("a%d", n)), person(fmt.Sprintf("b%d", n), fmt.Sprintf("b%d", n))
			a.Profile.Phone = fmt.Sprintf("+86139%08d", n)
			b.Profile.IDNumber = a.Profile.IDNumber
			mobile := fmt.Sprintf("+86137%08d", n)
			w.as(one, func() {
				must(t, w.db.PutAccount(ctx, a, "", did(audit.AccountCreated)))
				must(t, w.db.FileAppeal(ctx, filedBy("A"+string(a.ID), mobile), did(audit.AppealFiled)))
			})
			w.as(two, func() {
				found, err := w.db.AccountsBy(ctx, account.ByPhone, a.Profile.Phone)
				proved, err2 := w.db.ProvedBy(ctx, a.Profile.IDType, a.Profile.IDNumber)
				if err := errors.Join(err, err2); err != nil || len(found) != 1 || found[0] != a.ID || proved != a.ID {
					if _, ok := two.(shortSighted); !ok {
						t.Errorf("found %v, proved on %q, %v", found, proved, err)
					}
				}
				document = w.db.PutAccount(ctx, b, "", did(audit.AccountCreated))
				appeal = w.db.FileAppeal(ctx, filedBy("B"+string(a.ID), mobile), did(audit.AppealFiled))
			})
			return document, appeal
		}
		for at := range len(stages) - 1 {
			w.turn(at)
			snaps = append(snaps, w.ring.Snapshot())
			one, two := snaps[at], snaps[at+1]
			for _, pair := range [][2]*keys.Snapshot{{one, two}, {two, one}} {
				if document, appeal := both(pair[0], pair[1]); !fault.Is(document, fault.Conflict) || !fault.Is(appeal, fault.Conflict) {
					t.Errorf("%s and %s: document %v, appeal %v", stages[at], stages[at+1], document, appeal)
				}
			}
		}
		w.turn(0)
		one := w.ring.Snapshot()
		w.turn(1)
		if document, appeal := both(shortSighted{one}, shortSighted{w.ring.Snapshot()}); document != nil || appeal != nil {
			t.Errorf("the careless store is careful: %v, %v", document, appeal)
		}
	})
}

// While the keys rotate twice, people register, change their numbers, are verified
// and looked for through sixteen connections of three processes, and the work is
// broken off again and again. Nobody is lost, no document is proved twice, nothing
// is left under an old key (E23).
func TestDigestKeysRotateUnderTraffic(t *testing.T) {
	onAged(t, func(t *testing.T, w *wheel) {
		ctx := context.WithoutCancel(t.Context())
		dbs, rings := []*store.DB{w.db}, []*keys.Ring{w.ring}
		for range 2 * btoi(w.db.Postgres()) { // an embedded database serves one process
			db, err := store.Open(ctx, w.o)
			must(t, err)
			t.Cleanup(func() { _ = db.Close() })
			ring := &keys.Ring{Store: db, Root: storetest.Root, Now: w.ring.Now}
			must(t, ring.Open(ctx))
			db.Seal = func() store.Sealer { return ring.Snapshot() }
			dbs, rings = append(dbs, db), append(rings, ring)
		}
		var stop atomic.Bool
		var traffic sync.WaitGroup
		const workers, each = 16, 6
		var proved [workers * each]atomic.Int64 // accounts that hold document n
		phones := make([][each]string, workers)
		for i := range workers {
			db := dbs[i%len(dbs)]
			traffic.Go(func() {
				for round := 0; !stop.Load() || round == 0; round++ {
					for k := range each {
						id := fmt.Sprintf("w%dx%d", i, k)
						a, err := db.ByAccount(ctx, account.ID(id))
						if fault.Is(err, fault.NotFound) {
							a.Account, err = person(id, id), nil
							a.Account.RealName = account.RealName{Status: account.StatusUnverified, Level: "L0"}
							a.Account.Profile.IDNumber = ""
						}
						if err != nil {
							t.Errorf("%s: %v", id, err)
							return
						}
						phone := fmt.Sprintf("+86139%02d%02d%04d", i, k, round%10000)
						a.Account.Profile.Phone = phone
						if err := db.PutAccount(ctx, a.Account, "", did(audit.AccountChanged)); err != nil {
							t.Errorf("%s: %v", id, err)
							return
						}
						phones[i][k] = phone
						other := dbs[(i+round)%len(dbs)]
						if found, err := other.AccountsBy(ctx, account.ByPhone, phone); err != nil || len(found) != 1 || found[0] != account.ID(id) {
							t.Errorf("%s is found as %v, %v", id, found, err)
							return
						}
						if a.Account.RealName.Verified() {
							continue
						}
						// Its document is wanted by the next worker, too, whose k-th is this one's.
						n := (i/2*2)*each + k
						a, err = db.ByAccount(ctx, account.ID(id))
						if err != nil {
							t.Errorf("%s: %v", id, err)
							return
						}
						a.Account.RealName = account.RealName{Status: account.StatusVerified, Level: "L3"}
						a.Account.Profile.IDNumber = fmt.Sprintf("doc-%d", n)
						switch err := db.PutAccount(ctx, a.Account, "", did(audit.RealNameVerified)); {
						case err == nil:
							proved[n].Add(1)
						case !fault.Is(err, fault.Conflict):
							t.Errorf("%s: %v", id, err)
							return
						}
					}
				}
			})
		}
		reload := func() {
			for _, r := range rings {
				must(t, r.Reload(ctx))
			}
		}
		for range 2 {
			old := w.ring.Snapshot().Current(keys.Blind)
			_, err := w.ring.AnnounceDigests(ctx, "test")
			must(t, err)
			reload()
			for _, pass := range []time.Duration{keys.KnownFor, keys.KeptFor, keys.KnownFor} {
				*w.ahead += pass
				for range 3 { // whoever does it is killed after a batch
					dying, kill := context.WithCancel(ctx)
					_, err := rings[len(rings)-1].TurnDigests(dying, 5, "test", func(int) { kill() })
					if kill(); err != nil && !errors.Is(err, context.Canceled) {
						t.Errorf("killed: %v", err)
					}
					reload()
				}
				for range 4 { // a key is held while something is under way
					_, err := w.ring.TurnDigests(ctx, 50, "test", func(int) {})
					must(t, err)
					reload()
				}
			}
			for w.ring.Snapshot().Turning(keys.Blind) {
				_, err := w.ring.TurnDigests(ctx, 50, "test", func(int) {})
				must(t, err)
			}
			if n, err := w.db.DigestsUnder(ctx, keys.Blind, old.Number); err != nil || n != 0 {
				t.Errorf("%d digests under key %d, %v", n, old.Number, err)
			}
		}
		stop.Store(true)
		traffic.Wait()
		for i := range workers {
			for k, phone := range phones[i] {
				if found, err := w.db.AccountsBy(ctx, account.ByPhone, phone); err != nil || len(found) != 1 || string(found[0]) != fmt.Sprintf("w%dx%d", i, k) {
					t.Errorf("w%dx%d is found as %v, %v", i, k, found, err)
				}
			}
		}
		for n := range proved {
			if got, want := proved[n].Load(), int64(btoi(n/each%2 == 0)); got != want {
				t.Errorf("document %d is proved on %d accounts, want %d", n, got, want)
			}
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Lines of registers, imported records and invitations are found in every stage and
// by processes of either side of it; imports wait where accounts and records would
// be compared by digests of two keys.
func TestWhatIsFoundWhileDigestKeysRotate(t *testing.T) {
	onAged(t, func(t *testing.T, w *wheel) {
		ctx := context.WithoutCancel(t.Context())
		seed(t, w.db)
		must(t, w.db.AddProject(ctx, integrator.Project{ID: "p1", Person: "zhang", State: integrator.Testing, Sandbox: "sbx-1", CreatedAt: clock, Version: 1},
			integrator.Member{Project: "p1", Account: "zhang", Role: integrator.Owner, Since: clock}))
		must(t, w.db.AddTeamInvite(ctx, integrator.Invite{ID: "i1", Project: "p1", Login: "lisi", Role: integrator.Viewer, Until: clock.Add(1)}))
		line := realname.Line{Person: &realname.PersonRecord{Name: "李四", IDType: account.DocResident, IDNumber: resident(7)}}
		unit := realname.Line{Unit: &realname.UnitRecord{USCC: uE1, Name: "某单位"}}
		load := func(lines ...realname.Line) realname.Loaded {
			t.Helper()
			done, err := w.db.LoadRegister(ctx, lines, did(audit.RegisterLoaded))
			must(t, err)
			return done
		}
		load(line, unit)
		records := []torch.Record{unitRow(2, uE2), personRow(3, "18700000001", resident(1))}
		stageAll(t, w.db, "b", records)
		_, err := w.db.Commit(ctx, "b", torch.Rules(), clock, did(audit.ImportCommitted))
		must(t, err)
		// Of an erased person's record nothing is left to make a digest of.
		storetest.Exec(t, w.o, `UPDATE torch_records SET record = '' WHERE kind = 'unit'`)

		look := func(stage string) {
			t.Helper()
			p, err := w.db.PersonOnRecord(ctx, account.DocResident, resident(7))
			u, err2 := w.db.UnitOnRecord(ctx, uE1)
			f, err3 := w.db.FindPerson(ctx, "18700000001")
			e, err5 := w.db.EntriesOf(ctx, torch.PersonRecord, "18700000001")
			i, err4 := w.db.TeamInvitesFor(ctx, "lisi", clock.Add(-1))
			if err := errors.Join(err, err2, err3, err4, err5); err != nil || len(e) != 1 || p.Name != "李四" || u.Name != "某单位" || f.Outcome == "" || len(i) != 1 {
				t.Errorf("%s: %v, %+v, %+v, %+v, %v", stage, p, u, f, i, err)
			}
		}
		before := w.ring.Snapshot()
		for at := range len(stages) - 1 {
			w.turn(at)
			for _, s := range []*keys.Snapshot{before, w.ring.Snapshot()} {
				w.as(s, func() { look(stages[at+1]) })
			}
			w.as(before, func() { // a process that is one stage behind writes
				unit.Unit.Name += "的"
				if done := load(line, unit); done.Same != 1 || done.Changed != 1 {
					t.Errorf("%s: loaded %+v", stages[at+1], done)
				}
				unit.Unit.Name = "某单位"
				load(unit)
				must(t, w.db.AddTeamInvite(ctx, integrator.Invite{ID: fmt.Sprint("i", at), Project: "p1", Login: "lisi", Role: integrator.Viewer, Until: clock.Add(1)}))
			})
			before = w.ring.Snapshot()
			look(stages[at+1])
			_, err := w.db.OpenBatch(ctx, torch.Batch{ID: stages[at+1], Digest: "digest-" + stages[at+1], CreatedAt: clock})
			must(t, err)
			_, err = w.db.Stage(ctx, stages[at+1], []torch.Record{unitRow(2, uE3)}, nil, clock)
			_, err2 := w.db.Preview(ctx, stages[at+1], torch.Rules(), clock)
			if wait := stages[at+1] == "announced" || stages[at+1] == "relieved"; wait != fault.Is(err, fault.Conflict) || wait != fault.Is(err2, fault.Conflict) {
				t.Errorf("%s: an import: %v, %v", stages[at+1], err, err2)
			}
		}
		if n, err := w.db.DigestsUnder(ctx, keys.Blind, 1); err != nil || n != 0 {
			t.Errorf("%d digests under the old key, %v", n, err)
		}
		// Announced once, and for each purpose relieved, spent and deleted once.
		if n := storetest.Count(t, w.o, `SELECT COUNT(*) FROM audit WHERE kind = ? AND object IN ('digests', 'blind', 'rights')`, string(audit.KeyRotated)); n != 7 {
			t.Errorf("%d rows of the trail", n)
		}
		if f, err := w.db.FindUnit(ctx, uE2); err != nil || f.Outcome != "" {
			t.Errorf("the erased record: %+v, %v", f, err)
		}
	})
}

// Mandates and grants hold in every stage, and one that was changed past the
// provider gives nothing before, during and after (C14).
func TestRightsHoldWhileTheirKeyRotates(t *testing.T) {
	onAged(t, func(t *testing.T, w *wheel) {
		ctx := context.WithoutCancel(t.Context())
		seed(t, w.db)
		if _, err := w.db.AdoptRights(ctx); err != nil {
			t.Fatal(err)
		}
		storetest.Exec(t, w.o, `UPDATE entitlements SET actions = '["all"]' WHERE id = 'e1'`)
		look := func(stage string) {
			t.Helper()
			p, err := w.db.ByAccount(ctx, "zhang")
			must(t, err)
			if len(p.Mandates) != 1 || p.Mandates[0].State == entitlement.Altered {
				t.Errorf("%s: mandates %+v", stage, p.Mandates)
			}
			for _, g := range p.Grants {
				if (g.State == entitlement.Altered) != (g.ID == "e1") {
					t.Errorf("%s: grant %+v", stage, g)
				}
			}
			if n, err := w.db.AdoptRights(ctx); n != 0 || err != nil {
				t.Errorf("%s: adopted %d, %v", stage, n, err)
			}
		}
		before := w.ring.Snapshot()
		for at := range len(stages) - 1 {
			w.turn(at)
			for _, s := range []*keys.Snapshot{before, w.ring.Snapshot()} {
				w.as(s, func() { look(stages[at+1]) })
			}
			w.as(before, func() { must(t, w.db.PutMandate(ctx, mandate(), did(audit.EntitlementMade))) })
			before = w.ring.Snapshot()
			look(stages[at+1])
		}
		if n, err := w.db.DigestsUnder(ctx, keys.Rights, 1); err != nil || n != 0 {
			t.Errorf("%d MACs under the old key, %v", n, err)
		}
		if n, err := w.db.DigestsUnder(ctx, keys.Rights, 2); err != nil || n == 0 {
			t.Errorf("%d MACs under the new key, %v", n, err)
		}
		// Whoever forges the mark of an altered row, or a number, has no MAC.
		for _, mac := range []string{"mac", "'altered.' || mac", "'2.' || mac", "'1.' || mac", "''"} {
			storetest.Exec(t, w.o, `UPDATE entitlements SET mac = `+mac+` WHERE id = 'e1'`)
			look("forged as " + mac)
		}
	})
}

// A rotation begins when the one before is over, and no key goes, or takes over,
// before its time.
func TestDigestKeysTakeTheirTime(t *testing.T) {
	onAged(t, func(t *testing.T, w *wheel) {
		ctx := context.WithoutCancel(t.Context())
		must(t, w.db.PutAccount(ctx, person("zhang", "zhang"), "", did(audit.AccountCreated)))
		active := func() int { return w.ring.Snapshot().Current(keys.Blind).Number }
		nudge := func() {
			_, err := w.ring.TurnDigests(ctx, 10, "test", func(int) {})
			must(t, err)
		}
		ripe, err := w.ring.AnnounceDigests(ctx, "test")
		must(t, err)
		nudge()
		if again, err := w.ring.AnnounceDigests(ctx, "test"); err != nil || again.Sub(ripe).Abs() > time.Millisecond || active() != 1 {
			t.Errorf("began anew at %v, %v; key %d is active", again, err, active())
		}
		// A process that has not read the keys registers somebody after the round.
		old := w.ring.Snapshot()
		w.as(shortSighted{old}, func() { must(t, w.db.PutAccount(ctx, person("li", "li"), "", did(audit.AccountCreated))) })
		*w.ahead += keys.KnownFor
		if err := w.db.RelieveKey(ctx, keys.Blind, old.Current(keys.Blind).Kid, w.ring.Now(), did(audit.KeyRotated)); !fault.Is(err, fault.Conflict) {
			t.Errorf("took over without everybody: %v", err)
		}
		nudge()
		if active() != 2 {
			t.Fatal("it does not take over")
		}
		if _, err := w.ring.AnnounceDigests(ctx, "test"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a third key: %v", err)
		}
		kid := old.Current(keys.Blind).Kid
		w.as(shortSighted{old}, func() { must(t, w.db.PutAccount(ctx, person("wang", "wang"), "", did(audit.AccountCreated))) })
		if err := w.db.SpendKey(ctx, keys.Blind, kid, w.ring.Now(), did(audit.KeyRotated)); !fault.Is(err, fault.Conflict) {
			t.Errorf("spent while somebody is under it alone: %v", err)
		}
		if err := w.db.DropSpent(ctx, keys.Blind, kid, did(audit.KeyRotated)); !fault.Is(err, fault.Conflict) {
			t.Errorf("dropped although not spent: %v", err)
		}
		if gone, err := w.ring.Retire(ctx, "test"); err != nil || len(gone) > 0 {
			t.Errorf("retired as a sealing key: %v, %v", gone, err)
		}
	})
}

// Every place that makes a blind index is one that the rotation knows.
func TestEveryBlindIndexIsKnown(t *testing.T) {
	known := []string{"appeals.go", "blind.go", "integrators.go", "lookups.go", "redigest.go", "redigestrows.go", "register.go", "torch.go", "torchdesk.go", "torchlookup.go"}
	calls := regexp.MustCompile(`\.(blind|blinds|either|oddAndEven)\(|keys\.Blind\b|blindUnder\(`)
	for _, folder := range []string{"*.go", "../provider/*/*.go", "../provider/web/*/*.go", "../cmd/kejitong/*.go"} {
		files, err := filepath.Glob(folder)
		must(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || slices.Contains(known, file) {
				continue
			}
			text, err := os.ReadFile(file)
			must(t, err)
			for _, hit := range calls.FindAllString(string(text), -1) {
				t.Errorf("%s: %s: teach store/redigest.go to make these digests anew, then enter the file here", file, hit)
			}
		}
	}
}
