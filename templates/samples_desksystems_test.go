package templates_test

import (
	"time"

	"kejitong/templates"
)

func deskSystemSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	desk := func(role string) templates.Desk {
		d := templates.Desk{Login: "desk01", Role: role}
		for _, k := range []string{"home", "operators", "systems", "notices", "self"} {
			d.Nav = append(d.Nav, templates.DeskLink{Key: k, URL: "/admin/" + k, Here: k == "systems"})
		}
		return d
	}
	word := func(s string) []templates.Text { return []templates.Text{templates.T("desk.name", s)} }
	edits := []templates.DeskEdit{
		{Field: "name_zh", Before: word("高企认定"), After: word("高新技术企业认定")},
		{Field: "unit_types", After: []templates.Text{templates.T("unit_type.enterprise"), templates.T("unit_type.cooperative")}},
		{Field: "actions", Before: word("apply, report, appeal"), After: word("apply, report")},
		{Field: "earned", Before: []templates.Text{templates.T("desk.systems.no")}, After: []templates.Text{templates.T("desk.systems.yes")}},
	}
	effects := []templates.Text{templates.T("desk.effect.actions_lost"), templates.T("desk.effect.narrower"), templates.T("desk.effect.earned")}
	proposal := templates.DeskProposal{
		ID: "p1", Matter: "catalogue", What: templates.T("desk.what.catalogue", "高新技术企业认定"), By: "sys01", At: at, State: "open", Mine: true,
		URL: "/admin/systems/hightech_enterprise", Reason: "2027 年度起申报事项调整", Edits: edits, Effects: effects,
	}
	stale := proposal
	stale.What, stale.Stale, stale.Edits, stale.Effects = templates.T("desk.what.catalogue_close", "科技型中小企业评价"), true, nil, []templates.Text{templates.T("desk.effect.closes", int64(90210))}
	hightech := templates.DeskSystemLine{URL: "/admin/systems/hightech_enterprise", Code: "hightech_enterprise", NameZH: "高新技术企业认定", NameEN: "High-tech enterprise recognition",
		Owner: "工业和信息化部火炬高技术产业开发中心", Kinds: []string{"legal_entity"}, Level: "L2", Earned: true, Clients: 2, Grants: 90210, Waits: true}
	sme := templates.DeskSystemLine{URL: "/admin/systems/tech_sme", Code: "tech_sme", NameZH: "科技型中小企业评价", Closed: true}
	field := func(name, value string) templates.DeskField { return templates.DeskField{Name: name, Value: value} }
	form := templates.DeskSystemForm{
		Desk: desk("system_admin"), Action: "/admin/systems/hightech_enterprise", Back: "/admin/systems/hightech_enterprise", Called: "高新技术企业认定", Code: "hightech_enterprise", Version: "v1",
		Fields: []templates.DeskField{field("name_zh", "高新技术企业认定"), field("name_en", ""), field("owner", ""), field("entry_url", "https://gaoqi.example.gov.cn/")},
		Kinds:  templates.DeskTicks{Name: "account_types", Options: []templates.DeskOption{{Value: "natural_person", Text: templates.T("account_type.natural_person")}, {Value: "legal_entity", Text: templates.T("account_type.legal_entity")}}, Chosen: []string{"legal_entity"}, Hint: templates.T("desk.hint.kinds")},
		Types:  templates.DeskTicks{Name: "unit_types", Options: []templates.DeskOption{{Value: "enterprise", Text: templates.T("unit_type.enterprise")}}, Hint: templates.T("desk.hint.types")},
		Earned: true,
		More: []templates.DeskField{{Name: "level", Type: "select", Value: "L2", Options: []templates.DeskOption{{Text: templates.T("desk.systems.level_default")}, {Value: "L2", Text: templates.T("level.L2")}}},
			{Name: "actions", Type: "textarea", Value: "apply\nreport", Hint: templates.T("desk.hint.actions")}, {Name: "reason", Value: "2027 年度起申报事项调整"}},
	}
	checked := form
	checked.Checked, checked.Edits, checked.Effects, checked.Grants, checked.Clients = true, edits, effects, 90210, 2
	wrong := form
	wrong.New, wrong.Code, wrong.Action, wrong.Back, wrong.Version = true, "", "/admin/systems", "/admin/systems", ""
	wrong.Fields = append([]templates.DeskField{{Name: "system", Value: `"><script>alert(1)</script>`, Hint: templates.T("desk.hint.system"), Why: templates.T("desk.error.sys_code")}}, form.Fields...)
	wrong.Kinds.Why = &templates.Wrong{Field: "f-account_types", Text: templates.T("desk.error.sys_account_types")}
	wrong.Wrongs = templates.Wrongs{{Field: "f-system", Text: templates.T("desk.error.sys_code")}, *wrong.Kinds.Why}
	grant := templates.DeskRight{ID: "g1", Kind: "grant", System: "hightech_enterprise", Actions: []string{"apply", "report"}, Unit: longName, State: "active", Source: "verification", From: at, Deeds: []string{"suspend", "revoke"}}
	altered := templates.DeskRight{ID: "m1", Kind: "mandate", Relation: "handler", Unit: longName, Holder: "王*", HolderURL: "/admin/accounts/b", State: "altered", Source: "delegated", From: at, Until: at, Deeds: []string{"revoke"}}
	return map[string]templates.Page{
		"desk_rights": templates.DeskRights{Desk: desk("security_admin"), URL: "/admin/accounts/a", Called: longName, HeldBy: "91350100M000100Y43", Own: []templates.DeskRight{grant}, Others: []templates.DeskRight{altered}, Error: templates.T("desk.error.reason"),
			History: []templates.DeskRightStep{{At: at, Kind: "grant", What: "hightech_enterprise", From: "active", To: "suspended", By: "sec01", Reason: "suspend: 核查"}, {At: at, Kind: "mandate", What: "handler", To: "active", By: "verification"}}},
		"desk_rights_none":  templates.DeskRights{Desk: desk("reviewer"), URL: "/admin/accounts/a", Called: "张*", HeldBy: "zhangsan", Done: templates.T("desk.rights.did")},
		"desk_systems":      templates.DeskSystems{Desk: desk("system_admin"), Systems: []templates.DeskSystemLine{hightech, sme}, Proposes: true, Proposals: []templates.DeskProposal{stale}},
		"desk_systems_none": templates.DeskSystems{Desk: desk("security_admin")},
		"desk_system": templates.DeskSystem{
			Desk: desk("system_admin"), Of: hightech, EntryURL: "https://gaoqi.example.gov.cn/", Types: []string{"enterprise", "cooperative"}, Actions: []string{"apply", "report"},
			Clients: []string{"gaoqi-web", "gaoqi-app"}, Version: "v1", Proposes: true, Proposals: []templates.DeskProposal{proposal}, Why: templates.T("desk.error.reason"),
			History: []templates.DeskSystemStep{{At: at, By: "sec01", Proposer: "sys01", Reason: "更名", Edits: edits}, {At: at, By: "operator", Reason: "entered", New: true}},
		},
		"desk_system_closed": templates.DeskSystem{Desk: desk("system_admin"), Of: sme, Proposes: true, Error: templates.T("desk.error.changed")},
		"desk_system_form":   form, "desk_system_checked": checked, "desk_system_wrong": wrong,
		"desk_approvals_catalogue": templates.DeskApprovals{Desk: desk("security_admin"), Proposals: []templates.DeskProposal{proposal, stale}},
	}
}
