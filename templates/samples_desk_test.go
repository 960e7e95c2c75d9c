package templates_test

import (
	"time"

	"kejitong/templates"
)

func deskSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	desk := func(role string, here string, keys ...string) templates.Desk {
		d := templates.Desk{Login: "desk01", Role: role}
		for _, k := range append(append([]string{"home"}, keys...), "self") {
			d.Nav = append(d.Nav, templates.DeskLink{Key: k, URL: "/admin/" + k, Here: k == here})
		}
		return d
	}
	rev := func(here string) templates.Desk { return desk("reviewer", here, "cases", "appeals", "accounts") }
	sys := func(here string) templates.Desk { return desk("system_admin", here, "operators", "notices") }
	sec := func(here string) templates.Desk { return desk("security_admin", here, "accounts", "approvals") }
	aud := func(here string) templates.Desk { return desk("auditor", here, "audit", "approvals") }
	field := func(name, kind, value string) templates.DeskField {
		return templates.DeskField{Name: name, Type: kind, Value: value}
	}
	choice := func(name string, values ...string) templates.DeskField {
		f := templates.DeskField{Name: name, Type: "select"}
		for _, v := range values {
			f.Options = append(f.Options, templates.DeskOption{Value: v, Text: templates.Text{Key: v}})
		}
		return f
	}
	bad := field("code", "", `"><script>alert(1)</script>`)
	bad.Why = templates.T("desk.error.code")
	proposal := templates.DeskProposal{
		ID: "p1", Matter: "roster", What: templates.T("desk.what.add", "zhaoliu", templates.T("desk.role.reviewer")), By: "sys01", At: at, State: "open", Mine: true,
	}
	export := templates.DeskProposal{
		ID: "p2", Matter: "export", What: templates.T("desk.what.export"), By: "audit01", At: at, State: "approved", Decider: "sec01", Fetch: true,
		Lines: []templates.Fact{{Label: "since", Value: "2026-11-01"}, {Label: "kind", Value: "sign_in.failed"}},
	}
	row := templates.DeskRow{ID: 4711, At: at, Kind: "account.revealed", Actor: "desk01", Object: "kZ0aV5bW2c3d4e5f6g7h8i", Result: "ok", Detail: "id_number case", IP: "192.0.2.7", RequestID: "k3v7qd2m5x4a6b2c"}
	failed := row
	failed.Kind, failed.Result, failed.Detail, failed.Client = "operator.sign_in_failed", "failed", "wrong_code", "hightech-enterprise"
	claims := []templates.DeskClaim{
		{Label: "unit_name", Claimed: longName, Stands: "北京示例量子信息研究院", Differs: true},
		{Label: "uscc", Claimed: "91350100M000100Y43", Stands: "91350100M000100Y43", Agrees: true},
		{Label: "unit_type", Claimed: "enterprise"},
		{Label: "legal_rep", Claimed: "李四", Finding: templates.T("desk.case.differs"), Differs: true},
		{Label: "legal_rep_number", Claimed: "440000198512319997"},
	}
	return map[string]templates.Page{
		"desk_signin":       templates.DeskSignIn{Fields: []templates.DeskField{field("username", "", ""), field("password", "password", ""), field("code", "", "")}, Next: "/admin/cases"},
		"desk_signin_wrong": templates.DeskSignIn{Fields: []templates.DeskField{field("username", "", "desk01"), field("password", "password", ""), field("code", "", "")}, Error: templates.T("desk.error.wrong")},
		"desk_enrol":        templates.DeskEnrol{Fields: []templates.DeskField{field("secret", "password", "")}},
		"desk_enrol_factor": templates.DeskEnrol{Who: "desk01", Factor: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", Minimum: 8, Fields: []templates.DeskField{field("password", "password", ""), field("again", "password", ""), bad}},
		"desk_enrol_done":   templates.DeskEnrol{Finished: true},
		"desk_self": templates.DeskSelf{
			Desk: rev("self"), Due: true, Last: at, Owned: 1, Error: templates.T("desk.error.wrong"),
			Fields: []templates.DeskField{field("present", "password", ""), field("password", "password", ""), field("again", "password", ""), field("code", "", "")},
			Own:    []templates.DeskField{field("login_name", "", "")},
		},
		"desk_home": templates.DeskHome{Desk: rev("home"), Tiles: []templates.DeskTile{
			{Key: "cases", URL: "/admin/cases", Count: 100, More: true, Since: at, Age: "bad"}, {Key: "free", URL: "/admin/cases", Count: 3, Since: at, Age: "warn"},
			{Key: "mine", URL: "/admin/cases", Count: 1, Since: at, Age: "due"}, {Key: "appeals", URL: "/admin/appeals"}, {Key: "second", URL: "/admin/appeals"},
		}, Plots: plots()},
		"desk_home_empty": templates.DeskHome{Desk: sys("home")},
		"desk_operators": templates.DeskOperators{
			Desk: sys("operators"), Fields: []templates.DeskField{field("login_name", "", ""), choice("role", "desk.role.reviewer", "desk.role.auditor")},
			Operators: []templates.DeskOperator{
				{ID: "op-1", Login: "desk01", Role: "system_admin", State: "active", SeenAt: at, Self: true},
				{ID: "op-2", Login: "very-long-login-name-of-somebody-at-the-desk", Role: "reviewer", State: "active", SeenAt: at, Deeds: []string{"disable", "reset"}, Others: choice("role", "desk.role.auditor").Options},
				{ID: "op-3", Login: "zhaoliu", Role: "auditor", State: "invited", Waits: true},
				{ID: "op-4", Login: "sunqi", Role: "reviewer", State: "disabled", Deeds: []string{"enable", "reset"}},
			},
			Proposals: []templates.DeskProposal{proposal}, Done: templates.T("desk.operators.proposed"),
		},
		"desk_approvals":      templates.DeskApprovals{Desk: sec("approvals"), Proposals: []templates.DeskProposal{proposal, export}, Error: templates.T("desk.error.own_proposal")},
		"desk_approvals_none": templates.DeskApprovals{Desk: sec("approvals")},
		"desk_issued":         templates.DeskIssued{Desk: sec("approvals"), Who: "zhaoliu", Secret: "s3cr3t-0nce-aaaaaaaaaaaaaaa", URL: "https://fuwu.example.gov.cn/admin/enrol", Until: at},
		"desk_notices": templates.DeskNotices{
			Desk: sys("notices"), Fields: []templates.DeskField{field("text_zh", "textarea", ""), field("text_en", "textarea", ""), choice("severity", "desk.severity.info"), field("from", "datetime-local", "2026-11-20T10:11"), field("until", "datetime-local", "2026-11-27T10:11")},
			Notices: []templates.DeskNotice{{ID: "n1", TextZH: "高企申报高峰期，上午 9 至 11 点访问较慢，建议错峰办理。", TextEN: "Busy season: slow between 9 and 11 a.m.", Severity: "warning", From: at, Until: at.AddDate(0, 0, 7), By: "desk01", State: "shown", Open: true}},
		},
		"desk_audit": templates.DeskAudit{
			Desk: aud("audit"), Fields: []templates.DeskField{field("since", "date", "2026-11-01"), field("until", "date", ""), field("kind", "", "operator."), field("actor", "", ""), field("object", "", ""), field("client", "", ""), field("request", "", ""), choice("result", "desk.any")},
			Rows: []templates.DeskRow{row, failed}, Next: "/admin/audit?page=x", Partial: true, Chain: templates.DeskChain{Blocks: 812, At: at, Checked: true, Rows: 90210, Unsealed: 3},
			Exports: []templates.DeskProposal{export}, Filter: map[string]string{"kind": "operator."},
		},
		"desk_audit_broken": templates.DeskAudit{Desk: aud("audit"), Error: templates.T("desk.error.page"), Chain: templates.DeskChain{Blocks: 812, Checked: true, Problems: []string{"block 7 (ids 12 to 19) is not as it was sealed"}}},
		"desk_accounts": templates.DeskAccounts{Desk: rev("accounts"), Searched: true, Fields: []templates.DeskField{choice("by", "desk.by.login", "desk.by.uscc"), field("q", "", "zhangsan")},
			Found: []templates.DeskAccountLine{{URL: "/admin/accounts/a", Login: "187****1111", Type: templates.NaturalPerson, Name: "张*", State: "active", RealName: "verified", Since: at}, {URL: "/admin/accounts/b", Login: "91350100M000100Y43", Type: templates.LegalEntity, Name: longName, State: "frozen", RealName: "rejected", Since: at}}},
		"desk_accounts_none": templates.DeskAccounts{Desk: rev("accounts"), Searched: true, Fields: []templates.DeskField{choice("by", "desk.by.login"), field("q", "", "")}},
		"desk_account": templates.DeskAccount{
			Desk: sec("accounts"), ID: "a", LoginName: "91350100M000100Y43", Type: templates.LegalEntity, Called: longName, State: "active", RealName: "verified", Level: "L2", CreatedAt: at,
			Facts: []templates.DeskFact{{Label: "legal_rep", Value: "李*"}, {Label: "legal_rep_number", Value: "440***********9997"}, {Label: "contact_mobile", Value: "138****0000"}},
			Unit:  []templates.DeskFact{{Label: "unit_name", Value: longName}, {Label: "uscc", Value: "91350100M000100Y43"}}, UnitState: "frozen",
			Reveal: []templates.DeskField{choice("field", "desk.fact.legal_rep_number"), choice("ground", "desk.ground.case")}, Freeze: []templates.DeskField{{Name: "ground", Type: "select", Suffix: "-deed"}},
			Deeds: []string{"freeze", "end_sessions", "unfreeze_unit"}, Revealed: &templates.DeskFact{Label: "contact_mobile", Value: "+8613800000000"},
		},
		"desk_account_own": templates.DeskAccount{Desk: rev("accounts"), ID: "a", LoginName: "zhangsan", Type: templates.NaturalPerson, Called: "张*", State: "frozen", RealName: "unverified", Level: "L1", CreatedAt: at, Mine: true,
			Units: []templates.DeskFact{{Label: "handler", Value: longName, Note: templates.T("desk.until", "2027-11-20")}}},
		"desk_cases": templates.DeskCases{Desk: rev("cases"), Heap: "cases", Next: "/admin/cases?after=x", Fields: []templates.DeskField{choice("kind", "desk.any"), choice("state", "realname.state.manual_review"), choice("charge", "desk.any"), choice("age", "desk.any")},
			Cases: []templates.DeskCaseLine{
				{URL: "/admin/cases/1", Number: "RN20261120-7K3QXM", Type: templates.LegalEntity, Stated: templates.T("realname.state.manual_review"), Since: at, Age: templates.T("desk.age.days", 3), Badge: "bad"},
				{URL: "/admin/cases/2", Number: "RN20261121-9M2ABC", Type: templates.NaturalPerson, Stated: templates.T("realname.state.manual_review"), Since: at, Age: templates.T("desk.age.hours", 30), Badge: "due", Charge: "desk02"},
				{URL: "/admin/cases/3", Number: "RN20261121-9M2ABD", Type: templates.NaturalPerson, Stated: templates.T("realname.state.manual_review"), Since: at, Age: templates.T("desk.age.minutes", 3), Mine: true},
			}},
		"desk_cases_none": templates.DeskCases{Desk: rev("appeals"), Heap: "appeals"},
		"desk_case": templates.DeskCase{
			Desk: rev("cases"), Heap: "cases", Number: "RN20261120-7K3QXM", Type: templates.LegalEntity, State: "manual_review", Stated: "realname.state", Since: at, Badge: "warn", Version: 3,
			Charge: "desk01", Mine: true, Open: true, Lines: claims, Account: "/admin/accounts/a", Deadline: at.AddDate(0, 0, 3), Applicant: "91350100M000100Y43",
			Papers: []templates.DeskPaper{{Kind: "licence", URL: "/static/mark.svg", Type: "image/jpeg", At: at}, {Kind: "id_front", URL: "/static/mark.svg", Type: "image/jpeg", At: at},
				{Kind: "id_back", At: at, Scan: "waiting"}, {Kind: "other", At: at, Scan: "quarantined"}},
			Doubles: []templates.DeskDouble{{By: "uscc", Login: "91350100M000100Y43", State: "active", RealName: "verified", URL: "/admin/accounts/b", Proved: true}},
			History: []templates.DeskStep{{At: at, What: templates.T("desk.step.opened")}, {At: at, What: templates.T("desk.turn.approve"), By: "desk02"}},
			Approve: []templates.DeskField{{Name: "remark", Type: "textarea", Free: true, Suffix: "-approve"}},
			Reject:  []templates.DeskField{choice("reason", "desk.case.differs"), {Name: "remark", Type: "textarea", Free: true, Suffix: "-reject"}},
			Error:   templates.T("desk.error.changed"),
		},
		"desk_case_masked": templates.DeskCase{
			Desk: rev("appeals"), Heap: "appeals", Number: "AP20261120-7K3QXM", Type: templates.NaturalPerson, State: "seconding", Stated: "desk.appeal", Since: at, Version: 3, Open: true, Second: true, Charge: "desk02",
			Lines: []templates.DeskClaim{{Label: "name", Claimed: "张*", Stands: "张*", Agrees: true}, {Label: "mobile", Claimed: "187****1111", Stands: "138****0000", Differs: true}},
		},
		"desk_case_own": templates.DeskCase{Desk: rev("cases"), Heap: "cases", Number: "RN20261120-7K3QXM", Type: templates.NaturalPerson, State: "manual_review", Stated: "realname.state", Since: at, Own: true, Open: true},
		"desk_appeal": templates.DeskCase{
			Desk: rev("appeals"), Heap: "appeals", Number: "AP20261120-7K3QXM", Type: templates.NaturalPerson, State: "filed", Stated: "desk.appeal", Since: at, Version: 3, Open: true, Mine: true, Charge: "desk01",
			Lines:   []templates.DeskClaim{{Label: "name", Claimed: "张三"}},
			Approve: []templates.DeskField{{Name: "reason", Type: "textarea", Suffix: "-approve"}}, Reject: []templates.DeskField{{Name: "reason", Type: "textarea", Suffix: "-reject"}},
			Concern: []templates.DeskField{{Name: "login_name", Suffix: "-concern"}}, Done: templates.T("desk.case.did_claim"),
		},
		"desk_moved": templates.DeskMoved{Desk: rev("cases"), Number: "RN20261120-7K3QXM", URL: "/admin/cases/1", Changes: []templates.DeskChange{
			{Label: "version", Before: templates.T("desk.number", 3), Now: templates.T("desk.number", 4)}, {Label: "state", Now: templates.T("realname.state.verified")}, {Label: "charge", Now: templates.T("desk.name", "desk02")}}},
	}
}
