package web

import "strings"

// Device says roughly which device a User-Agent speaks of: a system (windows, mac,
// android, ios, harmony, linux, other) and the product name of the browser, empty
// if none is known. It is for the eye of the owner and proves nothing.
func Device(agent string) (system, browser string) {
	has := func(part string) bool { return strings.Contains(agent, part) }
	system = "other"
	for _, s := range []struct{ part, name string }{
		{"HarmonyOS", "harmony"}, {"OpenHarmony", "harmony"}, {"Android", "android"}, {"iPhone", "ios"}, {"iPad", "ios"},
		{"Windows", "windows"}, {"Mac OS X", "mac"}, {"Linux", "linux"},
	} {
		if has(s.part) {
			system = s.name
			break
		}
	}
	for _, b := range []struct{ part, name string }{
		{"MicroMessenger/", "微信"}, {"QQBrowser/", "QQ浏览器"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"UCBrowser/", "UC浏览器"},
		{"HuaweiBrowser/", "华为浏览器"}, {"MiuiBrowser/", "小米浏览器"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	} {
		if has(b.part) {
			return system, b.name
		}
	}
	return system, ""
}
