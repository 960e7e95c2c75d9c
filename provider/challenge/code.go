package challenge

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// The figures of C30.
const (
	CodeLife    = 5 * time.Minute
	CodeDigits  = 6
	CodeGuesses = 5 // wrong ones, after which a code is dead
)

// Caps bound how many codes go out. Zero fields take the defaults.
type Caps struct {
	Gap        time.Duration // between two codes to one recipient; default 60 s
	PerHour    int           // to one recipient; default 5
	PerDay     int           // to one recipient; default 10
	PerAddress int           // an hour, asked for from one address; default 20
	Global     int           // an hour, all together; default 20000
}

// OrDefault fills the zero fields.
func (c Caps) OrDefault() Caps {
	if c.Gap == 0 {
		c.Gap = time.Minute
	}
	if c.PerHour == 0 {
		c.PerHour = 5
	}
	if c.PerDay == 0 {
		c.PerDay = 10
	}
	if c.PerAddress == 0 {
		c.PerAddress = 20
	}
	if c.Global == 0 {
		c.Global = 20000
	}
	return c
}

// Desk sends codes and checks them.
type Desk struct {
	Store Store
	Queue notify.Queue
	MAC   func(parts ...string) []byte
	Caps  Caps
	Now   func() time.Time
	Log   *slog.Logger
}

var _ Codes = (*Desk)(nil)

// Send implements Codes. Counters, code, message and audit row stand or fall
// together; an error leaves nothing behind, if the caller's own transaction does
// not.
func (d *Desk) Send(ctx context.Context, a Ask, ev audit.Event) (Sent, error) {
	if err := a.check(); err != nil {
		return Sent{}, err
	}
	now := d.Now()
	plain, err := newCode()
	if err != nil {
		return Sent{}, err
	}
	test := a.test()
	if test {
		plain = d.TestCode(a.To)
	}
	if ev.Kind == "" {
		ev.Kind = audit.ChallengeSent
	}
	if ev.Detail == "" {
		ev.Detail = string(a.Purpose)
	}
	var caught *capped
	err = d.Store.InTx(ctx, func(ctx context.Context) error {
		stop, quiet, err := d.count(ctx, a, now)
		caught = stop
		if err != nil {
			return err
		}
		if caught != nil {
			return caught.fault(now)
		}
		quiet = quiet || a.Silent
		slot, kind := d.slot(a.Purpose, a.Flow, a.To), "code"
		if quiet {
			// A digest that no code has, beside the code that may be under way already.
			kind, slot = "no code", d.slot(a.Purpose, a.Flow+"|quiet", a.To)
		}
		if err := d.Store.PutCode(ctx, Code{Slot: slot, Digest: text(d.MAC(kind, slot, plain)), ExpiresAt: now.Add(CodeLife)}); err != nil {
			return err
		}
		if err := d.Store.Record(ctx, audit.From(ctx, ev)); err != nil {
			return err
		}
		m := notify.Message{
			Channel: a.Channel, To: a.To, Purpose: "code_" + string(a.Purpose), Args: []string{plain, minutes(CodeLife)}, Code: plain,
			Locale: a.Locale, Until: now.Add(CodeLife),
		}
		if quiet || test {
			m = notify.Message{Channel: notify.Nobody, Purpose: m.Purpose, Until: m.Until}
		}
		return d.Queue.Queue(ctx, m)
	})
	if caught != nil && caught.global {
		d.Log.LogAttrs(ctx, slog.LevelError, "no more codes are sent this hour: the cap over all is reached",
			slog.Int("cap", d.Caps.OrDefault().Global), slog.Time("until", caught.until))
	}
	if err != nil {
		return Sent{}, err
	}
	return Sent{Again: now.Add(d.Caps.OrDefault().Gap)}, nil
}

// Check implements Codes.
func (d *Desk) Check(ctx context.Context, t Try) error {
	wrong := &fault.Error{Kind: fault.Invalid, Field: "code", Msg: MsgCode}
	slot := d.slot(t.Purpose, t.Flow, t.To)
	want, err := d.Store.TryCode(ctx, slot, CodeGuesses, d.Now())
	if fault.Is(err, fault.NotFound) {
		return wrong
	}
	if err != nil {
		return err
	}
	got := text(d.MAC("code", slot, Digits(strings.ReplaceAll(t.Code, "\x00", " "))))
	if !same([]byte(got), []byte(want)) {
		return wrong
	}
	first, err := d.Store.UseCode(ctx, slot, want)
	if err != nil {
		return err
	}
	if !first {
		return wrong
	}
	return nil
}

// TestCode is the code of a number of sandboxes: always the same one, since
// nothing can be sent there. Whoever may see it (the team of the sandbox, in its
// console) is told it; it is bound to the number, and worth nothing for others.
func (d *Desk) TestCode(to string) string { return decimal(d.MAC("test code", to), CodeDigits) }

// test tells that the code is for a number of sandboxes, and for what these are
// used for: to look up, to sign in, and as a second factor.
func (a Ask) test() bool {
	return a.Channel == notify.SMS && (a.Purpose == Lookup || a.Purpose == SignIn || a.Purpose == StepUp) && account.TestNumber(a.To)
}

func (d *Desk) slot(p Purpose, flow, to string) string {
	return text(d.MAC("slot", string(p), flow, to))
}

// newCode gives six digits, each code equally likely.
func newCode() (string, error) {
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return decimal(b, CodeDigits), nil
}

// check refuses recipients that no code goes to: others than mobiles of the
// mainland are how caps are got round and fees are made (S54).
func (a Ask) check() error {
	for _, s := range []string{a.Flow, a.To, a.Address, a.As} {
		if strings.ContainsAny(s, "\x00\r\n") {
			return &fault.Error{Kind: fault.Invalid, Field: "to", Msg: MsgRecipient}
		}
	}
	if a.Silent || a.test() {
		return nil
	}
	refused := &fault.Error{Kind: fault.Invalid, Field: "mobile", Msg: MsgRecipient}
	switch a.Channel {
	case notify.SMS:
		if m, err := account.ParseMobile(a.To); err != nil || m.E164() != a.To {
			return refused
		}
		return nil
	case notify.Email:
		refused.Field = "email"
		if at := strings.LastIndexByte(a.To, '@'); at <= 0 || at == len(a.To)-1 || strings.ContainsAny(a.To, " ,;<>\"") {
			return refused
		}
		return nil
	}
	return refused
}

// network is what an address counts as: itself, or for IPv6 its /64, which one
// subscriber has to himself.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}
