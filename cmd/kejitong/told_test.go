package main

import (
	"time"

	"kejitong/provider/notify"
)

// told gives what was sent to a number or address so far, the newest first.
func (s *stage) told(to string) []notify.Shown {
	var out []notify.Shown
	for _, m := range s.cast.console.Shown() {
		if m.To == to {
			out = append(out, m)
		}
	}
	return out
}

// await waits for the n-th message to a number or address, counted from 1, and
// gives it.
func (s *stage) await(to string, n int) notify.Shown {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got := s.told(to); len(got) >= n {
			return got[len(got)-n]
		}
	}
	s.t.Fatalf("message %d to %s has not come", n, to)
	return notify.Shown{}
}
