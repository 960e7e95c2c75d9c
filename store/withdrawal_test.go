package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// holdings is what accounts have at clients, by a name for each token grant.
type holdings struct {
	t      *testing.T
	db     *store.DB
	grants map[string]*token.Grant
}

// newHoldings registers clients that own hightech, projects and nothing, and
// gives each of them an online and an offline token grant of zhang for the
// unit, in two sessions; to hightech also one for himself and one of the firm.
func newHoldings(t *testing.T, db *store.DB) *holdings {
	t.Helper()
	db.Now = func() time.Time { return clock }
	seed(t, db)
	h := &holdings{t: t, db: db, grants: map[string]*token.Grant{}}
	for id, systems := range map[string][]entitlement.SystemID{"hightech": {"other", "hightech"}, "projects": {"projects"}, "mail": nil} {
		c := relyingParty(id)
		c.Metadata.BusinessSystems = systems
		must(t, db.PutClient(t.Context(), c, did(audit.ClientCreated)))
		h.open(id+" s1", id, "s1", "zhang", "u-firm", false)
		h.open(id+" again s1", id, "s1", "zhang", "u-firm", false)
		h.open(id+" offline s2", id, "s2", "zhang", "u-firm", true)
	}
	h.open("hightech himself", "hightech", "s3", "zhang", "", false)
	h.open("hightech firm", "hightech", "s4", "firm", "u-firm", false)
	return h
}

func (h *holdings) open(name, client, session string, who account.ID, unitID string, offline bool) {
	h.t.Helper()
	g := newGrant(h.t, client, session, who)
	g.UnitID, g.Offline = unitID, offline
	must(h.t, won(h.db.OpenGrant(h.t.Context(), g, token.Consume{}, did(audit.CodeIssued))))
	must(h.t, won(h.db.SpendCode(h.t.Context(), g.ID, 1, clock, did(audit.ClaimsReleased))))
	h.grants[name] = g
}

// over are the names of the token grants that have ended, sorted.
func (h *holdings) over() []string {
	h.t.Helper()
	var out []string
	for name, g := range h.grants {
		gone, err := h.db.Revoked(h.t.Context(), g.ID)
		must(h.t, err)
		if gone {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// owed takes the logouts that are queued, as "client session account", sorted.
func (h *holdings) owed() []string {
	h.t.Helper()
	tasks, err := h.db.ClaimTasks(h.t.Context(), 100, clock, time.Hour)
	must(h.t, err)
	var out []string
	for _, task := range tasks {
		var l outbox.Logout
		must(h.t, json.Unmarshal([]byte(task.Payload), &l))
		if task.Kind != outbox.BackchannelLogout || task.Key != l.Client {
			h.t.Errorf("task %+v", task)
		}
		out = append(out, strings.Join([]string{l.Client, l.Session, l.Account}, " "))
		must(h.t, h.db.FinishTask(h.t.Context(), task.ID))
	}
	slices.Sort(out)
	return out
}

func (h *holdings) want(over, owed []string) {
	h.t.Helper()
	if got := h.over(); !slices.Equal(got, over) {
		h.t.Errorf("ended %q, want %q", got, over)
	}
	if got := h.owed(); !slices.Equal(got, owed) {
		h.t.Errorf("owed %q, want %q", got, owed)
	}
}

// stay fails unless all of them are over still.
func (h *holdings) stay(over []string) {
	h.t.Helper()
	got := h.over()
	for _, name := range over {
		if !slices.Contains(got, name) {
			h.t.Errorf("%s lives again", name)
		}
	}
}

var (
	hightechOver = []string{"hightech again s1", "hightech offline s2", "hightech s1"}
	hightechOwed = []string{"hightech s1 zhang", "hightech s2 zhang"}
	ownersOver   = append(slices.Clone(hightechOver), "projects again s1", "projects offline s2", "projects s1")
	ownersOwed   = append(slices.Clone(hightechOwed), "projects s1 zhang", "projects s2 zhang")
)

// Who loses an entitlement loses the tokens for that unit at the clients that
// own the system, which are told; and what ended stays dead when he gets the
// entitlement back.
func TestAnEntitlementThatEndsTakesItsTokens(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*entitlement.Grant)
		ends   bool
	}{
		{"revoked", func(g *entitlement.Grant) { g.State = entitlement.Revoked }, true},
		{"suspended", func(g *entitlement.Grant) { g.State = entitlement.Suspended }, true},
		{"over from now on", func(g *entitlement.Grant) { g.Until = clock }, true},
		{"put off", func(g *entitlement.Grant) { g.From = clock.Add(time.Minute) }, true},
		{"an action less", func(g *entitlement.Grant) { g.Actions = g.Actions[:1] }, true},
		{"another action", func(g *entitlement.Grant) { g.Actions[0] = "read" }, true},
		{"given to another", func(g *entitlement.Grant) { g.Account = "firm" }, true},
		{"for another unit", func(g *entitlement.Grant) { g.UnitID = "" }, true},
		{"of another system", func(g *entitlement.Grant) { g.System = "projects" }, true},
		{"now a migrated one", func(g *entitlement.Grant) { g.Source = entitlement.TorchMigration }, true},
		{"as it was", func(*entitlement.Grant) {}, false},
		{"an action more, in another order", func(g *entitlement.Grant) { g.Actions = append([]string{"read"}, g.Actions...) }, false},
		{"longer", func(g *entitlement.Grant) { g.Until = time.Time{} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				h := newHoldings(t, db)
				g := entitlements()[0]
				c.change(&g)
				must(t, db.PutGrant(t.Context(), g, did(audit.EntitlementEnded)))
				if !c.ends {
					h.want(nil, nil)
					return
				}
				h.want(hightechOver, hightechOwed)
				must(t, db.PutGrant(t.Context(), entitlements()[0], did(audit.EntitlementMade)))
				h.stay(hightechOver)
			})
		})
	}
}

