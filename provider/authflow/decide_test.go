package authflow_test

import (
	"reflect"
	"testing"

	"kejitong/provider/authflow"
)

// ready is somebody for whom nothing is owed any more.
func ready() authflow.Facts {
	return authflow.Facts{SignedIn: true, Gated: true, KindAllowed: true, Verified: true, LevelReached: true, ACRReached: true, Entitled: true,
		ConsentNeeded: true, ConsentCovered: true}
}

func TestDecide(t *testing.T) {
	type F = authflow.Facts
	cases := []struct {
		name   string
		change func(*F)
		want   authflow.Verdict
		silent string
	}{
		{"a real name is missing", func(f *F) { f.Verified = false }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.NotVerified}, "interaction_required"},
		{"the level is too low", func(f *F) { f.LevelReached = false }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.LevelTooLow}, "interaction_required"},
		{"a person where units enter", func(f *F) { f.KindAllowed = false }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.WrongAccountType}, "access_denied"},
		{"the wrong kind is told before the missing name", func(f *F) { f.KindAllowed, f.Verified = false, false }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.WrongAccountType}, "access_denied"},
		{"not entitled", func(f *F) { f.Entitled = false }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.NotEntitled}, "access_denied"},
		{"a unit of somebody else is hinted", func(f *F) { f.UnitRefused = true }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.UnitUnknown}, "access_denied"},
		{"an essential acr is out of reach", func(f *F) { f.ACRReached = false }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.ACRUnmet}, "unmet_authentication_requirements"},
		{"an essential acr that a second factor reaches", func(f *F) { f.ACRReached, f.ACRWithin = false, true }, authflow.Verdict{Step: authflow.Factor}, "interaction_required"},
		{"an essential acr that a passkey reaches", func(f *F) { f.ACRReached, f.ACRWithin, f.ACRByKey = false, true, true }, authflow.Verdict{Step: authflow.Factor, Reason: authflow.KeyNeeded}, "interaction_required"},
		{"the second factor comes before the missing name", func(f *F) { f.ACRReached, f.ACRWithin, f.Verified = false, true, false }, authflow.Verdict{Step: authflow.Factor}, "interaction_required"},
		{"nobody is signed in", func(f *F) { f.SignedIn = false }, authflow.Verdict{Step: authflow.SignIn}, "login_required"},
		{"nobody is signed in, and nothing else fits", func(f *F) { *f = F{} }, authflow.Verdict{Step: authflow.SignIn}, "login_required"},
		{"prompt=login over a session", func(f *F) { f.PromptLogin = true }, authflow.Verdict{Step: authflow.SignIn}, "login_required"},
		{"max_age has passed", func(f *F) { f.TooOld = true }, authflow.Verdict{Step: authflow.SignIn}, "login_required"},
		{"the hint names somebody else", func(f *F) { f.HintMismatch = true }, authflow.Verdict{Step: authflow.SignIn}, "login_required"},
		{"the hint names somebody else than who just signed in", func(f *F) { f.HintMismatch, f.FreshHere = true, true }, authflow.Verdict{Step: authflow.SignIn}, "login_required"},
		{"prompt=select_account over a session", func(f *F) { f.PromptSelect = true }, authflow.Verdict{Step: authflow.SelectAccount}, "account_selection_required"},
		{"several units", func(f *F) { f.UnitNeeded = true }, authflow.Verdict{Step: authflow.ChooseUnit}, "interaction_required"},
		{"several units come before the entitlement", func(f *F) { f.UnitNeeded, f.Entitled = true, false }, authflow.Verdict{Step: authflow.ChooseUnit}, "interaction_required"},
		{"the unit's data are not confirmed", func(f *F) { f.Unconfirmed = true }, authflow.Verdict{Step: authflow.Confirm}, "interaction_required"},
		{"the unit's data come before the consent", func(f *F) { f.Unconfirmed, f.ConsentCovered = true, false }, authflow.Verdict{Step: authflow.Confirm}, "interaction_required"},
		{"the entitlement comes before the unit's data", func(f *F) { f.Unconfirmed, f.Entitled = true, false }, authflow.Verdict{Step: authflow.Refuse, Reason: authflow.NotEntitled}, "access_denied"},
		{"consent does not cover", func(f *F) { f.ConsentCovered = false }, authflow.Verdict{Step: authflow.Consent}, "consent_required"},
		{"prompt=consent over a standing consent", func(f *F) { f.PromptConsent = true }, authflow.Verdict{Step: authflow.Consent}, "consent_required"},
		{"prompt=consent of a first-party client", func(f *F) { f.PromptConsent, f.ConsentNeeded = true, false }, authflow.Verdict{Step: authflow.Consent}, "consent_required"},

		{"nothing is owed", func(*F) {}, authflow.Verdict{Step: authflow.Issue}, ""},
		{"prompt=login, done", func(f *F) { f.PromptLogin, f.FreshHere = true, true }, authflow.Verdict{Step: authflow.Issue}, ""},
		{"max_age, done", func(f *F) { f.TooOld, f.FreshHere = true, true }, authflow.Verdict{Step: authflow.Issue}, ""},
		{"prompt=select_account, chosen", func(f *F) { f.PromptSelect, f.SelectedHere = true, true }, authflow.Verdict{Step: authflow.Issue}, ""},
		{"prompt=select_account, signed in anew", func(f *F) { f.PromptSelect, f.FreshHere = true, true }, authflow.Verdict{Step: authflow.Issue}, ""},
		{"consent, given here", func(f *F) { f.ConsentCovered, f.PromptConsent, f.ConsentedHere = false, true, true }, authflow.Verdict{Step: authflow.Issue}, ""},
		{"a client without gate asks nothing of the account", func(f *F) {
			f.Gated, f.KindAllowed, f.Verified, f.LevelReached, f.Entitled = false, false, false, false, false
		}, authflow.Verdict{Step: authflow.Issue}, ""},
	}
	for _, c := range cases {
		f := ready()
		c.change(&f)
		got := authflow.Decide(f)
		if got != c.want || got.SilentError() != c.silent {
			t.Errorf("%s: %+v, silently %q; want %+v, %q", c.name, got, got.SilentError(), c.want, c.silent)
		}
	}
}

