package templates

import (
	"fmt"
	"time"
)

// Problem is the page for everything that went wrong: what happened, what to
// do now, the request number and the support desk's telephone.
type Problem struct {
	Status     int           // HTTP status, also picks the default texts problem.<status>.*
	Headline   Text          // instead of the default
	Text       Text          // instead of the default
	Detail     string        // a line for the technician; no secret, no personal data
	RetryAfter time.Duration // how long to wait, 0 if it makes no difference
	BackURL    string        // same-origin path or web address of the way out, "/" if empty
	BackName   string        // the system that BackURL leads to, if any
}

// problemStatuses have texts of their own; others take those of 400 or 500.
var problemStatuses = [...]int{400, 401, 403, 404, 405, 409, 410, 413, 414, 429, 431, 500, 503}

// Name, Title and Interaction make Problem a Page.
func (Problem) Name() string      { return "interact/problem" }
func (p Problem) Title() Text     { return p.Heading() }
func (Problem) Interaction() bool { return true }

// Formless: the page has links only.
func (Problem) Formless() bool { return true }

// Heading is Headline or the status's default.
func (p Problem) Heading() Text {
	if p.Headline.Says() {
		return p.Headline
	}
	return Text{Key: p.key("title")}
}

// Advice is Text or the status's default.
func (p Problem) Advice() Text {
	if p.Text.Says() {
		return p.Text
	}
	return Text{Key: p.key("text")}
}

// Ours tells whether the fault is on this side.
func (p Problem) Ours() bool { return p.Status >= 500 }

// Wait is RetryAfter in words, zero if there is nothing to wait for.
func (p Problem) Wait() Text {
	switch d := p.RetryAfter; {
	case d <= 0:
		return Text{}
	case d < 90*time.Second:
		return T("problem.wait_seconds", int((d+time.Second-1)/time.Second))
	default:
		return T("problem.wait_minutes", int((d+time.Minute-1)/time.Minute))
	}
}

func (p Problem) key(part string) string {
	status := 400
	if p.Status >= 500 || p.Status < 400 {
		status = 500
	}
	for _, s := range problemStatuses {
		if s == p.Status {
			status = s
		}
	}
	return fmt.Sprintf("problem.%d.%s", status, part)
}
