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
	"kejitong/provider/realname"
	"kejitong/store"
	"kejitong/store/storetest"
)

const (
	zhang    = "110000199001010013"
	li       = "11000019900101003X"
	wang     = "110000199001010080"
	firmUSCC = "91110000MA00000077"
	nextUSCC = "91110000MA00000820"
	shopUSCC = "92310000MA1GT0001P"
)

// A unit on its way: nothing of what is entered shows before the verdict, all of it
// in one go after (R21).
func TestAUnitIsVerified(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.firm("firm", firmUSCC, "样例智能装备有限公司")
		c := h.enter(id, asFirm("样例智能装备有限公司", firmUSCC, "李四", li))
		_, who := h.of(id)
		if c.State != realname.Pending || who.Account.RealName.Status != account.StatusPending || who.Account.Profile.Name != "" || who.Account.Profile.LegalRep != nil ||
			who.Unit.RealName.Verified() {
			t.Errorf("before the verdict: %+v, %+v", c, who)
		}
		h.say = yes
		h.work()
		c, who = h.of(id)
		rn := who.Account.RealName
		if c.State != realname.Verified || !rn.Verified() || rn.Level != "L2" || rn.Method != account.MethodAuto || rn.ProcessID != c.Number || rn.CheckID != "c-1" ||
			rn.CheckOrganization != "核验机构" || !rn.VerifiedAt.Equal(h.now) {
			t.Errorf("the account: %+v of %+v", rn, c)
		}
		if u := who.Unit; u.RealName != rn || !u.VerifiedAt.Equal(h.now) || u.Name != "样例智能装备有限公司" {
			t.Errorf("the unit: %+v", u)
		}
		if l := who.Account.Profile.LegalRep; l == nil || l.Name != "李四" || l.IDNumber != li || who.Account.Profile.Contact.Name != "王五" {
			t.Errorf("the profile: %+v", who.Account.Profile)
		}
		if len(h.after) != 1 || h.after[0].Before.Account.RealName.Verified() || !h.after[0].After.Account.RealName.Verified() || h.after[0].After.Unit.ID != "u-firm" {
			t.Errorf("what follows: %+v", h.after)
		}
		for kind, want := range map[audit.Kind]int{audit.RealNameEntered: 1, audit.RealNameVerified: 1, audit.RealNameFailed: 0} {
			if n := h.trail(kind); n != want {
				t.Errorf("%d rows of %s, want %d", n, kind, want)
			}
		}
	})
}

// A document is verified on one account (R9): the second one fails with a text that
// helps and names nobody, and the first one's owner hears of it (S49).
func TestADocumentOfSomebodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.say = yes
		first, second := h.person("first"), h.person("second")
		h.enter(first, asPerson("张三", account.DocResident, zhang))
		h.work()
		h.enter(second, asPerson("张三", account.DocResident, zhang))
		h.work()
		c, who := h.of(second)
		if c.State != realname.Failed || len(c.Reasons) != 1 || c.Reasons[0] != (realname.Reason{Field: "id_number", Code: realname.ProvedTwice}) ||
			who.Account.RealName.Status != account.StatusFailed || who.Account.Profile.Name != "" {
			t.Errorf("the second: %+v, %+v", c, who.Account)
		}
		if len(h.told) != 1 || h.told[0].Purpose != "realname_document_used" || h.told[0].To != "+8613800000000" || len(h.told[0].Args) != 0 {
			t.Errorf("told: %+v", h.told)
		}
		if _, who := h.of(first); !who.Account.RealName.Verified() {
			t.Error("the first lost it")
		}
	})
}

// Two accounts with one document at the same moment: the database lets one through.
func TestOneDocumentTwoAccountsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.say = yes
		for round := range 5 {
			ids := []account.ID{h.person("a" + string(rune('0'+round))), h.person("b" + string(rune('0'+round)))}
			var wg sync.WaitGroup
			for _, id := range ids {
				c := h.enter(id, asPerson("张三", account.DocResident, residentNumber(round)))
				wg.Go(func() {
					if err := h.s.Check(context.WithoutCancel(t.Context()), c.ID, c.Version, 0); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			verified := 0
			for _, id := range ids {
				c, who := h.of(id)
				if who.Account.RealName.Verified() {
					verified++
				} else if c.State != realname.Failed {
					t.Errorf("the loser's case is %s", c.State)
				}
			}
			if verified != 1 {
				t.Fatalf("%d accounts verified with one document", verified)
			}
		}
	})
}

