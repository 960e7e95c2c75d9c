package operator_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/store"
	"kejitong/store/storetest"
)

// house is the service on a real database with a clock that is moved by hand.
type house struct {
	*operator.Service
	t   *testing.T
	db  *store.DB
	now time.Time
	n   int
}

// stepCodes makes codes that anybody can tell: the step behind the secret's
// first letters. The real ones are package factor's matter.
type stepCodes struct{ next int }

func (c *stepCodes) NewSecret() (string, error) {
	c.next++
	return fmt.Sprintf("SECRET%02d", c.next), nil
}

func (c *stepCodes) Match(secret, code string, now time.Time) (int64, bool) {
	for _, step := range []int64{now.Unix()/30 - 1, now.Unix() / 30, now.Unix()/30 + 1} {
		if code == codeAt(secret, step) {
			return step, true
		}
	}
	return 0, false
}

func codeAt(secret string, step int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", secret, step))
	return fmt.Sprintf("%06d", (int(sum[0])<<16+int(sum[1])<<8+int(sum[2]))%1000000)
}

func newHouse(t *testing.T, db *store.DB) *house {
	h := &house{t: t, db: db, now: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)}
	db.Now = func() time.Time { return h.now }
	h.Service = &operator.Service{
		Store: db, Guesses: db, Hasher: &credential.Hasher{MemoryKiB: 64, Time: 1, Concurrency: 4, PerAddress: -1}, Codes: &stepCodes{},
		Limits: credential.Limits{FailureFloor: -1}, Key: make([]byte, 32), Now: func() time.Time { return h.now },
		Digest: func(secret string) string {
			sum := sha256.Sum256([]byte(secret))
			return base64.RawURLEncoding.EncodeToString(sum[:])
		},
	}
	return h
}

const strong = "Velvet-Harbor-71"

// hire makes an operator who can sign in.
func (h *house) hire(role operator.Role) operator.Operator {
	h.t.Helper()
	h.n++
	o, secret, err := h.Apply(h.t.Context(), operator.Change{Deed: operator.Add, Login: fmt.Sprintf("desk%02d", h.n), Role: role}, "command line")
	if err != nil {
		h.t.Fatal(err)
	}
	h.enrol(secret)
	if o, err = h.Store.Operator(h.t.Context(), o.ID); err != nil {
		h.t.Fatal(err)
	}
	return o
}

func (h *house) enrol(secret string) {
	h.t.Helper()
	o, err := h.Invited(h.t.Context(), secret)
	if err == nil {
		err = h.Enrol(h.t.Context(), secret, strong, codeAt(o.Offered, h.now.Unix()/30), "192.0.2.1")
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute) // the code of enrolment is spent
}

func (h *house) entry(o operator.Operator) operator.Entry {
	return operator.Entry{Login: o.LoginName, Password: strong, Code: codeAt(o.Factor, h.now.Unix()/30), IP: "192.0.2.1"}
}

