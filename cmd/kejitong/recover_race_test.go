package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/provider/recovery"
	"kejitong/store"
	"kejitong/store/storetest"
)

// carelessFlows forgets which version it was given: the same step can be taken
// again and again.
type carelessFlows struct{ recovery.Store }

func (carelessFlows) SaveFlow(context.Context, recovery.Flow) error { return nil }

// carelessCodes takes a code as often as it comes.
type carelessCodes struct{ challenge.Codes }

func (carelessCodes) Check(context.Context, challenge.Try) error { return nil }

// carelessPasswords does not ask whether the account changed meanwhile.
type carelessPasswords struct {
	credential.Store
	db *store.DB
}

func (c carelessPasswords) ChangePassword(ctx context.Context, id account.ID, _ int64, phc string, ev audit.Event) error {
	return c.db.SetPassword(ctx, id, phc, true, ev)
}

// carelessAppeals writes over whatever stands there.
type carelessAppeals struct{ recovery.Store }

func (c carelessAppeals) SaveAppeal(ctx context.Context, a recovery.Appeal, ev audit.Event) error {
	for {
		now, err := c.Appeal(ctx, a.ID)
		if err != nil {
			return err
		}
		a.Version = now.Version
		if err = c.Store.SaveAppeal(ctx, a, ev); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// atOnce runs fn n times at once and counts successes; all failures must be of
// one of the kinds.
func atOnce(t *testing.T, n int, fn func(i int) error, kinds ...fault.Kind) int {
	t.Helper()
	var wg sync.WaitGroup
	answers := make([]error, n)
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; answers[i] = fn(i) })
	}
	close(start)
	wg.Wait()
	won := 0
	for _, err := range answers {
		if err == nil {
			won++
			continue
		}
		fine := false
		for _, k := range kinds {
			fine = fine || fault.Is(err, k)
		}
		if !fine {
			t.Errorf("lost with %v", err)
		}
	}
	return won
}

// One code sets one password, however many try at once; the flow is spent once even
// where codes and accounts were careless (S55, S56).
func TestOneCodeResetsOnce(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		phone := r.person("a").Account.Profile.Phone
		sent := 0
		race := func(s *recovery.Service, n int) int {
			t.Helper()
			ctx, by := context.WithoutCancel(t.Context()), recovery.Asker{Browser: "browser", IP: "192.0.2.1"}
			drawn, err := s.Captchas.Draw(ctx, by.Browser, challenge.Forgot)
			if err != nil {
				t.Fatal(err)
			}
			id, err := s.Find(ctx, by, account.NaturalPerson, "zhangsan", recovery.Solved{ID: drawn.ID, Answer: demoCaptcha})
			if err == nil {
				_, err = s.SendCode(ctx, by, id, recovery.OnFile{Mobile: phone})
			}
			if err != nil {
				t.Fatal(err)
			}
			sent++
			code := r.sms(phone, sent)
			before := r.audited(audit.PasswordReset)
			won := atOnce(t, n, func(i int) error {
				each := by
				each.IP = fmt.Sprintf("192.0.2.%d", i+1)
				return s.Reset(ctx, each, id, recovery.Answer{Code: code, Password: freshPassword})
			}, fault.Gone, fault.Invalid, fault.Unavailable, fault.Unproven)
			if rows := r.audited(audit.PasswordReset) - before; rows != int64(won) {
				t.Errorf("%d won and %d rows tell of it", won, rows)
			}
			for range won { // the notices
				sent++
				r.await(phone, sent)
			}
			r.clock.move(61 * time.Second)
			return won
		}
		if won := race(r.desk(), 64); won != 1 {
			t.Errorf("%d of 64 reset with one code", won)
		}
		s := r.desk()
		s.Codes = carelessCodes{s.Codes}
		credentials := *s.Credentials
		credentials.Store = carelessPasswords{s.Credentials.Store, r.app.db}
		s.Credentials = &credentials
		if won := race(s, 6); won != 1 {
			t.Errorf("the flow alone let %d reset", won)
		}
	})
}

