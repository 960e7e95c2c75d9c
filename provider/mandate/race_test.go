package mandate_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/mandate"
	"kejitong/store"
	"kejitong/store/storetest"
)

const racers = 12

// careless is the store as one would write it first: without transactions, and with
// a look before the write instead of a write that looks.
type careless struct {
	*store.DB
	met *sync.WaitGroup
}

func (c careless) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (c careless) MoveInvitation(ctx context.Context, i mandate.Invitation, was mandate.State, ev audit.Event) (bool, error) {
	is, err := c.Invitation(ctx, i.ID)
	if err != nil || is.State != was {
		return false, err
	}
	meet(c.met)
	for range 2 * racers { // whatever it is by now
		is, err := c.Invitation(ctx, i.ID)
		if err != nil {
			return false, err
		}
		if won, err := c.DB.MoveInvitation(ctx, i, is.State, ev); won || err != nil {
			return won, err
		}
	}
	return true, nil
}

// meet lets all racers have read before one writes.
func meet(met *sync.WaitGroup) {
	met.Done()
	done := make(chan struct{})
	go func() { met.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second): // somebody stayed away; the count of winners will say
	}
}

// race runs all at once and gives how many went well. Who loses is told so, and
// nothing else goes wrong, unless anything may.
func race(t *testing.T, anything bool, deed func(n int) error) int {
	t.Helper()
	var wg sync.WaitGroup
	var won atomic.Int64
	for n := range racers {
		wg.Go(func() {
			switch err := deed(n); {
			case err == nil:
				won.Add(1)
			case !anything && !fault.Is(err, fault.Conflict):
				t.Errorf("a loser got %v", err)
			}
		})
	}
	wg.Wait()
	return int(won.Load())
}

// One invitation is confirmed once, and confirmed or withdrawn, never both: whatever
// many browsers send at once.
func TestOneInvitationIsAnsweredOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		n := 0
		offer := func() (account.ID, string) {
			n++
			id := h.person(fmt.Sprintf("racer%02d", n), "王小明", true)
			i, err := h.s.Invite(ctx(t), own, wish(string(id), entitlement.Handler, 12, scope("a", "x")))
			h.must(err)
			return id, i.ID
		}
		given := func(id account.ID) (mandates, grants int) {
			m, g, err := db.RightsOf(ctx(t), id)
			h.must(err)
			return len(m), len(g)
		}
		confirmed := func(s *mandate.Service, loose bool) (int, int, int) {
			id, i := offer()
			won := race(t, loose, func(int) error { return s.Confirm(ctx(t), id, i) })
			m, g := given(id)
			return won, m, g
		}
		both := func(s *mandate.Service, loose bool) (int, bool) {
			id, i := offer()
			won := race(t, loose, func(n int) error {
				if n%2 == 0 {
					return s.Confirm(ctx(t), id, i)
				}
				return s.Withdraw(ctx(t), own, i)
			})
			m, _ := given(id)
			is, err := db.Invitation(ctx(t), i)
			h.must(err)
			return won, (is.State == mandate.Active) == (m == 1)
		}
		// The control: a race that carelessness survives would prove nothing.
		var met sync.WaitGroup
		loose := *h.s
		loose.Store = careless{db, &met}
		met.Add(racers)
		if won, m, _ := confirmed(&loose, true); won < 2 || m < 2 {
			t.Errorf("control: %d confirmed, %d mandates: this race sees nothing", won, m)
		}
		met.Add(racers)
		if won, _ := both(&loose, true); won < 2 {
			t.Errorf("control: %d answered: this race sees nothing", won)
		}
		for round := range 8 {
			if won, m, g := confirmed(h.s, false); won != 1 || m != 1 || g != 1 {
				t.Fatalf("round %d: %d confirmed, %d mandates, %d grants", round, won, m, g)
			}
			if won, agree := both(h.s, false); won != 1 || !agree {
				t.Fatalf("round %d: %d answered; state and mandate agree: %v", round, won, agree)
			}
		}
	})
}

// heedless is careless for requests.
type heedless struct {
	*store.DB
	met *sync.WaitGroup
}

func (c heedless) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (c heedless) SettleRequest(ctx context.Context, r entitlement.Request, ev audit.Event) (bool, error) {
	is, err := c.Request(ctx, r.ID)
	if err != nil || is.State != entitlement.RequestOpen {
		return false, err
	}
	meet(c.met)
	_, err = c.DB.SettleRequest(ctx, r, ev)
	return true, err
}

type nobody struct{}

func (nobody) Tell(context.Context, account.ID, string, ...string) error { return nil }

// A request is granted or declined, by one of those who decide, once.
func TestOneRequestIsDecidedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		did := audit.Event{Kind: audit.EntitlementMade, Actor: "test"}
		asking := func(rights entitlement.Store, requests entitlement.RequestStore) *entitlement.Asking {
			return &entitlement.Asking{Store: requests, Rights: rights, Herald: nobody{}, Now: db.Now}
		}
		n := 0
		// decided gives how many decided, and whether what the person holds is what
		// the request says.
		decided := func(s *entitlement.Asking, loose bool) (int, bool) {
			n++
			id := h.person(fmt.Sprintf("asker%02d", n), "王小明", true)
			h.must(db.PutMandate(ctx(t), entitlement.Mandate{ID: string(id), Account: id, Unit: account.Unit{ID: unit}, Relation: entitlement.Handler,
				State: entitlement.Active, Source: entitlement.Delegated, From: start}, did))
			who, err := db.Standing(ctx(t), id)
			h.must(err)
			h.must(asking(db, db).Ask(ctx(t), who.Account, unit, "a", []string{"x"}))
			list, err := db.RequestsBy(ctx(t), id, 1)
			h.must(err)
			won := race(t, loose, func(n int) error {
				if n%2 == 0 {
					return s.Grant(ctx(t), own, list[0].ID, []string{"x"}, 24*time.Hour)
				}
				return s.Decline(ctx(t), own, list[0].ID)
			})
			_, grants, err := db.RightsOf(ctx(t), id)
			h.must(err)
			is, err := db.Request(ctx(t), list[0].ID)
			h.must(err)
			granted := is.State == entitlement.RequestGranted
			return won, granted && len(grants) == 1 && grants[0].ID == is.GrantID || !granted && len(grants) == 0
		}
		var met sync.WaitGroup
		met.Add(racers)
		loose := heedless{db, &met}
		if won, agree := decided(asking(loose, loose), true); won < 2 || agree {
			t.Errorf("control: %d decided, and all agrees (%v): this race sees nothing", won, agree)
		}
		for round := range 8 {
			if won, agree := decided(asking(db, db), false); won != 1 || !agree {
				t.Fatalf("round %d: %d decided; request and grant agree: %v", round, won, agree)
			}
		}
	})
}