func (h *house) trail(kind audit.Kind) (n int) {
	h.t.Helper()
	rows, err := h.db.RecentAudit(h.t.Context(), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range rows {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

// S80, C4: nobody comes in without both factors, and no answer tells which was
// missing.
func TestSignInTakesBothFactors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		o, off := h.hire(operator.Reviewer), h.hire(operator.Reviewer)
		if _, _, err := h.Apply(t.Context(), operator.Change{Deed: operator.Disable, Operator: off.ID}, "command line"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Apply(t.Context(), operator.Change{Deed: operator.Add, Login: "invited1", Role: operator.Auditor}, "command line"); err != nil {
			t.Fatal(err)
		}
		for name, spoil := range map[string]func(*operator.Entry){
			"unknown name":        func(e *operator.Entry) { e.Login = "nobody" },
			"name of no form":     func(e *operator.Entry) { e.Login = "no\u200bbody" },
			"wrong password":      func(e *operator.Entry) { e.Password = "Velvet-Harbor-72" },
			"no password":         func(e *operator.Entry) { e.Password = "" },
			"wrong code":          func(e *operator.Entry) { e.Code = "000000" },
			"no code":             func(e *operator.Entry) { e.Code = "" },
			"code of before":      func(e *operator.Entry) { e.Code = codeAt(o.Factor, h.now.Unix()/30-3) },
			"somebody else's":     func(e *operator.Entry) { e.Code = codeAt(off.Factor, h.now.Unix()/30) },
			"disabled":            func(e *operator.Entry) { *e = h.entry(off); e.IP = "198.51.100.1" },
			"invited, no secrets": func(e *operator.Entry) { *e = operator.Entry{Login: "invited1", IP: "198.51.100.2"} },
		} {
			h.now = h.now.Add(20 * time.Minute) // past any lock
			e := h.entry(o)
			spoil(&e)
			_, cookie, err := h.SignIn(t.Context(), e)
			if !fault.Is(err, fault.Unproven) || cookie != "" || err.Error() != operator.MsgWrong {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := h.trail(audit.OperatorSignInFailed); n != 10 {
			t.Errorf("%d failures in the trail, want 10 (S85)", n)
		}
		h.now = h.now.Add(20 * time.Minute)
		sn, cookie, err := h.SignIn(t.Context(), h.entry(o))
		if err != nil {
			t.Fatal(err)
		}
		if _, who, err := h.Present(t.Context(), cookie); err != nil || who.ID != o.ID {
			t.Errorf("got %v, %v", who.ID, err)
		}
		// RFC 6238 §5.2: a code opens one session.
		if _, _, err := h.SignIn(t.Context(), h.entry(o)); !fault.Is(err, fault.Unproven) {
			t.Errorf("the same code twice: %v", err)
		}
		h.now = h.now.Add(time.Minute)
		_, second, err := h.SignIn(t.Context(), h.entry(o))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Present(t.Context(), cookie); !fault.Is(err, fault.NotFound) {
			t.Errorf("the session of before lives on: %v (S35)", err)
		}
		_ = sn
		h.now = h.now.Add(operator.Idle)
		if _, _, err := h.Present(t.Context(), second); !fault.Is(err, fault.NotFound) {
			t.Errorf("an idle session lives: %v", err)
		}
	})
}

// The second factor cannot be guessed by whoever knows the password: a wrong code
// counts as a wrong password does (S51).
func TestCodesAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		o := h.hire(operator.Auditor)
		for range 5 {
			e := h.entry(o)
			e.Code = "000000"
			if _, _, err := h.SignIn(t.Context(), e); !fault.Is(err, fault.Unproven) {
				t.Fatal(err)
			}
		}
		if _, _, err := h.SignIn(t.Context(), h.entry(o)); !fault.Is(err, fault.Unproven) {
			t.Errorf("the sixth guess was looked at: %v", err)
		}
		if h.trail(audit.OperatorSignInThrottled) != 1 {
			t.Error("the trail does not tell of the lock")
		}
		h.now = h.now.Add(16 * time.Minute)
		if _, _, err := h.SignIn(t.Context(), h.entry(o)); err != nil {
			t.Errorf("after the lock: %v", err)
		}
	})
}

