package credential

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kejitong/provider/fault"
)

// ParseStored lets the fuzz test parse without computing, and holds what is
// honoured against the bounds.
func ParseStored(s string) {
	p, err := parsePHC(s)
	if err != nil {
		return
	}
	if !p.cost.bounded() || len(p.salt) < 8 || len(p.key) < 16 {
		panic("honoured out of bounds: " + s)
	}
	// Leading zeros are the only freedom in the form.
	if again, err := parsePHC(p.String()); err != nil || again.String() != p.String() || !strings.HasSuffix(s, p.String()[strings.LastIndexByte(p.String(), '$'):]) {
		panic("does not survive: " + s)
	}
}

func TestLeavingWhileWaitingFreesThePlace(t *testing.T) {
	h := &Hasher{MemoryKiB: 8, Time: 1, Concurrency: 1, Queue: 1}
	first, err := h.Admit()
	if err != nil {
		t.Fatal(err)
	}
	started, end, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		defer first.Release()
		done <- first.compute(context.Background(), func() { close(started); <-end })
	}()
	<-started

	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() {
		_, err := h.Hash(ctx, "password")
		waiting <- err
	}()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Fatalf("who left while waiting got %v", err)
	}
	second, err := h.Admit()
	if err != nil {
		t.Fatalf("the place of who left is still taken: %v", err)
	}
	defer second.Release()
	if n := h.Computations(); n != 1 {
		t.Errorf("%d computations, want only the first", n)
	}
	close(end)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := second.Hash(t.Context(), "password"); err != nil {
		t.Fatalf("the slot was not given back: %v", err)
	}
}

// One client that sends without end must leave room for everybody else.
func TestOneAddressCannotHoldTheQueue(t *testing.T) {
	for _, c := range []struct {
		name                     string
		queue, perAddress, bound int
	}{
		{"default", 64, 0, 16},
		{"small queue", 4, 0, 2},
		{"own bound", 64, 3, 3},
		{"none", 64, -1, 65},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &Hasher{MemoryKiB: 8, Time: 1, Concurrency: 1, Queue: c.queue, PerAddress: c.perAddress}
			fill := func(ips ...string) (held []*Ticket) {
				for i := 0; ; i++ {
					ticket, err := h.AdmitFrom(ips[i%len(ips)])
					if err != nil {
						if !fault.Is(err, fault.Unavailable) {
							t.Fatal(err)
						}
						return held
					}
					held = append(held, ticket)
				}
			}
			for _, ips := range [][]string{
				{"192.0.2.1", "::ffff:192.0.2.1"}, {"127.0.0.1"}, {"", "nonsense"}, {"2001:db8::1", "2001:db8:0:0:ffff::9"},
			} {
				held := fill(ips...)
				if len(held) != c.bound {
					t.Errorf("%v holds %d places, want %d", ips, len(held), c.bound)
				}
				if c.perAddress >= 0 {
					for _, ip := range []string{"192.0.2.2", "2001:db8:0:1::1"} {
						other, err := h.AdmitFrom(ip)
						if err != nil {
							t.Fatalf("%s is turned away for %v: %v", ip, ips, err)
						}
						other.Release()
					}
					ours, err := h.Admit()
					if err != nil {
						t.Fatalf("our own work is turned away: %v", err)
					}
					ours.Release()
				}
				held[0].Release()
				held[0].Release() // a second time gives nothing back
				again := fill(ips...)
				if len(again) != 1 {
					t.Errorf("one place given back, %d taken", len(again))
				}
				for _, ticket := range append(held, again...) {
					ticket.Release()
				}
			}
			if len(h.held) != 0 || len(h.places) != 0 {
				t.Errorf("left behind: %v, %d places", h.held, len(h.places))
			}
		})
	}
}

// Turned away at a full queue, an address has not lost a place of its own.
func TestFullQueueCountsForNobody(t *testing.T) {
	h := &Hasher{MemoryKiB: 8, Time: 1, Concurrency: 1, Queue: -1}
	first, err := h.Admit()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := h.AdmitFrom("192.0.2.1"); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("got %v", err)
		}
	}
	first.Release()
	mine, err := h.AdmitFrom("192.0.2.1")
	if err != nil {
		t.Fatalf("after the rush: %v", err)
	}
	mine.Release()
}

func TestVerifyHoldsThePlaceOfItsAddress(t *testing.T) {
	h := &Hasher{MemoryKiB: 8, Time: 1, Concurrency: 1, Queue: 8}
	for range 2 {
		ticket, err := h.AdmitFrom("192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		defer ticket.Release()
	}
	s := &Service{Hasher: h, Key: make([]byte, 32), Now: time.Now}
	if _, err := s.Verify(t.Context(), "zhangsan", "password", "", "192.0.2.1"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a third place: %v", err)
	}
}