// Over all combinations of facts: a code is issued only when each rule holds by
// itself, and prompt=none has an error for everything else.
func TestNothingIsIssuedPastARule(t *testing.T) {
	fields := reflect.TypeFor[authflow.Facts]().NumField()
	issued := 0
	for bits := range 1 << fields {
		var f authflow.Facts
		v := reflect.ValueOf(&f).Elem()
		for i := range fields {
			v.Field(i).SetBool(bits>>i&1 == 1)
		}
		verdict := authflow.Decide(f)
		if (verdict.SilentError() == "") != (verdict.Step == authflow.Issue) {
			t.Fatalf("%+v: %+v is %q silently", f, verdict, verdict.SilentError())
		}
		if verdict.Step != authflow.Issue {
			continue
		}
		issued++
		holds := f.SignedIn && (f.FreshHere || !f.PromptLogin && !f.TooOld) && !f.HintMismatch &&
			(f.SelectedHere || f.FreshHere || !f.PromptSelect) && f.ACRReached && !f.UnitNeeded && !f.UnitRefused &&
			(!f.Gated || f.KindAllowed && f.Verified && f.LevelReached && f.Entitled && !f.Unconfirmed) &&
			(f.ConsentedHere || !f.PromptConsent && (!f.ConsentNeeded || f.ConsentCovered))
		if !holds {
			t.Fatalf("issued past a rule: %+v", f)
		}
	}
	if issued == 0 {
		t.Error("nothing is ever issued")
	}
}
