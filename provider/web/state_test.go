package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// set gives the cookies that do sets, by name.
func set(do func(w http.ResponseWriter)) map[string]*http.Cookie {
	w := httptest.NewRecorder()
	do(w)
	out := map[string]*http.Cookie{}
	for _, c := range w.Result().Cookies() {
		out[c.Name] = c
	}
	return out
}

// Session Management 1.0 §3.2: the state can be read by script and in frames,
// the session beside it cannot.
func TestStateCookie(t *testing.T) {
	k, _ := kit(t, issuer)
	k.Watched = true
	const session, state = "__Host-kejitong_session", "__Host-kejitong_state"
	in := set(func(w http.ResponseWriter) { k.StartSession(w, "opaque", time.Hour) })
	if c := in[session]; c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || !c.Secure || c.MaxAge != 3600 {
		t.Errorf("session %+v", c)
	}
	c := in[state]
	if c == nil || c.HttpOnly || c.SameSite != http.SameSiteNoneMode || !c.Secure || c.Path != "/" || c.Domain != "" || c.MaxAge != 3600 || c.Value != k.BrowserState("opaque") {
		t.Errorf("state %+v", c)
	}
	if c := set(func(w http.ResponseWriter) { k.StartSession(w, "opaque", 0) })[state]; c == nil || c.MaxAge != 0 {
		t.Errorf("on a shared computer: %+v", c)
	}
	out := set(k.EndSession)
	for _, name := range []string{session, state} {
		if c := out[name]; c == nil || c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("signed out: %s is %+v", name, c)
		}
	}
	k.Watched = false
	if in, out := set(func(w http.ResponseWriter) { k.StartSession(w, "opaque", 0) }), set(k.EndSession); len(in) != 1 || len(out) != 1 {
		t.Errorf("switched off: %v, then %v", in, out)
	}

	plain, _ := kit(t, "http://127.0.0.1:8080")
	plain.Watched = true
	if c := set(func(w http.ResponseWriter) { plain.StartSession(w, "opaque", 0) })["kejitong_state"]; c == nil || c.Secure || c.SameSite != http.SameSiteLaxMode || c.HttpOnly {
		t.Errorf("on loopback http: %+v", c)
	}
}

// The state follows the session cookie, tells nothing of it, and is nobody's
// without one.
func TestBrowserState(t *testing.T) {
	k, _ := kit(t, issuer)
	one, two := k.BrowserState("one"), k.BrowserState("two")
	if one == two || len(one) != 43 || one != k.BrowserState("one") || k.BrowserState("") != "" || one == k.FormToken("one") {
		t.Errorf("states %q and %q", one, two)
	}
	k.FormKey = []byte(strings.Repeat("k", 32))
	if k.BrowserState("one") == one {
		t.Error("the state does not depend on the key")
	}
}

func TestKeepState(t *testing.T) {
	k, _ := kit(t, issuer)
	const name = "__Host-kejitong_state"
	for _, row := range []struct {
		test, header, state string
		watched             bool
		want                string // "keeps", "clears", else the value set
	}{
		{"switched off", name + "=old", "new", false, "keeps"},
		{"nobody signed in, nothing there", "", "", true, "keeps"},
		{"right", name + "=new", "new", true, "keeps"},
		{"nobody signed in, a state left", name + "=old", "", true, "clears"},
		{"missing", "", "new", true, "new"},
		{"another", name + "=old", "new", true, "new"},
		{"another name", "kejitong_state=new", "new", true, "new"},
		{"twice, so one was planted", name + "=new; " + name + "=old", "new", true, "new"},
	} {
		k.Watched = row.watched
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", row.header)
		c := set(func(w http.ResponseWriter) { k.KeepState(w, r, row.state, time.Hour) })[name]
		got := "keeps"
		switch {
		case c != nil && c.MaxAge < 0:
			got = "clears"
		case c != nil:
			got = c.Value
		}
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.test, got, row.want)
		}
	}
}
