package templates

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Page is one page's content. The structs of this package are the pages.
type Page interface {
	// Name is the page's file below the template folders, without ".html".
	Name() string
	// Title is the document title, without the platform's name.
	Title() Text
	// Interaction says that the page is a step of a sign-in or sign-out: it
	// is drawn without navigation and shows which system asks.
	Interaction() bool
}

// Checked is a page that can be wrong in a way that must not be drawn, such as
// a form that would be sent to a script URL.
type Checked interface{ Check() error }

// Formless is a page that carries no form of ours, so that drawing it needs
// neither a form token nor the browser's cookie.
type Formless interface{ Formless() bool }

// Pictured is a page that shows pictures of other origins.
type Pictured interface {
	// Pictures lists the origins (scheme://host[:port]) for img-src.
	Pictures() []string
}

// Framing is a page that loads pages of other origins in frames.
type Framing interface {
	// FrameSources lists the origins (scheme://host[:port]) for frame-src.
	FrameSources() []string
}

// Text is a message key with the values for its {0}, {1}, … places. The zero
// Text says nothing.
type Text struct {
	Key  string
	Args []any
}

// T makes a Text. The key must stand in the catalogues (a test reads every
// call in the module).
func T(key string, args ...any) Text { return Text{Key: key, Args: args} }

// Says tells whether there is anything to show.
func (t Text) Says() bool { return t.Key != "" }

// Account types and sign-in windows as the forms name them.
const (
	NaturalPerson = "natural_person"
	LegalEntity   = "legal_entity"
)

// System is the application that asks for a sign-in, as its users know it.
type System struct {
	Name      string // as registered, in the users' language
	Owner     string // the body that runs it
	LogoURL   string // http(s); others are not shown
	PolicyURL string // privacy policy, http(s)
	TosURL    string // terms of service, http(s)
	Host      string // host of the redirect URI, so that the name cannot lie alone
}

// Initial is the first letter of the name, shown where there is no logo.
func (s System) Initial() string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(s.Name))
	if r == utf8.RuneError {
		return "·"
	}
	return strings.ToUpper(string(r))
}

// Logo, Policy and Tos are the links if they are web addresses, else empty.
func (s System) Logo() string   { return webAddress(s.LogoURL) }
func (s System) Policy() string { return webAddress(s.PolicyURL) }
func (s System) Tos() string    { return webAddress(s.TosURL) }

// Unit is a legal entity that a person may stand for.
type Unit struct {
	ID       string // value of the button
	Name     string
	USCC     string    // unified social credit code; public, never masked
	Relation string    // self, admin, handler, legal_rep (message relation.*)
	Entries  []string  // names of the systems that this choice opens
	Until    time.Time // end of the mandate, zero if open
	Last     bool      // the person's last choice
}

// webAddress gives raw if it is an absolute http(s) URL with a host and
// without user information, else "".
func webAddress(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return raw
}

// pictureOf gives the origin of s's logo for img-src, if it has one.
func pictureOf(s *System) []string {
	if s == nil || s.Logo() == "" {
		return nil
	}
	u, err := url.Parse(s.LogoURL)
	if err != nil {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}

// scripted are URL schemes that run or smuggle content instead of going
// somewhere.
var scripted = []string{"javascript", "data", "vbscript", "blob", "about", "file", "filesystem", "view-source"}

// destination refuses a URL that a browser would execute instead of visit.
// Private-use schemes (RFC 8252 §7.1) are destinations.
func destination(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme == "" {
		return fmt.Errorf("destination: no scheme")
	}
	for _, s := range scripted {
		if scheme == s {
			return fmt.Errorf("destination: scheme %s", s)
		}
	}
	return nil
}
