package torch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/torch"
)

// finder answers with what stands there now, and counts who asks.
type finder struct {
	found torch.Found
	err   error
	units int
}

func (f *finder) FindUnit(context.Context, account.USCC) (torch.Found, error) {
	f.units++
	return f.found, f.err
}

func (f *finder) FindPerson(context.Context, account.Mobile) (torch.Found, error) {
	return f.found, f.err
}

func (f *finder) FindTest(context.Context, string) (torch.Found, error) {
	return torch.Found{Outcome: torch.E2}, f.err
}

const someUnit account.USCC = "91110108MA01ET88XL"

// R6: an answer is kept for twenty seconds and not a moment longer, so that a
// password that was changed is told as changed; a failure is kept for nobody.
func TestLookupKeepsAnAnswerForAMoment(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	store := &finder{err: errors.New("down")}
	l := &torch.Lookup{Store: store, Now: func() time.Time { return now }}
	if _, err := l.Unit(t.Context(), someUnit); err == nil {
		t.Fatal("a store that is down answers")
	}
	store.err, store.found = nil, torch.Found{Outcome: torch.E1, LoginName: string(someUnit), Kind: account.LegalEntity}
	ask := func() torch.Answer {
		t.Helper()
		a, err := l.Unit(t.Context(), someUnit)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ask(); a.Code != torch.E1 || !a.Kept || a.Changed || !a.Used || !a.UsedAt.IsZero() {
		t.Errorf("at first: %+v", a)
	}
	store.found.ChangedAt, store.found.UsedAt = now, now
	asked := store.units
	for range 100 {
		ask()
	}
	if now = now.Add(20*time.Second - 1); ask().Changed || store.units != asked {
		t.Errorf("within the moment the store is asked %d times", store.units-asked)
	}
	if now = now.Add(1); !ask().Changed {
		t.Error("after it, the change is still not told")
	}
	// Whoever proved the number is told what stands there now.
	store.found = torch.Found{Outcome: torch.I1, LoginName: "18711111111", Kind: account.NaturalPerson}
	for _, changed := range []bool{false, true} {
		if changed {
			store.found.ChangedAt = now
		}
		if a, err := l.Person(t.Context(), "18711111111"); err != nil || a.Changed != changed {
			t.Errorf("a person is told %+v, %v", a, err)
		}
	}
}

// However many units are asked for, the memory of it is bounded, and each answer
// is that unit's own.
func TestLookupMixesUpNobody(t *testing.T) {
	l := &torch.Lookup{Store: &echo{}, Now: func() time.Time { return time.Unix(0, 0) }}
	for _, u := range []account.USCC{"91110108MA01ET88XL", "91350100M000100Y43", "91110108MA01ET88XL"} {
		if a, err := l.Unit(t.Context(), u); err != nil || a.LoginName != string(u) || a.Key != string(u) {
			t.Errorf("%s: %+v, %v", u, a, err)
		}
	}
}

type echo struct{ finder }

func (echo) FindUnit(_ context.Context, u account.USCC) (torch.Found, error) {
	return torch.Found{Outcome: torch.E1, LoginName: string(u), Kind: account.LegalEntity}, nil
}

// What may not be told: the login name of I4 and I5, whole names that do not follow
// from the key, and who holds a name (R33, S49).
func TestLookupTellsNoMoreThanItMay(t *testing.T) {
	for code, f := range map[torch.Code]torch.Found{
		torch.I4: {Outcome: torch.I4, LoginName: "zhangsan88", Kind: account.NaturalPerson},
		torch.I5: {Outcome: torch.I5, LoginName: "zhangsan88", Kind: account.NaturalPerson},
	} {
		l := &torch.Lookup{Store: &finder{found: f}, Now: time.Now}
		if a, err := l.Person(t.Context(), "18711111111"); err != nil || a.LoginName != "" || a.Used {
			t.Errorf("%s: %+v, %v", code, a, err)
		}
	}
	for name, f := range map[string]torch.Found{
		"E0b under another name": {OtherLogin: "zhangsan88"}, "E2 renamed": {Outcome: torch.E2, LoginName: "zhangsan88", Kind: account.LegalEntity},
	} {
		l := &torch.Lookup{Store: &finder{found: f}, Now: time.Now}
		if a, err := l.Unit(t.Context(), someUnit); err != nil || a.LoginName != "z***8" || !a.Masked {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	held := &torch.Lookup{Store: &finder{found: torch.Found{PersonHolds: true}}, Now: time.Now}
	if a, err := held.Unit(t.Context(), someUnit); err != nil || a.Code != torch.E6 || a.LoginName != "" || a.Kind != "" {
		t.Errorf("E6: %+v, %v", a, err)
	}
}
