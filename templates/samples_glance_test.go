package templates_test

import "kejitong/templates"

// plots are those of the desk's front page, one of them empty.
func plots() []templates.Plot {
	said := func(key, code string, n int64, width int, tone string) templates.Bar {
		return templates.Bar{Text: templates.T(key), Code: code, N: n, Width: width, Tone: tone}
	}
	return []templates.Plot{
		{Key: "day", Total: 48213, Bars: []templates.Bar{
			said("glance.sign_in.succeeded", "", 44120, 100, "ok"), said("glance.sign_in.failed", "wrong", 3902, 8, "bad"), said("glance.sign_in.throttled", "captcha", 191, 1, "warn"),
		}},
		{Key: "tokens", Total: 30211, Bars: []templates.Bar{{Code: "hightech-enterprise", N: 20211, Width: 100}, {Code: "a-client-with-a-very-long-identifier-of-sixty-four-characters-00", N: 10000, Width: 49}}},
		{Key: "waiting", Total: 12, Bars: []templates.Bar{said("glance.age.1", "", 8, 100, ""), said("glance.age.3", "", 3, 37, ""), said("glance.age.7", "", 0, 0, ""), said("glance.age.more", "", 1, 12, "bad")}},
		{Key: "ending", Total: 3, Bars: []templates.Bar{said("glance.left.7", "", 1, 50, "bad"), said("glance.left.14", "", 2, 100, ""), said("glance.left.30", "", 0, 0, "")}},
		{Key: "imports", URL: "/admin/import"},
	}
}
