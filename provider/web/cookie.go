package web

import (
	"net/http"
	"time"
)

// Base names of cookies, as the helpers take them.
const (
	SessionCookie  = "kejitong_session"
	BrowserCookie  = "kejitong_browser"
	LanguageCookie = "kejitong_lang"
)

// maxCookie is the most that a cookie's name and value may have together.
const maxCookie = 4 << 10

// CookieName is the name that a browser sees: with the prefix __Host-, which
// no other host and no plain-text page can plant (RFC 6265bis §4.1.3.2), except
// on loopback http, where browsers refuse the prefix.
func (k *Kit) CookieName(base string) string {
	if k.Secure() {
		return "__Host-" + base
	}
	return base
}

// SetCookie sets the cookie base: host-only, Path=/, HttpOnly, SameSite=Lax
// and Secure. It lives for life, or until the browser closes if life is 0. The
// value is opaque and of cookie-value letters; one that is not, or that is
// longer than 4 KiB, is a bug and panics.
func (k *Kit) SetCookie(w http.ResponseWriter, base, value string, life time.Duration) {
	c := k.cookie(base, value)
	if life > 0 {
		c.MaxAge = max(int(life/time.Second), 1)
	}
	if len(c.Name)+len(value) > maxCookie || !isCookieValue(value) {
		panic("web: unfit value for cookie " + base)
	}
	http.SetCookie(w, c)
}

// SetStrictCookie is SetCookie with SameSite=Strict: the browser sends it with
// nothing that another site made it ask for, not even with a link.
func (k *Kit) SetStrictCookie(w http.ResponseWriter, base, value string, life time.Duration) {
	c := k.cookie(base, value)
	c.SameSite = http.SameSiteStrictMode
	if life > 0 {
		c.MaxAge = max(int(life/time.Second), 1)
	}
	if len(c.Name)+len(value) > maxCookie || !isCookieValue(value) {
		panic("web: unfit value for cookie " + base)
	}
	http.SetCookie(w, c)
}

// ClearCookie takes the cookie base away.
func (k *Kit) ClearCookie(w http.ResponseWriter, base string) {
	c := k.cookie(base, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// Cookie gives the value of the cookie base. Where a browser sends two of that
// name, one of them was planted: neither is taken.
func (k *Kit) Cookie(r *http.Request, base string) (string, bool) {
	found := r.CookiesNamed(k.CookieName(base))
	if len(found) != 1 || found[0].Value == "" {
		return "", false
	}
	return found[0].Value, true
}

func (k *Kit) cookie(base, value string) *http.Cookie {
	return &http.Cookie{
		Name: k.CookieName(base), Value: value, Path: "/",
		Secure: k.Secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// isCookieValue holds values to RFC 6265 §4.1.1 without quotes.
func isCookieValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\' {
			return false
		}
	}
	return true
}
