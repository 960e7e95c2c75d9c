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
		"client_try": templates.ClientTry{
			ClientPage: about, Callback: "https://fuwu.example.gov.cn/console/try/callback", Ready: true, Scope: "openid profile",
			Settings: []templates.TrySetting{{Name: "issuer", Value: "https://fuwu.example.gov.cn"}, {Name: "token_endpoint_auth_method", Value: "client_secret_basic"}},
			Examples: []templates.TryExample{{Name: "Go (go-oidc)", Text: "package main\n\nfunc main() { println(`<b>`) }\n"}},
		},
		"client_try_unregistered": templates.ClientTry{ClientPage: about, Callback: "https://fuwu.example.gov.cn/console/try/callback", Scope: "openid"},
		"client_tried": templates.ClientTried{ClientPage: about, Code: "c0de", State: "st", NeedsSecret: true, Steps: []templates.TryStep{{
			Name: "authorize", Request: "GET https://fuwu.example.gov.cn/oauth2/authorize\nclient_id=gaoqi-test\n", Response: "code=c0de…\nstate=st\n",
			Checks: []templates.TryCheck{{Name: "state", OK: true}, {Name: "iss_response", OK: false}},
		}}},
		"client_tried_done": templates.ClientTried{ClientPage: about, Steps: []templates.TryStep{
			{Name: "token", Status: 200, Request: "POST https://fuwu.example.gov.cn/oauth2/token\n", Response: "{}", Checks: []templates.TryCheck{{Name: "status_200", OK: true}}},
			{Name: "userinfo", Status: 401, Request: "GET https://fuwu.example.gov.cn/oauth2/userinfo", Checks: []templates.TryCheck{{Name: "same_sub"}}},
		}},
		"client_tried_test": templates.ClientTried{ClientPage: about, Test: true, Public: true},
		"client_tried_key":  templates.ClientTried{ClientPage: about, Code: "c0de", State: "st"},
		"desk_client_log":   templates.DeskClientLog{Desk: templates.Desk{Login: "desk01", Role: "system_admin"}, Log: desk},
	}
}
