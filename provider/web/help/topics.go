package help

import "kejitong/templates"

// How many parts the policies have (messages policy.<id>.<n>.h).
const (
	privacyParts = 7
	termsParts   = 5
)

// topics is the manual, in the order in which people need it.
func topics() []templates.HelpTopic {
	way := func(pairs ...string) (out []templates.HelpWay) {
		for i := 0; i+1 < len(pairs); i += 2 {
			out = append(out, templates.HelpWay{ID: pairs[i], URL: pairs[i+1]})
		}
		return out
	}
	return []templates.HelpTopic{
		{ID: "register", Steps: 5, Ways: way("register", "/register")},
		{ID: "signin", Steps: 5, Ways: way("signin", "/login", "signin_unit", "/login?window=legal_entity")},
		{ID: "realname", Steps: 6, Ways: way("me", "/me")},
		{ID: "entry", Steps: 4, Ways: way("home", "/")},
		{ID: "handlers", Steps: 4, Ways: way("me", "/me")},
		{ID: "password", Steps: 4, Ways: way("forgot", "/forgot")},
		{ID: "loginname", Steps: 4, Ways: way("forgot_name", "/forgot/name", "claim_name", "/appeal/name/person")},
		{ID: "appeal", Steps: 5, Ways: way("appeal_person", "/appeal/person", "appeal_unit", "/appeal/unit", "track", "/appeal/track")},
		{ID: "account", Steps: 5, Ways: way("mobile", "/me/mobile", "privacy", "/me/privacy", "close", "/me/close")},
	}
}

// questions are those of the platform's manual first.
func questions() []templates.HelpQuestion {
	way := func(id, url string) templates.HelpWay { return templates.HelpWay{ID: id, URL: url} }
	return []templates.HelpQuestion{
		{ID: 1, Ways: []templates.HelpWay{way("forgot", "/forgot"), way("appeal_unit", "/appeal/unit")}},
		{ID: 2, Ways: []templates.HelpWay{way("home", "/")}},
		{ID: 3, Ways: []templates.HelpWay{way("me", "/me")}},
		{ID: 4, Ways: []templates.HelpWay{way("forgot_name", "/forgot/name")}},
		{ID: 5, Ways: []templates.HelpWay{way("check", "/help/check")}},
		{ID: 6, Ways: []templates.HelpWay{way("mobile", "/me/mobile")}},
		{ID: 7, Ways: []templates.HelpWay{way("check", "/help/check")}},
	}
}
