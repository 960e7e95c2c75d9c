package templates_test

import (
	"time"

	"kejitong/templates"
)

func portalSamples() map[string]templates.Page {
	links := []templates.Link{
		{URL: "/me/realname", Text: templates.T("frame.me"), Hint: templates.T("realname.next.unverified"), Main: true},
		{URL: "/me/password", Text: templates.T("newpassword.title")},
	}
	return map[string]templates.Page{
		"me": templates.Me{
			AccountType: templates.NaturalPerson, LoginName: "187****1111", Links: links,
			Standing: templates.Standing{State: "unverified", Level: "L1", Next: templates.T("realname.next.unverified")},
		},
		"me_unit": templates.Me{
			AccountType: templates.LegalEntity, LoginName: "91110108MA01ET88XL", Links: links,
			Standing: templates.Standing{State: "verified", Level: "L2", Since: time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC), Renewal: "manual_review", Number: "RN20261120-7K3QXM"},
			Facts:    []templates.Fact{{Label: "unit_name", Value: longName}, {Label: "uscc", Value: "91110108MA01ET88XL"}, {Label: "legal_rep", Value: "李*"}, {Label: "legal_rep_number", Value: "440***********9997"}},
		},
	}
}
