package templates_test

import (
	"time"

	"kejitong/templates"
)

func lookupSamples() map[string]templates.Page {
	link := func(to, label string) templates.RecoverLink {
		return templates.RecoverLink{URL: to, Label: templates.Text{Key: label}}
	}
	return map[string]templates.Page{
		"lookup_unit": templates.RecoverForm{
			Heading: templates.T("lookup.title"), Lead: templates.T("lookup.lead_unit"), Submit: templates.T("lookup.submit"), Captcha: templates.Captcha{ID: "AAAA"},
			Tabs:   []templates.RecoverLink{{URL: "/lookup", Label: templates.T("lookup.unit"), Current: true}, link("/lookup?kind=person", "lookup.person")},
			Blanks: []templates.Blank{{Field: "uscc", Label: templates.T("lookup.uscc"), Hint: templates.T("lookup.uscc_hint"), Value: "9111O108MA01ET88XL", Error: templates.T("uscc.letter_o"), Max: 40}},
			Hidden: map[string]string{"kind": "unit"},
		},
		"lookup_e4": templates.LookupAnswer{
			Code: "E4", Key: "91110108MA01ET88XL", LoginName: "91110108MA01ET88XL", Window: templates.NaturalPerson, Kept: true,
			Do: link("/login?window=natural_person&username=91110108MA01ET88XL", "lookup.to_login"), Ways: []templates.RecoverLink{link("/forgot/contact", "lookup.contact"), link("/forgot", "lookup.to_forgot")},
		},
		"lookup_e3": templates.LookupAnswer{
			Code: "E3", Key: "91110108MA01ET88XL", LoginName: "HJ2_91110108MA01ET88XL", Window: templates.LegalEntity, Kept: true, Changed: true, Suffixed: true, Used: true, UsedAt: time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC),
			Do: link("/login?window=legal_entity", "lookup.to_login"), Ways: []templates.RecoverLink{link("/appeal/unit", "lookup.reclaim")},
		},
		"lookup_test": templates.LookupAnswer{
			Code: "E6", Key: "91000000102898480E", Test: true, StandIn: templates.RecoverLink{URL: "/login?username=sbx-abcdefgh-e6&window=legal_entity", Label: templates.T("lookup.stand_in", "sbx-abcdefgh-e6")},
			Do: link("/register/unit", "lookup.register_unit"), Ways: []templates.RecoverLink{link("/appeal/name/unit", "lookup.reclaim")},
		},
		"lookup_e1_changed": templates.LookupAnswer{
			Code: "E1", Key: "91110108MA01ET88XL", LoginName: "91110108MA01ET88XL", Window: templates.LegalEntity, Kept: true, Changed: true, Used: true, Do: link("/login", "lookup.to_login"),
		},
		"lookup_e0b": templates.LookupAnswer{Code: "E0b", Key: "91110108MA01ET88XL", LoginName: "z***n", Masked: true, Window: templates.LegalEntity, Do: link("/login", "lookup.to_login")},
		"lookup_i0":  templates.LookupAnswer{Code: "I0", Person: true, Key: "18711111111", Existing: true, Do: link("/login", "lookup.to_login"), Ways: []templates.RecoverLink{link("/forgot/name", "lookup.forgot_name")}},
		"lookup_i4":  templates.LookupAnswer{Code: "I4", Person: true, Key: "18711111111", Do: link("/appeal/person", "lookup.appeal")},
	}
}
