package entitlement_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"kejitong/provider/entitlement"
)

const (
	uscc  = "91110108MA01ET88XL"
	other = "91350100M000100Y43"
)

// RFC 9396 §2 and §5: what does not conform is refused as a whole.
func TestParseDetails(t *testing.T) {
	for _, row := range []struct{ name, text string }{
		{"nothing", ``},
		{"no JSON", `[{]`},
		{"null", `null`},
		{"no array", `{"type":"business_system","system":"s","actions":["a"]}`},
		{"empty array", `[]`},
		{"an entry that is no object", `["business_system"]`},
		{"null entry", `[null]`},
		{"no type", `[{"system":"s","actions":["a"]}]`},
		{"unknown type", `[{"type":"payment_initiation","system":"s","actions":["a"]}]`},
		{"one of two unknown", `[{"type":"business_system","system":"s","actions":["a"]},{"type":"x"}]`},
		{"type in capitals", `[{"type":"Business_System","system":"s","actions":["a"]}]`},
		{"member in capitals", `[{"type":"business_system","System":"s","actions":["a"]}]`},
		{"unknown member", `[{"type":"business_system","system":"s","actions":["a"],"locations":["https://x"]}]`},
		{"type that is no string", `[{"type":1,"system":"s","actions":["a"]}]`},
		{"null system", `[{"type":"business_system","system":null,"actions":["a"]}]`},
		{"empty system", `[{"type":"business_system","system":"","actions":["a"]}]`},
		{"no actions", `[{"type":"business_system","system":"s"}]`},
		{"empty actions", `[{"type":"business_system","system":"s","actions":[]}]`},
		{"actions as text", `[{"type":"business_system","system":"s","actions":"a"}]`},
		{"an empty action", `[{"type":"business_system","system":"s","actions":[""]}]`},
		{"null action", `[{"type":"business_system","system":"s","actions":[null]}]`},
		{"unit that is no object", `[{"type":"business_system","system":"s","actions":["a"],"on_behalf_of":"` + uscc + `"}]`},
		{"null unit", `[{"type":"business_system","system":"s","actions":["a"],"on_behalf_of":null}]`},
		{"unit with more", `[{"type":"business_system","system":"s","actions":["a"],"on_behalf_of":{"uscc":"` + uscc + `","name":"x"}}]`},
		{"no USCC", `[{"type":"business_system","system":"s","actions":["a"],"on_behalf_of":{"uscc":"91110108MA01ET88XX"}}]`},
		{"seventeen", `[` + strings.Repeat(`{"type":"business_system","system":"s","actions":["a"]},`, 16) + `{"type":"business_system","system":"s","actions":["a"]}]`},
		{"trailing text", `[{"type":"business_system","system":"s","actions":["a"]}]x`},
	} {
		if d, err := entitlement.ParseDetails(row.text); err == nil {
			t.Errorf("%s: taken as %v", row.name, d)
		}
	}
	got, err := entitlement.ParseDetails(`[{"type":"business_system","system":"s","actions":["a","b","a"]},
		{"actions":["c"],"on_behalf_of":{"uscc":"` + strings.ToLower(uscc) + `"},"system":"t","type":"business_system"}]`)
	want := []entitlement.Detail{{System: "s", Actions: []string{"a", "b"}}, {System: "t", Actions: []string{"c"}, USCC: uscc}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, %v, want %v", got, err, want)
	}
	text, err := json.Marshal(got)
	if err != nil || string(text) != `[{"type":"business_system","system":"s","actions":["a","b"]},{"type":"business_system","system":"t","actions":["c"],"on_behalf_of":{"uscc":"`+uscc+`"}}]` {
		t.Errorf("written as %s, %v", text, err)
	}
}

// What is granted is never more than what holds, and what is narrowed never
// more than what was granted (RFC 9396 §6.1).
func TestNarrowingDetails(t *testing.T) {
	grants := []entitlement.Grant{{System: "s", Actions: []string{"a"}}, {System: "s", Actions: []string{"b"}}, {System: "t", Actions: []string{"c"}}}
	detail := func(system entitlement.SystemID, unit string, actions ...string) entitlement.Detail {
		d := entitlement.Detail{System: system, Actions: actions}
		if unit != "" {
			d.USCC = uscc
			if unit == other {
				d.USCC = other
			}
		}
		return d
	}
	type list = []entitlement.Detail
	for _, row := range []struct {
		name        string
		asked, want list
	}{
		{"nothing of it", list{detail("s", "", "x"), detail("u", "", "a"), detail("t", "", "a")}, list{}},
		{"some", list{detail("s", "", "x", "b", "a"), detail("u", "", "a")}, list{detail("s", uscc, "b", "a")}},
	} {
		if got := entitlement.Permitted(row.asked, grants, uscc); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	granted := list{detail("s", uscc, "a", "b"), detail("t", uscc, "c")}
	for _, row := range []struct {
		name        string
		asked, want list
	}{
		{"another action", list{detail("s", uscc, "a", "c")}, nil},
		{"another system", list{detail("u", uscc, "a")}, nil},
		{"another unit", list{detail("s", other, "a")}, nil},
		{"one good, one not", list{detail("s", uscc, "a"), detail("t", uscc, "a")}, nil},
		{"fewer actions", list{detail("s", uscc, "b")}, list{detail("s", uscc, "b")}},
		{"the unit left out", list{detail("t", "", "c")}, list{detail("t", uscc, "c")}},
		{"all", granted, granted},
	} {
		got, ok := entitlement.Within(row.asked, granted)
		if ok != (row.want != nil) || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, %v, want %v", row.name, got, ok, row.want)
		}
	}
	if _, one := entitlement.Behalf(list{detail("s", uscc, "a"), detail("t", other, "c")}); one {
		t.Error("two units pass for one")
	}
	if unit, one := entitlement.Behalf(list{detail("s", "", "a"), detail("t", uscc, "c")}); !one || unit != uscc {
		t.Errorf("the unit is %q, %v", unit, one)
	}
	if got := entitlement.Of(granted, []entitlement.SystemID{"t"}); !reflect.DeepEqual(got, list{detail("t", uscc, "c")}) {
		t.Errorf("of one system: %v", got)
	}
}

// FuzzParseDetails: what passes is written and read again without a change.
func FuzzParseDetails(f *testing.F) {
	f.Add(`[{"type":"business_system","system":"s","actions":["a"],"on_behalf_of":{"uscc":"` + uscc + `"}}]`)
	f.Add(`[{"type":"business_system","type":"x","system":"\ud800","actions":["\u0000"]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := entitlement.ParseDetails(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		e, err := entitlement.ParseDetails(string(again))
		if err != nil || !reflect.DeepEqual(d, e) {
			t.Errorf("%q is %v, then %v, %v", text, d, e, err)
		}
	})
}
