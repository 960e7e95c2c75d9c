package templates_test

import (
	"time"

	"kejitong/templates"
)

var noted = time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)

func portalSamples() map[string]templates.Page {
	links := []templates.Link{
		{URL: "/me/realname", Text: templates.T("realname.edit_person"), Hint: templates.T("realname.edit_hint"), Main: true},
		{URL: "/me/password", Text: templates.T("newpassword.title")},
	}
	return map[string]templates.Page{
		"me": templates.Me{
			AccountType: templates.NaturalPerson, LoginName: "187****1111", Links: links,
			Standing: templates.Standing{State: "unverified", Level: "L1", Next: templates.T("realname.next.unverified")},
		},
		"me_failed": templates.Me{
			AccountType: templates.NaturalPerson, LoginName: "zhangsan", Links: links, Facts: []templates.Fact{{Label: "mobile", Value: "187****1111"}},
			Standing: templates.Standing{State: "failed", Level: "L1", Since: noted, Number: "RN20261120-7K3QXMAB",
				Why: []templates.Text{templates.T("realname.reason.mismatch"), templates.T("realname.reason.unknown")}, Next: templates.T("realname.told.failed")},
		},
		"me_unit": templates.Me{
			AccountType: templates.LegalEntity, LoginName: "91110108MA01ET88XL", Links: links,
			Standing: templates.Standing{State: "verified", Level: "L2", Since: noted, Renewal: "manual_review", Number: "RN20261120-7K3QXMAB"},
			Facts:    []templates.Fact{{Label: "unit_name", Value: longName}, {Label: "uscc", Value: "91110108MA01ET88XL"}, {Label: "legal_rep", Value: "李*"}, {Label: "legal_rep_number", Value: "440***********9997"}},
		},
		"realname_person": templates.RealNameForm{
			AccountType: templates.NaturalPerson, CancelURL: "/me",
			Blocks: []templates.FormBlock{{Key: "person", Fields: personFields("", "")}},
		},
		"realname_wrong": templates.RealNameForm{
			AccountType: templates.NaturalPerson, CancelURL: "/me", Renewal: true, Next: `/oauth2/authorize?interaction="><script>alert(1)</script>`,
			Error: templates.T("realname.error.not_fresh"), AgainURL: "/login?again=1&next=%2Fme",
			Blocks: []templates.FormBlock{{Key: "person", Fields: personFields(`"><script>alert(1)</script>`, "resident_id.check_digit")}},
		},
		"realname_unit": unitForm(),
		"realname_pending": templates.RealNameStatus{
			AccountType: templates.NaturalPerson, State: "pending", Number: "RN20261120-7K3QXMAB", Since: noted, Refresh: 2,
		},
		"realname_failed": templates.RealNameStatus{
			AccountType: templates.LegalEntity, State: "failed", Number: "RN20261120-7K3QXMAB", Since: noted, EditURL: "/me/realname", PapersURL: "/me/realname/papers",
			Why: []templates.Finding{{Label: "legal_rep_name", Why: templates.T("realname.reason.mismatch")}, {Label: "uscc", Why: templates.T("realname.reason.cancelled")}},
		},
		"realname_waits": templates.RealNameStatus{
			AccountType: templates.LegalEntity, State: "manual_review", Waits: true, Number: "RN20261120-7K3QXMAB", Since: noted, EditURL: "/me/realname", PapersURL: "/me/realname/papers",
			Why: []templates.Finding{{Why: templates.T("realname.reason.manual_only")}},
		},
		"realname_review": templates.RealNameStatus{
			AccountType: templates.LegalEntity, State: "manual_review", Renewal: true, Number: "RN20261120-7K3QXMAB", Since: noted, EditURL: "/me/realname", PapersURL: "/me/realname/papers",
		},
		"realname_rejected": templates.RealNameStatus{
			AccountType: templates.LegalEntity, State: "rejected", Number: "RN20261120-7K3QXMAB", Since: noted, EditURL: "/me/realname", PapersURL: "/me/realname/papers",
			Why: []templates.Finding{{Why: templates.T("realname.reason.seal_missing")}}, Remark: "授权委托书第二页缺少公章，<script>alert(1)</script>请补盖后重新上传。",
		},
		"realname_verified": templates.RealNameStatus{
			AccountType: templates.NaturalPerson, State: "verified", Number: "RN20261120-7K3QXMAB", Since: noted, EditURL: "/me/realname", ResumeURL: "/oauth2/authorize?interaction=x",
		},
	}
}

func documentOptions() []templates.FormOption {
	return []templates.FormOption{{Group: "realname.doc", Value: "cn_resident_id"}, {Group: "realname.doc", Value: "passport"}}
}

func personFields(number, wrong string) []templates.FormField {
	f := templates.FormField{Name: "id_number", Label: "id_number", Kind: "text", Value: number, Max: 40}
	if wrong == "" {
		f.Kept = "110***********003X"
	} else {
		f.Error = templates.Text{Key: wrong}
	}
	return []templates.FormField{
		{Name: "name", Label: "name", Kind: "text", Value: "张三", Max: 50, Auto: "name"},
		{Name: "id_type", Label: "id_type", Kind: "select", Value: "cn_resident_id", Options: documentOptions(), Hint: templates.T("realname.hint.document")},
		f,
		{Name: "nationality", Label: "nationality", Kind: "text", Max: 3, Optional: true, List: true, Hint: templates.T("realname.hint.nationality")},
	}
}

func unitForm() templates.RealNameForm {
	return templates.RealNameForm{
		AccountType: templates.LegalEntity, CancelURL: "/me",
		Blocks: []templates.FormBlock{
			{Key: "unit", Fields: []templates.FormField{
				{Name: "unit_name", Label: "unit_name", Kind: "text", Value: longName, Max: 100},
				{Name: "uscc", Label: "uscc", Kind: "fixed", Value: "91110108MA01ET88XL", Hint: templates.T("realname.hint.uscc")},
				{Name: "unit_type", Label: "unit_type", Kind: "select", Value: "enterprise", Options: []templates.FormOption{{Group: "realname.type", Value: "enterprise"}},
					Hint: templates.T("realname.hint.unit_type"), Error: templates.T("realname.error.unit_type")},
				{Name: "region", Label: "region", Kind: "select", Value: "mainland", Options: []templates.FormOption{{Group: "realname.area", Value: "mainland"}}},
				{Name: "address", Label: "address", Kind: "text", Optional: true, Hint: templates.T("realname.hint.address")},
			}},
			{Key: "operator", Fields: []templates.FormField{{Name: "legal_rep_name", Label: "operator_name", Kind: "text", Error: templates.T("realname.error.name_empty")}}},
			{Key: "handler", Fields: []templates.FormField{
				{Name: "handler_same", Label: "handler_same", Kind: "tick", Value: "yes", Hint: templates.T("realname.hint.same")},
				{Name: "handler_name", Label: "handler_name", Kind: "text", Unless: true},
				{Name: "handler_mobile", Label: "handler_mobile", Kind: "text", Kept: "138****0000", Numeric: true},
				{Name: "handler_until", Label: "handler_until", Kind: "date", Value: "2027-11-26", Hint: templates.T("realname.hint.until")},
			}},
		},
	}
}
