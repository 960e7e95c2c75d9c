package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"

	"kejitong/templates"
)

// FormTokenField is the hidden field that every form of ours carries.
const FormTokenField = "form_token"

// FormToken is the value of the hidden field for the browser with that id:
// HMAC-SHA-256 over "form|" and the id. Another browser's is worth nothing.
func (k *Kit) FormToken(browserID string) string {
	mac := hmac.New(sha256.New, k.FormKey)
	mac.Write([]byte("form|"))
	mac.Write([]byte(browserID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Guard protects our own form routes against requests that another site made
// the browser send. GET and HEAD pass, and must change nothing. Everything
// else needs an origin that is ours (http.CrossOriginProtection), a URL-encoded
// form, and the form token of the browser that sends it, in the body. The
// token also decides where a browser sends neither Origin nor Sec-Fetch-Site.
// Method-override headers and fields mean nothing. A failure is a 403 page,
// never a redirect. After Guard the form is parsed.
//
// It is not for /oauth2/*: those endpoints are meant to be called from
// elsewhere.
func (k *Kit) Guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	if k.Issuer != nil {
		// A proxy may rewrite Host; the issuer is what browsers see. An issuer
		// that is no origin is refused by Check and by the configuration.
		_ = origins.AddTrustedOrigin(k.Issuer.Scheme + "://" + k.Issuer.Host)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		if err := origins.Check(r); err != nil {
			k.problem(w, r, templates.Problem{Status: http.StatusForbidden})
			return
		}
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/x-www-form-urlencoded" {
			k.problem(w, r, templates.Problem{Status: http.StatusForbidden})
			return
		}
		if err := r.ParseForm(); err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				k.problem(w, r, templates.Problem{Status: http.StatusRequestEntityTooLarge})
				return
			}
			k.problem(w, r, templates.Problem{Status: http.StatusBadRequest})
			return
		}
		if !k.tokenFits(r) {
			k.problem(w, r, templates.Problem{Status: http.StatusForbidden})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tokenFits compares the body's one token with the browser's.
func (k *Kit) tokenFits(r *http.Request) bool {
	if len(k.FormKey) < minFormKey {
		return false
	}
	browser, ok := k.knownBrowser(r)
	given := r.PostForm[FormTokenField]
	if !ok || len(given) != 1 {
		return false
	}
	return hmac.Equal([]byte(given[0]), []byte(k.FormToken(browser)))
}
