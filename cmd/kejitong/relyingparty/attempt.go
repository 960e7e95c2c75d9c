package relyingparty

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const (
	attemptLife = 10 * time.Minute
	attemptTabs = 6 // sign-ins under way in one browser; a seventh displaces the oldest
)

// attempt is one sign-in under way. It travels sealed in a cookie of its own,
// so that several tabs do not disturb one another and nobody can fill our
// memory by starting sign-ins.
type attempt struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`           // PKCE, RFC 7636
	Silent   bool   `json:"q,omitempty"` // prompt=none: nobody was asked anything
	Unit     string `json:"u,omitempty"` // the USCC that org_hint pinned
	Target   string `json:"t,omitempty"` // path of ours to land on, "/" if empty
	Began    int64  `json:"b"`           // seconds
}

const attemptPurpose = "try-"

func (v *server) attemptCookie(state string) string {
	sum := sha256.Sum256([]byte(state))
	return v.cookieName(attemptPurpose + hex.EncodeToString(sum[:6]))
}

// keep writes the attempt into its cookie.
func (v *server) keep(w http.ResponseWriter, a attempt) error {
	plain, err := json.Marshal(a)
	if err != nil {
		return err
	}
	name := v.attemptCookie(a.State)
	nonce := make([]byte, v.seal.NonceSize())
	_, _ = rand.Read(nonce)
	sealed := v.seal.Seal(nonce, nonce, plain, []byte(name))
	v.setCookie(w, name, base64.RawURLEncoding.EncodeToString(sealed), int(attemptLife/time.Second))
	return nil
}

// recall finds the attempt that a state belongs to, in this browser, and
// removes its cookie: an attempt is answered once.
func (v *server) recall(w http.ResponseWriter, r *http.Request, state string) (attempt, bool) {
	name := v.attemptCookie(state)
	c, err := r.Cookie(name)
	if err != nil {
		return attempt{}, false
	}
	v.setCookie(w, name, "", -1)
	a, ok := v.open(c)
	return a, ok && subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1
}

func (v *server) open(c *http.Cookie) (attempt, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(sealed) < v.seal.NonceSize() {
		return attempt{}, false
	}
	n := v.seal.NonceSize()
	plain, err := v.seal.Open(nil, sealed[:n], sealed[n:], []byte(c.Name))
	if err != nil {
		return attempt{}, false
	}
	var a attempt
	if err := json.Unmarshal(plain, &a); err != nil {
		return attempt{}, false
	}
	return a, v.Now().Sub(time.Unix(a.Began, 0)) < attemptLife
}

// makeRoom deletes attempts that nobody will answer any more, and the oldest
// where there are too many: a browser sends all of them with every request.
func (v *server) makeRoom(w http.ResponseWriter, r *http.Request) {
	prefix := v.cookieName(attemptPurpose)
	type tab struct {
		name  string
		began int64
	}
	var live []tab
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, prefix) {
			continue
		}
		if a, ok := v.open(c); ok {
			live = append(live, tab{c.Name, a.Began})
		} else {
			v.setCookie(w, c.Name, "", -1)
		}
	}
	for len(live) >= attemptTabs {
		oldest := 0
		for i := range live {
			if live[i].began < live[oldest].began {
				oldest = i
			}
		}
		v.setCookie(w, live[oldest].name, "", -1)
		live = append(live[:oldest], live[oldest+1:]...)
	}
}
