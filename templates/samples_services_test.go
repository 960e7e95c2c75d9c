package templates_test

import "kejitong/templates"

func servicesSamples() map[string]templates.Page {
	hidden := map[string]string{"interaction": "ia_4kPz"}
	hightech := templates.System{Name: "高新技术企业认定", Owner: "工业和信息化部火炬高技术产业开发中心"}
	sme := templates.System{Name: "科技型中小企业评价<script>alert(1)</script>", Owner: "火炬中心"}
	facts := []templates.Fact{{Label: "name", Value: longName}, {Label: "uscc", Value: "91350100M000100Y43"}, {Label: "type", Value: "企业"}, {Label: "region", Value: "350100"}}
	return map[string]templates.Page{
		"entry": templates.Entry{
			Asks: system(), Person: longName, Unit: templates.Unit{Name: longName, USCC: "91350100M000100Y43", Relation: "self"}, Systems: []string{hightech.Name},
			Facts: append(facts, templates.Fact{Label: "legal_rep", Value: "李* 440***********9997"}), VerifiedAt: noted, FixURL: "/me/unit/change", Hidden: hidden,
		},
		"entry_handler": templates.Entry{
			Asks: system(), Person: "王*", Unit: templates.Unit{Name: "示例科技有限公司", USCC: "91110108MA01ET88XL", Relation: "handler"}, Systems: []string{hightech.Name, sme.Name},
			Facts: facts, VerifiedAt: noted, Hidden: hidden,
		},
		"services": templates.Services{
			AccountType: templates.NaturalPerson, Verified: true,
			Groups: []templates.ServiceGroup{
				{ID: "self", Services: []templates.Service{
					{ID: "tech_contract", System: templates.System{Name: "全国技术合同管理与服务系统"}, State: "grant_missing"},
					{ID: "hightech_enterprise", System: hightech, State: "kind_refused"},
				}},
				{ID: "u1", Unit: &units()[0], Services: []templates.Service{
					{ID: "hightech_enterprise", System: hightech, State: "open", Actions: []string{"apply", "report"}, Until: noted, Migrated: true, Enter: true},
					{ID: "tech_sme", System: sme, State: "grant_missing", AskURL: "/me/services/ask?org=u1&system=tech_sme"},
					{ID: "incubator", System: templates.System{Name: "科技企业孵化器"}, State: "open", Actions: []string{"apply"}},
				}},
			},
		},
		"services_unverified": templates.Services{
			AccountType: templates.LegalEntity,
			Groups: []templates.ServiceGroup{{ID: "u1", Unit: &units()[1], Services: []templates.Service{
				{ID: "hightech_enterprise", System: hightech, State: "name_missing"}, {ID: "tech_sme", System: sme, State: "grant_waits"},
			}}},
		},
		"services_none": templates.Services{AccountType: templates.NaturalPerson, Verified: true, Groups: []templates.ServiceGroup{{ID: "self"}}},
		"mygrants": templates.MyGrants{
			AccountType: templates.NaturalPerson,
			Grants: []templates.MyGrant{
				{System: hightech.Name, Owner: hightech.Owner, Unit: longName, Actions: []string{"apply", "report"}, Source: "delegated", State: "active", From: noted},
				{System: sme.Name, Unit: "示例科技有限公司", Actions: []string{"apply"}, Source: "torch_migration", State: "pending", From: noted, Until: noted.AddDate(1, 0, 0)},
				{System: hightech.Name, Unit: "示例科技有限公司", Idle: true, Actions: []string{"apply"}, Source: "delegated", State: "active", From: noted},
				{System: "全国技术合同管理与服务系统", Actions: []string{"sell"}, Source: "direct", State: "revoked", From: noted, Until: noted.AddDate(0, 1, 0)},
			},
		},
		"mygrants_asked": templates.MyGrants{
			AccountType: templates.NaturalPerson, JustAsked: true,
			Asked: []templates.Request{
				{ID: "r1", Unit: longName, System: hightech.Name, State: "open", AskedAt: noted},
				{ID: "r2", Unit: "示例科技有限公司", System: sme.Name, State: "declined", AskedAt: noted, DecidedAt: noted},
			},
		},
		"ask": templates.Ask{
			System: hightech.Name, Owner: hightech.Owner, Code: "hightech_enterprise", Error: templates.T("ask.error.nothing"),
			Units:   []templates.Unit{{ID: "u1", Name: longName, USCC: "91350100M000100Y43", Last: true}, {ID: "u2", Name: "示例科技有限公司", USCC: "91110108MA01ET88XL"}},
			Actions: []templates.Tick{{Value: "apply", On: true}, {Value: "report"}},
		},
		"ask_nothing": templates.Ask{System: sme.Name, Code: "tech_sme", Units: []templates.Unit{{ID: "u1", Name: longName, Last: true}}},
		"ask_alone":   templates.Ask{System: sme.Name, Code: "tech_sme"},
		"requests": templates.Requests{
			Error: templates.T("requests.error.decided"), Terms: []int{30, 90, 365},
			Open: []templates.Request{
				{ID: "r1", Person: "赵*", Login: "187****1111", Unit: longName, System: hightech.Name, State: "open", AskedAt: noted, Actions: []templates.Tick{{Value: "apply", On: true}, {Value: "report", On: true}}},
				{ID: "r2", Person: "钱*", Login: `q"><script>alert(1)</script>`, Unit: longName, System: sme.Name, State: "open", AskedAt: noted, Actions: []templates.Tick{{Value: "apply", On: true}}},
			},
			Done: []templates.Request{{ID: "r3", Person: "孙*", Login: "sunwukong", Unit: longName, System: sme.Name, State: "granted", AskedAt: noted, DecidedAt: noted}},
		},
		"unitchange": templates.UnitChange{
			Changes: []templates.Change{
				{Label: "unit_name", Old: "示例科技有限公司", New: longName}, {Label: "region", Group: "realname.area", Old: "mainland", New: "hmt"}, {Label: "address", New: `"><script>alert(1)</script>`},
				{Label: "legal_rep_name", Old: "李四", New: "李四光"}, {Label: "legal_rep_id_number", Old: "440***********9997", New: "110***********003X"},
			},
			Representative: true, Typed: map[string]string{"unit_name": longName, "address": `"><script>alert(1)</script>`}, Next: "/me/services",
		},
		"unitchange_none": templates.UnitChange{Typed: map[string]string{"unit_name": longName}},
		"requests_none":   templates.Requests{},
		"mygrants_none":   templates.MyGrants{AccountType: templates.NaturalPerson},
	}
}
