package realname_test

import (
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/realname"
	"kejitong/store"
	"kejitong/store/storetest"
)

// Who only wrote a unit's name or code down yields to the one who is verified as
// it; who is verified does not.
func TestSquattersYield(t *testing.T) {
	const name = "样例智能装备有限公司"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.say = yes
		squatter := h.firm("squatter", nextUSCC, name) // another unit under this name
		real := h.firm("real", firmUSCC, "样例装备公司")
		h.enter(real, asFirm("样例智能装备 有限公司", firmUSCC, "李四", li))
		if u, err := db.UnitByUSCC(t.Context(), nextUSCC); err != nil || u.Name != name {
			t.Fatalf("it yields before anybody is verified: %+v, %v", u, err)
		}
		h.work()
		if c, who := h.of(real); c.State != realname.Verified || who.Unit.Name != "样例智能装备 有限公司" {
			t.Fatalf("case %s %v, unit %+v", c.State, c.Reasons, who.Unit)
		}
		if u, err := db.UnitByUSCC(t.Context(), nextUSCC); err != nil || u.Name != nextUSCC || u.AccountID != squatter {
			t.Errorf("the squatter's unit %+v, %v", u, err)
		}
		if n := h.trail(audit.UnitYielded); n != 1 {
			t.Errorf("%d rows", n)
		}
		told := 0
		for _, m := range h.told {
			if m.Purpose == "unit_yielded" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the squatter is told %d times", told)
		}
		// The other way round nothing yields (R15).
		if _, err := h.s.Enter(t.Context(), squatter, asFirm(name, nextUSCC, "张三", zhang), audit.Event{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a verified unit's name may be entered: %v", err)
		}
	})
}

// A legal account without a unit is verified with a code that an unverified one
// registered: that one stands for it no more.
func TestSquatterOfACodeYields(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.say = yes
		squatter := h.firm("squatter", firmUSCC, "占用公司")
		a := account.Account{ID: "real", Kind: account.LegalEntity, State: account.Active, LoginName: "HJ_real", LoginKey: "hj_real",
			RealName: account.RealName{Status: account.StatusUnverified, Level: "L1"}, CreatedAt: h.now, UpdatedAt: h.now}
		h.must(db.PutAccount(t.Context(), a, "", audit.Event{Kind: audit.AccountCreated}))
		h.enter(a.ID, asFirm("样例智能装备有限公司", firmUSCC, "李四", li))
		h.work()
		if c, who := h.of(a.ID); c.State != realname.Verified || who.Unit == nil || who.Unit.AccountID != a.ID {
			t.Fatalf("case %s %v, unit %+v", c.State, c.Reasons, who.Unit)
		}
		if _, who := h.of(squatter); who.Unit != nil || who.Account.UnitID != "" {
			t.Errorf("the squatter stands for %+v", who.Unit)
		}
		if n := h.trail(audit.UnitYielded); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}
