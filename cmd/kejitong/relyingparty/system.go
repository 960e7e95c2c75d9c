package relyingparty

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// System is one business system as it is registered at the provider.
type System struct {
	Name   string // shown to people, Chinese
	NameEN string // shown small beneath it
	Code   string // the platform's code of the business system, such as hightech_enterprise; grants read "<Code>:<action>"

	Issuer       string // exactly as the provider's discovery document says it
	ClientID     string
	ClientSecret string   // sent by client_secret_basic
	BaseURL      string   // scheme and authority under which browsers reach this system; redirect URI is BaseURL + "/cb"
	Scopes       []string // openid is added where it is missing
	ACRValues    []string // optional, sent as acr_values (OIDC Core 3.1.2.1)

	HTTP *http.Client     // to the provider; nil means one with a ten second timeout
	Now  func() time.Time // nil means time.Now
	Log  *slog.Logger     // nil means silence
}

// Handler serves the system. It asks the provider for nothing until somebody
// signs in, so it may start first. It panics if BaseURL is not an absolute
// http or https URL.
func (s *System) Handler() http.Handler {
	base, err := url.Parse(strings.TrimSuffix(s.BaseURL, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") || base.Path != "" {
		panic("relyingparty: BaseURL must be a scheme and an authority: " + s.BaseURL)
	}
	v := &server{System: *s, base: base, look: lookOf(s.Code), seal: newSeal()}
	v.BaseURL = base.String()
	if v.Now == nil {
		v.Now = time.Now
	}
	if v.Log == nil {
		v.Log = slog.New(slog.DiscardHandler)
	}
	v.client = bounded(s.HTTP)
	v.discovery = &discovery{issuer: s.Issuer, client: v.client, now: v.Now}
	v.sessions = newSessions(v.Now)
	v.heard = newHeard(v.Now)
	v.css = v.look.stylesheet()
	v.pages = parsePages()
	return v.routes()
}

type server struct {
	System
	base      *url.URL
	client    *http.Client
	discovery *discovery
	sessions  *sessions
	heard     *heard
	seal      cipher.AEAD
	look      look
	css       []byte
	pages     pages
}

func (v *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", v.home)
	mux.HandleFunc("GET /state.json", v.state)
	mux.HandleFunc("GET /login", v.login)
	mux.HandleFunc("POST /login", v.login) // OIDC Core 4: a portal may post its wish to start a sign-in
	mux.HandleFunc("GET /cb", v.callback)
	mux.HandleFunc("GET /signed-out", v.signedOut)
	mux.HandleFunc("GET /style.css", v.stylesheet)
	mux.HandleFunc("GET /icon.svg", v.icon)
	mux.HandleFunc("POST /backchannel-logout", v.backchannelLogout)

	ours := http.NewCrossOriginProtection()
	ours.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.refuse(w, r, foreignForm()) }))
	for path, do := range map[string]http.HandlerFunc{"/refresh": v.refresh, "/introspect": v.introspect, "/logout": v.logout} {
		mux.Handle("POST "+path, ours.Handler(do))
	}
	for _, path := range []string{"/refresh", "/introspect", "/logout", "/backchannel-logout"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", http.MethodPost)
			v.refuse(w, r, wrongMethod())
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { v.refuse(w, r, noSuchPage()) })
	return v.guard(mux)
}

const bodyLimit = 64 << 10

// guard sets what every answer carries and bounds what every request may send.
func (v *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "+v.formTargets())
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if v.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		next.ServeHTTP(w, r)
	})
}

// formTargets lists where our forms may lead: to ourselves, and through
// sign-in and sign-out to the provider, since Chromium checks every hop of the
// redirects that a form causes.
func (v *server) formTargets() string {
	targets := []string{"'self'"}
	urls := []string{v.Issuer}
	if p := v.discovery.known(); p != nil {
		urls = append(urls, p.Endpoint().AuthURL, p.meta.EndSession)
	}
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || strings.ContainsAny(u.Host, ";,'\" ") {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; origin != targets[len(targets)-1] {
			targets = append(targets, origin)
		}
	}
	return strings.Join(targets, " ")
}

func (v *server) secure() bool { return v.base.Scheme == "https" }

// cookieName carries the client id, because cookies do not tell ports apart
// and two systems of a demonstration share a host.
func (v *server) cookieName(purpose string) string {
	id := v.ClientID
	if strings.IndexFunc(id, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) >= 0 {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:8])
	}
	name := "rp." + id + "." + purpose
	if v.secure() {
		name = "__Host-" + name
	}
	return name
}

// setCookie sets a cookie of this host for maxAge seconds; 0 means until the
// browser closes, less than 0 deletes it.
func (v *server) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		Secure: v.secure(), SameSite: http.SameSiteLaxMode})
}

// misnamed answers with where to go instead when a browser came to this
// machine by another of its loopback names: the cookies of 127.0.0.1 are not
// those of localhost. Other hosts are left to the proxy in front.
func (v *server) misnamed(r *http.Request) (string, bool) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil || r.Method != http.MethodGet || port != v.base.Port() || host == v.base.Hostname() || !loopback(host) || !loopback(v.base.Hostname()) {
		return "", false
	}
	return v.BaseURL + r.URL.RequestURI(), true
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func newSeal() cipher.AEAD {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails since Go 1.24: it ends the process instead
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// secret is 256 random bits in base64url.
func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
