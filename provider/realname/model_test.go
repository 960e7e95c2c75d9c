package realname_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/realname"
	"kejitong/store"
	"kejitong/store/storetest"
)

// The arrows of R21, written down by hand and apart from the code.
var arrows = map[string]string{
	"/enter": "pending", "pending/pass": "verified", "pending/fail": "failed", "pending/defer": "manual_review",
	"failed/enter": "pending", "failed/hand_in": "manual_review", "manual_review/enter": "pending", "manual_review/hand_in": "manual_review",
	"manual_review/approve": "verified", "manual_review/reject": "rejected", "rejected/enter": "pending", "rejected/hand_in": "manual_review",
	"verified/enter": "pending",
}

func TestTheMachineHasTheseArrowsAndNoOthers(t *testing.T) {
	states := []realname.State{"", realname.Pending, realname.Verified, realname.Failed, realname.ManualReview, realname.Rejected, "unheard-of"}
	events := []realname.Event{realname.Enter, realname.Pass, realname.Fail, realname.Defer, realname.HandIn, realname.Approve, realname.Reject, "unheard-of"}
	n := 0
	for _, s := range states {
		for _, e := range events {
			want, there := arrows[string(s)+"/"+string(e)]
			got, ok := realname.Next(s, e)
			if ok != there || string(got) != want {
				t.Errorf("%s in %q: %q %v, want %q", e, s, got, ok, want)
			}
			if ok {
				n++
			}
		}
	}
	if n != len(arrows) {
		t.Errorf("%d arrows, want %d", n, len(arrows))
	}
}

// model is what R21 says of one account, in a few words.
type model struct {
	state    string // of the case
	papers   bool   // handed in
	folder   int    // documents in the folder that is open
	entered  string // name in the case
	verified string // name in the profile; "" if never verified
	version  int64
}

// TestAnyLifeOfACase walks random lives of cases beside the model: after every step
// state, profile, claims' status, version and trail are what the model says.
func TestAnyLifeOfACase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		lives := 60
		if testing.Short() || t.Name() == "TestAnyLifeOfACase/postgres" {
			lives = 20
		}
		h := newHouse(t, db)
		for life := range lives {
			live(t, h, rand.New(rand.NewPCG(uint64(life), 7)), account.ID(fmt.Sprintf("p%03d", life)), life)
		}
	})
}

func live(t *testing.T, h *house, dice *rand.Rand, id account.ID, life int) {
	ctx := t.Context()
	h.person(string(id))
	m := model{}
	number := fmt.Sprintf("E%08d", life)
	for range 30 {
		h.now = h.now.Add(time.Second)
		c, _ := h.of(id)
		var err error
		did, allowed := "", true
		step := func(event string) bool {
			to, ok := arrows[m.state+"/"+event]
			if ok {
				m.state, m.version = to, m.version+1
			}
			return ok
		}
		decision := realname.Decision{Case: c.ID, Version: c.Version, Operator: "op1", Reason: "papers_unclear"}
		switch dice.IntN(7) {
		case 0, 1: // a document that no register answers for goes to papers at once
			did = "enter"
			name, manual := string(rune('一'+dice.IntN(500)))+"某", dice.IntN(3) == 0
			e := asPerson(name, account.DocPassport, number)
			if !manual {
				e = asPerson(name, account.DocResident, residentNumber(life))
			}
			if fresh := m.state == "" || m.state == "verified"; true {
				if allowed = step("enter"); allowed {
					m.entered, m.papers = name, false
					if fresh {
						m.version, m.folder = 1, 0
					}
					if manual {
						m.state = "manual_review"
					}
				}
			}
			_, err = h.s.Enter(ctx, id, e, audit.Event{Actor: string(id)})
		case 2:
			did = "verdict"
			switch dice.IntN(3) {
			case 0:
				h.say = yes
				if step("pass") {
					m.verified = m.entered
				}
			case 1:
				h.say = no
				step("fail")
			default:
				h.say = silent
			}
			h.work()
		case 3:
			did = "upload"
			if c.ID != "" {
				h.papers[c.Folder]++
				m.folder++
			}
		case 4:
			did = "hand in"
			if allowed = m.folder > 0 && step("hand_in"); allowed {
				m.papers = true
			}
			_, err = h.s.HandIn(ctx, id, audit.Event{Actor: string(id)})
		case 5:
			did = "approve"
			if dice.IntN(4) == 0 {
				decision.Version--
			}
			if allowed = decision.Version == m.version && m.papers && m.state == "manual_review" && step("approve"); allowed {
				m.verified = m.entered
			}
			_, err = h.s.Approve(ctx, decision)
		case 6:
			did = "reject"
			if dice.IntN(4) == 0 {
				decision.Version--
			}
			if allowed = c.ID != "" && decision.Version == m.version && step("reject"); allowed {
				m.papers, m.folder = false, 0
			}
			_, err = h.s.Reject(ctx, decision)
		}
		if allowed != (err == nil) {
			t.Fatalf("life %d: %s in %+v: allowed %v, but %v", life, did, m, allowed, err)
		}
		if err != nil && fault.KindOf(err) == fault.Internal {
			t.Fatalf("life %d: %s: %v", life, did, err)
		}
		check(t, h, id, m, did)
	}
}

func check(t *testing.T, h *house, id account.ID, m model, did string) {
	t.Helper()
	c, who := h.of(id)
	a := who.Account
	if string(c.State) != m.state || c.ID != "" && c.Version != m.version {
		t.Fatalf("after %s: case %s in version %d, want %+v", did, c.State, c.Version, m)
	}
	if a.Profile.Name != m.verified || a.RealName.Verified() != (m.verified != "") {
		t.Fatalf("after %s: profile %q, %s, want %q", did, a.Profile.Name, a.RealName.Status, m.verified)
	}
	if m.verified == "" && m.state != "" && a.RealName.Status != m.state {
		t.Fatalf("after %s: the account says %s, the case %s", did, a.RealName.Status, m.state)
	}
	if m.state == "verified" && (a.RealName.ProcessID != c.Number || a.RealName.Level != "L2" || c.Waits()) {
		t.Fatalf("after %s: %+v", did, a.RealName)
	}
}

// residentNumber is a valid number that no other life uses, in a region that was
// never given out.
func residentNumber(n int) string {
	first := fmt.Sprintf("11000019900101%03d", n)
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(first[i]-'0') * w
	}
	return first + string("10X98765432"[sum%11])
}