// What must not be entered, and what stays as it was afterwards.
func TestEntriesThatAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		firm := h.firm("firm", firmUSCC, "样例智能装备有限公司")
		h.say = yes
		h.enter(h.firm("other", nextUSCC, "另一家（北京）有限公司"), asFirm("另一家（北京）有限公司", nextUSCC, "张三", zhang))
		h.work()
		entered := h.trail(audit.RealNameEntered)
		person := h.person("person")
		for _, row := range []struct {
			name  string
			id    account.ID
			entry realname.Entry
			kind  fault.Kind
			field string
		}{
			{"another USCC (R21)", firm, asFirm("样例智能装备有限公司", nextUSCC, "李四", li), fault.Refused, "uscc"},
			{"the name of another unit, spelt otherwise (R15)", firm, asFirm("另一家(北京) 有限公司", firmUSCC, "李四", li), fault.Conflict, "unit_name"},
			{"a unit's form for a person", person, asFirm("样例智能装备有限公司", firmUSCC, "李四", li), fault.Invalid, ""},
			{"a person's form for a unit", firm, asPerson("张三", account.DocResident, zhang), fault.Invalid, ""},
			{"nothing at all", firm, realname.Entry{}, fault.Invalid, ""},
			{"an account that is not there", "nobody", asPerson("张三", account.DocResident, zhang), fault.NotFound, ""},
		} {
			_, err := h.s.Enter(t.Context(), row.id, row.entry, audit.Event{})
			if kind, field := fault.KindOf(err), fieldOf(err); kind != row.kind || field != row.field {
				t.Errorf("%s: %v (field %q)", row.name, err, field)
			}
		}
		if n := h.trail(audit.RealNameEntered) - entered; n != 0 {
			t.Errorf("%d entries left a trace", n)
		}

		h.enter(person, asPerson("张三", account.DocResident, zhang))
		if _, err := h.s.Enter(t.Context(), person, asPerson("李四", account.DocResident, li), audit.Event{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("another entry while it is checked: %v", err)
		}
		h.s.Limit, h.say = 4, no // those that were refused count as well
		h.work()
		h.enter(person, asPerson("张四", account.DocResident, zhang))
		h.work()
		_, err := h.s.Enter(t.Context(), person, asPerson("张五", account.DocResident, zhang), audit.Event{})
		if !fault.Is(err, fault.Throttled) {
			t.Errorf("the register is guessed at: %v", err)
		}
		h.now = h.now.Add(25 * time.Hour)
		h.enter(person, asPerson("张五", account.DocResident, zhang))
	})
}

func fieldOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Field
	}
	return ""
}

// Editing what is verified verifies anew and suspends nothing until the result, nor
// after a bad one (R21).
func TestEditingWhatIsVerified(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.firm("firm", firmUSCC, "样例智能装备有限公司")
		h.say = yes
		h.enter(id, asFirm("样例智能装备有限公司", firmUSCC, "李四", li))
		h.work()
		h.now = h.now.Add(time.Hour)
		stays := func(when string) {
			t.Helper()
			_, who := h.of(id)
			if !who.Account.RealName.Verified() || who.Account.Profile.LegalRep.Name != "李四" || !who.Unit.RealName.Verified() || who.Unit.Name != "样例智能装备有限公司" {
				t.Errorf("%s: %+v, %+v", when, who.Account, who.Unit)
			}
		}
		first, _ := h.of(id)
		c := h.enter(id, asFirm("样例智能装备集团有限公司", firmUSCC, "王五", wang))
		if c.ID == first.ID || c.Number == first.Number || c.State != realname.Pending {
			t.Errorf("the second case: %+v", c)
		}
		stays("entered")
		h.say = no
		h.work()
		stays("failed")
		h.now = h.now.Add(time.Hour)
		h.say = yes
		h.enter(id, asFirm("样例智能装备集团有限公司", firmUSCC, "王五", wang))
		h.work()
		_, who := h.of(id)
		if who.Account.Profile.LegalRep.Name != "王五" || who.Unit.Name != "样例智能装备集团有限公司" || who.Account.RealName.ProcessID == first.Number {
			t.Errorf("verified anew: %+v", who.Account)
		}
		if len(h.after) != 2 || h.after[1].Before.Account.Profile.LegalRep.Name != "李四" {
			t.Errorf("what follows does not see the former one: %+v", h.after)
		}
	})
}

// An authority that does not answer makes it later, and at last documents decide:
// no page ever waits for ever.
func TestAnAuthorityThatIsSilent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.person("person")
		h.say = silent
		h.enter(id, asPerson("张三", account.DocResident, zhang))
		for range realname.Tries - 1 {
			h.work()
			if c, _ := h.of(id); c.State != realname.Pending {
				t.Fatalf("gave up early: %s", c.State)
			}
		}
		h.work()
		c, who := h.of(id)
		if c.State != realname.ManualReview || !c.Waits() || c.Reasons[0].Code != realname.NoAnswer || who.Account.RealName.Status != account.StatusManualReview {
			t.Errorf("at last: %+v", c)
		}
		if n := h.trail(audit.RealNameDeferred); n != 1 {
			t.Errorf("%d rows of it", n)
		}
		h.say = yes // an answer that comes too late is nobody's
		h.must(h.s.Check(t.Context(), c.ID, 1, 0))
		if late, _ := h.of(id); late.State != realname.ManualReview {
			t.Errorf("a late answer changed it: %s", late.State)
		}
	})
}

