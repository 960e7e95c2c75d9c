package signup_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"log/slog"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/provider/signup"
	"kejitong/store"
	"kejitong/store/storetest"
)

// house is the service on a real database, with a clock that is moved by hand and
// a telephone network that keeps what it was given.
type house struct {
	*signup.Service
	t   testing.TB
	db  *store.DB
	o   store.Options
	now time.Time
	net *network
}

// network keeps messages by number.
type network struct {
	sync.Mutex
	sent []notify.Message
	ids  map[string]bool
}

// Queue implements notify.Queue.
func (n *network) Queue(_ context.Context, m notify.Message) error {
	n.Lock()
	defer n.Unlock()
	if m.ID != "" && n.ids[m.ID] {
		return nil
	}
	if n.ids == nil {
		n.ids = map[string]bool{}
	}
	n.ids[m.ID] = true
	n.sent = append(n.sent, m)
	return nil
}

// to gives the purposes of what went to a number.
func (n *network) to(number string) (purposes []string) {
	n.Lock()
	defer n.Unlock()
	for _, m := range n.sent {
		if m.To == number {
			purposes = append(purposes, m.Purpose)
		}
	}
	return purposes
}

// code is the newest code of a number, empty if none went there.
func (n *network) code(number string) string {
	n.Lock()
	defer n.Unlock()
	for _, m := range slices.Backward(n.sent) {
		if m.To == number && m.Code != "" {
			return m.Code
		}
	}
	return ""
}

const answer = "77777"

func onBoth(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) { fn(t, newHouse(t, options(t))) })
	}
}

func newHouse(t testing.TB, o store.Options) *house {
	t.Helper()
	db, _ := storetest.Ready(t, o)
	h := &house{t: t, db: db, o: o, now: time.Date(2026, 11, 26, 2, 0, 0, 0, time.UTC), net: &network{}}
	clock := func() time.Time { return h.now }
	db.Now = clock
	mac := func(parts ...string) []byte {
		m := hmac.New(sha256.New, storetest.Root)
		m.Write([]byte(strings.Join(parts, "\x00")))
		return m.Sum(nil)
	}
	h.Service = &signup.Service{
		Store: db, Captchas: &challenge.Easel{Store: db, MAC: mac, Now: clock, Always: answer},
		Codes:   &challenge.Desk{Store: db, Queue: h.net, MAC: mac, Now: clock, Log: slog.New(slog.DiscardHandler), Caps: challenge.Caps{PerAddress: 1000}},
		Notices: h.net, Hasher: &credential.Hasher{MemoryKiB: 64, Time: 1, Queue: 512, PerAddress: -1},
		Limits: signup.Limits{PerAddress: 1000}, Terms: "2026-11", MAC: mac, Now: clock,
	}
	return h
}

// guest is the visitor with a browser of that name.
func guest(browser string) signup.Visitor {
	return signup.Visitor{Browser: browser, Address: "192.0.2.7", Locale: "zh-CN"}
}

// solved draws a captcha and answers it.
func (h *house) solved(v signup.Visitor, p signup.Purpose) signup.Solution {
	h.t.Helper()
	id, err := h.Picture(h.t.Context(), v, p)
	if err != nil {
		h.t.Fatal(err)
	}
	return signup.Solution{ID: id, Answer: answer}
}

// began opens a flow and has its code sent.
func (h *house) began(v signup.Visitor, p signup.Purpose, mobile string) string {
	h.t.Helper()
	id, err := h.Begin(h.t.Context(), v, signup.Beginning{Purpose: p, Mobile: mobile, Terms: true, Adult: true, Solution: h.solved(v, p)})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// proved is a flow whose mobile is proved.
func (h *house) proved(v signup.Visitor, p signup.Purpose, mobile string) string {
	h.t.Helper()
	h.now = h.now.Add(61 * time.Second)
	id := h.began(v, p, mobile)
	if err := h.Prove(h.t.Context(), id, v, h.net.code("+86"+mobile)); err != nil {
		h.t.Fatal(err)
	}
	return id
}

const password = "Zk7#tideQuill"

func asPerson(login string) signup.Application {
	return signup.Application{LoginName: login, Password: password, Again: password}
}

func asUnit(login, uscc, name string) signup.Application {
	a := asPerson(login)
	a.USCC, a.UnitName, a.Type, a.Area, a.Contact = uscc, name, account.UnitEnterprise, signup.AreaMainland, "王五"
	return a
}

// says gives what is wrong as "field message", sorted, or the kind of another
// error.
func says(err error) string {
	var wrong signup.Problems
	if errors.As(err, &wrong) {
		out := make([]string, len(wrong))
		for i, w := range wrong {
			out[i] = w.Field + " " + w.Msg
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	if err == nil {
		return ""
	}
	return fmt.Sprint("kind ", fault.KindOf(err))
}

var gone = fmt.Sprint("kind ", fault.Gone)

// count reads one number past the store.
func (h *house) count(query string, args ...any) int64 {
	h.t.Helper()
	return storetest.Count(h.t, h.o, query, args...)
}

func (h *house) audited(kind audit.Kind) int64 {
	h.t.Helper()
	return h.count(`SELECT COUNT(*) FROM audit WHERE kind = ?`, string(kind))
}

// unit puts a unit into the database as an operator would.
func (h *house) unit(uscc account.USCC, name string, change func(*account.Unit)) account.Unit {
	h.t.Helper()
	u := account.Unit{
		ID: string(account.NewID()), USCC: uscc, Name: name, Type: account.UnitEnterprise, Region: uscc.Region(),
		Status: account.UnitRegistered, State: account.Active, RealName: account.RealName{Status: account.StatusUnverified, Level: "L1"},
	}
	if change != nil {
		change(&u)
	}
	if err := h.db.PutUnit(h.t.Context(), u, audit.Event{Kind: audit.UnitChanged, Actor: "test", Object: u.ID}); err != nil {
		h.t.Fatal(err)
	}
	return u
}
