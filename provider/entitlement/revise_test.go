package entitlement_test

import (
	"slices"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// What a revision means for those who hold something is told for each field that
// narrows or widens, and for nothing else.
func TestEffectsOfARevision(t *testing.T) {
	was := entitlement.System{ID: "a", NameZH: "甲", Actions: []string{"apply", "report"}, AccountKinds: []account.Kind{account.LegalEntity}, Level: "L2"}
	change := func(f func(*entitlement.System)) entitlement.System {
		s := was
		s.Actions = slices.Clone(was.Actions)
		f(&s)
		return s
	}
	for name, c := range map[string]struct {
		next entitlement.System
		want []entitlement.Effect
	}{
		"nothing":        {was, nil},
		"a name":         {change(func(s *entitlement.System) { s.NameZH = "乙" }), nil},
		"level unsaid":   {change(func(s *entitlement.System) { s.Level = "" }), nil},
		"closed":         {change(func(s *entitlement.System) { s.Closed = true }), []entitlement.Effect{entitlement.EffectCloses}},
		"action gone":    {change(func(s *entitlement.System) { s.Actions = []string{"apply"} }), []entitlement.Effect{entitlement.EffectActionsLost}},
		"action swapped": {change(func(s *entitlement.System) { s.Actions = []string{"apply", "appeal"} }), []entitlement.Effect{entitlement.EffectActionsLost, entitlement.EffectActionsMore}},
		"all kinds":      {change(func(s *entitlement.System) { s.AccountKinds = nil }), []entitlement.Effect{entitlement.EffectWider}},
		"some units":     {change(func(s *entitlement.System) { s.UnitTypes = []string{account.UnitEnterprise} }), []entitlement.Effect{entitlement.EffectNarrower}},
		"all by name":    {change(func(s *entitlement.System) { s.UnitTypes = account.UnitTypes() }), nil},
		"level up":       {change(func(s *entitlement.System) { s.Level = "L3" }), []entitlement.Effect{entitlement.EffectLevelUp}},
		"earned":         {change(func(s *entitlement.System) { s.Earned = true }), []entitlement.Effect{entitlement.EffectEarned}},
		"entry":          {change(func(s *entitlement.System) { s.EntryURL = "https://e.example" }), []entitlement.Effect{entitlement.EffectEntry}},
	} {
		if got := (entitlement.Revision{Was: &was, Next: c.next}).Effects(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if same := c.next.Version() == was.Version(); same != (name == "nothing") {
			t.Errorf("%s: the version says the same: %v", name, same)
		}
	}
}
