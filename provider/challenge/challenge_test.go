package challenge_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/notify"
	"kejitong/store"
	"kejitong/store/storetest"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// house is the real thing on a database, with a clock of its own and a console
// for a gateway.
type house struct {
	desk   *challenge.Desk
	easel  *challenge.Easel
	queue  *notify.Service
	db     *store.DB
	logs   *strings.Builder
	mu     sync.Mutex
	now    time.Time
	queued []notify.Message
}

func (h *house) clock() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *house) forward(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

// Queue notes what is promised on its way.
func (h *house) Queue(ctx context.Context, m notify.Message) error {
	if err := h.queue.Queue(ctx, m); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queued = append(h.queued, m)
	return nil
}

// last is the newest message; of a transaction that was rolled back, too.
func (h *house) last(t *testing.T) notify.Message {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queued) == 0 {
		t.Fatal("nothing was promised")
	}
	return h.queued[len(h.queued)-1]
}

func newHouse(db *store.DB) *house {
	h := &house{db: db, now: start, logs: &strings.Builder{}}
	db.Now = h.clock
	mac := func(parts ...string) []byte { return db.Seal().MAC(keys.Challenge, parts...) }
	log := slog.New(slog.NewTextHandler(h.logs, nil))
	h.queue = &notify.Service{Store: db, Now: h.clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	h.desk = &challenge.Desk{Store: db, Queue: h, MAC: mac, Now: h.clock, Log: log}
	h.easel = &challenge.Easel{Store: db, MAC: mac, Now: h.clock}
	return h
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newHouse(db)) })
}

const mobile = "+8618700001111"

func ask(to string) challenge.Ask {
	return challenge.Ask{Purpose: challenge.Reset, Flow: "flow-1", Channel: notify.SMS, To: to, Address: "203.0.113.9"}
}

func try(code string) challenge.Try {
	return challenge.Try{Purpose: challenge.Reset, Flow: "flow-1", To: mobile, Code: code}
}

func field(t *testing.T, what string, err error, kind fault.Kind, field string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Field != field {
		t.Errorf("%s: %v, want kind %d at %q", what, err, kind, field)
	}
}

func other(code string) string { // a code that is not it
	n, _ := strconv.Atoi(code)
	return challenge.Digits(strings.Repeat("0", 6-len(strconv.Itoa((n+1)%1000000))) + strconv.Itoa((n+1)%1000000))
}

// S55: what is not the newest code of this purpose, flow and recipient, in time
// and for the first time, is no code.
func TestWhatIsNoCode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		send := func() string {
			t.Helper()
			if _, err := h.desk.Send(ctx, ask(mobile), audit.Event{}); err != nil {
				t.Fatal(err)
			}
			return h.last(t).Code
		}
		old := send()
		if !regexp.MustCompile(`^[0-9]{6}$`).MatchString(old) {
			t.Fatalf("code %q", old)
		}
		h.forward(time.Minute)
		code := send()
		for what, bad := range map[string]challenge.Try{
			"another flow":      {Purpose: challenge.Reset, Flow: "flow-2", To: mobile, Code: code},
			"another purpose":   {Purpose: challenge.Appeal, Flow: "flow-1", To: mobile, Code: code},
			"another recipient": {Purpose: challenge.Reset, Flow: "flow-1", To: "+8618700002222", Code: code},
			"nothing":           try(""),
			"too long":          try(strings.Repeat(code, 30)),
		} {
			field(t, what, h.desk.Check(ctx, bad), fault.Invalid, "code")
		}
		if old != code {
			field(t, "the code before", h.desk.Check(ctx, try(old)), fault.Invalid, "code")
		}
		wide := []rune{}
		for _, r := range code {
			wide = append(wide, r+0xfee0)
		}
		if err := h.desk.Check(ctx, try(" "+string(wide[:3])+" "+string(wide[3:]))); err != nil {
			t.Errorf("full width and blanks: %v", err)
		}
		field(t, "a second time", h.desk.Check(ctx, try(code)), fault.Invalid, "code")

		h.forward(time.Minute)
		code = send()
		h.forward(challenge.CodeLife)
		field(t, "too late", h.desk.Check(ctx, try(code)), fault.Invalid, "code")

		code = send()
		for range challenge.CodeGuesses {
			field(t, "a guess", h.desk.Check(ctx, try(other(code))), fault.Invalid, "code")
		}
		field(t, "the right code after five wrong ones", h.desk.Check(ctx, try(code)), fault.Invalid, "code")
	})
}

