package entitlement_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// What is no step of the machine is refused and changes nothing (C14, R8, G1).
func TestNoSuchStep(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	later, before := now.Add(time.Hour), now.Add(-time.Hour)
	for _, row := range []struct {
		name   string
		state  entitlement.State
		source entitlement.Source
		until  time.Time
		deed   entitlement.Deed
	}{
		{"revoked, awakened", entitlement.Revoked, entitlement.TorchMigration, later, entitlement.Activate},
		{"revoked, resumed", entitlement.Revoked, entitlement.Direct, later, entitlement.Resume},
		{"revoked, confirmed", entitlement.Revoked, entitlement.TorchMigration, later, entitlement.Confirm},
		{"revoked twice", entitlement.Revoked, entitlement.Direct, later, entitlement.Revoke},
		{"expired, resumed", entitlement.Expired, entitlement.Direct, later, entitlement.Resume},
		{"expired, awakened", entitlement.Expired, entitlement.Direct, later, entitlement.Activate},
		{"pending, resumed", entitlement.Pending, entitlement.Direct, later, entitlement.Resume},
		{"pending, confirmed", entitlement.Pending, entitlement.TorchMigration, later, entitlement.Confirm},
		{"pending and over, awakened", entitlement.Pending, entitlement.TorchMigration, before, entitlement.Activate},
		{"active and over, suspended", entitlement.Active, entitlement.Direct, now, entitlement.Suspend},
		{"active and over, confirmed", entitlement.Active, entitlement.TorchMigration, before, entitlement.Confirm},
		{"active, not migrated, confirmed", entitlement.Active, entitlement.Direct, later, entitlement.Confirm},
		{"suspended and over, resumed", entitlement.Suspended, entitlement.Direct, before, entitlement.Resume},
		{"active, too early to expire", entitlement.Active, entitlement.Direct, later, entitlement.Expire},
		{"without end, expired", entitlement.Active, entitlement.Direct, time.Time{}, entitlement.Expire},
		{"altered, resumed", entitlement.Altered, entitlement.Direct, later, entitlement.Resume},
		{"altered, awakened", entitlement.Altered, entitlement.TorchMigration, later, entitlement.Activate},
		{"altered, confirmed", entitlement.Altered, entitlement.TorchMigration, later, entitlement.Confirm},
		{"altered, expired", entitlement.Altered, entitlement.Direct, before, entitlement.Expire},
		{"unknown deed", entitlement.Active, entitlement.Direct, later, "bless"},
	} {
		g := entitlement.Grant{ID: "g", State: row.state, Source: row.source, Until: row.until, From: before}
		if got, err := g.After(row.deed, now); !fault.Is(err, fault.Conflict) || got.State != g.State || got.Source != g.Source {
			t.Errorf("%s: %v, %v", row.name, got, err)
		}
		m := entitlement.Mandate{ID: "m", State: row.state, Source: row.source, Until: row.until, From: before}
		if got, err := m.After(row.deed, now); !fault.Is(err, fault.Conflict) || got.State != m.State || got.Source != m.Source {
			t.Errorf("%s, mandate: %v, %v", row.name, got, err)
		}
	}
}

// model is the grant's life told in another way: as flags instead of a state.
type model struct {
	awake, paused, gone, ranOut, migrated bool
	until                                 time.Time
}

func (m *model) over(now time.Time) bool { return !m.until.IsZero() && !m.until.After(now) }

func (m *model) do(d entitlement.Deed, now time.Time) bool {
	if m.gone || m.ranOut {
		return false
	}
	switch d {
	case entitlement.Revoke:
		m.gone, m.until = true, now
	case entitlement.Expire:
		if !m.over(now) {
			return false
		}
		m.ranOut = true
	default:
		if m.over(now) {
			return false
		}
		switch {
		case d == entitlement.Activate && !m.awake:
			m.awake = true
			if year := now.AddDate(1, 0, 0); m.migrated && (m.until.IsZero() || year.Before(m.until)) {
				m.until = year
			}
		case d == entitlement.Suspend && m.awake && !m.paused:
			m.paused = true
		case d == entitlement.Resume && m.awake && m.paused:
			m.paused = false
		case d == entitlement.Confirm && m.awake && !m.paused && m.migrated:
			m.migrated = false
		default:
			return false
		}
	}
	return true
}

