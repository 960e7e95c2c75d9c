package web

import (
	"encoding/base64"
	"net/http"
	"time"
	"unicode/utf8"
)

// HintCookie carries a login name to the sign-in page, so that who has just
// learnt it need not type it. It stands in no address, which others could read
// over a shoulder, in a log or in a history.
const (
	HintCookie = "kejitong_hint"
	hintLife   = 15 * time.Minute
	maxHint    = 256 // bytes
)

// Suggest has the sign-in page filled in with the login name.
func (k *Kit) Suggest(w http.ResponseWriter, login string) {
	if login == "" || len(login) > maxHint {
		k.ClearCookie(w, HintCookie)
		return
	}
	k.SetCookie(w, HintCookie, base64.RawURLEncoding.EncodeToString([]byte(login)), hintLife)
}

// Suggested is the login name that was suggested to this browser, empty if none.
// It is text of the browser's making: to be shown, and nothing else.
func (k *Kit) Suggested(r *http.Request) string {
	value, ok := k.Cookie(r, HintCookie)
	if !ok || len(value) > 2*maxHint {
		return ""
	}
	login, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(login) > maxHint || !utf8.Valid(login) {
		return ""
	}
	return string(login)
}
