package templates_test

import (
	"time"

	"kejitong/templates"
)

func rightsSamples() map[string]templates.Page {
	until := time.Date(2027, 11, 11, 0, 0, 0, 0, time.UTC)
	return map[string]templates.Page{
		"unitgrants": templates.UnitGrants{
			Unit: "示例<b>科技有限公司", Notice: templates.T("unitgrants.done.confirmed"),
			Holders: []templates.UnitHolder{
				{
					Person: "王*", Right: "m1", Relation: "handler", State: "active", Source: "torch_migration", Until: until, Migrated: true,
					Grants: []templates.HeldGrant{
						{ID: "g1", System: "高新技术企业认定管理工作网", Actions: []string{"apply", "annual_report", "certificate_query"}, State: "active", Source: "torch_migration", Until: until, Migrated: true},
						{ID: "g2", System: "科技型中小企业评价", Actions: []string{"apply"}, State: "suspended", Source: "direct"},
					},
				},
				{Person: "欧阳**", Right: "m2", Relation: "admin", State: "pending", Source: "delegated"},
				{Person: "刘*", Right: "g3", Grants: []templates.HeldGrant{{ID: "g3", System: "火炬统计调查", Actions: []string{"report"}, State: "pending", Source: "torch_migration"}}},
			},
		},
		"unitgrants_none": templates.UnitGrants{Unit: "示例科技有限公司", Error: templates.T("unitgrants.late")},
	}
}
