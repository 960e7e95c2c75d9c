package templates_test

import (
	"time"

	"kejitong/templates"
)

func holderSamples() map[string]templates.Page {
	due := time.Date(2026, 11, 27, 2, 11, 0, 0, time.UTC)
	captcha := templates.Captcha{ID: "c4ptcha"}
	bad := captcha
	bad.Error = templates.T("challenge.captcha")
	return map[string]templates.Page{
		"contact": templates.Contact{Kind: "mobile", Step: "ask", Now: "187****1111", Doubted: true, Captcha: captcha},
		"contact_refused": templates.Contact{Kind: "mobile", Step: "ask", Now: "187****1111", Value: `"><script>alert(1)</script>`, Gone: true,
			ValueError: templates.T("mobile.form"), Error: templates.T("holder.too_many"), Captcha: bad},
		"contact_code": templates.Contact{Kind: "mobile", Step: "code", Now: "187****1111", To: "138****0000", AskOld: true, AskNew: true,
			LoginName: "187****1111", Rename: true},
		"contact_code_refused": templates.Contact{Kind: "mobile", Step: "code", Now: "187****1111", To: "138****0000", AskOld: true,
			LoginName: "187****1111", OldError: templates.T("challenge.code"), RenameError: templates.T("contact.login_taken")},
		"contact_held":  templates.Contact{Kind: "mobile", Step: "held", Now: "187****1111", To: "138****0000", DueAt: due},
		"contact_done":  templates.Contact{Kind: "mobile", Step: "done", Now: "138****0000"},
		"contact_email": templates.Contact{Kind: "email", Step: "ask", Now: "z***@example.cn", CanRemove: true, Captcha: captcha, Error: templates.T("holder.last_way")},
		"closing": templates.Closing{Step: "ask", Days: 7, To: "187****1111", Units: []string{longName, "示例科技有限公司"},
			Systems: []string{"高新技术企业认定"}, Clients: []string{"高新技术企业认定", longName}, Captcha: captcha},
		"closing_code": templates.Closing{Step: "code", Legal: true, Handlers: 3, Days: 7, To: "187****1111",
			CodeError: templates.T("challenge.code"), SureError: templates.T("holder.sure")},
		"closing_done": templates.Closing{Step: "done", Days: 7, DueAt: due},
		"privacy": templates.Privacy{
			Done: templates.T("privacy.withdrawn"),
			Stored: []templates.Stored{{Name: "login_name", Value: "187****1111"}, {Name: "name", Value: "王*", Fix: "/me/realname"},
				{Name: "id_number", Value: "110***********003X", Fix: "/me/realname"}, {Name: "mobile", Value: "187****1111", Fix: "/me/mobile"}},
			Told: []templates.Told{
				{ID: "gaoqi", System: *system(), Scopes: []string{"openid", "profile", "org", "entitlements"}, Allowed: true, Last: due, Times: 12},
				{ID: "x", System: templates.System{Name: longName}, Scopes: []string{"phone"}, Allowed: true},
			},
			Kept: []templates.Kept{{Name: "profile"}, {Name: "cooling", Days: 7}, {Name: "audit", Days: 1095}},
		},
		"privacy_none": templates.Privacy{Stored: []templates.Stored{{Name: "login_name", Value: "zhangsan"}}},
		"export":       templates.Export{},
	}
}
