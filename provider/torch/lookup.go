package torch

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// Found is what the store knows of a key.
type Found struct {
	Outcome   Code // empty if no batch brought it over
	LoginName string
	Kind      account.Kind
	ChangedAt time.Time // when its owner changed the password, zero if never
	UsedAt    time.Time // when somebody last signed in, zero if never
	Usable    bool

	// How things stand here, for keys that nobody brought over.
	LoginHere   bool   // a legal account has the USCC as its login name
	OtherLogin  string // the login name of another legal account of the unit
	PersonHolds bool   // a person's account has the key as its login name
	Known       bool   // the number is verified on some account

	// For keys of sandboxes: the account that stands for whoever has done what the
	// answer sends them to, where the answer is about no account.
	StandIn     string
	StandInKind account.Kind
}

// Finder looks keys up, each with the same work whatever is found.
type Finder interface {
	FindUnit(ctx context.Context, uscc account.USCC) (Found, error)
	FindPerson(ctx context.Context, mobile account.Mobile) (Found, error)
	// FindTest looks a key of the ranges of sandboxes up: a USCC or a mobile number.
	FindTest(ctx context.Context, key string) (Found, error)
}

// Answer is what 账号检索 tells: which login name, which window, which password.
type Answer struct {
	Code      Code
	Key       string
	Kind      account.Kind // the window, empty where there is nothing to sign in to
	LoginName string       // masked where it does not follow from the key
	Masked    bool
	Kept      bool      // the former platform's password holds
	Changed   bool      // and was changed since
	Suffixed  bool      // even HJ_ was taken
	UsedAt    time.Time // when it was last signed in to, zero if never
	Used      bool      // UsedAt is known: the account came over or goes on
	Existing  bool      // somebody without an account there has one here already

	Test        bool   // the key is one of the ranges of sandboxes
	StandIn     string // login name of the test account that stands for who has registered or appealed
	StandInKind account.Kind
}

// Lookup answers 账号检索: for a unit after a captcha, since a USCC is public, for a
// person after a code sent to the number, since whose it is is nobody else's
// business.
type Lookup struct {
	Store    Finder
	Captchas challenge.Captchas
	Codes    challenge.Codes
	Now      func() time.Time

	mu    sync.Mutex
	cache map[account.USCC]cached
}

type cached struct {
	found Found
	until time.Time
}

// In the season everybody looks up: an answer holds for a moment, and so many are
// kept at most.
const (
	cacheFor = 20 * time.Second
	cacheMax = 50_000
)

// Solved is a captcha with the answer that somebody typed.
type Solved struct{ ID, Answer string }

// Keys of the ranges of sandboxes go the same way, captcha, code and caps included;
// they are looked up among the keys of sandboxes alone, and real ones never are.
// No message goes to such a number: its code stands in the sandbox's console.

// AskUnit takes the captcha for a USCC. Errors: fault.Invalid with the field
// captcha or uscc.
func (l *Lookup) AskUnit(ctx context.Context, browser, uscc string, c Solved) (account.USCC, error) {
	u, err := account.ParseUSCC(uscc)
	if err != nil {
		return "", err
	}
	return u, l.Captchas.Solve(ctx, browser, challenge.Lookup, c.ID, c.Answer)
}

// Unit answers for a unit.
func (l *Lookup) Unit(ctx context.Context, u account.USCC) (Answer, error) {
	f, err := l.unit(ctx, u)
	if err != nil {
		return Answer{}, err
	}
	code := f.Outcome
	if code == "" {
		code = DecideUnit(UnitFacts{LoginHere: f.LoginHere, OtherName: f.OtherLogin != "", PersonHolds: f.PersonHolds})
		switch {
		case f.LoginHere:
			f.LoginName, f.Kind = string(u), account.LegalEntity
		case f.OtherLogin != "":
			f.LoginName, f.Kind = f.OtherLogin, account.LegalEntity
		}
	}
	return answer(code, string(u), f), nil
}

