package operator

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Severity is how loud a notice is.
type Severity string

// The severities.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Urgent  Severity = "urgent"
)

// Notice is what the platform tells everybody on every page for a while, such as
// that a deadline makes it slow.
type Notice struct {
	ID       string
	TextZH   string
	TextEN   string
	Severity Severity
	From     time.Time
	Until    time.Time
	By       string
	At       time.Time
	EndedAt  time.Time // zero unless it was taken back
}

// Shown tells whether it stands on the pages at now.
func (n Notice) Shown(now time.Time) bool {
	return n.EndedAt.IsZero() && !now.Before(n.From) && now.Before(n.Until)
}

// Notices keeps notices.
type Notices interface {
	PutNotice(ctx context.Context, n Notice, ev audit.Event) error
	// EndNotice takes a notice back; false if it was over.
	EndNotice(ctx context.Context, id string, now time.Time, ev audit.Event) (bool, error)
	// RecentNotices gives the newest notices, up to limit.
	RecentNotices(ctx context.Context, limit int) ([]Notice, error)
}

// Board is the notices of this process: read again every ten seconds at most, by
// one page at a time, so that the others never wait for it.
type Board struct {
	Store Notices
	Now   func() time.Time

	mu   sync.Mutex
	read time.Time
	list atomic.Pointer[[]Notice]
}

// boardLife is how old what the board shows may be.
const boardLife = 10 * time.Second

// maxNotice is the longest text of a notice in characters.
const maxNotice = 200

// Post puts up a notice.
func (b *Board) Post(ctx context.Context, by Operator, n Notice) error {
	n.TextZH, n.TextEN = strings.TrimSpace(n.TextZH), strings.TrimSpace(n.TextEN)
	if !readable(n.TextZH) {
		return &fault.Error{Kind: fault.Invalid, Field: "text_zh", Msg: MsgNotice}
	}
	if !readable(n.TextEN) {
		return &fault.Error{Kind: fault.Invalid, Field: "text_en", Msg: MsgNotice}
	}
	now := b.Now()
	if !n.Until.After(n.From) || !n.Until.After(now) || n.Until.Sub(n.From) > 366*24*time.Hour {
		return &fault.Error{Kind: fault.Invalid, Field: "until", Msg: MsgNoticeTimes}
	}
	if n.Severity != Warning && n.Severity != Urgent {
		n.Severity = Info
	}
	n.ID, n.By, n.At, n.EndedAt = random(16), by.ID, now, time.Time{}
	return b.Store.PutNotice(ctx, n, audit.Event{Kind: audit.NoticePosted, Actor: by.ID, Object: n.ID, Detail: string(n.Severity)})
}

// End takes a notice back.
func (b *Board) End(ctx context.Context, by Operator, id string) error {
	ok, err := b.Store.EndNotice(ctx, id, b.Now(), audit.Event{Kind: audit.NoticeEnded, Actor: by.ID, Object: id})
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "no such notice")
	}
	return err
}

func readable(text string) bool {
	n := utf8.RuneCountInString(text)
	return n >= 2 && n <= maxNotice && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}

// Shown gives the notices of now. What cannot be read is not worth a page that
// fails: the board then shows what it had.
func (b *Board) Shown(ctx context.Context) (out []Notice) {
	now := b.Now()
	b.refresh(ctx, now)
	if list := b.list.Load(); list != nil {
		for _, n := range *list {
			if n.Shown(now) {
				out = append(out, n)
			}
		}
	}
	return out
}

func (b *Board) refresh(ctx context.Context, now time.Time) {
	if !b.mu.TryLock() {
		return
	}
	defer b.mu.Unlock()
	if age := now.Sub(b.read); !b.read.IsZero() && age >= 0 && age < boardLife {
		return
	}
	b.read = now
	if list, err := b.Store.RecentNotices(ctx, 20); err == nil {
		b.list.Store(&list)
	}
}
