package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
	"kejitong/provider/web"
	"kejitong/provider/web/lookup"
	"kejitong/store/storetest"
)

// S49: whoever has not the number learns nothing of it. Numbers that came over in
// whatever way, that have an account here, and that nobody knows are answered with
// the same bytes, on the pages and over JSON, with a right captcha, with a wrong
// code and without one; each gets one message of the same words. A careless
// interface beside it, which spares the code where the number leads nowhere, shows
// that the comparison would see it.
func TestLookUpIsNoOracle(t *testing.T) {
	beside := &carelessLookup{}
	r := newRig(t, storetest.SQLite(t), nil, func(a *app) {
		beside.app = a
		a.beside = func(kit *web.Kit) provider.Surface { beside.web = kit; return beside }
	})
	m := bringOver(t, r)
	numbers := []string{"18799990001", "18711111111"}
	for _, code := range []torch.Code{torch.I1, torch.I2, torch.I3, torch.I4, torch.I5, torch.I6} {
		key, _ := m.key(code)
		numbers = append(numbers, key)
	}
	differ := func(answer func(number string) map[string]string) (out []string) {
		seen := map[string]string{}
		for _, n := range numbers {
			for what, text := range answer(n) {
				if before, ok := seen[what]; ok && before != text {
					out = append(out, fmt.Sprintf("%s of %s differs:\n%s\nfrom\n%s", what, n, text, before))
				}
				seen[what] = text
			}
		}
		if len(seen) < 4 {
			t.Fatalf("nothing was compared: %v", seen)
		}
		return out
	}
	for _, d := range differ(func(n string) map[string]string {
		b := r.browser()
		asked := b.press(b.get(r.issuer+"/lookup?kind=person"), "mobile", captcha("mobile", n)...)
		at(t, asked, "/lookup/code")
		wrong := b.press(asked, "code", "code", "000000")
		early := b.get(r.issuer + "/lookup/answer?" + asked.Request.URL.RawQuery)
		return map[string]string{"page": scrubbed(asked, n), "wrong code": scrubbed(wrong, n), "no code": scrubbed(early, n), "message": r.words(n, 1)}
	}) {
		t.Error(d)
	}
	r.clock.move(61 * time.Second) // S54: one message a minute
	for _, d := range differ(func(n string) map[string]string {
		all := r.askedByAPI("", n)
		all["message"] = r.words(n, 2)
		return all
	}) {
		t.Error(d)
	}
	r.clock.move(61 * time.Second)
	if len(differ(func(n string) map[string]string { return r.askedByAPI("/careless", n) })) == 0 {
		t.Error("the careless interface is not seen: the comparison proves nothing")
	}
}

// words are those of the n-th message to a number, its code apart.
func (r *rig) words(number string, n int) string {
	r.t.Helper()
	m := r.await("+86"+number, n)
	return strings.ReplaceAll(m.Text, m.Code, "CODE")
}

// askedByAPI is all that the JSON interface below a path says of a number to somebody who
// has it not.
func (r *rig) askedByAPI(below, number string) map[string]string {
	r.t.Helper()
	ask := func(path string, body map[string]string) (http.Header, string) {
		r.t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			r.t.Fatal(err)
		}
		res, err := http.Post(r.issuer+below+"/api/v1/torch/"+path, "application/json", bytes.NewReader(raw))
		if err != nil {
			r.t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		res.Header.Set("Status", res.Status)
		return res.Header, string(answer)
	}
	drawn := func() map[string]string {
		var c map[string]string
		_, raw := ask("challenge", nil)
		if err := json.Unmarshal([]byte(raw), &c); err != nil || c["session"] == "" {
			r.t.Fatalf("no challenge: %s, %v", raw, err)
		}
		return map[string]string{"session": c["session"], "captcha_id": c["captcha_id"], "captcha": demoCaptcha, "mobile": number}
	}
	all := map[string]string{}
	note := func(what, path string, body map[string]string) {
		r.t.Helper()
		h, answer := ask(path, body)
		var head bytes.Buffer
		for _, volatile := range []string{"Date", "X-Request-Id"} {
			h.Del(volatile)
		}
		if err := h.Write(&head); err != nil { // sorted
			r.t.Fatal(err)
		}
		all[what] = volatile.ReplaceAllString(head.String()+answer, "")
	}
	proof := func(q map[string]string, code string) map[string]string {
		return map[string]string{"session": q["session"], "mobile": number, "code": code}
	}
	first, other := drawn(), drawn()
	wrong := drawn()
	wrong["captcha"] = "0"
	note("a wrong captcha", "code", wrong)
	note("before any code", "lookup", proof(other, "000000"))
	note("asked", "code", first)
	note("a spent captcha", "code", first)
	note("asked again too soon", "code", other)
	note("a wrong code", "lookup", proof(first, "000000"))
	note("no code", "lookup", proof(first, ""))
	note("from another session", "lookup", proof(other, "000000"))
	return all
}

var volatile = regexp.MustCompile(`"request_id":"[^"]*"|Retry-After: [0-9]+`)

// carelessLookup sends no code where no account would be found.
type carelessLookup struct {
	app *app
	web *web.Kit
}

// Mount implements provider.Surface.
func (c *carelessLookup) Mount(r *mux.Router) {
	a := c.app
	h := &lookup.Handler{
		Web: c.web, Lookup: &torch.Lookup{Store: a.db, Captchas: a.captchas, Codes: sparing{a.codes, a.db}, Now: a.clock}, Captchas: a.captchas,
		Keys: a.ring.Snapshot, Counter: a.db, Now: a.clock,
	}
	h.Mount(r.PathPrefix("/careless").Subrouter())
}

type sparing struct {
	challenge.Codes
	people torch.Finder
}

func (s sparing) Send(ctx context.Context, a challenge.Ask, ev audit.Event) (challenge.Sent, error) {
	f, err := s.people.FindPerson(ctx, account.Mobile(strings.TrimPrefix(a.To, "+86")))
	if err == nil && f.Outcome == "" {
		err = &fault.Error{Kind: fault.Invalid, Field: "mobile", Msg: "lookup.gone"}
	}
	if err != nil {
		return challenge.Sent{}, err
	}
	return s.Codes.Send(ctx, a, ev)
}

var changing = regexp.MustCompile(`(?:value|href|action|nonce)="[^"]*"|<span class="code">[a-z0-9]{16}</span>|[a-z2-7]{16}`)

// scrubbed is a page without what differs from request to request, and its status.
func scrubbed(p page, number string) string {
	body := strings.ReplaceAll(p.body, account.MaskMobile(number), "NUMBER")
	return strconv.Itoa(p.StatusCode) + changing.ReplaceAllString(body, "")
}
