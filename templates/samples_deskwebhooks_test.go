package templates_test

import (
	"time"

	"kejitong/templates"
)

func deskWebhookSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	desk := func(role string) templates.Desk {
		d := templates.Desk{Login: "desk01", Role: role}
		for _, k := range []string{"home", "operators", "systems", "webhooks", "notices", "self"} {
			d.Nav = append(d.Nav, templates.DeskLink{Key: k, URL: "/admin/" + k, Here: k == "webhooks"})
		}
		return d
	}
	ticks := templates.DeskTicks{Name: "events", Chosen: []string{"grant.changed"}}
	for _, e := range []string{"account.verified", "grant.changed", "client.changed"} {
		ticks.Options = append(ticks.Options, templates.DeskOption{Value: e, Text: templates.Text{Key: "desk.hook.event." + e}})
	}
	delivery := func(state, problem string, status, attempts int) templates.DeskDelivery {
		return templates.DeskDelivery{ID: "msg_7ryvwq3n6ewgb2wopn4kbdqhmm_k2ogtvtd", Event: "grant.changed", State: state, Problem: problem, Status: status, Attempts: attempts, CreatedAt: at, TriedAt: at.Add(time.Minute)}
	}
	waits := templates.DeskDelivery{ID: "msg_a_b", Event: "account.verified", State: "held", CreatedAt: at}
	arrived, failed, tried := delivery("delivered", "", 204, 1), delivery("failed", "status", 503, 12), delivery("pending", "unreachable", 0, 3)
	arrived.Again, failed.Again = true, true
	ours := templates.DeskHook{URL: "/admin/webhooks/wh_1", ID: "wh_ygxq4ty7ahufmmcjsbdfupcdfa", Address: "https://ops.example.gov.cn/kejitong/hook", Events: []string{"account.verified", "client.changed", "grant.changed"}, State: "active", Last: &arrived}
	failing := templates.DeskHook{URL: "/admin/webhooks/wh_2", ID: "wh_2", Address: "https://gaoqi.example.gov.cn/hook", Client: "gaoqi-web", Events: []string{"grant.changed"}, State: "active", Failing: at, Last: &tried}
	off := templates.DeskHook{URL: "/admin/webhooks/wh_3", ID: "wh_3", Address: "https://old.example.gov.cn/a/rather/long/path/that/goes/on/and/on/and/on/to/the/very/end", Client: "gaoqi-app", Events: []string{"grant.changed"}, State: "disabled", Why: "failing", Since: at, Failing: at.AddDate(0, 0, -5), Skipped: 12, Last: &failed}
	paused := templates.DeskHook{URL: "/admin/webhooks/wh_4", ID: "wh_4", Address: "https://paused.example.gov.cn/hook", Events: []string{"client.changed"}, State: "paused", Since: at}
	fields := []templates.DeskField{{Name: "hook_url", Hint: templates.T("desk.hint.hook_url")}, {Name: "hook_client", Free: true, Hint: templates.T("desk.hint.hook_client")}}
	wrong := templates.DeskWebhooks{Desk: desk("system_admin"), Changes: true, Draft: "wh_5", Events: ticks,
		Fields: []templates.DeskField{{Name: "hook_url", Value: `http://"><script>alert(1)</script>`, Why: templates.T("desk.error.hook_url"), Hint: templates.T("desk.hint.hook_url")}, fields[1]}}
	wrong.Events.Chosen, wrong.Events.Why = nil, &templates.Wrong{Field: "f-events", Text: templates.T("desk.error.hook_events")}
	wrong.Wrongs = templates.Wrongs{{Field: "f-hook_url", Text: templates.T("desk.error.hook_url")}, *wrong.Events.Why}
	return map[string]templates.Page{
		"desk_webhooks":       templates.DeskWebhooks{Desk: desk("system_admin"), Hooks: []templates.DeskHook{ours, failing, off, paused}, Changes: true, Draft: "wh_5", Fields: fields, Events: ticks, Next: "/admin/webhooks?page=x"},
		"desk_webhooks_looks": templates.DeskWebhooks{Desk: desk("security_admin"), Hooks: []templates.DeskHook{ours}},
		"desk_webhooks_none":  templates.DeskWebhooks{Desk: desk("security_admin"), Done: templates.T("desk.hook.did_remove")},
		"desk_webhooks_wrong": wrong,
		"desk_webhook":        templates.DeskWebhook{Desk: desk("system_admin"), Of: ours, Version: 3, AddedAt: at, FormerUntil: at.AddDate(0, 0, 1), Changes: true, Events: ticks, Deliveries: []templates.DeskDelivery{tried, arrived, failed}, Next: "/admin/webhooks/wh_1?page=x", Done: templates.T("desk.hook.did_again")},
		"desk_webhook_off":    templates.DeskWebhook{Desk: desk("system_admin"), Of: off, Version: 9, AddedAt: at, Held: 1000, HeldMore: true, Changes: true, Events: ticks, Deliveries: []templates.DeskDelivery{waits, failed}, Why: templates.T("desk.error.hook_sure")},
		"desk_webhook_looks":  templates.DeskWebhook{Desk: desk("security_admin"), Of: paused, Version: 2, AddedAt: at, Held: 3, Events: ticks},
		"desk_webhook_fails":  templates.DeskWebhook{Desk: desk("security_admin"), Of: failing, Version: 2, AddedAt: at, Error: templates.T("desk.error.changed"), Deliveries: []templates.DeskDelivery{delivery("pending", "refused", 0, 2), delivery("failed", "client", 0, 0)}},
		"desk_webhook_secret": templates.DeskWebhookSecret{Desk: desk("system_admin"), URL: "/admin/webhooks/wh_1", Address: ours.Address, Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw0000000000=", FormerUntil: at},
	}
}
