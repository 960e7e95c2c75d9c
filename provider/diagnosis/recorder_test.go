package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

type shelf struct {
	mu     sync.Mutex
	events []Event
	err    error
}

func (s *shelf) AddDiagnoses(_ context.Context, events []Event, _ int, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.events = append(s.events, events...)
	return nil
}

func (s *shelf) Diagnoses(context.Context, string, Kind, int) ([]Event, error) { return s.events, nil }

func newRecorder() (*Recorder, *shelf, *time.Time) {
	now := time.Unix(1795400000, 0).UTC()
	s := &shelf{}
	return &Recorder{Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}, s, &now
}

// Whoever knows a client_id makes its requests fail as often as he likes: the
// process takes down a few of each kind a minute, and how many more there were.
func TestFloodIsCounted(t *testing.T) {
	r, s, now := newRecorder()
	for range 1000 {
		r.Note(Event{Client: "rp", Kind: RedirectURI})
	}
	r.Note(Event{Client: "rp", Kind: Secret})
	r.Note(Event{Client: "other", Kind: RedirectURI})
	if err := r.Flush(t.Context()); err != nil || len(s.events) != perMinute+2 {
		t.Fatalf("%d events, %v; want %d: another kind and another client are not pushed out", len(s.events), err, perMinute+2)
	}
	*now = now.Add(time.Minute)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := s.events[len(s.events)-1]
	if last.Kind != Flood || last.Received != fmt.Sprintf("redirect_uri: +%d", 1000-perMinute) || last.Client != "rp" {
		t.Errorf("the last event is %+v", last)
	}
	r.Note(Event{Client: "rp", Kind: RedirectURI})
	if err := r.Flush(t.Context()); err != nil || s.events[len(s.events)-1].Kind != RedirectURI {
		t.Errorf("after a minute nothing is taken down: %v", err)
	}
}

// Many clients at once fill neither the queue nor the counters.
func TestMemoryIsBounded(t *testing.T) {
	r, s, now := newRecorder()
	for i := range 3 * maxHeat {
		r.Note(Event{Client: fmt.Sprint("rp", i), Kind: Secret})
		r.Note(Event{Client: fmt.Sprint("rp", i), Kind: ScopeIgnored, Received: "x"})
	}
	if len(r.queue) > maxQueue || len(r.heat) > maxHeat || len(r.warned) > maxHeat {
		t.Fatalf("%d wait, %d counted, %d warned", len(r.queue), len(r.heat), len(r.warned))
	}
	if err := r.Flush(t.Context()); err != nil || len(s.events) != maxQueue || r.lost != 0 {
		t.Fatalf("%d written, %v", len(s.events), err)
	}
	*now = now.Add(time.Minute)
	if err := r.Flush(t.Context()); err != nil || len(r.heat) != 0 {
		t.Fatalf("%d still counted, %v", len(r.heat), err)
	}
}

// A database that is gone costs the events, not the memory.
func TestWhatCannotBeWrittenIsGivenUp(t *testing.T) {
	r, s, _ := newRecorder()
	s.err = errors.New("gone")
	r.Note(Event{Client: "rp", Kind: Secret})
	if err := r.Flush(t.Context()); err == nil || len(r.queue) != 0 {
		t.Fatalf("%v, %d wait", err, len(r.queue))
	}
	s.err = nil
	if err := r.Flush(t.Context()); err != nil || len(s.events) != 0 {
		t.Fatalf("%v, %d written", err, len(s.events))
	}
}

// What a process took down is written when it ends.
func TestTheEndWrites(t *testing.T) {
	r, s, _ := newRecorder()
	ctx, stop := context.WithCancel(t.Context())
	r.Note(Event{Client: "rp", Kind: Secret})
	stop()
	r.Run(ctx)
	if len(s.events) != 1 {
		t.Fatalf("%d written", len(s.events))
	}
}

// A scope that is ignored at every sign-in is said once an hour.
func TestWarningsAreNotRepeated(t *testing.T) {
	r, _, now := newRecorder()
	for range 5 {
		r.Note(Event{Client: "rp", Kind: ScopeIgnored, Received: "groups"})
	}
	r.Note(Event{Client: "rp", Kind: ScopeIgnored, Received: "other"})
	*now = now.Add(warnEvery)
	r.Note(Event{Client: "rp", Kind: ScopeIgnored, Received: "groups"})
	if len(r.queue) != 3 {
		t.Fatalf("%d taken down", len(r.queue))
	}
}

// Nobody to note to, nobody to note about.
func TestNothingToNote(t *testing.T) {
	var none *Recorder
	none.Note(Event{Client: "rp", Kind: Secret})
	if err := none.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, _, _ := newRecorder()
	r.Note(Event{Kind: Secret})
	if len(r.queue) != 0 {
		t.Fatal("an event of nobody")
	}
}

// S84: what is kept is one line without secrets, tokens and numbers of persons.
func TestCleaned(t *testing.T) {
	secret := "S3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t1"
	for in, want := range map[string]string{
		"https://rp.example.cn/cb?tenant=7":       "https://rp.example.cn/cb?tenant=7",
		"https://127.0.0.1:8443/cb":               "https://127.0.0.1:8443/cb",
		"a\r\nb\x00c\u202ed\u2028e\x1b[31m":       "a  b c d e [31m",
		secret:                                    "S3cr3t…",
		"https://rp.example.cn/cb?code=" + secret: "https://rp.example.cn/cb?code=S3cr3t…",
		"13800000000":                             "138…",
		"https://rp/u/11010119900307003X/x":       "https://rp/u/110…/x",
		"urn:fuwu:aal:2 中文 ok":                    "urn:fuwu:aal:2 中文 ok",
		"\xff\xfe":                                "  ",
		"":                                        "",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := []rune(Clean(strings.Repeat("文 ", 5000))); len(got) != longest+1 {
		t.Errorf("%d characters kept", len(got))
	}
}

func FuzzClean(f *testing.F) {
	f.Add("https://rp.example.cn/cb?code=abc")
	f.Add("\xff13800000000\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if len([]rune(got)) > longest+1 || strings.ContainsAny(got, "\r\n\x00\x1b") {
			t.Errorf("%q", got)
		}
		digits := 0
		for _, r := range got {
			if r >= '0' && r <= '9' {
				digits++
			} else {
				digits = 0
			}
			if digits >= numbers {
				t.Fatalf("%q holds a number", got)
			}
		}
	})
}
