package signup_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/signup"
	"kejitong/store"
	"kejitong/store/storetest"
)

func sqlite(t testing.TB) store.Options { return storetest.SQLite(t) }

const racers = 64

// careless uses a flow up without looking whether it was used before.
type careless struct{ signup.Store }

func (careless) SpendSignUp(context.Context, string, signup.Data, time.Time, time.Time) (bool, error) {
	return true, nil
}

// meeting has racers wait for each other between looking and writing, so that
// what can go wrong does.
type meeting struct {
	signup.Store
	wanted int64
	came   *atomic.Int64
	all    *sync.WaitGroup
}

func meet(s signup.Store, n int) meeting {
	m := meeting{s, int64(n), &atomic.Int64{}, &sync.WaitGroup{}}
	m.all.Add(n)
	return m
}

func (m meeting) InTx(ctx context.Context, fn func(context.Context) error) error {
	if m.came.Add(1) <= m.wanted { // the first of each racer; nobody has written yet
		m.all.Done()
		m.all.Wait()
	}
	return m.Store.InTx(ctx, fn)
}

// ready puts a flow into the database whose mobile is proved.
func (h *house) ready(p signup.Purpose, i int) string {
	h.t.Helper()
	id := fmt.Sprintf("%s-%043d", p, i)
	id = id[len(id)-43:]
	f := signup.Flow{
		Key: signup.KeyOf(id), Purpose: p, Browser: signup.BrowserOf("browser"), CreatedAt: h.now, SentAt: h.now, ExpiresAt: h.now.Add(time.Hour),
		Data: signup.Data{Mobile: account.Mobile(fmt.Sprintf("139%08d", i)), Terms: "2026-11", Adult: true},
	}
	err := h.db.OpenSignUp(h.t.Context(), f)
	if err == nil {
		_, err = h.db.ProveSignUp(h.t.Context(), f.Key, h.now, f.ExpiresAt, audit.Event{Kind: audit.SignUpProved})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// race has all register at once and counts the accounts that came of it. Losers
// hear what is taken, never of an error.
func (h *house) race(service *signup.Service, flows []string, form func(i int) signup.Application) (winners int64) {
	h.t.Helper()
	before := h.count(`SELECT COUNT(*) FROM accounts`)
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range racers {
		wg.Go(func() {
			<-gate
			_, err := service.Register(h.t.Context(), flows[i%len(flows)], guest("browser"), form(i))
			if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Gone) {
				h.t.Errorf("a loser hears: %v", err)
			}
		})
	}
	close(gate)
	wg.Wait()
	return h.count(`SELECT COUNT(*) FROM accounts`) - before
}

// R15: of 64 who want the same login name, USCC, unit's name, or the same flow,
// one gets it. Each race is run without its guard as well and must then see
// several winners: a race that careless code survives proves nothing.
func TestRacesForOneName(t *testing.T) {
	for _, c := range []struct {
		race  string
		unit  bool
		one   bool   // all in one flow
		index string // the guard in the database
		form  func(i int) signup.Application
	}{
		{"one login name", false, false, "accounts_login_key", func(int) signup.Application { return asPerson("wanted.by.all") }},
		{"one USCC", true, false, "units_uscc_key", func(i int) signup.Application {
			return asUnit(fmt.Sprintf("unit-%d", i), uscc, fmt.Sprintf("北京第%d科技公司", i))
		}},
		{"one unit's name", true, false, "units_name_key_key", func(i int) signup.Application {
			return asUnit(fmt.Sprintf("unit-%d", i), string(usccs[i]), []string{name, "北京提灯科技(有限合伙)"}[i%2])
		}},
		{"one flow", false, true, "", func(i int) signup.Application { return asPerson(fmt.Sprintf("person-%d", i)) }},
	} {
		for db, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
			for _, guarded := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/guarded=%v", c.race, db, guarded), func(t *testing.T) {
					o := options(t)
					o.MaxOpen = 16
					h := newHouse(t, o)
					service := *h.Service
					switch {
					case guarded:
					case c.index == "":
						service.Store = careless{h.db}
					default:
						storetest.Exec(t, o, "DROP INDEX "+c.index)
					}
					purpose, n, writers := signup.Person, racers, racers
					if c.unit {
						purpose = signup.Unit
					}
					if c.one {
						n, writers = 1, signup.MaxTries // others are turned away before
					}
					service.Store = meet(service.Store, writers)
					flows := make([]string, n)
					for i := range flows {
						flows[i] = h.ready(purpose, i)
					}
					winners := h.race(&service, flows, c.form)
					switch {
					case guarded && winners != 1:
						t.Errorf("%d accounts", winners)
					case !guarded && winners < 2:
						t.Errorf("without the guard there is %d account: the race is none", winners)
					}
					if guarded {
						if rows := h.audited(audit.AccountCreated); rows != 1 {
							t.Errorf("%d rows of one account", rows)
						}
						if n := h.count(`SELECT COUNT(*) FROM agreements`); n != 1 {
							t.Errorf("%d agreements of one account", n)
						}
					}
				})
			}
		}
	}
}

// usccs are as many codes as there are racers.
var usccs = func() (all [racers]account.USCC) {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	n := 0
	for i := 0; n < racers; i++ {
		for _, check := range alphabet {
			if u, err := account.ParseUSCC(fmt.Sprintf("91110000MA%07d%c", i, check)); err == nil && n < racers {
				all[n] = u
				n++
			}
		}
	}
	return all
}()
