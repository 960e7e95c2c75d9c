package templates_test

import (
	"time"

	"kejitong/templates"
)

func helpSamples() map[string]templates.Page {
	topic := templates.HelpTopic{ID: "realname", Steps: 6, Ways: []templates.HelpWay{{ID: "me", URL: "/me"}}, Next: &templates.HelpTopic{ID: "entry"}}
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	return map[string]templates.Page{
		"help":       templates.HelpHome{Topics: []templates.HelpTopic{{ID: "register"}, {ID: "signin"}, {ID: "realname"}, {ID: "entry"}, {ID: "password"}, {ID: "appeal"}}},
		"help_topic": topic,
		"help_faq": templates.HelpFAQ{Questions: []templates.HelpQuestion{
			{ID: 1, Ways: []templates.HelpWay{{ID: "forgot", URL: "/forgot"}, {ID: "appeal_unit", URL: "/appeal/unit"}}}, {ID: 2}, {ID: 3}, {ID: 4}, {ID: 5}, {ID: 6}, {ID: 7}}},
		"help_check":     templates.HelpCheck{Cookies: true, Now: at, Protocol: "HTTP/2.0", TLS: "TLS 1.3", Secure: true, Browser: "Chrome 130"},
		"help_check_bad": templates.HelpCheck{Now: at, Protocol: "HTTP/1.1", Browser: "Internet Explorer", Old: true},
		"help_privacy": templates.HelpPolicy{ID: "privacy", Parts: 7, Contact: `数据安全处 <dpo@example.gov.cn>`,
			Kept: []templates.Kept{{Name: "profile"}, {Name: "cooling", Days: 7}, {Name: "audit", Days: 1095}}},
		"help_terms": templates.HelpPolicy{ID: "terms", Parts: 5},
	}
}
