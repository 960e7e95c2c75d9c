package templates

import "golang.org/x/text/language"

// Frame is what every page shows besides its own content.
type Frame struct {
	Locale    language.Tag // one of Languages; the zero tag means zh-CN
	Nonce     string       // of this response's Content-Security-Policy
	FormToken string       // value of the hidden field form_token; empty on pages without forms of ours

	Platform     string // name of the platform; empty means that of Options
	SupportPhone string // empty means that of Options
	SupportHours string // empty means that of Options

	RequestID string // what a caller tells the support desk
	Person    string // display name of who is signed in, empty if nobody
	Unit      string // the unit that person stands for, empty if none

	Notices  []Notice // of the operators, on every page
	Switches []Switch // links to the same page in the other languages
	Version  string   // of the program, in the footer
}

// Notice is a line of the operators' in both languages.
type Notice struct {
	Chinese, English string
	Severity         string // "info", "warning" or "urgent"
}

// Text is the notice in the page's language.
func (n Notice) Text(lang string) string {
	if lang == English.String() && n.English != "" {
		return n.English
	}
	return n.Chinese
}

// Switch is a link that shows the same page in another language.
type Switch struct {
	Tag  language.Tag
	Name string // the language's own name for itself
	URL  string // same-origin path
}

// Options are what a deployment says about itself. Empty fields take the
// catalogue's words, so that they differ by language.
type Options struct {
	Platform     string // name of the platform on Chinese pages, message platform.name if empty
	PlatformEN   string // likewise on English pages
	SupportPhone string // message platform.phone if empty
	SupportHours string // message platform.hours if empty
	ManualURL    string // the users' manual, no link if empty
	PrivacyURL   string // the platform's own privacy policy, no link if empty
}