// A session ends when its time is over and with whatever is changed about its
// operator.
func TestSessionsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		for name, end := range map[string]func(operator.Operator, operator.Session, string){
			"absolute": func(_ operator.Operator, _ operator.Session, cookie string) {
				for range 39 { // never idle
					h.now = h.now.Add(12 * time.Minute)
					_, _, err := h.Present(t.Context(), cookie)
					must(t, err)
				}
				h.now = h.now.Add(12 * time.Minute)
			},
			"signed out": func(_ operator.Operator, sn operator.Session, _ string) { must(t, h.SignOut(t.Context(), sn)) },
			"disabled": func(o operator.Operator, _ operator.Session, _ string) {
				_, _, err := h.Apply(t.Context(), operator.Change{Deed: operator.Disable, Operator: o.ID}, "x")
				must(t, err)
			},
			"another role": func(o operator.Operator, _ operator.Session, _ string) {
				_, _, err := h.Apply(t.Context(), operator.Change{Deed: operator.SetRole, Operator: o.ID, Role: operator.Auditor}, "x")
				must(t, err)
			},
			"reset": func(o operator.Operator, _ operator.Session, _ string) {
				_, _, err := h.Apply(t.Context(), operator.Change{Deed: operator.Reset, Operator: o.ID}, "x")
				must(t, err)
			},
		} {
			o := h.hire(operator.Reviewer)
			sn, cookie, err := h.SignIn(t.Context(), h.entry(o))
			must(t, err)
			if _, _, err := h.Present(t.Context(), cookie); err != nil {
				t.Fatal(err)
			}
			end(o, sn, cookie)
			if _, _, err := h.Present(t.Context(), cookie); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The one-time secret is for one enrolment, of one person, for a while.
func TestInvitations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		_, secret, err := h.Apply(ctx, operator.Change{Deed: operator.Add, Login: "desk-new", Role: operator.Reviewer}, "command line")
		must(t, err)
		o, err := h.Invited(ctx, secret)
		must(t, err)
		again, err := h.Invited(ctx, secret)
		if err != nil || again.Offered != o.Offered || o.Offered == "" {
			t.Errorf("a second visit shows %q, %v", again.Offered, err)
		}
		code := codeAt(o.Offered, h.now.Unix()/30)
		for name, row := range map[string]struct{ secret, password, code string }{
			"another secret":   {secret + "x", strong, code},
			"short secret":     {"x", strong, code},
			"weak password":    {secret, "password", code},
			"own name":         {secret, "Desk-New-desk-new-1", code},
			"wrong code":       {secret, strong, "000000"},
			"no code at all":   {secret, strong, ""},
			"no secret at all": {"", strong, code},
		} {
			if err := h.Enrol(ctx, row.secret, row.password, row.code, "192.0.2.1"); !fault.Is(err, fault.Unproven) && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Of many who use it at once, one does.
		var wg sync.WaitGroup
		wins := make([]bool, 8)
		for i := range wins {
			wg.Go(func() { wins[i] = h.Enrol(ctx, secret, strong+fmt.Sprint(i), code, "192.0.2.1") == nil })
		}
		wg.Wait()
		if n := len(slices.DeleteFunc(wins, func(w bool) bool { return !w })); n != 1 {
			t.Errorf("%d enrolled by one secret", n)
		}
		if err := h.Enrol(ctx, secret, strong, code, "192.0.2.1"); !fault.Is(err, fault.Unproven) {
			t.Errorf("a used secret: %v", err)
		}
		_, late, err := h.Apply(ctx, operator.Change{Deed: operator.Add, Login: "desk-late", Role: operator.Reviewer}, "command line")
		must(t, err)
		h.now = h.now.Add(operator.InviteLife)
		if _, err := h.Invited(ctx, late); !fault.Is(err, fault.Unproven) {
			t.Errorf("a secret that ran out: %v", err)
		}
	})
}

// C1: operators choose another password every 90 days, none of the last five.
func TestPasswordsRotate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		o := h.hire(operator.Reviewer)
		if o.Due(h.now) {
			t.Error("a new password is due at once")
		}
		h.now = h.now.Add(operator.PasswordLife)
		if !o.Due(h.now) {
			t.Error("a password of 90 days is not due")
		}
		sn, _, err := h.SignIn(t.Context(), h.entry(o))
		must(t, err)
		present := strong
		change := func(chosen string) error {
			h.now = h.now.Add(time.Minute)
			o, err := h.Store.Operator(t.Context(), o.ID)
			must(t, err)
			return h.ChangePassword(t.Context(), sn, o, present, codeAt(o.Factor, h.now.Unix()/30), chosen)
		}
		if err := change(strong); !fault.Is(err, fault.Invalid) {
			t.Errorf("the same password again: %v", err)
		}
		for i := range 5 {
			chosen := fmt.Sprintf("Velvet-Harbor-8%d", i)
			must(t, change(chosen))
			present = chosen
			if err := change(strong); i < 4 && !fault.Is(err, fault.Invalid) {
				t.Errorf("a password of before, after %d others: %v", i+1, err)
			} else if err == nil {
				present = strong
			}
		}
		wrong := present
		present = "Velvet-Harbor-00"
		if err := change("Quiet-Meadow-19"); !fault.Is(err, fault.Invalid) {
			t.Errorf("with a wrong present password: %v", err)
		}
		present = wrong
		if now, err := h.Store.Operator(t.Context(), o.ID); err != nil || now.Due(h.now) {
			t.Errorf("still due: %v", err)
		}
	})
}