// Documents decide where no register answers (R22), whatever a verifier would say.
func TestWhatIsForDocumentsAlone(t *testing.T) {
	unit := func(uscc, region, idType string) realname.Entry {
		e := asFirm("某单位", uscc, "李四", li)
		e.Unit.Region, e.Unit.LegalRep.IDType = region, idType
		return e
	}
	for _, row := range []struct {
		name   string
		entry  realname.Entry
		manual bool
	}{
		{"enterprise", unit(firmUSCC, account.Mainland, account.DocResident), false},
		{"social organisation", unit("51110000500000015U", account.Mainland, account.DocResident), false},
		{"public institution", unit("1211000040000000XT", account.Mainland, account.DocResident), false},
		{"individual business", unit(shopUSCC, account.Mainland, account.DocResident), true},
		{"government", unit("11110000000000019K", account.Mainland, account.DocResident), true},
		{"enterprise of Hong Kong", unit(firmUSCC, account.HMT, account.DocResident), true},
		{"enterprise overseas", unit(firmUSCC, account.Overseas, account.DocResident), true},
		{"representative with a passport", unit(firmUSCC, account.Mainland, account.DocPassport), true},
		{"resident", asPerson("张三", account.DocResident, zhang), false},
		{"residence permit", asPerson("张三", account.DocResidencePermit, "810000199001010019"), false},
		{"permanent resident", asPerson("张三", account.DocPermanent, "911840199001010018"), false},
		{"passport", asPerson("张三", account.DocPassport, "E12345678"), true},
		{"mainland pass", asPerson("张三", account.DocMainlandPass, "H12345678"), true},
		{"Taiwan pass", asPerson("张三", account.DocTaiwanPass, "12345678"), true},
		{"nothing", realname.Entry{}, true},
	} {
		if got := realname.Manual(row.entry, realname.Registry{}); got != row.manual {
			t.Errorf("%s: manual %v", row.name, got)
		}
		if !realname.Manual(row.entry, nil) {
			t.Errorf("%s: not manual although nobody can be asked", row.name)
		}
	}
	if realname.Manual(asPerson("张三", account.DocPassport, "E12345678"), &realname.Gateway{Documents: []string{account.DocPassport}}) {
		t.Error("a gateway that knows passports is not asked")
	}
}

// An account that was frozen while the verifier thought is not verified behind
// anybody's back.
func TestFrozenMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.person("person")
		h.enter(id, asPerson("张三", account.DocResident, zhang))
		h.must(db.SetAccountState(t.Context(), id, account.Frozen, audit.Event{Kind: audit.AccountChanged}))
		h.say = yes
		h.work()
		c, who := h.of(id)
		if who.Account.RealName.Verified() || c.State != realname.ManualReview {
			t.Errorf("%+v, %+v", c, who.Account.RealName)
		}
	})
}

// At rest nothing of an entry is readable, nor what a reviewer wrote (C16, S84).
func TestCasesAreSealed(t *testing.T) {
	for name, o := range map[string]store.Options{"sqlite": storetest.SQLite(t), "postgres": storetest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			db, _ := storetest.Ready(t, o)
			h := newHouse(t, db)
			id := h.person("person")
			c := h.enter(id, asPerson("欧阳雪松", account.DocPassport, "E98765432"))
			h.papers[c.Folder] = 1
			_, err := h.s.HandIn(t.Context(), id, audit.Event{Actor: string(id)})
			h.must(err)
			c, _ = h.of(id)
			_, err = h.s.Reject(t.Context(), realname.Decision{Case: c.ID, Version: c.Version, Operator: "op1", Reason: "other", Remark: "欧阳雪松的照片"})
			h.must(err)
			const like = "SELECT COUNT(*) FROM realname_cases WHERE entry || remark || reasons || number || folder LIKE ?"
			if storetest.Count(t, o, like, "%"+c.Number+"%") != 1 {
				t.Fatal("the search finds nothing at all")
			}
			for _, secret := range []string{"欧阳", "E98765432", "照片"} {
				if storetest.Count(t, o, like, "%"+secret+"%") != 0 {
					t.Errorf("%s stands in the clear", secret)
				}
			}
		})
	}
}
