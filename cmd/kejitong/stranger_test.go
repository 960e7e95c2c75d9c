package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// strangers counts the notices of unknown browsers that were promised to a number.
func (r *rig) strangers(phone string) (n int, text string) {
	r.t.Helper()
	if err := r.app.holders.Tend(context.WithoutCancel(r.t.Context())); err != nil {
		r.t.Fatal(err)
	}
	r.app.runner.Wake()
	for _, m := range r.told(phone) {
		if m.Purpose == "signin_stranger" {
			n, text = n+1, m.Text
		}
	}
	return n, text
}

// The owner is told of a sign-in with a browser that was not known, once for each
// browser, with how to react; and is not flooded by who has the password.
func TestOwnerIsToldOfUnknownBrowsers(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who, phone := r.account("a"), r.person("a").Account.Profile.Phone
		r.clock.move(time.Hour) // the account was just made, and who made it knows
		in := func(b *browser) {
			t.Helper()
			if !b.signsIn(r, "natural_person", who.Username, who.Password) {
				t.Fatal("no sign-in")
			}
		}
		told := func(want int) string {
			t.Helper()
			n, text := 0, ""
			for range 100 { // delivery is the outbox's
				if n, text = r.strangers(phone); n >= want {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if n != want {
				t.Fatalf("told %d times, want %d", n, want)
			}
			return text
		}
		b := r.browser()
		in(b)
		if text := told(1); !strings.Contains(text, "修改密码") {
			t.Errorf("the notice does not say what to do: %s", text)
		}
		in(b) // known by now
		told(1)
		if r.browser().signsIn(r, "natural_person", who.Username, "wrong-"+who.Password) {
			t.Fatal("a wrong password opens")
		}
		told(1)
		for range 7 {
			in(r.browser())
		}
		told(5)
		r.clock.move(25 * time.Hour)
		in(r.browser())
		told(6)
	})
}
