package oidc

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/principal"
)

const framework = `"trust_framework":"` + issuer + `/trust/realname"`

// identityMarks are what a grant carries when single claims of identity and
// authority were allowed.
var identityMarks = []string{consent.OpenID, claimScope(consent.Identity), claimScope(consent.Authority)}

// verifiedOf is what a request for verified_claims brings in both places.
func (h *house) verifiedOf(c *client.Client, g *principal.Held, scopes []string, request string) (idToken, userinfo any) {
	h.t.Helper()
	g.Grant.Data.Scopes = scopes
	g.Grant.Data.Claims = json.RawMessage(request)
	id, ui := h.released(c, g)
	return id["verified_claims"], ui["verified_claims"]
}

// Requests for verified_claims and what they bring, expression by expression
// (OpenID Connect for Identity Assurance 1.0 §5). The person was verified three
// days ago, against one electronic record.
func TestVerifiedClaimsAsAsked(t *testing.T) {
	h := newHouse(t)
	ask := func(verification, claims string) string {
		return `{"verification":{"trust_framework":null` + verification + `},"claims":` + claims + `}`
	}
	evidence := func(filters string) string { return ask(`,"evidence":[`+filters+`]`, `{"name":null}`) }
	just := func(verification, claims string) string {
		return `{"verification":{` + framework + verification + `},"claims":` + claims + `}`
	}
	name := `{"name":"张三"}`
	record := `,"evidence":[{"type":"electronic_record"}]`
	for _, c := range []struct {
		name, request, want string // want "": no verified_claims at all
	}{
		// §5.4: the framework is what makes the answer valid.
		{"no verification", `{"claims":{"name":null}}`, ""},
		{"no trust framework", `{"verification":{"time":null},"claims":{"name":null}}`, ""},
		{"verification null", `{"verification":null,"claims":{"name":null}}`, ""},
		{"verification of another form", `{"verification":["trust_framework"],"claims":{"name":null}}`, ""},
		{"a number for the whole", `7`, ""},
		{"null for the whole", `null`, ""},
		{"an array of numbers", `[1,2]`, ""},
		// §5.5.1: value and values.
		{"another framework", `{"verification":{"trust_framework":{"value":"eidas"}},"claims":{"name":null}}`, ""},
		{"other frameworks", `{"verification":{"trust_framework":{"values":["eidas","de_aml"]}},"claims":{"name":null}}`, ""},
		{"values that are none", `{"verification":{"trust_framework":{"values":"x"}},"claims":{"name":null}}`, ""},
		{"no values", `{"verification":{"trust_framework":{"values":[]}},"claims":{"name":null}}`, ""},
		{"the framework in another form", `{"verification":{"trust_framework":true},"claims":{"name":null}}`, ""},
		{"a higher level", ask(`,"assurance_level":{"value":"L4"}`, `{"name":null}`), ""},
		{"value and values disagree", ask(`,"assurance_level":{"value":"L2","values":["L3"]}`, `{"name":null}`), ""},
		{"a process that is not there", ask(`,"assurance_process":{"policy":{"value":"p"}}`, `{"name":null}`), ""},
		// §5.5.2: max_age.
		{"too old by a second", ask(`,"time":{"max_age":259339}`, `{"name":null}`), ""},
		{"a negative age", ask(`,"time":{"max_age":-1}`, `{"name":null}`), ""},
		{"an age of words", ask(`,"time":{"max_age":"1"}`, `{"name":null}`), ""},
		{"the age of what is no time", ask(`,"assurance_level":{"max_age":1000000}`, `{"name":null}`), ""},
		// §5.4: evidence.
		{"another type of evidence", evidence(`{"type":{"value":"document"}}`), ""},
		{"evidence without a type", evidence(`{"record":{"type":null}}`), ""},
		{"a type without a value", evidence(`{"type":null}`), ""},
		{"a type by values", evidence(`{"type":{"values":["electronic_record"]}}`), ""},
		{"a filter that is none", evidence(`"electronic_record"`), ""},
		{"another record", evidence(`{"type":{"value":"electronic_record"},"record":{"type":{"value":"bank_account"}}}`), ""},
		{"another check", evidence(`{"type":{"value":"electronic_record"},"check_details":[{"check_method":{"value":"vpip"}}]}`), ""},
		{"evidence of a known age", evidence(`{"type":{"value":"electronic_record"},"time":{"max_age":99999999}}`), ""},
		// §5.7.1, §5.7.4: nothing to say.
		{"no claims", `{"verification":{"trust_framework":null},"claims":{}}`, ""},
		{"claims null", `{"verification":{"trust_framework":null},"claims":null}`, ""},
		{"claims missing", `{"verification":{"trust_framework":null}}`, ""},
		{"claims nobody knows", ask(``, `{"shoe_size":null,"id_number":null,"phone_number":null}`), ""},
		{"a claim of units", ask(``, `{"organization_name":null}`), ""},
		{"a claim with another value", ask(``, `{"name":{"value":"李四"}}`), ""},
		{"more elements than are read", `[` + strings.Repeat(ask(``, `{"name":null}`)+`,`, maxVerifiedRequests) + ask(``, `{"name":null}`) + `]`, ""},
		// What is asked, and nothing more.
		{"one claim", ask(``, `{"name":null}`), just(``, name)},
		{"essential", ask(``, `{"name":{"essential":true,"purpose":"to greet you"},"shoe_size":{"essential":true}}`), just(``, name)},
		{"the right value, and one wrong", ask(``, `{"name":{"value":"张三"},"id_type":{"value":"passport"}}`), just(``, name)},
		{"an array by value", ask(``, `{"nationalities":{"value":["CHN"]}}`), just(``, `{"nationalities":["CHN"]}`)},
		{"this framework", `{"verification":{"trust_framework":{"value":"` + issuer + `/trust/realname"}},"claims":{"name":null}}`, just(``, name)},
		{"this framework among others", `{"verification":{"trust_framework":{"values":["x","` + issuer + `/trust/realname"]}},"claims":{"name":null}}`, just(``, name)},
		{"an expression nobody knows", ask(`,"assurance_level":{"minimum":"L4"}`, `{"name":null}`), just(`,"assurance_level":"L2"`, name)},
		{"fresh enough", ask(`,"time":{"max_age":259340}`, `{"name":null}`), just(`,"time":"2026-11-20T02:11:00Z"`, name)},
		{"the process", ask(`,"verification_process":null`, `{"name":null}`), just(`,"verification_process":"rn-20261120-0001"`, name)},
		{"what is not there", ask(`,"assurance_process":{"policy":null},"x":null`, `{"name":null}`), just(``, name)},
		{"evidence null goes nowhere", ask(`,"evidence":null`, `{"name":null}`), just(``, name)},
		{"no filters", ask(`,"evidence":[]`, `{"name":null}`), just(``, name)},
		{"evidence by type", evidence(`{"type":{"value":"electronic_record"}}`), just(record, name)},
		{"either type", evidence(`{"type":{"value":"document"}},{"type":{"value":"electronic_record"}}`), just(record, name)},
		{"a record null goes nowhere", evidence(`{"type":{"value":"electronic_record"},"record":null}`), just(record, name)},
		{
			"the record by type", evidence(`{"type":{"value":"electronic_record"},"record":{"type":{"values":["population_register"]}}}`),
			just(`,"evidence":[{"type":"electronic_record","record":{"type":"population_register"}}]`, name),
		},
		{
			"either check", evidence(`{"type":{"value":"electronic_record"},"check_details":[{"check_method":{"value":"vpip"}},{"check_method":{"value":"data"},"check_id":null}]}`),
			just(`,"evidence":[{"type":"electronic_record","check_details":[{"check_method":"data","check_id":"c-889"}]}]`, name),
		},
		{
			"two templates", evidence(`{"type":{"value":"electronic_record"},"record":{"type":null}},{"type":{"value":"electronic_record"},"record":{"source":{"country_code":null}}}`),
			just(`,"evidence":[{"type":"electronic_record","record":{"type":"population_register","source":{"country_code":"CHN"}}}]`, name),
		},
		// §5.6: each element on its own.
		{"several", `[` + ask(``, `{"name":null}`) + `,{"verification":{"trust_framework":{"value":"eidas"}},"claims":{"name":null}},` + ask(`,"assurance_level":null`, `{"nationalities":null}`) + `]`,
			`[` + just(``, name) + `,` + just(`,"assurance_level":"L2"`, `{"nationalities":["CHN"]}`) + `]`},
		{"several, none met", `[{"verification":{"trust_framework":{"value":"eidas"}},"claims":{"name":null}}]`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, place := range []string{"userinfo", "id_token"} {
				id, ui := h.under(t).verifiedOf(hightechClient(), person(), identityMarks, `{"`+place+`":{"verified_claims":`+c.request+`}}`)
				got, other := ui, id
				if place == "id_token" {
					got, other = id, ui
				}
				if other != nil {
					t.Errorf("asked at %s, given elsewhere: %s", place, pretty(other))
				}
				if c.want == "" {
					if got != nil {
						t.Errorf("%s: %s, want none", place, pretty(got))
					}
					continue
				}
				if want := object(t, []byte(`{"v":`+c.want+`}`))["v"]; !reflect.DeepEqual(got, want) {
					t.Errorf("%s\n got %s\nwant %s", place, pretty(got), pretty(want))
				}
			}
		})
	}
}