// Of two reviewers at once one decides, the other is told that somebody was
// faster (S58). A careless store shows that the race is one.
func TestReviewersAtOnce(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		old := r.person("a").Account.Profile
		race := func(s *recovery.Service, f filed) int {
			t.Helper()
			a := r.appeal(f)
			return atOnce(t, 8, func(i int) error {
				ctx, who := context.WithoutCancel(t.Context()), recovery.Reviewer{ID: fmt.Sprintf("reviewer-%d", i)}
				if i%2 == 0 {
					return s.Approve(ctx, a.ID, a.Version, who, "证件一致")
				}
				return s.Reject(ctx, a.ID, a.Version, who, "证件不清晰")
			}, fault.Conflict)
		}
		f := r.browser().filePerson(r, claimant{"", old.Name, old.IDNumber, "13911112222"})
		if won := race(r.desk(), f); won != 1 {
			t.Errorf("%d of 8 reviewers decided", won)
		}
		if n := r.audited(audit.AppealApproved) + r.audited(audit.AppealRejected); n != 1 {
			t.Errorf("%d rows of one decision", n)
		}
	})
}

// A form that is sent twice, or by eight hands, files one appeal, and each of them
// reads the same receipt.
func TestFiledOnce(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		old := r.person("a").Account.Profile
		s, ctx, by := r.desk(), context.WithoutCancel(t.Context()), recovery.Asker{Browser: "browser", IP: "192.0.2.1"}
		s.Documents = allThere{s.Documents}
		drawn, err := s.Captchas.Draw(ctx, by.Browser, challenge.Appeal)
		if err != nil {
			t.Fatal(err)
		}
		id, err := s.BeginPerson(ctx, by, recovery.Person, recovery.Form{Name: old.Name, IDType: old.IDType, IDNumber: old.IDNumber, Mobile: "13911112222"},
			recovery.Solved{ID: drawn.ID, Answer: demoCaptcha})
		if err == nil {
			err = s.ProveMobile(ctx, by, id, r.sms("+8613911112222", 1))
		}
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		receipts := map[recovery.Receipt]int{}
		atOnce(t, 8, func(int) error {
			rc, err := s.Submit(ctx, by, id, "手机号已注销")
			mu.Lock()
			defer mu.Unlock()
			receipts[rc]++
			return err
		})
		if len(receipts) != 1 || r.audited(audit.AppealFiled) != 1 {
			t.Errorf("%d receipts of %d appeals", len(receipts), r.audited(audit.AppealFiled))
		}
	})
}

// allThere says that the identity card was uploaded.
type allThere struct{ recovery.Documents }

func (allThere) List(context.Context, string) ([]document.Document, error) {
	return []document.Document{{ID: "d", Kind: document.IDFront}}, nil
}

// The guards are what stops the races: without them the races are seen.
func TestRecoveryRacesSeeCarelessStores(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	old := r.person("a").Account.Profile
	f := r.browser().filePerson(r, claimant{"", old.Name, old.IDNumber, "13911112222"})
	s := r.desk()
	s.Store = carelessAppeals{s.Store}
	a := r.appeal(f)
	seen := false
	for range 20 { // who reads late enough is refused by the version that it sees
		won := atOnce(t, 8, func(i int) error {
			return s.Assign(context.WithoutCancel(t.Context()), a.ID, a.Version, recovery.Reviewer{ID: fmt.Sprintf("reviewer-%d", i)}, fmt.Sprintf("reviewer-%d", i))
		}, fault.Conflict)
		seen = seen || won > 1
		a = r.appeal(f)
	}
	if !seen {
		t.Error("a careless store of appeals goes unnoticed")
	}
	s = r.desk()
	s.Store, s.Codes = carelessFlows{s.Store}, carelessCodes{s.Codes}
	credentials := *s.Credentials
	credentials.Store = carelessPasswords{s.Credentials.Store, r.app.db}
	s.Credentials = &credentials
	ctx, by := context.WithoutCancel(t.Context()), recovery.Asker{Browser: "browser", IP: "192.0.2.1"}
	drawn, err := s.Captchas.Draw(ctx, by.Browser, challenge.Forgot)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.Find(ctx, by, account.NaturalPerson, "zhangsan", recovery.Solved{ID: drawn.ID, Answer: demoCaptcha})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.desk().SendCode(ctx, by, id, recovery.OnFile{Mobile: old.Phone}); err != nil {
		t.Fatal(err)
	}
	won := atOnce(t, 6, func(i int) error {
		each := by
		each.IP = fmt.Sprintf("192.0.2.%d", i+1)
		return s.Reset(ctx, each, id, recovery.Answer{Code: "000000", Password: freshPassword})
	}, fault.Gone, fault.Invalid, fault.Unavailable)
	if won < 2 {
		t.Errorf("careless stores let %d of 6 reset: the race is not seen", won)
	}
}
