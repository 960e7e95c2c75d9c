package templates

import "time"

// HelpHome is the table of contents of the platform's own manual.
type HelpHome struct{ Topics []HelpTopic }

// HelpTopic is one flow of the manual: messages help.<id>.title, .lead, .1 and so
// on, with a picture of its page where there is one.
type HelpTopic struct {
	ID    string
	Steps int
	Ways  []HelpWay
	Next  *HelpTopic
}

// HelpWay leads from the manual to the page itself, message help.way.<id>.
type HelpWay struct{ ID, URL string }

// Numbers are 1 to Steps.
func (p HelpTopic) Numbers() []int {
	out := make([]int, p.Steps)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// Name, Title and Interaction make HelpHome a Page.
func (HelpHome) Name() string      { return "help/home" }
func (HelpHome) Title() Text       { return T("help.title") }
func (HelpHome) Interaction() bool { return false }

// Formless: links alone.
func (HelpHome) Formless() bool { return true }

// Name, Title and Interaction make HelpTopic a Page.
func (HelpTopic) Name() string      { return "help/topic" }
func (p HelpTopic) Title() Text     { return Text{Key: "help." + p.ID + ".title"} }
func (HelpTopic) Interaction() bool { return false }

// Formless: links alone.
func (HelpTopic) Formless() bool { return true }

// HelpFAQ is the questions that are asked most, messages faq.<n>.q and .a.
type HelpFAQ struct{ Questions []HelpQuestion }

// HelpQuestion is one of them.
type HelpQuestion struct {
	ID   int
	Ways []HelpWay
}

// Name, Title and Interaction make HelpFAQ a Page.
func (HelpFAQ) Name() string      { return "help/faq" }
func (HelpFAQ) Title() Text       { return T("faq.title") }
func (HelpFAQ) Interaction() bool { return false }

// Formless: links alone.
func (HelpFAQ) Formless() bool { return true }

// HelpCheck is what the server sees of a browser, and what its script adds.
type HelpCheck struct {
	Hidden   map[string]string
	Cookies  bool // they come back
	Now      time.Time
	Protocol string // such as HTTP/2.0
	TLS      string // such as TLS 1.3; empty where a proxy ends it
	Secure   bool   // the page came over https
	Browser  string // name and version as the browser says
	Old      bool   // too old for the platform
	Address  string // whence it comes, masked by the caller as it sees fit
}

// Millis is Now for the script.
func (p HelpCheck) Millis() int64 { return p.Now.UnixMilli() }

// Name, Title and Interaction make HelpCheck a Page.
func (HelpCheck) Name() string      { return "help/check" }
func (HelpCheck) Title() Text       { return T("check.title") }
func (HelpCheck) Interaction() bool { return false }

// HelpPolicy is the privacy policy or the terms: messages policy.<id>.<n>.h and
// .p. Kept is the table of the privacy policy.
type HelpPolicy struct {
	ID      string // "privacy" or "terms"
	Parts   int
	Kept    []Kept
	Contact string // who answers for personal information; empty: the support desk
}

// Numbers are 1 to Parts.
func (p HelpPolicy) Numbers() []int { return HelpTopic{Steps: p.Parts}.Numbers() }

// Name, Title and Interaction make HelpPolicy a Page.
func (HelpPolicy) Name() string      { return "help/policy" }
func (p HelpPolicy) Title() Text     { return Text{Key: "policy." + p.ID + ".title"} }
func (HelpPolicy) Interaction() bool { return false }

// Formless: there is nothing to send.
func (HelpPolicy) Formless() bool { return true }
