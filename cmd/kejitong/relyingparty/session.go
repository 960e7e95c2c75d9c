package relyingparty

import (
	"container/list"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

const (
	sessionLife = 8 * time.Hour
	sessionIdle = 30 * time.Minute
	sessionMost = 10_000
)

// ending says whether and by whom a session was ended.
type ending int

const (
	live ending = iota
	endedHere
	endedByProvider
)

// session is one signed-in browser. An ended one stays as a marker without
// tokens until it expires or the browser signs in again, so that the next page
// can say what happened.
type session struct {
	who        identity
	idToken    string // as it came, for id_token_hint
	idJSON     string
	infoJSON   string
	nonce      string
	refresh    string
	access     string
	accessEnds time.Time // zero where the provider did not say

	introspection string
	note          string

	ended   ending
	endedAt time.Time
	leaving string // state of a sign-out under way
	heard   int    // back-channel sign-outs received for this browser

	began, seen time.Time
	hash        [sha256.Size]byte
	turn        chan struct{} // held by the one request that may use the refresh token
}

// sessions keeps sessions by the hash of their key, oldest first.
type sessions struct {
	now func() time.Time

	mu    sync.Mutex
	by    map[[sha256.Size]byte]*list.Element
	order *list.List // of *session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, by: map[[sha256.Size]byte]*list.Element{}, order: list.New()}
}

// begin stores a session under a new key and returns the key; what the browser
// had under its former key is gone, but for the count of sign-outs.
func (s *sessions) begin(former string, fresh session) string {
	key := secret()
	fresh.hash = sha256.Sum256([]byte(key))
	fresh.turn = make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh.began, fresh.seen = s.now(), s.now()
	if old, ok := s.by[sha256.Sum256([]byte(former))]; ok {
		fresh.heard = old.Value.(*session).heard
		s.drop(old)
	}
	for e := s.order.Front(); e != nil && (s.order.Len() >= sessionMost || s.expired(e.Value.(*session))); e = s.order.Front() {
		s.drop(e)
	}
	s.by[fresh.hash] = s.order.PushBack(&fresh)
	return key
}

func (s *sessions) drop(e *list.Element) {
	delete(s.by, e.Value.(*session).hash)
	s.order.Remove(e)
}

func (s *sessions) expired(one *session) bool {
	return s.now().Sub(one.began) >= sessionLife || s.now().Sub(one.seen) >= sessionIdle
}

// find returns a copy of the session, live or ended.
func (s *sessions) find(key string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.by[sha256.Sum256([]byte(key))]
	if !ok {
		return session{}, false
	}
	one := e.Value.(*session)
	if s.expired(one) {
		s.drop(e)
		return session{}, false
	}
	one.seen = s.now()
	return *one, true
}

// change applies f to a session that is still live.
func (s *sessions) change(hash [sha256.Size]byte, f func(*session)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.by[hash]
	if !ok || e.Value.(*session).ended != live {
		return false
	}
	f(e.Value.(*session))
	return true
}

// end turns a live session into its marker.
func (s *sessions) end(hash [sha256.Size]byte, leaving string) bool {
	return s.change(hash, func(one *session) {
		one.forget(endedHere, s.now())
		one.leaving = leaving
	})
}

// endByProvider ends every session of that sid, or of that subject where sid
// is empty, and returns how many were live. A browser that signed itself out
// is counted as told, too.
func (s *sessions) endByProvider(sid, subject string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := 0
	for e := s.order.Front(); e != nil; e = e.Next() {
		one := e.Value.(*session)
		if (sid != "" && one.who.SID != sid) || (subject != "" && one.who.Subject != subject) {
			continue
		}
		switch {
		case one.ended == live:
			one.forget(endedByProvider, s.now())
			one.heard++
			ended++
		case one.ended == endedHere:
			one.heard++
		}
	}
	return ended
}

// forget leaves nothing of a session but who may be told about its end.
func (one *session) forget(how ending, at time.Time) {
	one.ended, one.endedAt = how, at
	one.who = identity{claims: claims{Subject: one.who.Subject, SID: one.who.SID}}
	one.idToken, one.idJSON, one.infoJSON, one.nonce = "", "", "", ""
	one.refresh, one.access, one.introspection, one.note = "", "", "", ""
}

// arrived closes a sign-out under way, once.
func (s *sessions) arrived(key, state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.by[sha256.Sum256([]byte(key))]
	if !ok || state == "" || e.Value.(*session).leaving != state {
		return false
	}
	e.Value.(*session).leaving = ""
	return true
}

func (v *server) sessionKey(r *http.Request) string {
	c, err := r.Cookie(v.cookieName("session"))
	if err != nil {
		return ""
	}
	return c.Value
}

// current is the live session of the browser.
func (v *server) current(r *http.Request) (session, bool) {
	one, ok := v.sessions.find(v.sessionKey(r))
	return one, ok && one.ended == live
}