// S54: the caps of C30, in sliding windows.
func TestCapsOnCodes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		sent := func() int {
			n := 0
			for range 400 { // a code every three minutes for twenty hours, or as often as it is let
				if _, err := h.desk.Send(ctx, ask(mobile), audit.Event{}); err == nil {
					n++
				} else {
					field(t, "capped", err, fault.Throttled, "")
				}
				h.forward(3 * time.Minute)
			}
			return n
		}
		if _, err := h.desk.Send(ctx, ask(mobile), audit.Event{}); err != nil {
			t.Fatal(err)
		}
		h.forward(59 * time.Second)
		_, err := h.desk.Send(ctx, ask(mobile), audit.Event{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Throttled || f.RetryAfter != time.Second {
			t.Errorf("after 59 s: %v", err)
		}
		h.forward(time.Second)
		for range 4 {
			if _, err := h.desk.Send(ctx, ask(mobile), audit.Event{}); err != nil {
				t.Fatal(err)
			}
			h.forward(time.Minute)
		}
		_, err = h.desk.Send(ctx, ask(mobile), audit.Event{})
		if !errors.As(err, &f) || f.Kind != fault.Throttled || f.RetryAfter != 55*time.Minute {
			t.Errorf("the sixth in an hour: %v, %v", err, f)
		}
		if n := sent(); n != 5 {
			t.Errorf("%d more in twenty hours, want 5 of 10", n)
		}
		for i := range 25 { // one address, many numbers
			_, err := h.desk.Send(ctx, ask("+86187000020"+strconv.Itoa(10+i)), audit.Event{})
			if (err == nil) != (i < 20) {
				t.Errorf("number %d from one address: %v", i+1, err)
			}
		}
	})
}

// S54: all together have a cap, too, and somebody hears of it.
func TestTheCapOverAllIsToldToOperators(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.desk.Caps.Global = 2
		for i := range 3 {
			a := ask("+86187000020" + strconv.Itoa(10+i))
			_, err := h.desk.Send(t.Context(), a, audit.Event{})
			if (err == nil) != (i < 2) {
				t.Errorf("code %d: %v", i+1, err)
			}
		}
		if !strings.Contains(h.logs.String(), "level=ERROR") || strings.Contains(h.logs.String(), "18700002") {
			t.Errorf("log: %s", h.logs)
		}
	})
}

// S54: spellings, foreign and premium numbers, second recipients.
func TestWhereNoCodeGoes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, to := range []string{"", "18700001111", "+86 18700001111", "008618700001111", "＋8618700001111", "+447700900123", "+8610086", "+861259012345678", mobile + "\r\n+8618700002222"} {
			if _, err := h.desk.Send(t.Context(), ask(to), audit.Event{}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", to, err)
			}
		}
		for _, to := range []string{"", "a", "a@", "@b", "a@b,c@d", "a@b\nBcc: x@y", "a b@c"} {
			a := ask(to)
			a.Channel = notify.Email
			if _, err := h.desk.Send(t.Context(), a, audit.Event{}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", to, err)
			}
		}
	})
}

// S49, C30: an asker cannot tell whether a code went out; no code is ever right.
func TestQuietlyNone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		a := ask("login:nobody")
		a.Silent = true
		s, err := h.desk.Send(ctx, a, audit.Event{})
		if err != nil || !s.Again.Equal(start.Add(time.Minute)) {
			t.Fatalf("%v %v", s, err)
		}
		if m := h.last(t); m.Channel != notify.Nobody || m.To != "" || m.Code != "" || len(m.Args) > 0 {
			t.Errorf("promised %+v", m)
		}
		_, err = h.desk.Send(ctx, a, audit.Event{})
		field(t, "at once again", err, fault.Throttled, "")
		for i := range 6 {
			field(t, "a guess", h.desk.Check(ctx, challenge.Try{Purpose: a.Purpose, Flow: a.Flow, To: a.To, Code: strconv.Itoa(100000 + i)}), fault.Invalid, "code")
		}
	})
}

// What a rolled-back deed promised was not sent and counts for nothing; a guess
// counts whatever becomes of the deed around it.
func TestCodesAndTransactions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		undo := errors.New("undone")
		err := h.db.InTx(ctx, func(ctx context.Context) error {
			if _, err := h.desk.Send(ctx, ask(mobile), audit.Event{}); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		field(t, "a code that was taken back", h.desk.Check(ctx, try(h.last(t).Code)), fault.Invalid, "code")
		if _, err := h.desk.Send(ctx, ask(mobile), audit.Event{}); err != nil {
			t.Errorf("it was not sent and counts all the same: %v", err)
		}
		err = h.db.InTx(ctx, func(ctx context.Context) error { return h.desk.Check(ctx, try(h.last(t).Code)) })
		if err == nil || fault.Is(err, fault.Invalid) {
			t.Errorf("a guess within a transaction: %v", err)
		}
	})
}

