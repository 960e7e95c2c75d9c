package realname_test

import (
	"context"
	"sync"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/realname"
	"kejitong/store"
	"kejitong/store/storetest"
)

// review brings a person's case before the reviewers.
func (h *house) review(id account.ID, number string) realname.Case {
	h.t.Helper()
	c := h.enter(id, asPerson("张三", account.DocPassport, number))
	h.papers[c.Folder] = 1
	c, err := h.s.HandIn(h.t.Context(), id, audit.Event{Actor: string(id)})
	h.must(err)
	return c
}

// What a reviewer cannot do (S57, S58).
func TestDecisionsThatAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.say = yes
		judge := h.person("judge")
		h.enter(judge, asPerson("包拯", account.DocResident, li))
		h.work()
		bare := h.enter(h.person("bare"), asPerson("张三", account.DocPassport, "E11111111"))
		c := h.review(h.person("applicant"), "E22222222")
		firm := h.enter(h.firm("firm", shopUSCC, "某商店"), asFirm("某商店", shopUSCC, "包拯", li))
		own := h.review(h.person("own"), "E33333333")
		decide := func(c realname.Case) realname.Decision {
			return realname.Decision{Case: c.ID, Version: c.Version, Operator: "op1", Reason: "papers_unclear"}
		}
		with := func(d realname.Decision, change func(*realname.Decision)) realname.Decision {
			change(&d)
			return d
		}
		approve, reject, assign := h.s.Approve, h.s.Reject, h.s.Assign
		for _, row := range []struct {
			name string
			act  func(context.Context, realname.Decision) (realname.Case, error)
			d    realname.Decision
			kind fault.Kind
		}{
			{"a case that is not there", approve, with(decide(c), func(d *realname.Decision) { d.Case = "none" }), fault.NotFound},
			{"an old version", approve, with(decide(c), func(d *realname.Decision) { d.Version-- }), fault.Conflict},
			{"a version to come", reject, with(decide(c), func(d *realname.Decision) { d.Version++ }), fault.Conflict},
			{"without documents", approve, decide(bare), fault.Invalid},
			{"without a ground", reject, with(decide(c), func(d *realname.Decision) { d.Reason = "" }), fault.Invalid},
			{"on a ground of his own", reject, with(decide(c), func(d *realname.Decision) { d.Reason = "proved" }), fault.Invalid},
			{"his own account's case", approve, with(decide(own), func(d *realname.Decision) { d.Self = "own" }), fault.Refused},
			{"a unit that he represents", reject, with(decide(firm), func(d *realname.Decision) { d.Self = judge }), fault.Refused},
			{"his own case, only to take it", assign, with(decide(own), func(d *realname.Decision) { d.Self = "own" }), fault.Refused},
			{"at length", reject, with(decide(c), func(d *realname.Decision) { d.Remark = string(make([]byte, 2000)) }), fault.Invalid},
		} {
			if _, err := row.act(t.Context(), row.d); fault.KindOf(err) != row.kind {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		if n := h.trail(audit.RealNameRejected) + h.trail(audit.RealNameAssigned); n != 0 || h.trail(audit.RealNameVerified) != 1 {
			t.Errorf("%d deeds of what was refused", n)
		}

		_, err := approve(t.Context(), decide(c))
		h.must(err)
		if _, err := approve(t.Context(), decide(c)); !fault.Is(err, fault.Conflict) {
			t.Errorf("approved twice: %v", err)
		}
	})
}