// Who may have it: scopes, verification and place decide before any request does.
func TestWhoGetsVerifiedClaims(t *testing.T) {
	h := newHouse(t)
	const every = `{"verification":{"trust_framework":null},"claims":{"name":null,"id_number_masked":null,"nationalities":null,"id_type":null,"authority":null,"organization_name":null,"registration_number":null}}`
	both := `{"userinfo":{"verified_claims":` + every + `},"id_token":{"verified_claims":` + every + `}}`
	names := func(v any) string {
		m, _ := v.(map[string]any)
		c, _ := m["claims"].(map[string]any)
		out := ""
		for _, n := range []string{"name", "id_number_masked", "nationalities", "id_type", "authority", "organization_name", "registration_number"} {
			if c[n] != nil {
				out += n + " "
			}
		}
		return strings.TrimSpace(out)
	}
	for _, c := range []struct {
		name   string
		who    *principal.Held
		client *client.Client
		scopes []string
		id, ui string
	}{
		{"no scope allowed", person(), hightechClient(), []string{consent.OpenID}, "", ""},
		{"another scope's mark", person(), hightechClient(), []string{consent.OpenID, claimScope(consent.Profile)}, "", ""},
		{"unverified", newcomer(), hightechClient(), identityMarks, "", ""},
		{"authority alone", person(), hightechClient(), []string{consent.OpenID, claimScope(consent.Authority)}, "", ""},
		{"a person", person(), hightechClient(), identityMarks, "name nationalities id_type", "name id_number_masked nationalities id_type"}, // no number of a document beside an access token
		{"of the standard profile", person(), standardClient(), identityMarks, "name nationalities id_type", "name id_number_masked nationalities id_type"},
		{"a unit", unitSession(), hightechClient(), identityMarks, "organization_name registration_number", "organization_name registration_number"},
		{"a handler's authority", handler(), hightechClient(), []string{consent.OpenID, claimScope(consent.Authority)}, "name authority", "name authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, ui := h.under(t).verifiedOf(c.client, c.who, c.scopes, both)
			if names(id) != c.id || names(ui) != c.ui {
				t.Errorf("ID token %q, userinfo %q; want %q, %q", names(id), names(ui), c.id, c.ui)
			}
		})
	}
	t.Run("the request goes before the scope", func(t *testing.T) {
		scopes := append([]string{consent.Identity}, identityMarks...)
		_, ui := h.under(t).verifiedOf(hightechClient(), person(), scopes, `{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"name":null}}}}`)
		if got := ui.(map[string]any); len(got["claims"].(map[string]any)) != 1 || len(got["verification"].(map[string]any)) != 1 {
			t.Errorf("more than was asked: %s", pretty(ui))
		}
		if _, ui := h.under(t).verifiedOf(hightechClient(), person(), scopes, `{"userinfo":{"name":null}}`); names(ui) == "" {
			t.Error("the scope brings nothing when other claims are asked for")
		}
	})
}

