// Package challenge is the small proofs that a page asks for before it does
// something costly or telling: a captcha, and a code sent to a mobile number or
// an e-mail address.
//
// All state is rows: nothing is known to one process alone. A captcha is used up
// by the first answer, right or wrong (S53). A code is bound to purpose, flow and
// recipient, dies by its fifth wrong guess exactly, and only the newest counts
// (S54, S55, C30). Whether a code really went out is never visible to who asked.
package challenge

import (
	"context"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/notify"
)

// Purpose says what a captcha or code is for; one for another purpose is worth
// nothing.
type Purpose string

// The purposes.
const (
	SignUp       Purpose = "sign_up"
	SignIn       Purpose = "sign_in"
	Forgot       Purpose = "forgot"        // look for a login name to reset
	ForgotLogin  Purpose = "forgot_login"  // 忘记登录名
	Reset        Purpose = "reset"         // set another password
	Appeal       Purpose = "appeal"        // 申诉
	ChangeMobile Purpose = "change_mobile" // by the holder
	ChangeEmail  Purpose = "change_email"
	StepUp       Purpose = "step_up" // second factor
	Act          Purpose = "act"     // who acts in a unit's session
	Lookup       Purpose = "lookup"  // 账号检索
	Contact      Purpose = "contact" // 获取相关联系人信息
)

// Ask is a wish for a code.
type Ask struct {
	Purpose Purpose
	Flow    string         // the server's own record that the code is for (an id of ≥ 128 bits); never chosen by the browser
	Channel notify.Channel // SMS or e-mail
	To      string         // E.164, or one address; canonical
	Address string         // client address, for the caps
	// As is what the recipient was found by, such as a login name as it was typed,
	// where that is not To itself. The caps that the asker sees are then those of
	// As, and a code that To's own caps forbid is quietly none: else the caps would
	// tell which name leads to which number.
	As     string
	Locale string
	// Silent does everything but send: the answer, the counters and the time are
	// those of a code that went out, and no code will ever be right. To is then any
	// lasting stand-in for who was meant.
	Silent bool
}

// Sent tells when another code may be asked for.
type Sent struct{ Again time.Time }

// Try is a code as somebody typed it.
type Try struct {
	Purpose Purpose
	Flow    string
	To      string
	Code    string // as typed; full-width digits and spaces are forgiven
}

// Captcha is a picture that waits for its answer.
type Captcha struct {
	ID string // random, 43 characters of base64url; worth nothing in another browser or for another purpose
}

// Captchas asks for proof that somebody looked at the page.
type Captchas interface {
	// Draw makes a captcha for the browser with that id.
	Draw(ctx context.Context, browser string, p Purpose) (Captcha, error)
	// Solve uses the captcha up and fails with fault.Invalid, field "captcha",
	// unless answer was right, the captcha this browser's, of purpose p, unused
	// and no older than two minutes.
	Solve(ctx context.Context, browser string, p Purpose, id, answer string) error
}

// Codes sends one-time codes and checks them.
type Codes interface {
	// Send promises a code, or quietly none (Ask.Silent). The caller has had a
	// captcha solved. fault.Throttled with RetryAfter where a cap is reached,
	// alike for every recipient.
	Send(ctx context.Context, a Ask, ev audit.Event) (Sent, error)
	// Check uses the code up. fault.Invalid, field "code", for every code that is
	// not right, expired, used or guessed at too often; the guess is counted by
	// itself, even if ctx's transaction rolls back.
	Check(ctx context.Context, t Try) error
}