// S80: what needs two is not done by one, nor by whom it concerns, nor by a role
// that it is not for, nor twice.
func TestFourEyes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		sys, sec, other, rev := h.hire(operator.SystemAdmin), h.hire(operator.SecurityAdmin), h.hire(operator.SecurityAdmin), h.hire(operator.Reviewer)
		last := func() operator.Proposal {
			all, err := db.Proposals(ctx, 1)
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			return all[0]
		}
		must(t, h.ProposeChange(ctx, sys, operator.Change{Deed: operator.SetRole, Operator: sec.ID, Role: operator.Auditor}))
		id := last().ID
		for name, by := range map[string]operator.Operator{"who proposed": sys, "whom it concerns": sec, "another role": rev} {
			if _, _, err := h.Decide(ctx, by, id, true); !fault.Is(err, fault.Refused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var wg sync.WaitGroup
		results := make([]error, 8)
		for i := range results {
			wg.Go(func() { _, _, results[i] = h.Decide(ctx, other, id, i%2 == 0) })
		}
		wg.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("a loser: %v", err)
			}
		}
		if won != 1 || h.trail(audit.ProposalApproved)+h.trail(audit.ProposalRefused) != 1 {
			t.Errorf("%d won", won)
		}
		h.now = h.now.Add(time.Minute)
		must(t, h.ProposeChange(ctx, sys, operator.Change{Deed: operator.Add, Login: "desk-two", Role: operator.Reviewer}))
		added, secret, err := h.Decide(ctx, other, last().ID, true)
		if err != nil || secret == "" || added.LoginName != "desk-two" {
			t.Fatalf("got %+v, %v", added, err)
		}
		h.enrol(secret)
		h.now = h.now.Add(time.Minute)
		must(t, h.ProposeChange(ctx, sys, operator.Change{Deed: operator.Disable, Operator: added.ID}))
		h.now = h.now.Add(operator.ProposalLife)
		if _, _, err := h.Decide(ctx, other, last().ID, true); !fault.Is(err, fault.Conflict) {
			t.Errorf("a proposal that ran out: %v", err)
		}

		aud, aud2 := h.hire(operator.Auditor), h.hire(operator.Auditor)
		must(t, h.ProposeExport(ctx, aud, map[string]string{"kind": "sign_in.failed"}))
		id = last().ID
		if _, err := h.Fetch(ctx, aud, id); !fault.Is(err, fault.Conflict) {
			t.Errorf("an export that nobody approved: %v", err)
		}
		if _, _, err := h.Decide(ctx, aud, id, true); !fault.Is(err, fault.Refused) {
			t.Errorf("an export approved by who wants it: %v", err)
		}
		_, _, err = h.Decide(ctx, aud2, id, true)
		must(t, err)
		if _, err := h.Fetch(ctx, aud2, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("an export fetched by another: %v", err)
		}
		_, err = h.Fetch(ctx, aud, id)
		must(t, err)
		if _, err := h.Fetch(ctx, aud, id); !fault.Is(err, fault.Conflict) {
			t.Errorf("an export fetched twice: %v", err)
		}
	})
}