// S53: an answer is good once, here, for this, in time.
func TestCaptchas(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		draw := func() (id, answer string) {
			t.Helper()
			c, err := h.easel.Draw(ctx, "browser", challenge.SignIn)
			if err != nil || len(c.ID) != 43 {
				t.Fatalf("%q %v", c.ID, err)
			}
			digits, noise, ok := h.easel.Shown("browser", c.ID)
			if !ok || len(digits) != challenge.CaptchaDigits {
				t.Fatalf("%q %v", digits, ok)
			}
			if _, err := challenge.Picture(digits, noise); err != nil {
				t.Fatal(err)
			}
			return c.ID, digits
		}
		solve := func(id, answer string) error { return h.easel.Solve(ctx, "browser", challenge.SignIn, id, answer) }
		id, answer := draw()
		for what, err := range map[string]error{
			"another browser": h.easel.Solve(ctx, "other", challenge.SignIn, id, answer),
			"no browser":      h.easel.Solve(ctx, "", challenge.SignIn, id, answer),
			"another purpose": h.easel.Solve(ctx, "browser", challenge.SignUp, id, answer),
			"no id":           solve("", answer),
			"an id made up":   solve(strings.Repeat("A", 43), answer),
			"a changed id":    solve("A"+id[1:], answer),
			"a longer life":   solve(id[:20]+"_"+id[21:], answer),
		} {
			field(t, what, err, fault.Invalid, "captcha")
		}
		if _, _, ok := h.easel.Shown("other", id); ok {
			t.Error("another browser sees the picture")
		}
		if err := solve(id, answer); err != nil {
			t.Errorf("the right answer: %v", err)
		}
		field(t, "a second time", solve(id, answer), fault.Invalid, "captcha")

		id, answer = draw()
		field(t, "nothing", solve(id, ""), fault.Invalid, "captcha")
		field(t, "right after wrong", solve(id, answer), fault.Invalid, "captcha")

		id, answer = draw()
		h.forward(challenge.CaptchaLife)
		field(t, "too late", solve(id, answer), fault.Invalid, "captcha")
		if _, _, ok := h.easel.Shown("browser", id); ok {
			t.Error("it is shown when it is over")
		}

		h.easel.Always = "k8m2"
		id, _ = draw()
		if err := solve(id, "K8M2"); err == nil {
			t.Error("the demonstration's answer in another case")
		}
		id, _ = draw()
		if err := solve(id, "k8m2"); err != nil {
			t.Errorf("the demonstration's answer: %v", err)
		}
	})
}

// Nothing in the tables tells a code or a recipient (S84).
func TestNothingInTheClear(t *testing.T) {
	o := storetest.SQLite(t)
	db, _ := storetest.Ready(t, o)
	h := newHouse(db)
	if _, err := h.desk.Send(t.Context(), ask(mobile), audit.Event{}); err != nil {
		t.Fatal(err)
	}
	for _, needle := range []string{h.last(t).Code, mobile[3:]} {
		for _, query := range []string{
			`SELECT COUNT(*) FROM one_time_codes WHERE slot || digest LIKE ?`, `SELECT COUNT(*) FROM send_tallies WHERE key || times LIKE ?`,
			`SELECT COUNT(*) FROM messages WHERE body LIKE ?`, `SELECT COUNT(*) FROM outbox WHERE payload || key LIKE ?`,
			`SELECT COUNT(*) FROM audit WHERE actor || object || detail LIKE ?`,
		} {
			if n := storetest.Count(t, o, query, "%"+needle+"%"); n != 0 {
				t.Errorf("%q is found by %s", needle, query)
			}
		}
	}
}

// S49: the caps do not tell which name leads to which number: what was typed is
// throttled for the asker to see, the number quietly.
func TestCapsDoNotTellWhoseNumberItIs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		send := func(as, to string) error {
			a := ask(to)
			a.As = as
			_, err := h.desk.Send(t.Context(), a, audit.Event{})
			return err
		}
		if err := send("login zhangsan", mobile); err != nil || h.last(t).Channel != notify.SMS {
			t.Fatal(err)
		}
		if err := send(mobile, mobile); err != nil {
			t.Errorf("the number at once after its owner's name: %v", err)
		}
		if m := h.last(t); m.Channel != notify.Nobody {
			t.Errorf("a second message within 60 s: %+v", m)
		}
		field(t, "the name again", send("login zhangsan", mobile), fault.Throttled, "")
		field(t, "the number again", send(mobile, mobile), fault.Throttled, "")
	})
}
