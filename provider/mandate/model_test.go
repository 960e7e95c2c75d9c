package mandate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/mandate"
	"kejitong/store"
	"kejitong/store/storetest"
)

// The arrows, written down by hand and apart from the code.
var arrows = map[string]string{
	"/invite": "offered", "offered/confirm": "active", "offered/decline": "declined", "offered/withdraw": "withdrawn", "offered/replace": "withdrawn",
	"offered/lapse": "lapsed", "active/end": "ended", "active/replace": "ended", "active/expire": "expired",
}

func TestTheMachineHasTheseArrowsAndNoOthers(t *testing.T) {
	states := []mandate.State{"", mandate.Offered, mandate.Active, mandate.Declined, mandate.Withdrawn, mandate.Lapsed, mandate.Ended, mandate.Expired, "unheard-of"}
	events := []mandate.Event{mandate.Invite, mandate.Confirm, mandate.Decline, mandate.Withdraw, mandate.Lapse, mandate.End, mandate.Replace, mandate.Expire, "unheard-of"}
	n := 0
	for _, s := range states {
		for _, e := range events {
			want, there := arrows[string(s)+"/"+string(e)]
			got, ok := mandate.Next(s, e)
			if ok != there || ok && string(got) != want {
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

// What each may name (S62, S90): handlers nobody, admins no admins.
func TestWhoNamesWhom(t *testing.T) {
	may := map[string]string{"self": "legal_rep admin handler", "legal_rep": "admin handler", "admin": "handler", "handler": "", "": "", "owner": ""}
	for by, roles := range may {
		for _, role := range []string{"self", "legal_rep", "admin", "handler", "owner", ""} {
			want := role != "" && slices.Contains(split(roles), role)
			if got := mandate.MayName(entitlement.Relation(by), entitlement.Relation(role)); got != want {
				t.Errorf("%q names %q: %v", by, role, got)
			}
		}
	}
}

func split(s string) (out []string) {
	var word string
	for _, r := range s + " " {
		if r != ' ' {
			word += string(r)
		} else if word != "" {
			out, word = append(out, word), ""
		}
	}
	return out
}

// given is what the model says that somebody holds.
type given struct {
	role  entitlement.Relation
	names []string
	until time.Time
}

// offer is one that the model knows.
type offer struct {
	id     string
	by, to account.ID
	given
	answerBy time.Time
	open     bool
}

type model struct {
	holds  map[string]bool // "a:x" …
	gone   bool            // the unit is frozen
	people map[account.ID]*given
	offers []*offer

	confirmed int
}

func (m *model) role(id account.ID, now time.Time) entitlement.Relation {
	if m.gone {
		return ""
	}
	if id == own {
		return entitlement.Self
	}
	if g := m.people[id]; g != nil && now.Before(g.until) {
		return g.role
	}
	return ""
}

func (m *model) covers(names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !m.holds[n] })
}

// drop takes the unit from somebody, with what it offers him beside and what he
// offered others in its name.
func (m *model) drop(id account.ID) {
	delete(m.people, id)
	for _, o := range m.offers {
		if o.by == id || o.to == id {
			o.open = false
		}
	}
}

// TestAnyLifeOfAUnitsHandlers walks random lives beside the model: after every step
// everybody may do exactly what the model says, on both databases.
func TestAnyLifeOfAUnitsHandlers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		steps := 500
		if testing.Short() {
			steps = 150
		}
		h := newHouse(t, db)
		dice := rand.New(rand.NewPCG(7, 32))
		m := &model{holds: map[string]bool{"a:x": true, "a:y": true, "b:x": true}, people: map[account.ID]*given{}}
		ids := []account.ID{h.person("wang1", "王小明", true), h.person("wang2", "王小明", true), h.person("wang3", "王小明", true)}
		for n := range steps {
			h.now = h.now.Add(time.Minute)
			did := m.step(h, dice, ids)
			for _, id := range ids {
				want := []string{}
				if g := m.people[id]; g != nil && !m.gone && h.now.Before(g.until) {
					want = g.names
				}
				if got := h.may(id); !slices.Equal(got, want) {
					t.Fatalf("step %d, %s: %s may %v, want %v", n, did, id, got, want)
				}
			}
		}
		if len(m.offers) < steps/15 || m.confirmed < steps/40 {
			t.Errorf("%d offers, %d confirmed in %d steps: the walk stands still", len(m.offers), m.confirmed, steps)
		}
	})
}

