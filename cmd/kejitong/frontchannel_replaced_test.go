package main

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/parting"
)

// Somebody who comes back to a session that ran out begins a new one. The old
// one ends with that, and what it had opened is called in the browser; the page
// waits two minutes for its browser and no longer.
func TestFrontchannelOfASessionThatRanOut(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{FrontchannelLogoutURI: "https://rp.example/fc"})
		for _, row := range []struct {
			name   string
			after  time.Duration
			called bool
		}{
			{"still going", time.Minute, false},
			{"idle, and so the same session again", time.Hour, false},
			{"past its end", 13 * time.Hour, true},
		} {
			b := r.browser()
			sid := text(claimsOf(t, text(r.granted(b, "a", "rp", "openid"), "id_token")), "sid")
			r.clock.move(row.after)
			p := b.signIn(r.stage, b.get(r.issuer+"/login?other=1"), "a")
			var want []string
			if row.called {
				want = []string{"https://rp.example/fc?" + url.Values{"iss": {r.name()}, "sid": {sid}}.Encode()}
			}
			if got := framesOf(t, p); !slices.Equal(got, want) || row.called && goesOn(t, p) != "/" {
				t.Errorf("%s: frames %q, want %q; goes on to %q", row.name, got, want, goesOn(t, p))
			}
		}
		b := r.browser()
		r.granted(b, "a", "rp", "openid")
		p := b.get(r.issuer + "/logout")
		page := b.still().submit(p, "logout=yes", url.Values{"logout": {"yes"}}).Header.Get("Location")
		r.clock.move(3 * time.Minute)
		if p := b.get(r.issuer + page); p.Request.URL.Path != "/logout/done" || page[:len(parting.Path)] != parting.Path {
			t.Errorf("%s too late: at %s", page, p.Request.URL)
		}
	})
}
