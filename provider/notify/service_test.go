package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"kejitong/provider/notify"
	"kejitong/provider/outbox"
	"kejitong/store"
	"kejitong/store/storetest"
)

// office is the service on a database, with a driver that the test answers for.
type office struct {
	*notify.Service
	db   *store.DB
	sent []notify.Delivered
	fail error
	now  time.Time
	logs strings.Builder
}

func (o *office) Send(_ context.Context, d notify.Delivered) error {
	if o.fail == nil {
		o.sent = append(o.sent, d)
	}
	return o.fail
}

// deliver works the queue off once and gives how many tasks there were.
func (o *office) deliver(t *testing.T) int {
	t.Helper()
	tasks, err := o.db.ClaimTasks(t.Context(), 100, o.now, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if task.Kind != outbox.Message || strings.Contains(task.Payload+task.Key, "18700001111") {
			t.Errorf("task %+v", task)
		}
		id := strings.TrimSuffix(strings.TrimPrefix(task.Payload, `{"message":"`), `"}`)
		if err := o.Deliver(t.Context(), id, task.Attempts+1 >= 3); err != nil {
			if err := o.db.RetryTask(t.Context(), task.ID, o.now.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := o.db.FinishTask(t.Context(), task.ID); err != nil {
			t.Fatal(err)
		}
	}
	return len(tasks)
}

func offices(t *testing.T, fn func(t *testing.T, o *office, count func(query string, args ...any) int64)) {
	for _, options := range []func(testing.TB) store.Options{storetest.SQLite, storetest.Postgres} {
		s := options(t)
		t.Run(s.Driver, func(t *testing.T) {
			db, _ := storetest.Ready(t, s)
			o := &office{db: db, now: at}
			o.Service = &notify.Service{
				Store: db, Now: func() time.Time { return o.now }, Log: slog.New(slog.NewTextHandler(&o.logs, nil)),
				Senders: map[notify.Channel]notify.Sender{notify.SMS: o, notify.Email: o},
				Say: func(locale, key string, args []string) string {
					return locale + " " + key + " " + strings.Join(args, ",")
				},
			}
			fn(t, o, func(query string, args ...any) int64 { return storetest.Count(t, s, query, args...) })
		})
	}
}

func note(id string) notify.Message {
	return notify.Message{ID: id, Channel: notify.SMS, To: "+8618700001111", Purpose: "password_changed", Args: []string{"3 月 4 日"}, Locale: "en"}
}

// A message is promised with the deed, sent once for its id, and gone after that.
func TestOnceForEachRequest(t *testing.T) {
	offices(t, func(t *testing.T, o *office, count func(string, ...any) int64) {
		ctx, undo, woken := t.Context(), errors.New("undone"), 0
		o.db.Promised = func() { woken++ }
		err := o.db.InTx(ctx, func(ctx context.Context) error {
			if err := o.Queue(ctx, note("r0")); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) || o.deliver(t) != 0 || woken != 0 {
			t.Fatalf("a deed that was undone: %v, told %v, woken %d", err, o.sent, woken)
		}
		for range 3 {
			if err := o.Queue(ctx, note("r1")); err != nil {
				t.Fatal(err)
			}
		}
		if woken != 1 {
			t.Errorf("woken %d times", woken)
		}
		if n := count(`SELECT COUNT(*) FROM messages WHERE body LIKE '%18700001111%' OR body LIKE '%月%'`); n != 0 {
			t.Error("the message lies there in the clear")
		}
		o.deliver(t)
		if len(o.sent) != 1 || o.sent[0].To != "+8618700001111" || o.sent[0].Text != "en notify.password_changed 3 月 4 日" || o.sent[0].ID != "r1" {
			t.Fatalf("sent %+v", o.sent)
		}
		if n := count(`SELECT COUNT(*) FROM messages WHERE id = 'r1' AND body = '' AND state = 'sent'`); n != 1 {
			t.Error("the message was not blanked")
		}
		if err := o.Queue(ctx, note("r1")); err != nil || o.deliver(t) != 0 {
			t.Errorf("the same request after the delivery: %v", err)
		}
		if err := o.Deliver(ctx, "r1", false); err != nil || len(o.sent) != 1 {
			t.Errorf("the task once more: %v, %d sent", err, len(o.sent))
		}
	})
}

// What fails is tried again, until it is of no use or nobody believes in it.
func TestRetriesEnd(t *testing.T) {
	offices(t, func(t *testing.T, o *office, count func(string, ...any) int64) {
		ctx := t.Context()
		o.fail = errors.New("gateway: status 503")
		m := note("r1")
		m.Until = at.Add(time.Minute)
		if err := o.Queue(ctx, m); err != nil {
			t.Fatal(err)
		}
		o.deliver(t)
		o.now, o.fail = o.now.Add(time.Second), nil
		o.deliver(t)
		if len(o.sent) != 1 {
			t.Errorf("sent %d times", len(o.sent))
		}
		m.ID = "r2"
		o.fail = errors.New("gateway: status 503")
		if err := o.Queue(ctx, m); err != nil {
			t.Fatal(err)
		}
		o.deliver(t)
		o.now, o.fail = o.now.Add(time.Hour), nil
		o.deliver(t)
		if n := count(`SELECT COUNT(*) FROM messages WHERE id = 'r2' AND body = '' AND state = 'late'`); n != 1 || len(o.sent) != 1 {
			t.Errorf("a code of an hour ago was sent: %d", len(o.sent))
		}
		m.ID, m.Until, o.fail = "r3", time.Time{}, errors.New("gateway: status 400")
		if err := o.Queue(ctx, m); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			o.deliver(t)
			o.now = o.now.Add(time.Minute)
		}
		if n := count(`SELECT COUNT(*) FROM messages WHERE id = 'r3' AND body = '' AND state = 'given_up'`); n != 1 {
			t.Error("not given up")
		}
		if o.deliver(t) != 0 || strings.Contains(o.logs.String(), "18700001111") || !strings.Contains(o.logs.String(), "message given up") {
			t.Errorf("log: %s", o.logs.String())
		}
	})
}

// S89: nothing that could be a second line, header or recipient is promised.
func TestUnfitMessages(t *testing.T) {
	o := &notify.Service{Now: clock}
	for name, alter := range map[string]func(*notify.Message){
		"no channel":               func(m *notify.Message) { m.Channel = "fax" },
		"no purpose":               func(m *notify.Message) { m.Purpose = "" },
		"no recipient":             func(m *notify.Message) { m.To = "" },
		"two recipients":           func(m *notify.Message) { m.To = "+8618700001111,+8618700002222" },
		"a line in the recipient":  func(m *notify.Message) { m.To = "a@b.cn\r\nBcc: c@d.cn" },
		"a line in a value":        func(m *notify.Message) { m.Args = []string{"a\nb"} },
		"a separator in a value":   func(m *notify.Message) { m.Args = []string{"a\u2028b"} },
		"reversed text in a value": func(m *notify.Message) { m.Args = []string{"a\u202eb"} },
		"an endless value":         func(m *notify.Message) { m.Args = []string{strings.Repeat("长", 201)} },
		"too many values":          func(m *notify.Message) { m.Args = make([]string, 9) },
	} {
		m := note("r")
		alter(&m)
		if err := o.Queue(t.Context(), m); err == nil || strings.Contains(err.Error(), "1870000") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