// Who no longer acts for a unit loses the tokens for it at every client that
// owns a business system.
func TestAMandateThatEndsTakesItsTokens(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*entitlement.Mandate)
		ends   bool
	}{
		{"revoked", func(m *entitlement.Mandate) { m.State = entitlement.Revoked }, true},
		{"over from now on", func(m *entitlement.Mandate) { m.Until = clock }, true},
		{"another relation", func(m *entitlement.Mandate) { m.Relation = entitlement.Admin }, true},
		{"given to another", func(m *entitlement.Mandate) { m.Account = "firm" }, true},
		{"now a migrated one", func(m *entitlement.Mandate) { m.Source = entitlement.TorchMigration }, true},
		{"as it was", func(*entitlement.Mandate) {}, false},
		{"longer", func(m *entitlement.Mandate) { m.Until = time.Time{} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				h := newHoldings(t, db)
				m := mandate()
				c.change(&m)
				must(t, db.PutMandate(t.Context(), m, did(audit.EntitlementEnded)))
				if !c.ends {
					h.want(nil, nil)
					return
				}
				h.want(ownersOver, ownersOwed)
				must(t, db.PutMandate(t.Context(), mandate(), did(audit.EntitlementMade)))
				h.stay(ownersOver)
			})
		})
	}
}

// What did not hold before takes nothing with it.
func TestWhatDidNotHoldEndsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHoldings(t, db)
		h.open("projects himself", "projects", "s5", "zhang", "", false)
		g := entitlements()[1] // suspended
		g.State = entitlement.Revoked
		must(t, db.PutGrant(t.Context(), g, did(audit.EntitlementEnded)))
		m := mandate()
		m.ID, m.State = "m2", entitlement.Revoked
		must(t, db.PutMandate(t.Context(), m, did(audit.EntitlementMade)))
		h.want(nil, nil)
	})
}

// A withdrawn consent ends all that came of it, at this client and of this
// account alone, with one record.
func TestConsentIsWithdrawn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHoldings(t, db)
		ctx := t.Context()
		for _, pair := range [][2]string{{"zhang", "mail"}, {"zhang", "projects"}, {"firm", "mail"}} {
			c := allowed()
			c.Account, c.Client = account.ID(pair[0]), pair[1]
			must(t, db.GiveConsent(ctx, c, did(audit.ConsentGiven)))
		}
		scopes := func(who account.ID, client string) []string {
			t.Helper()
			key := "k " + string(who) + client
			_, err := db.StartSession(ctx, visit(key, "s "+key, who), "", did(audit.SignInSucceeded))
			must(t, err)
			v, err := db.ByCookie(ctx, key, client)
			must(t, err)
			return v.Consent.Scopes
		}
		withdraw := func() error {
			return db.WithdrawConsent(ctx, "zhang", "mail", clock, audit.Event{Kind: audit.ConsentWithdrawn, Actor: "zhang"})
		}
		must(t, withdraw())
		h.want([]string{"mail again s1", "mail offline s2", "mail s1"}, []string{"mail s1 zhang", "mail s2 zhang"})
		if got := scopes("zhang", "mail"); len(got) > 0 {
			t.Errorf("the consent still says %q", got)
		}
		if len(scopes("zhang", "projects")) == 0 || len(scopes("firm", "mail")) == 0 {
			t.Error("another consent went, too")
		}
		if err := withdraw(); !fault.Is(err, fault.NotFound) {
			t.Errorf("withdrawn twice: %v", err)
		}
		h.open("mail without consent", "mail", "s6", "zhang", "", true)
		must(t, withdraw())
		h.want([]string{"mail again s1", "mail offline s2", "mail s1", "mail without consent"}, []string{"mail s6 zhang"})
		rows, err := db.RecentAudit(ctx, 100)
		must(t, err)
		n := 0
		for _, row := range rows {
			if row.Kind == audit.ConsentWithdrawn {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d records, want 2", n)
		}
	})
}