// Whatever the request says: no panic, no claim without its scope, nothing that
// discovery does not list, no evidence or level that was not asked for by name.
func FuzzVerifiedRequest(f *testing.F) {
	for _, seed := range []string{
		`{"verification":{"trust_framework":null},"claims":{"name":null}}`,
		`[{"verification":{"trust_framework":{"values":["x"]},"time":{"max_age":1},"evidence":[{"type":{"value":"electronic_record"},"record":{"source":{"name":null}}}]},"claims":{"id_type":{"value":"cn_resident_id"}}}]`,
		`{"verification":{"trust_framework":null,"evidence":[{"type":{"value":"electronic_record"},"check_details":[{"check_id":null}]}]},"claims":{"nationalities":{"value":["CHN"]}}}`,
		`[[[]]]`, `{"verification":{"trust_framework":{}},"claims":{"authority":{"essential":true}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, request string) {
		if depth(request) > maxClaimsDepth-2 || !json.Valid([]byte(request)) {
			return
		}
		g := person()
		g.Grant.Data.Scopes = []string{consent.OpenID, claimScope(consent.Identity)}
		r := &release{issuer: issuer, client: hightechClient(), grant: &g.Grant, scopes: g.Grant.Data.Scopes, who: g.Principal, now: at(moment)}
		out := r.verifiedAsked(json.RawMessage(request), "userinfo")
		if out == nil {
			return
		}
		b, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		list := []map[string]map[string]any{}
		if json.Unmarshal(b, &list) != nil {
			var one map[string]map[string]any
			if err := json.Unmarshal(b, &one); err != nil {
				t.Fatalf("%s: %v", b, err)
			}
			list = append(list, one)
		}
		for _, v := range list {
			if v["verification"]["trust_framework"] != issuer+"/trust/realname" || len(v["claims"]) == 0 || len(v) != 2 {
				t.Fatalf("not a valid answer: %s", b)
			}
			for name := range v["claims"] {
				if s, ok := consent.CoveringVerified(name); !ok || s != consent.Identity || !asksFor(request, name) {
					t.Errorf("%s is given: %s", name, b)
				}
			}
			for name := range v["verification"] {
				if !asksFor(request, name) {
					t.Errorf("%s is given unasked: %s", name, b)
				}
			}
		}
	})
}

// asksFor looks for a member name in the request by its decoded strings.
func asksFor(request, name string) bool {
	d := json.NewDecoder(strings.NewReader(request))
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if t == json.Token(name) {
			return true
		}
	}
}
