package relyingparty

import (
	"bytes"
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	logoutTokenLimit = 16 << 10
	logoutTokenLife  = 5 * time.Minute // of ours, whatever exp says: jti are remembered so long
	logoutEvent      = "http://schemas.openid.net/event/backchannel-logout"
)

// backchannelLogout hears from the provider, server to server, that a session
// has ended (OIDC Back-Channel Logout 1.0, 2.6 to 2.8).
func (v *server) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	raw, err := logoutTokenOf(r)
	if err != nil {
		v.rejectLogout(w, r, http.StatusBadRequest, err)
		return
	}
	p, err := v.discovery.find(r.Context())
	if err != nil {
		w.Header().Set("Retry-After", "5")
		v.rejectLogout(w, r, http.StatusServiceUnavailable, errors.New("provider not reachable"))
		return
	}
	token, err := v.verifyLogoutToken(r.Context(), p, raw)
	if err != nil {
		v.rejectLogout(w, r, http.StatusBadRequest, err)
		return
	}
	n := v.sessions.endByProvider(token.SessionID, token.Subject)
	v.Log.InfoContext(r.Context(), "back-channel sign-out", "client", v.ClientID, "sessions", n)
	w.WriteHeader(http.StatusOK) // also where nobody was signed in: they are out, as asked
}

func logoutTokenOf(r *http.Request) (string, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return "", errors.New("body is not a form")
	}
	if err := r.ParseForm(); err != nil {
		return "", errors.New("body cannot be read")
	}
	tokens := r.PostForm["logout_token"]
	if len(tokens) != 1 || tokens[0] == "" || len(tokens[0]) > logoutTokenLimit {
		return "", errors.New("logout_token must stand once")
	}
	return tokens[0], nil
}

// verifyLogoutToken adds to go-oidc's checks (signature, iss, aud, exp, no
// nonce, sid or sub) those that it leaves to us: type, age, events, once.
func (v *server) verifyLogoutToken(ctx context.Context, p *provider, raw string) (*oidc.LogoutToken, error) {
	typ, err := headerType(raw)
	if err != nil {
		return nil, err
	}
	// Back-Channel Logout 2.4 recommends the type and this provider sends it:
	// nothing else that it signs can then be taken for a logout token.
	if typ != "logout+jwt" {
		return nil, fmt.Errorf("token of type %q is no logout token", typ)
	}
	token, err := p.Verifier(&oidc.Config{ClientID: v.ClientID, Now: v.Now}).VerifyLogout(v.outbound(ctx), raw)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := token.Claims(&members); err != nil {
		return nil, errors.New("claims cannot be read")
	}
	var events map[string]json.RawMessage
	if err := json.Unmarshal(members["events"], &events); err != nil || len(events) != 1 || !bytes.HasPrefix(events[logoutEvent], []byte("{")) {
		return nil, errors.New("events is not exactly the sign-out event")
	}
	if _, has := members["nonce"]; has {
		return nil, errors.New("a logout token has no nonce")
	}
	now := v.Now()
	if members["iat"] == nil || token.IssuedAt.After(now.Add(clockSkew)) || now.Sub(token.IssuedAt) > logoutTokenLife {
		return nil, errors.New("iat is missing, in the future or too old")
	}
	if !v.heard.first(token.TokenID) {
		return nil, errors.New("jti was seen before")
	}
	return token, nil
}

func (v *server) rejectLogout(w http.ResponseWriter, r *http.Request, status int, why error) {
	v.Log.WarnContext(r.Context(), "back-channel sign-out refused", "client", v.ClientID, "why", cut(why.Error(), 200))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": "logout token refused"})
}

// heard remembers the jti of logout tokens for as long as one could pass.
type heard struct {
	now func() time.Time

	mu    sync.Mutex
	by    map[string]bool
	order *list.List // of heardOne, oldest first
}

type heardOne struct {
	jti string
	at  time.Time
}

func newHeard(now func() time.Time) *heard {
	return &heard{now: now, by: map[string]bool{}, order: list.New()}
}

// first reports whether jti is new, and remembers it. Only verified tokens
// come this far, so the provider alone decides how many there are.
func (h *heard) first(jti string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	for e := h.order.Front(); e != nil && now.Sub(e.Value.(heardOne).at) > logoutTokenLife+2*clockSkew; e = h.order.Front() {
		delete(h.by, e.Value.(heardOne).jti)
		h.order.Remove(e)
	}
	if h.by[jti] {
		return false
	}
	h.by[jti] = true
	h.order.PushBack(heardOne{jti, now})
	return true
}
