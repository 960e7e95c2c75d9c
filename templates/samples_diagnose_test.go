package templates_test

import (
	"time"

	"kejitong/templates"
)

func diagnoseSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 27, 2, 3, 0, 0, time.UTC)
	about := templates.ClientPage{ClientID: "gaoqi-test", ClientName: "高新技术企业认定（测试）", Base: "/console/clients/gaoqi-test"}
	log := templates.ClientLog{
		ClientPage: about, Kinds: []string{"redirect_uri", "clock", "scope_ignored"}, Kind: "redirect_uri", Live: true,
		Events: []templates.LoggedFailure{
			{Kind: "redirect_uri", At: at, Endpoint: "/oauth2/authorize", Expected: "https://gaoqi.example.gov.cn/login/oauth2/code/fuwu https://gaoqi.example.gov.cn/a/very/long/path/without/any/place/to/break/it/at/all/callback", Received: `https://gaoqi.example.gov.cn/"><script>alert(1)</script>`, Request: "k6q3neej2lov5crd"},
			{Kind: "clock", At: at, Endpoint: "/oauth2/token", Error: "invalid_client", Expected: "iat, nbf ≤ +10 s; exp > -10 s", Received: "iat: +600 s; nbf: -; exp: +660 s", Request: "rrq2hbkkdhfzd5we"},
			{Kind: "scope_ignored", Warns: true, At: at, Endpoint: "/oauth2/authorize", Expected: "openid profile", Received: "groups", Request: "akxzmnvticlnhv3u"},
			{Kind: "code_unknown", At: at, Endpoint: "/oauth2/token", Error: "invalid_grant", Request: "akxzmnvticlnhv3v"},
		},
	}
	desk := log
	desk.Base, desk.Live = "/admin/clients/gaoqi-test", false
	return map[string]templates.Page{
		"client_log":      log,
		"client_log_none": templates.ClientLog{ClientPage: about, Kinds: log.Kinds},
		"client_preview": templates.ClientPreview{
			ClientPage: about, Users: []templates.PreviewUser{{ID: "u1", Name: "test-a"}}, User: "u1", Scope: "openid profile", Done: true, Step: "issue", ACR: "urn:fuwu:aal:2",
			IDToken: "{\n  \"sub\": \"k3vQ\"\n}", Userinfo: "{\n  \"name\": \"<b>张三</b>\",\n  \"sub\": \"k3vQ\"\n}", Access: "{\n  \"active\": true\n}", Opaque: true,
		},
		"client_preview_refused": templates.ClientPreview{ClientPage: about, User: "self", Claims: "{", Done: true, Error: "invalid_request", Description: "the claims parameter is not a JSON object"},
		"client_preview_gate":    templates.ClientPreview{ClientPage: about, User: "self", Unit: "91110108MA01ET88XL", Done: true, Step: "refuse", Reason: "not_entitled"},
		"desk_client_log":        templates.DeskClientLog{Desk: templates.Desk{Login: "desk01", Role: "system_admin"}, Log: desk},
	}
}