func (m *model) holds(now time.Time) bool {
	return m.awake && !m.paused && !m.gone && !m.ranOut && !m.over(now)
}

// Ten thousand lives of grants against the model: the same deeds are allowed, the
// same ones hold, nothing that ended ever holds again, and what the migration gave
// never outlives its year.
func TestLivesOfGrantsAgainstAModel(t *testing.T) {
	for seed := range uint64(10000) {
		r := rand.New(rand.NewPCG(seed, 31)) //nolint:gosec // a test's dice
		now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
		m := &model{migrated: r.IntN(2) == 0}
		g := entitlement.Grant{ID: "g", System: "s", Actions: []string{"apply"}, State: entitlement.Pending, Source: entitlement.Delegated, From: now}
		if m.migrated {
			g.Source = entitlement.TorchMigration
		}
		if r.IntN(2) == 0 {
			g.Until = now.AddDate(0, r.IntN(30), 0)
			m.until = g.Until
		}
		ended, woken := false, time.Time{}
		for step := range 20 {
			now = now.Add(time.Duration(r.Int64N(int64(90 * 24 * time.Hour))))
			d := entitlement.Deeds()[r.IntN(len(entitlement.Deeds()))]
			next, err := g.After(d, now)
			if want := m.do(d, now); want != (err == nil) {
				t.Fatalf("seed %d, step %d: %s of %+v gives %v, the model says %v", seed, step, d, g, err, want)
			}
			if g = next; err == nil && d == entitlement.Activate {
				woken = now
			}
			if g.Live(now) != m.holds(now) || (g.Source == entitlement.TorchMigration) != m.migrated || !g.Until.Equal(m.until) {
				t.Fatalf("seed %d, step %d: after %s it is %+v, the model %+v", seed, step, d, g, m)
			}
			if ended && g.Live(now) {
				t.Fatalf("seed %d: it came back: %+v", seed, g)
			}
			ended = ended || g.State == entitlement.Revoked || g.State == entitlement.Expired
			if g.Live(now) && g.Source == entitlement.TorchMigration && now.After(woken.AddDate(1, 0, 0)) {
				t.Fatalf("seed %d: migrated and older than a year: %+v", seed, g)
			}
		}
	}
}

