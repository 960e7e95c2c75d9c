package credential

import (
	"context"
	"errors"
	"strings"
	"testing"
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
