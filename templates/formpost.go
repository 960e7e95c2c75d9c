package templates

import (
	"html/template"
	"net/url"
)

// FormPost carries an authorization response to the client in a form (OAuth
// 2.0 Form Post Response Mode §2). Script sends it at once; without script
// there is a button.
type FormPost struct {
	Action string     // the redirect URI, also of a private scheme
	Params url.Values // the response parameters
	To     string     // the client's name, its host if empty
}

// Name, Title and Interaction make FormPost a Page.
func (FormPost) Name() string      { return "interact/formpost" }
func (FormPost) Title() Text       { return T("formpost.title") }
func (FormPost) Interaction() bool { return true }

// Formless: the form goes to the client and must not carry our token.
func (FormPost) Formless() bool { return true }

// Check refuses an action that would run in our origin.
func (p FormPost) Check() error { return destination(p.Action) }

// Target is Action for an attribute. html/template would replace a private
// scheme by "#ZgotmplZ"; Check has refused those that run.
func (p FormPost) Target() template.URL { return template.URL(p.Action) }

// Recipient is who receives the form, for the eye.
func (p FormPost) Recipient() string {
	if p.To != "" {
		return p.To
	}
	if u, err := url.Parse(p.Action); err == nil {
		return u.Host
	}
	return ""
}