// S80: two people agree as they are now. What was proposed by somebody who has been
// disabled or moved since is not done, and can be refused; nor does anything happen
// on the word of a decider who lost the role while he spoke.
func TestFourEyesOfPeopleWhoLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		sec, other := h.hire(operator.SecurityAdmin), h.hire(operator.SecurityAdmin)
		last := func() string {
			h.now = h.now.Add(time.Minute)
			all, err := db.Proposals(ctx, 1)
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			return all[0].ID
		}
		accomplice := operator.Change{Deed: operator.Add, Login: "accomplice", Role: operator.SecurityAdmin}
		for name, c := range map[string]operator.Change{
			"disabled": {Deed: operator.Disable},
			"moved":    {Deed: operator.SetRole, Role: operator.Reviewer},
		} {
			sys := h.hire(operator.SystemAdmin)
			must(t, h.ProposeChange(ctx, sys, accomplice))
			id := last()
			c.Operator = sys.ID
			if _, _, err := h.Apply(ctx, c, "operator"); err != nil {
				t.Fatal(err)
			}
			if _, secret, err := h.Decide(ctx, sec, id, true); !fault.Is(err, fault.Conflict) || secret != "" {
				t.Errorf("a proposal of somebody who was %s: %v", name, err)
			}
			_, _, err := h.Decide(ctx, sec, id, false)
			must(t, err)
		}
		must(t, h.ProposeChange(ctx, h.hire(operator.SystemAdmin), accomplice))
		id := last()
		if _, _, err := h.Apply(ctx, operator.Change{Deed: operator.SetRole, Operator: other.ID, Role: operator.Reviewer}, "operator"); err != nil {
			t.Fatal(err)
		}
		if _, secret, err := h.Decide(ctx, other, id, true); !fault.Is(err, fault.Refused) || secret != "" { // other as the request found him
			t.Errorf("confirmed by who lost the role: %v", err)
		}
		_, _, err := h.Decide(ctx, sec, id, true)
		must(t, err)
	})
}

func TestNotices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		b := &operator.Board{Store: db, Now: func() time.Time { return h.now }}
		by := operator.Operator{ID: operator.NewID()}
		good := operator.Notice{TextZH: "高企申报高峰期，办理可能较慢。", TextEN: "Busy season: expect delays.", From: h.now, Until: h.now.Add(time.Hour)}
		for name, spoil := range map[string]func(*operator.Notice){
			"no text":        func(n *operator.Notice) { n.TextZH = " " },
			"no English":     func(n *operator.Notice) { n.TextEN = "" },
			"unseen":         func(n *operator.Notice) { n.TextZH = "a\u202eb" },
			"ends before":    func(n *operator.Notice) { n.Until = n.From },
			"over already":   func(n *operator.Notice) { n.From, n.Until = h.now.Add(-2*time.Hour), h.now.Add(-time.Hour) },
			"without an end": func(n *operator.Notice) { n.Until = h.now.AddDate(5, 0, 0) },
		} {
			n := good
			spoil(&n)
			if err := b.Post(t.Context(), by, n); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, b.Post(t.Context(), by, good))
		shown := b.Shown(t.Context())
		if len(shown) != 1 || shown[0].Severity != operator.Info {
			t.Fatalf("got %+v", shown)
		}
		must(t, b.End(t.Context(), by, shown[0].ID))
		h.now = h.now.Add(11 * time.Second)
		if got := b.Shown(t.Context()); len(got) != 0 {
			t.Errorf("got %+v", got)
		}
		if err := b.End(t.Context(), by, shown[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("ended twice: %v", err)
		}
	})
}

// Nobody decides about himself; what he named stays named.
func TestOwnAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		o := h.hire(operator.Reviewer)
		mine := account.NewID()
		must(t, h.Own(t.Context(), o, mine))
		now, err := h.Store.Operator(t.Context(), o.ID)
		if err != nil || !now.Owns(mine) || now.Owns(account.NewID()) {
			t.Errorf("got %+v, %v", now.Accounts, err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