// From a rejection to a yes: reasons, words and a new folder for the next round;
// the documents of each round close with it.
func TestRejectedAndThenApproved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.person("person")
		c := h.review(id, "E12345678")
		first := c.Folder
		list, err := h.s.Queue(t.Context(), realname.Filter{})
		h.must(err)
		if len(list) != 1 || list[0].ID != c.ID || list[0].Reviewer != "" {
			t.Fatalf("the queue: %+v", list)
		}
		c, err = h.s.Assign(t.Context(), realname.Decision{Case: c.ID, Version: c.Version, Operator: "op1"})
		h.must(err)
		for _, row := range []struct {
			filter realname.Filter
			n      int
		}{
			{realname.Filter{Reviewer: "op1"}, 1}, {realname.Filter{Reviewer: "op2"}, 0}, {realname.Filter{Reviewer: realname.Unassigned}, 0},
			{realname.Filter{Kind: account.LegalEntity}, 0}, {realname.Filter{State: realname.Rejected}, 0}, {realname.Filter{Older: 1}, 0},
			{realname.Filter{After: list[0].Cursor}, 0},
		} {
			got, err := h.s.Queue(t.Context(), row.filter)
			if err != nil || len(got) != row.n {
				t.Errorf("%+v: %d, %v", row.filter, len(got), err)
			}
		}
		c, err = h.s.Reject(t.Context(), realname.Decision{Case: c.ID, Version: c.Version, Operator: "op1", Reason: "papers_unclear", Remark: "反面看不清"})
		h.must(err)
		read, who := h.of(id)
		if read.State != realname.Rejected || read.Reasons[0].Code != "papers_unclear" || read.Remark != "反面看不清" || read.Version != c.Version ||
			who.Account.RealName.Status != account.StatusRejected || !h.closed[first] || read.Folder == first || !read.PapersAt.IsZero() {
			t.Errorf("rejected: %+v", read)
		}
		if _, err := h.s.HandIn(t.Context(), id, audit.Event{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("handed in without new documents: %v", err)
		}
		h.papers[read.Folder] = 2
		c, err = h.s.HandIn(t.Context(), id, audit.Event{Actor: string(id)})
		h.must(err)
		_, err = h.s.Approve(t.Context(), realname.Decision{Case: c.ID, Version: c.Version, Operator: "op2"})
		h.must(err)
		read, who = h.of(id)
		if rn := who.Account.RealName; !rn.Verified() || rn.Method != account.MethodManual || rn.CheckOrganization != "科技政务服务平台" || rn.ProcessID != read.Number ||
			who.Account.Profile.IDNumber != "E12345678" || !h.closed[read.Folder] {
			t.Errorf("approved: %+v", who.Account)
		}
		var purposes []string
		for _, m := range h.told {
			purposes = append(purposes, m.Purpose)
			if len(m.Args) != 1 || m.Args[0] != read.Number {
				t.Errorf("told %+v", m)
			}
		}
		if len(purposes) != 2 || purposes[0] != "realname_rejected" || purposes[1] != "realname_verified" {
			t.Errorf("told %v", purposes)
		}
	})
}

// Two reviewers decide at the same moment: one wins (S57).
func TestTwoReviewersAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		for round := range 10 {
			c := h.review(h.person("p"+string(rune('0'+round))), "E1234567"+string(rune('0'+round)))
			if n := winners(h, c); n != 1 {
				t.Fatalf("%d decisions on one case", n)
			}
		}
	})
}

// careless writes whatever version it finds: what PutCase would be without its
// WHERE.
type careless struct {
	*store.DB
	both *sync.WaitGroup
}

func (c careless) CaseByID(ctx context.Context, id string) (realname.Case, error) {
	found, err := c.DB.CaseByID(ctx, id)
	if c.both != nil {
		c.both.Done()
		c.both.Wait() // until the other reviewer has read it, too
	}
	return found, err
}

func (c careless) PutCase(ctx context.Context, to realname.Case, _ realname.State, ev audit.Event) error {
	for {
		now, err := c.DB.CaseByID(ctx, to.ID)
		if err != nil {
			return err
		}
		to.Version = now.Version
		if err := c.DB.PutCase(ctx, to, now.State, ev); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// The race test sees a store that does not look at the version. SQLite lets one
// transaction in at a time, so that only PostgreSQL can show it.
func TestTwoReviewersSeeACarelessStore(t *testing.T) {
	db, _ := storetest.Ready(t, storetest.Postgres(t))
	h := newHouse(t, db)
	c := h.review(h.person("person"), "E12345678")
	var both sync.WaitGroup
	both.Add(2)
	h.s.Store = careless{db, &both}
	if n := winners(h, c); n != 2 {
		t.Errorf("%d decisions: the control shows nothing", n)
	}
}

// winners lets two reviewers reject and counts those who were told yes.
func winners(h *house, c realname.Case) int {
	h.t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for _, who := range []string{"op1", "op2"} {
		wg.Go(func() {
			_, err := h.s.Reject(context.WithoutCancel(h.t.Context()), realname.Decision{Case: c.ID, Version: c.Version, Operator: who, Reason: "other"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !fault.Is(err, fault.Conflict):
				h.t.Errorf("%s: %v", who, err)
			}
		})
	}
	wg.Wait()
	return won
}
