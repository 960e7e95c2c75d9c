package templates_test

import (
	"time"

	"kejitong/templates"
)

func proofSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	return map[string]templates.Page{
		"outbox": templates.Outbox{JSONURL: "/outbox.json", Messages: []templates.OutMessage{
			{To: "+8618700001111", Text: "验证码 204816，您正在重设密码，5 分钟内有效。请勿告知他人；如非本人操作，请忽略。", Code: "204816", At: at},
			{To: "somebody.with.a.rather.long.name@science.example.cn", Email: true, Subject: "密码已修改", Text: `"><script>alert(1)</script>`, At: at},
		}},
		"outbox_empty": templates.Outbox{JSONURL: "/outbox.json"},
	}
}
