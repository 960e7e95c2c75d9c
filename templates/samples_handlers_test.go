package templates_test

import (
	"time"

	"kejitong/templates"
)

func handlerSamples() map[string]templates.Page {
	until := time.Date(2027, 11, 26, 16, 0, 0, 0, time.UTC)
	asked := time.Date(2026, 11, 27, 2, 11, 0, 0, time.UTC)
	entries := []templates.HandlerEntry{{System: "高新技术企业认定", Actions: []string{"apply", "report"}}, {System: "科技型中小企业评价", Actions: []string{"apply"}}}
	people := []templates.ActsFor{
		{ID: "p1", Name: "王*", Relation: "handler", State: "active", Source: "delegated", Until: until, Entries: entries, May: true},
		{ID: "p2", Name: "刘*", Relation: "admin", State: "active", Source: "torch_migration", Until: asked.AddDate(0, 0, 20), Soon: true},
		{ID: "p3", Name: "李*", Relation: "handler", State: "pending", Source: "torch_migration", May: true},
	}
	offers := []templates.HandlerOffer{
		{ID: "i1", Unit: longName, Code: "91350100M000100Y43", Name: "张*", Who: "138****0000", Relation: "handler", State: "offered", Entries: entries,
			Note: `<script>alert("请确认")</script>`, AskedAt: asked, AnswerBy: asked.AddDate(0, 0, 14), Until: until, May: true},
		{ID: "i2", Unit: "示例科技有限公司", Code: "91110108MA01ET88XL", Name: "赵**", Who: "zhaoliu", Relation: "admin", State: "lapsed", AskedAt: asked, AnswerBy: asked, Until: until},
	}
	systems := []templates.InviteSystem{
		{Name: "高新技术企业认定", Actions: []templates.InviteAction{{Value: "hightech_enterprise:apply", Name: "apply", Checked: true}, {Value: "hightech_enterprise:report", Name: "report"}}},
		{Name: longName, Actions: []templates.InviteAction{{Value: "x:special", Name: "special"}}},
	}
	return map[string]templates.Page{
		"handlers": templates.Handlers{Unit: longName, UnitID: "u1", People: people, Offers: offers, MayName: true, MaySet: true, AskActor: true,
			Notice: templates.T("handlers.done.invited"), Others: []templates.Link{{URL: "/me/handlers?unit=u2", Text: templates.Text{Key: "示例科技有限公司"}}}},
		"handlers_none": templates.Handlers{Unit: "示例科技有限公司", UnitID: "u1", MaySet: true, Error: templates.T("mandate.over")},
		"handlers_invite": templates.InviteHandler{Unit: longName, UnitID: "u1", Role: "handler", Roles: []string{"handler", "admin", "legal_rep"}, Systems: systems,
			Months: 12, Terms: []int{1, 3, 6, 12, 24, 36}},
		"handlers_invite_wrong": templates.InviteHandler{Unit: "示例科技有限公司", UnitID: "u1", Who: `"><script>`, Person: "王", Role: "admin", Roles: []string{"handler"},
			Systems: systems, Months: 5, Terms: []int{1, 12}, Note: "请确认", Error: templates.T("mandate.too_often"),
			Wrongs: templates.Wrongs{{Field: "who", Text: templates.T("mandate.who")}, {Field: "name", Text: templates.T("mandate.name")},
				{Field: "relation", Text: templates.T("mandate.relation")}, {Field: "scope", Text: templates.T("mandate.scope")},
				{Field: "months", Text: templates.T("mandate.term")}, {Field: "note", Text: templates.T("mandate.note")}}},
		"mandates": templates.Mandates{Verified: true, Offers: offers[:1], Notice: templates.T("mandates.done.declined"),
			Acts: []templates.ActsFor{{ID: "u1", Name: longName, Code: "91350100M000100Y43", Relation: "handler", State: "active", Source: "delegated", Until: until, Entries: entries, Soon: true}}},
		"mandates_none": templates.Mandates{Error: templates.T("mandate.changed")},
		"acting": templates.ActingHandler{Unit: longName, Required: true, Captcha: templates.Captcha{ID: "c1", Error: templates.T("challenge.captcha")}, People: []templates.ActingPerson{
			{ID: "p1", Name: "王*", Relation: "handler", Mobile: "138****0000"}, {ID: "p2", Name: "欧阳**", Relation: "admin", Mobile: "139****0000"}}},
		"acting_code": templates.ActingHandler{Unit: "示例科技有限公司", Now: "刘*", Chosen: "p1", To: "138****0000", CodeWhy: templates.T("challenge.code")},
		"acting_none": templates.ActingHandler{Unit: "示例科技有限公司"},
	}
}