func (l *Lookup) unit(ctx context.Context, u account.USCC) (Found, error) {
	if u.Test() { // nobody's load, and begun anew at once
		return l.Store.FindTest(ctx, string(u))
	}
	now := l.Now()
	l.mu.Lock()
	c, ok := l.cache[u]
	l.mu.Unlock()
	if ok && now.Before(c.until) {
		return c.found, nil
	}
	f, err := l.Store.FindUnit(ctx, u)
	if err != nil {
		return Found{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cache == nil || len(l.cache) >= cacheMax {
		l.cache = make(map[account.USCC]cached)
	}
	l.cache[u] = cached{f, now.Add(cacheFor)}
	return f, nil
}

// AskPerson takes the captcha for a mobile number and promises a code to it.
// Errors: fault.Invalid with the field captcha or mobile, fault.Throttled.
func (l *Lookup) AskPerson(ctx context.Context, browser, ip, locale, mobile string, c Solved) (account.Mobile, challenge.Sent, error) {
	m, err := ParseMobile(mobile)
	if err != nil {
		return "", challenge.Sent{}, err
	}
	if err := l.Captchas.Solve(ctx, browser, challenge.Lookup, c.ID, c.Answer); err != nil {
		return "", challenge.Sent{}, err
	}
	sent, err := l.Codes.Send(ctx, challenge.Ask{
		Purpose: challenge.Lookup, Flow: flowOf(browser), Channel: notify.SMS, To: m.E164(), Address: ip, Locale: locale,
	}, audit.From(ctx, audit.Event{}))
	return m, sent, err
}

// ParseMobile reads what persons are looked up by: a mobile number, or one of the
// range of sandboxes.
func ParseMobile(s string) (account.Mobile, error) {
	if m, err := account.ParseTestMobile(s); err == nil {
		return m, nil
	}
	return account.ParseMobile(s)
}

// flowOf binds a code to the browser that asked for it.
func flowOf(browser string) string { return "lookup|" + browser }

// ProvePerson takes the code. Errors: fault.Invalid with the field code.
func (l *Lookup) ProvePerson(ctx context.Context, browser string, m account.Mobile, code string) error {
	return l.Codes.Check(ctx, challenge.Try{Purpose: challenge.Lookup, Flow: flowOf(browser), To: m.E164(), Code: code})
}

// Person answers for whoever has proved the number.
func (l *Lookup) Person(ctx context.Context, m account.Mobile) (Answer, error) {
	find := l.Store.FindPerson
	if m.Test() {
		find = func(ctx context.Context, m account.Mobile) (Found, error) { return l.Store.FindTest(ctx, string(m)) }
	}
	f, err := find(ctx, m)
	if err != nil {
		return Answer{}, err
	}
	code := f.Outcome
	if code == "" {
		code = DecidePerson(PersonFacts{})
		f.Kind = ""
	}
	a := answer(code, string(m), f)
	a.Existing = code == I0 && (f.Known || f.PersonHolds)
	return a, nil
}

// answer tells of an outcome what may be told.
func answer(code Code, key string, f Found) Answer {
	a := Answer{Code: code, Key: key, Kind: f.Kind, Kept: code.Makes().Keeps, Changed: code.Makes().Keeps && !f.ChangedAt.IsZero(),
		Test: account.USCC(key).Test() || account.Mobile(key).Test(), StandIn: f.StandIn, StandInKind: f.StandInKind}
	switch code {
	case I4, I5: // the login name is what they have to prove themselves for
		a.Kind = account.NaturalPerson
		return a
	case E0a, E6, I0:
		a.Kind = ""
		return a
	}
	a.LoginName = f.LoginName
	if code.Stored() { // the day is enough to know one's own account by
		a.Used, a.UsedAt = true, f.UsedAt
	}
	tail, derived := strings.CutSuffix(strings.ToUpper(f.LoginName), key)
	if !derived || tail != "" && !strings.HasPrefix(tail, "HJ") {
		a.LoginName, a.Masked = maskLogin(f.LoginName), true
	}
	if made := code.Makes(); derived && made.Prefixed && tail == "" { // an appeal gave the name back
		a.Code = map[Code]Code{E3: E1, E5: E4, I3: I1}[code]
	}
	if made := a.Code.Makes(); derived && made.Kind != "" {
		a.Suffixed = tail != "" && !made.Prefixed || made.Prefixed && tail != "HJ_"
	}
	return a
}

// maskLogin leaves the first and the last character of a login name.
func maskLogin(name string) string {
	if name == "" {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(name)
	last, _ := utf8.DecodeLastRuneInString(name)
	return string(first) + "***" + string(last)
}

// ErrNoKey is what a look-up answers for a token that is not its own.
var ErrNoKey = fault.New(fault.Gone, "lookup.gone")