// The catalogue alone says who earns what (R4): an enterprise 高企 and 科小, an
// individual business neither, a person what is meant for persons.
func TestEarned(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	enterprise := []string{account.UnitEnterprise}
	catalogue := []entitlement.System{
		{ID: "hightech_enterprise", Actions: []string{"apply", "report"}, UnitTypes: enterprise, Level: "L2", Earned: true},
		{ID: "tech_sme", Actions: []string{"apply"}, AccountKinds: []account.Kind{account.LegalEntity}, UnitTypes: enterprise, Earned: true},
		{ID: "for_all_units", Actions: []string{"apply"}, Earned: true},
		{ID: "strict", Actions: []string{"apply"}, Level: "L4", Earned: true},
		{ID: "closed", Actions: []string{"apply"}, Earned: true, Closed: true},
		{ID: "by_hand", Actions: []string{"apply"}, UnitTypes: enterprise},
		{ID: "for_persons", Actions: []string{"join"}, AccountKinds: []account.Kind{account.NaturalPerson}, Earned: true},
	}
	verified := account.RealName{Status: account.StatusVerified, Level: "L2"}
	legal := account.Account{ID: "a", Kind: account.LegalEntity, RealName: verified}
	person := account.Account{ID: "p", Kind: account.NaturalPerson, RealName: verified}
	unit := func(kind string) *account.Unit { return &account.Unit{ID: "u", Type: kind} }
	unverified := legal
	unverified.RealName = account.RealName{Status: account.StatusUnverified}
	had := func(system entitlement.SystemID, source entitlement.Source, state entitlement.State) []entitlement.Grant {
		return []entitlement.Grant{{System: system, UnitID: "u", Source: source, State: state}}
	}
	for _, row := range []struct {
		name string
		a    account.Account
		u    *account.Unit
		had  []entitlement.Grant
		want []entitlement.SystemID
	}{
		{"unverified", unverified, unit(account.UnitEnterprise), nil, nil},
		{"no unit", legal, nil, nil, nil},
		{"individual business", legal, unit(account.UnitIndividualBusiness), nil, []entitlement.SystemID{"for_all_units"}},
		{"institution", legal, unit(account.UnitPublicInstitution), nil, []entitlement.SystemID{"for_all_units"}},
		{"enterprise", legal, unit(account.UnitEnterprise), nil, []entitlement.SystemID{"hightech_enterprise", "tech_sme", "for_all_units"}},
		{"had it by verification, and lost it", legal, unit(account.UnitEnterprise), had("tech_sme", entitlement.Verification, entitlement.Revoked), []entitlement.SystemID{"hightech_enterprise", "for_all_units"}},
		{"has it otherwise", legal, unit(account.UnitEnterprise), had("tech_sme", entitlement.Direct, entitlement.Active), []entitlement.SystemID{"hightech_enterprise", "for_all_units"}},
		{"had it otherwise", legal, unit(account.UnitEnterprise), had("tech_sme", entitlement.Direct, entitlement.Expired), []entitlement.SystemID{"hightech_enterprise", "tech_sme", "for_all_units"}},
		{"person", person, nil, nil, []entitlement.SystemID{"for_persons"}},
	} {
		var got []entitlement.SystemID
		for _, g := range entitlement.Earned(row.a, row.u, catalogue, row.had, now) {
			got = append(got, g.System)
			if !g.Live(now) || g.Source != entitlement.Verification || g.Account != row.a.ID || row.u != nil && g.UnitID != row.u.ID || row.u == nil && g.UnitID != "" {
				t.Errorf("%s: %+v", row.name, g)
			}
		}
		if len(got) != len(row.want) {
			t.Errorf("%s: earned %v, want %v", row.name, got, row.want)
			continue
		}
		for i := range got {
			if got[i] != row.want[i] {
				t.Errorf("%s: earned %v, want %v", row.name, got, row.want)
			}
		}
	}
}

// What wakes up is what the migration left, of living time, for a year at most.
func TestAwakened(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	year := now.AddDate(1, 0, 0)
	grant := func(id string, state entitlement.State, source entitlement.Source, until time.Time) entitlement.Grant {
		return entitlement.Grant{ID: id, State: state, Source: source, Until: until}
	}
	_, got := entitlement.Awakened(nil, []entitlement.Grant{
		grant("endless", entitlement.Pending, entitlement.TorchMigration, time.Time{}),
		grant("short", entitlement.Pending, entitlement.TorchMigration, now.Add(time.Hour)),
		grant("long", entitlement.Pending, entitlement.TorchMigration, now.AddDate(3, 0, 0)),
		grant("over", entitlement.Pending, entitlement.TorchMigration, now),
		grant("delegated", entitlement.Pending, entitlement.Delegated, time.Time{}),
		grant("revoked", entitlement.Revoked, entitlement.TorchMigration, time.Time{}),
		grant("altered", entitlement.Altered, entitlement.TorchMigration, time.Time{}),
	}, now)
	want := map[string]time.Time{"endless": year, "short": now.Add(time.Hour), "long": year}
	if len(got) != len(want) {
		t.Errorf("awake: %+v", got)
	}
	for _, g := range got {
		if !g.Until.Equal(want[g.ID]) || g.State != entitlement.Active || g.Source != entitlement.TorchMigration {
			t.Errorf("%+v", g)
		}
	}
}