func (m *model) step(h *house, dice *rand.Rand, ids []account.ID) string {
	h.t.Helper()
	c := ctx(h.t)
	everybody := append([]account.ID{own, own, own, own, own, own}, ids...)
	by, who := everybody[dice.IntN(len(everybody))], ids[dice.IntN(len(ids))]
	wants := func(what string, err error, allowed bool) string {
		h.t.Helper()
		if (err == nil) != allowed {
			h.t.Fatalf("%s: %v, the model says %v", what, err, allowed)
		}
		return what
	}
	what := dice.IntN(12)
	if m.gone && dice.IntN(4) == 0 {
		what = 10 // it is not frozen for long
	}
	switch what {
	case 0, 1, 2, 3:
		role := []entitlement.Relation{entitlement.Handler, entitlement.Handler, entitlement.Admin}[dice.IntN(3)]
		asked := [][]entitlement.Scope{{scope("a", "x")}, {scope("a", "x", "y")}, {scope("a", "y"), scope("b", "x")}, {scope("b", "x")}, {scope("a", "x"), scope("b", "x")}, {scope("a", "x")}, {scope("b", "y")}, {}}[dice.IntN(8)]
		months := []int{1, 12, 12, 12, 24, 1, 1, 5}[dice.IntN(8)]
		var names []string
		for _, s := range asked {
			for _, a := range s.Actions {
				names = append(names, string(s.System)+":"+a)
			}
		}
		r := m.role(by, h.now)
		allowed := mandate.MayName(r, role) && len(asked) > 0 && m.covers(names) && months != 5
		i, err := h.s.Invite(c, by, wish(string(who), role, months, asked...))
		if err == nil && by != who {
			m.offers = append(m.offers, &offer{id: i.ID, by: by, to: who, given: given{role, names, i.Until}, answerBy: i.AnswerBy, open: true})
		}
		return wants(fmt.Sprintf("%s invites %s as %s for %v", by, who, role, names), err, allowed)
	case 4, 5, 6, 7:
		if len(m.offers) == 0 {
			return "nothing"
		}
		o := m.offers[max(0, len(m.offers)-1-dice.IntN(4))]
		asker := o.to
		if dice.IntN(6) == 0 {
			asker = who
		}
		if dice.IntN(5) == 0 {
			err := h.s.Decline(c, asker, o.id)
			allowed := o.open && asker == o.to
			if allowed {
				o.open = false
			}
			return wants(fmt.Sprintf("%s declines", asker), err, allowed)
		}
		allowed := o.open && asker == o.to && h.now.Before(o.answerBy) && mandate.MayName(m.role(o.by, h.now), o.role) && m.covers(o.names)
		err := h.s.Confirm(c, asker, o.id)
		if allowed {
			for _, other := range m.offers {
				if other.to == o.to {
					other.open = false
				}
			}
			m.confirmed++
			g := o.given
			m.people[o.to] = &g
		}
		return wants(fmt.Sprintf("%s confirms %s's %v", asker, o.by, o.names), err, allowed)
	case 8:
		r := m.role(by, h.now)
		g := m.people[who]
		allowed := mandate.MayName(r, entitlement.Handler) && g != nil && mandate.MayName(r, g.role)
		err := h.s.EndFor(c, by, unit, who)
		if allowed {
			m.drop(who)
		}
		return wants(fmt.Sprintf("%s ends %s", by, who), err, allowed)
	case 9:
		if dice.IntN(2) == 0 && len(m.offers) > 0 {
			o := m.offers[dice.IntN(len(m.offers))]
			allowed := o.open && mandate.MayName(m.role(by, h.now), o.role)
			err := h.s.Withdraw(c, by, o.id)
			if allowed {
				o.open = false
			}
			return wants(fmt.Sprintf("%s withdraws", by), err, allowed)
		}
		err := h.s.Leave(c, who, unit)
		allowed := m.people[who] != nil
		if allowed { // else nothing happens, to offers neither
			m.drop(who)
		}
		return wants(fmt.Sprintf("%s leaves", who), err, allowed)
	case 10:
		if dice.IntN(2) == 0 && !m.gone {
			has := !m.holds["a:y"]
			if m.holds["a:y"] = has; has {
				h.holds("a", "x", "y")
			} else {
				h.holds("a", "x")
				for _, g := range m.people { // what the unit lost nobody has by its word, for good
					g.names = slices.DeleteFunc(slices.Clone(g.names), func(n string) bool { return n == "a:y" })
				}
			}
			return "the unit's own holding changes"
		}
		m.gone = !m.gone
		u, err := h.db.HeldUnit(c, unit)
		h.must(err)
		if u.State = account.Active; m.gone {
			u.State = account.Frozen
		}
		h.must(h.db.PutUnit(c, u, audit.Event{Kind: audit.UnitChanged, Actor: "test"}))
		return fmt.Sprintf("the unit is frozen: %v", m.gone)
	default:
		h.now = h.now.Add(time.Duration(dice.IntN(12)) * 24 * time.Hour)
		h.must(h.s.Tend(c))
		for _, o := range m.offers {
			o.open = o.open && h.now.Before(o.answerBy)
		}
		return "time passes"
	}
}
