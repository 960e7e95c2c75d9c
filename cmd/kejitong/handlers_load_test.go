package main

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/provider/principal"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// clamour is how many clients refresh, and how many read UserInfo, while an ending
// happens.
const clamour = 8

// endsUnder does end while clients of the case e refresh and read UserInfo of the
// first system without a pause, spread over the replicas. It gives how many requests
// that began after end had answered were served all the same, and how many there
// were of these in all.
func (h hands) endsUnder(end func()) (served, late int64) {
	h.t.Helper()
	b := h.browser()
	held := make([]map[string]any, 2*clamour)
	for i := range held {
		held[i] = h.enters(b, "e", "first", demoUSCC)
	}
	var over atomic.Bool
	var nServed, nLate atomic.Int64
	var busy, done sync.WaitGroup
	stop := make(chan struct{})
	client := func(i int) {
		busied := sync.OnceFunc(busy.Done)
		defer busied()
		for turn, after := 0, 0; after < 3; turn++ {
			select {
			case <-stop:
				return
			default:
			}
			at := h.all[(i+turn)%len(h.all)].issuer
			q := formTo(h.t, at+"/oauth2/token", refreshForm(text(held[i], "refresh_token")), h.creds("first"))
			if i%2 == 0 {
				q, _ = http.NewRequest(http.MethodGet, at+"/oauth2/userinfo", nil) // a constant address is well-formed
				q.Header.Set("Authorization", "Bearer "+text(held[i], "access_token"))
			}
			began := over.Load()
			got, err := try(q)
			switch {
			case err != nil || got.status >= http.StatusInternalServerError:
				h.t.Errorf("%s: %s, %v", q.URL.Path, got, err)
				return
			case got.status == http.StatusOK && i%2 == 1:
				held[i] = got.body
			}
			if got.status == http.StatusOK {
				busied()
			}
			if began {
				after++
				nLate.Add(1)
				if got.status == http.StatusOK {
					nServed.Add(1)
				}
			}
		}
	}
	busy.Add(len(held))
	for i := range held {
		done.Go(func() { client(i) })
	}
	all := make(chan struct{})
	go func() { busy.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		close(stop)
		h.t.Fatal("the load does not run")
	}
	end()
	over.Store(true)
	done.Wait()
	return nServed.Load(), nLate.Load()
}

// ends takes the unit from e, as the unit does, by the unit's own page.
func (h hands) ends() {
	h.t.Helper()
	b := h.browser()
	p := h.walkIn(b, "b", "/me/handlers")
	b.submit(p, "end", url.Values{"end": {string(h.person("e").Account.ID)}}).wants(h.t, 200, "/me/handlers", "授权已收回")
}

// While sixteen clients refresh and read without a pause at every process, whoever
// ends a mandate or freezes the unit has the answer: no request that begins from then
// on is served by any of them, and none fails in another way (S62).
func TestNothingIsServedOnceAnEndingWasAnswered(t *testing.T) {
	h := newHands(t)
	for name, end := range map[string]func(h hands){
		"by the unit at one process": func(h hands) {
			h.on(1)
			h.ends()
		},
		"by a command": func(h hands) {
			h.commands([]string{"unit", "mandate", "end"}, "--login", h.account("e").Username, "--uscc", demoUSCC)
		},
		"the unit frozen": func(h hands) { h.commands([]string{"unit", "freeze"}, "--uscc", demoUSCC, "--reason", "test") },
	} {
		t.Run(name, func(t *testing.T) {
			h := h
			h.rig = h.as(t)
			h.restores()
			h.on(0)
			go h.post.agrees(t.Context())
			served, late := h.endsUnder(func() { end(h) })
			if served != 0 || late < 3*2*clamour {
				t.Errorf("%d of %d requests were served after the end was answered, want none", served, late)
			}
			if name == "the unit frozen" {
				h.commands([]string{"unit", "release"}, "--uscc", demoUSCC, "--reason", "test")
			}
		})
	}
}

// agrees answers every notice until ctx ends.
func (rc *receiver) agrees(ctx context.Context) {
	for {
		select {
		case n := <-rc.notices:
			n.answer <- http.StatusOK
		case <-ctx.Done():
			return
		}
	}
}

// forgetful reads a grant with its holder once and takes both for what they were.
type forgetful struct {
	*store.DB
	was *sync.Map
}

func (f forgetful) ByGrant(ctx context.Context, id string) (principal.Held, error) {
	h, err := f.DB.ByGrant(ctx, id)
	if err != nil || h.Grant.State == token.Issued {
		return h, err
	}
	old, _ := f.was.LoadOrStore(id, h)
	was := old.(principal.Held)
	was.Grant.Generation, was.Grant.RotatedAt = h.Grant.Generation, h.Grant.RotatedAt // else nothing would be refreshed
	return was, nil
}

// The control: the same load at a provider that keeps what it read is served after
// the end.
func TestTheLoadSeesAForgetfulStore(t *testing.T) {
	rc := newReceiver(t)
	r := newRig(t, storetest.SQLite(t), rc.allowed, func(a *app) { a.grants = forgetful{a.db, &sync.Map{}} })
	h := hands{rig: r, all: []*rig{r}, post: rc}.opens()
	go rc.agrees(t.Context())
	if served, late := h.endsUnder(h.ends); served == 0 {
		t.Errorf("none of %d requests was served after the end at a provider that keeps what it read: the load sees nothing", late)
	}
}
