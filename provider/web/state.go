package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"
)

// StateCookie is the base name of the one cookie that script may read: the
// frame of OpenID Connect Session Management 1.0 §3.2 watches it. Its value
// says nothing but whether it is still the same.
const StateCookie = "kejitong_state"

// StartSession gives the browser the session cookie and the browser state that
// goes with it; both live for life, or until the browser closes if life is 0.
func (k *Kit) StartSession(w http.ResponseWriter, session string, life time.Duration) {
	k.SetCookie(w, SessionCookie, session, life)
	if k.Watched {
		http.SetCookie(w, k.stateCookie(k.BrowserState(session), life))
	}
}

// EndSession takes both away.
func (k *Kit) EndSession(w http.ResponseWriter) {
	k.ClearCookie(w, SessionCookie)
	if k.Watched {
		http.SetCookie(w, k.stateCookie("", -1))
	}
}

// BrowserState is the browser state of a session cookie, "" for none. Since a
// sign-in makes a new session cookie each time, the state changes with each
// sign-in, change of account and sign-out. It is a keyed digest: nobody learns
// the cookie from it.
func (k *Kit) BrowserState(session string) string {
	if session == "" {
		return ""
	}
	mac := hmac.New(sha256.New, k.FormKey)
	mac.Write([]byte("state|"))
	mac.Write([]byte(session))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// KeepState corrects the browser's state cookie where it is not state: after a
// session that ended elsewhere or by itself, or where script of a page that was
// broken into planted one.
func (k *Kit) KeepState(w http.ResponseWriter, r *http.Request, state string, life time.Duration) {
	if !k.Watched {
		return
	}
	found := r.CookiesNamed(k.CookieName(StateCookie))
	switch {
	case state == "" && len(found) == 0, len(found) == 1 && found[0].Value == state:
	case state == "":
		http.SetCookie(w, k.stateCookie("", -1))
	default:
		http.SetCookie(w, k.stateCookie(state, life))
	}
}

// stateCookie is sent along with the frame although that stands on other sites'
// pages, hence SameSite=None, which needs Secure. On loopback http, where
// neither is to be had, other ports are the same site anyway.
func (k *Kit) stateCookie(state string, life time.Duration) *http.Cookie {
	c := k.cookie(StateCookie, state)
	c.HttpOnly = false
	if k.Secure() {
		c.SameSite = http.SameSiteNoneMode
	}
	switch {
	case life > 0:
		c.MaxAge = max(int(life/time.Second), 1)
	case life < 0:
		c.MaxAge = -1
	}
	return c
}
