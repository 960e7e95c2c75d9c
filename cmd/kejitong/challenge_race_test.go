package main

import (
	"strings"
	"sync"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/store/storetest"
)

// S54, S55: 64 askers at once through three replicas get one SMS together, and 64
// wrong guesses leave the code dead after five.
func TestCodesThroughThreeReplicas(t *testing.T) {
	const crowd, mobile = 64, "+8613911112222"
	r := newRig(t, storetest.Postgres(t), nil, nil)
	apps := []*app{r.app, r.replica().app, r.replica().app}
	together := func(try func(i int) error) (won int) {
		t.Helper()
		start, errs := make(chan struct{}), make([]error, crowd)
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				<-start
				errs[i] = try(i)
			})
		}
		close(start)
		wg.Wait()
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !fault.Is(err, fault.Throttled) && !fault.Is(err, fault.Invalid):
				t.Error(err)
			}
		}
		return won
	}
	ask := challenge.Ask{Purpose: challenge.Reset, Flow: "flow", Channel: notify.SMS, To: mobile, Address: "203.0.113.1"}
	if n := together(func(i int) error {
		_, err := apps[i%3].codes.Send(t.Context(), ask, audit.Event{})
		return err
	}); n != 1 {
		t.Errorf("%d askers were served, want 1", n)
	}
	code := r.await(mobile, 1).Code
	try := challenge.Try{Purpose: challenge.Reset, Flow: "flow", To: mobile, Code: strings.Map(func(d rune) rune { return '0' + (d-'0'+1)%10 }, code)}
	if n := together(func(i int) error { return apps[i%3].codes.Check(t.Context(), try) }); n != 0 {
		t.Errorf("%d wrong codes were right", n)
	}
	if n := storetest.Count(t, r.options, "SELECT COUNT(*) FROM one_time_codes WHERE tries = 5"); n != 1 {
		t.Error("not five guesses were judged")
	}
	try.Code = code
	if err := r.app.codes.Check(t.Context(), try); !fault.Is(err, fault.Invalid) {
		t.Errorf("the right code after five wrong ones: %v", err)
	}
	if n := len(r.told(mobile)); n != 1 {
		t.Errorf("%d messages", n)
	}
	if n := storetest.Count(t, r.options, "SELECT COUNT(*) FROM audit WHERE kind = 'challenge.sent'"); n != 1 {
		t.Errorf("%d audit rows", n)
	}

	ask.Flow, ask.To, try.Flow, try.To = "other", "+8613911113333", "other", "+8613911113333"
	if _, err := r.app.codes.Send(t.Context(), ask, audit.Event{}); err != nil {
		t.Fatal(err)
	}
	try.Code = r.await(ask.To, 1).Code
	if n := together(func(i int) error { return apps[i%3].codes.Check(t.Context(), try) }); n != 1 {
		t.Errorf("the right code was right %d times", n)
	}
}
