package templates

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
)

// Parting calls the systems that an ended session had opened, each in a hidden
// frame (OpenID Connect Front-Channel Logout 1.0 §3), and goes on by itself.
// Browsers count the second of the refresh from when the frames have loaded;
// where a system hangs, script goes on earlier, and there is a link.
type Parting struct {
	Frames       []string // what is loaded, http(s)
	ContinueURL  string   // a registered post-logout address or a path of ours
	ContinueName string   // the system's name, "" if the way leads to a page of ours
	Switched     bool     // somebody else has signed in, instead of nobody being signed in
}

// Name, Title and Interaction make Parting a Page.
func (Parting) Name() string      { return "interact/parting" }
func (Parting) Title() Text       { return T("parting.title") }
func (Parting) Interaction() bool { return true }

// Formless: the page has a link only.
func (Parting) Formless() bool { return true }

// Check refuses what would run in our origin instead of being loaded or
// visited.
func (p Parting) Check() error {
	for _, f := range p.Frames {
		if webAddress(f) == "" {
			return fmt.Errorf("a frame is no web address")
		}
	}
	if isPath(p.ContinueURL) {
		return nil
	}
	return destination(p.ContinueURL)
}

// FrameSources are the frames' origins.
func (p Parting) FrameSources() []string {
	var out []string
	for _, f := range p.Frames {
		u, err := url.Parse(f)
		if err != nil {
			continue
		}
		if o := u.Scheme + "://" + u.Host; !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// Continue is ContinueURL for an attribute. The type lets private schemes
// through; Check has refused those that run.
func (p Parting) Continue() template.URL { return template.URL(p.ContinueURL) }
