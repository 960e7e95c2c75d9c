package templates_test

import (
	"time"

	"kejitong/templates"
)

func consoleSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	evil := `"><script>alert(1)</script>`
	project := templates.ConsoleProject{ID: "p1", Name: longName, Legal: "示例科技有限公司", State: "returned", Role: "owner", At: at}
	edit := []templates.ConsoleEdit{{Member: "redirect_uris", Before: `["https://a.example.cn/cb"]`, After: `["https://a.example.cn/cb","https://b.example.cn/` + evil + `"]`}}
	fields := []templates.ConsoleField{
		{Name: "client_name", Value: evil, Why: templates.T("console.error.long")}, {Name: "redirect_uris", Type: "textarea", Value: "https://a.example.cn/cb", Hint: true},
		{Name: "subject_type", Type: "select", Value: "public", Options: []string{"", "pairwise", "public"}}, {Name: "accept_migrated_grants", Type: "check", Value: "yes"},
	}
	groups := []templates.ConsoleGroup{{Name: "show", Open: true, Fields: fields[:2]}, {Name: "tokens", Fields: fields[2:3]}, {Name: "users", Fields: fields[3:]}}
	desk := templates.Desk{Login: "anquan", Role: "security_admin", Nav: []templates.DeskLink{{Key: "integrators", URL: "/admin/integrators", Here: true}}}
	return map[string]templates.Page{
		"console_home": templates.ConsoleHome{May: true, Done: templates.T("console.done.left"), Projects: []templates.ConsoleProject{project, {ID: "p2", Name: "系统", State: "approved", Role: "viewer"}},
			Invites: []templates.ConsoleInvite{{ID: "i1", Name: longName, Role: "developer", Until: at}}},
		"console_nobody": templates.ConsoleHome{},
		"console_form": templates.ConsoleForm{ID: "p1", Version: 3, Body: "u1", Bodies: []templates.DeskOption{{Value: "u1", Text: templates.T("console.body", longName)}},
			Fields: []templates.ConsoleField{{Name: "name", Value: evil, Why: templates.T("console.error.long")}, {Name: "purpose", Type: "textarea", Hint: true}},
			Scopes: []templates.ConsoleField{{Name: "reason_phone", Value: "联系"}}, Systems: []templates.ConsoleField{{Name: "tech_sme", Value: "yes", Options: []string{"科技型中小企业评价"}}},
			Error: templates.T("console.error.fields")},
		"console_project": templates.ConsoleOverview{ConsoleProject: project, Version: 3, Purpose: "办理申报", Reason: evil, Sandbox: "sbx-1", Step: 1, Edits: true, Owns: true, Open: true,
			Trials: 19, Tests: []templates.ConsoleTest{{Login: "sbx-abcdefgh-person", Part: "person"}}, Team: []templates.ConsoleMember{{ID: "a", Name: "王*", Role: "owner", Self: true}},
			Invites: []templates.ConsoleInvite{{ID: "i", Name: "lisi", Role: "viewer", Until: at}},
			History: []templates.ConsoleChange{{What: "edited", Client: "sbx-1", Actor: "王*", At: at, Edits: edit}}, Done: templates.T("console.done.submitted")},
		"refused_test": templates.Refused{
			Asks: system(), Kind: templates.NotVerified, Person: "测*", AccountType: templates.NaturalPerson, Test: true, CanSwitch: true, CanGoBack: true,
		},
		"console_trials": templates.ConsoleTrials{ID: "p1", System: longName, Sandbox: "sbx-1", Edits: true, Done: templates.T("console.trials.restarted"), Trials: []templates.ConsoleTrial{
			{Name: "E0a", Code: "E0a", Key: "91000000102898480E", Second: "sbx-abcdefgh-e0a", URL: "/lookup?key=91000000102898480E"},
			{Name: "E5", Code: "E5", Key: "91000000102898480E", Login: "HJ_91000000102898480E", Window: templates.NaturalPerson, Second: "sbx-abcdefgh-e5", URL: "/lookup?key=91000000102898480E"},
			{Name: "I1", Code: "I1", Key: "10012345678", SMS: "123456", Login: "10012345678", Window: templates.NaturalPerson, URL: "/lookup?key=10012345678&kind=person"}}},
		"console_trials_none": templates.ConsoleTrials{ID: "p1", System: "系统", Sandbox: "sbx-1"},
		"console_viewer": templates.ConsoleOverview{ConsoleProject: templates.ConsoleProject{ID: "p", Name: "系统", State: "approved"}, Sandbox: "sbx-1", Production: "app-1", Step: 4,
			Team: []templates.ConsoleMember{{ID: "a", Name: "王*", Role: "owner"}, {ID: "b", Name: "李*", Role: "viewer", Self: true}}, Error: templates.T("console.error.last_owner")},
		"console_client": templates.ConsoleClient{ClientPage: templates.ClientPage{ClientID: "app-1", ClientName: longName, Base: "/console/clients/app-1"}, Project: "p1", System: longName, Issuer: "https://id.example.cn", Version: 9, HasSecret: true, Secret: true, Former: at, Groups: groups, Edits: true,
			Proposals: []templates.ConsoleProposal{{ID: "c1", State: "open", At: at, Edits: edit}, {ID: "c0", State: "rejected", Reason: "…", At: at, Edits: edit}}, Error: templates.T("console.error.open"), Done: templates.T("console.done.waits")},
		"console_client_new":   templates.ConsoleClient{ClientPage: templates.ClientPage{ClientID: "sbx-1", ClientName: "系统", Base: "/console/clients/sbx-1"}, Project: "p1", System: "系统", Sandbox: true, HasSecret: true, Groups: groups, Edits: true},
		"console_secret":       templates.ConsoleSecret{Kind: "client", Value: "s3cr3t-shown-once", ID: "app-1", Issuer: "https://id.example.cn", Until: at, Back: "/console/clients/app-1"},
		"console_secret_tests": templates.ConsoleSecret{Kind: "tests", Value: "test-abc", Back: "/console/projects/p1"},
		"desk_integrators": templates.DeskIntegrators{Desk: desk, Projects: []templates.ConsoleProject{project}, Persons: []templates.ConsoleMember{{ID: "a", Name: "王*"}},
			Proposals: []templates.ConsoleProposal{{ID: "c1", Client: "app-1", System: longName, At: at, Edits: edit, Doubts: []string{"mixed_scripts"}}}, Error: templates.T("console.error.decided"), Done: templates.T("console.desk.decided")},
		"desk_integrators_none": templates.DeskIntegrators{Desk: desk},
		"desk_integrator": templates.DeskIntegrator{Desk: desk, Of: project, Version: 2, Purpose: evil, URIs: []string{"https://a.example.cn/cb"}, Systems: []string{"tech_sme"},
			Contacts: []string{"dev@example.cn"}, Scopes: []templates.ConsoleEdit{{Member: "phone", After: "联系"}}, Doubts: []string{"official_words", "same_name"}, Waits: true, Reason: "补充", Error: templates.T("console.error.reason")},
	}
}
