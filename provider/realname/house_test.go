package realname_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/provider/outbox"
	"kejitong/provider/realname"
	"kejitong/store"
)

var start = time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC)

// house is a service on a database, with an authority that says what it is told
// to, a box of papers and a post office that keeps everything.
type house struct {
	t      *testing.T
	db     *store.DB
	s      *realname.Service
	now    time.Time
	say    func(realname.Case) (realname.Verdict, error)
	papers map[string]int
	closed map[string]bool
	told   []notify.Message
	after  []realname.Change
	mu     sync.Mutex
}

func newHouse(t *testing.T, db *store.DB) *house {
	h := &house{t: t, db: db, now: start, papers: map[string]int{}, closed: map[string]bool{}}
	db.Now = func() time.Time { return h.now }
	h.s = &realname.Service{
		Store: db, Verifier: h, Papers: h, Messages: h, Reviewed: "科技政务服务平台", Limit: 1000, Wake: func() {}, Now: db.Now,
		After: []func(context.Context, realname.Change) error{func(_ context.Context, c realname.Change) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.after = append(h.after, c)
			return nil
		}},
	}
	return h
}

func (h *house) Supports(string) bool { return false }

func (h *house) Check(_ context.Context, c realname.Case) (realname.Verdict, error) { return h.say(c) }

func (h *house) Count(_ context.Context, folder string) (int, error) { return h.papers[folder], nil }

func (h *house) Scanned(context.Context, string) (bool, error) { return true, nil }

func (h *house) Close(_ context.Context, folder string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed[folder] = true
	return nil
}

func (h *house) Queue(_ context.Context, m notify.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, m)
	return nil
}

func yes(realname.Case) (realname.Verdict, error) {
	return realname.Verdict{Passed: true, CheckID: "c-1", Checker: "核验机构"}, nil
}

func no(realname.Case) (realname.Verdict, error) {
	return realname.Verdict{Reasons: []realname.Reason{{Field: "name", Code: realname.Mismatch}}, Checker: "核验机构"}, nil
}

func silent(realname.Case) (realname.Verdict, error) {
	return realname.Verdict{}, errors.New("no answer")
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// person makes an unverified natural person.
func (h *house) person(id string) account.ID {
	h.t.Helper()
	a := account.Account{ID: account.ID(id), Kind: account.NaturalPerson, State: account.Active, LoginName: id, LoginKey: id,
		RealName:  account.RealName{Status: account.StatusUnverified, Level: "L1"},
		Profile:   account.Profile{Phone: "+8613800000000", PhoneVerified: true},
		CreatedAt: h.now, UpdatedAt: h.now}
	h.must(h.db.PutAccount(h.t.Context(), a, "", audit.Event{Kind: audit.AccountCreated}))
	return a.ID
}

// firm makes an unverified legal account with its unit.
func (h *house) firm(id, uscc, name string) account.ID {
	h.t.Helper()
	u := account.Unit{ID: "u-" + id, USCC: account.USCC(uscc), Name: name, Type: account.USCC(uscc).UnitType(), Region: uscc[2:8], RegistrationAuthority: uscc[:1],
		Status: account.UnitRegistered, State: account.Active, AccountID: account.ID(id), RealName: account.RealName{Status: account.StatusUnverified, Level: "L1"}}
	h.must(h.db.PutUnit(h.t.Context(), u, audit.Event{Kind: audit.UnitChanged}))
	a := account.Account{ID: account.ID(id), Kind: account.LegalEntity, State: account.Active, LoginName: uscc, LoginKey: uscc, UnitID: u.ID,
		RealName:  account.RealName{Status: account.StatusUnverified, Level: "L1"},
		Profile:   account.Profile{Contact: &account.Person{Name: "王五", Phone: "+8613800000001", PhoneVerified: true}},
		CreatedAt: h.now, UpdatedAt: h.now}
	h.must(h.db.PutAccount(h.t.Context(), a, "", audit.Event{Kind: audit.AccountCreated}))
	return a.ID
}

func asPerson(name, idType, number string) realname.Entry {
	return realname.Entry{Person: &realname.Person{Name: name, IDType: idType, IDNumber: number, Nationality: "CHN"}}
}

func asFirm(name, uscc, rep, number string) realname.Entry {
	return realname.Entry{Unit: &realname.Unit{
		Name: name, USCC: uscc, Type: account.USCC(uscc).UnitType(), Region: account.Mainland,
		LegalRep: realname.Person{Name: rep, IDType: account.DocResident, IDNumber: number, Nationality: "CHN"},
		Handler:  realname.Handler{Name: "王五", IDType: account.DocResident, IDNumber: "110000199001010013", Mobile: "+8613800000001", Until: start.AddDate(1, 0, 0)},
	}}
}

func (h *house) enter(id account.ID, e realname.Entry) realname.Case {
	h.t.Helper()
	c, err := h.s.Enter(h.t.Context(), id, e, audit.Event{Actor: string(id)})
	h.must(err)
	return c
}

// work does what the outbox owes.
func (h *house) work() {
	h.t.Helper()
	tasks, err := h.db.ClaimTasks(h.t.Context(), 100, h.now, time.Minute)
	h.must(err)
	for _, t := range tasks {
		if t.Kind != outbox.RealNameCheck {
			continue
		}
		if h.s.Deliver(h.t.Context(), t) == nil {
			h.must(h.db.FinishTask(h.t.Context(), t.ID))
		} else {
			h.must(h.db.RetryTask(h.t.Context(), t.ID, h.now))
		}
	}
}

func (h *house) of(id account.ID) (realname.Case, realname.Holder) {
	h.t.Helper()
	c, err := h.s.Of(h.t.Context(), id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		h.t.Fatal(err)
	}
	who, err := h.db.Holder(h.t.Context(), id)
	h.must(err)
	return c, who
}

// trail counts the events of a kind.
func (h *house) trail(kind audit.Kind) int {
	h.t.Helper()
	rows, err := h.db.RecentAudit(h.t.Context(), 10000)
	h.must(err)
	n := 0
	for _, r := range rows {
		if r.Kind == kind {
			n++
		}
	}
	return n
}
