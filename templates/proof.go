package templates

// Captcha is the part of a form that asks what a picture shows: draw it with
// {{template "captcha" (part . .P.Captcha)}}; without an ID nothing is drawn. The form then posts
// captcha and captcha_id; captcha_again=yes is posted by the button for another
// picture, which is answered like a wrong answer: with what was typed, and a new
// one. An unseen button comes first, so that the Enter key sends the form and does
// not ask for another picture; the form's own button must therefore need no name.
type Captcha struct {
	ID    string
	Error Text
}

// Owed tells whether a captcha is asked for.
func (c Captcha) Owed() bool { return c.ID != "" }

// Code is the part of a form that asks for a one-time code: draw it with
// {{template "code" (part . .P.Code)}}. The form posts code; send=code is posted by
// the button that asks for one.
type Code struct {
	To    string // masked, where it went; empty before
	Wait  int    // seconds until another one may be asked for
	Error Text
}
