package relyingparty

import (
	"testing"
	"time"
)

func TestSessionsAreBounded(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	s := newSessions(func() time.Time { return at })
	first := s.begin("", session{})
	second := s.begin("", session{})
	for range sessionMost - 1 {
		s.begin("", session{})
	}
	if len(s.by) != sessionMost || s.order.Len() != sessionMost {
		t.Errorf("%d sessions, %d in order, want %d", len(s.by), s.order.Len(), sessionMost)
	}
	if _, ok := s.find(first); ok {
		t.Error("the oldest was kept")
	}
	if _, ok := s.find(second); !ok {
		t.Error("the second oldest was dropped")
	}
	at = at.Add(sessionLife)
	s.begin("", session{})
	if len(s.by) != 1 {
		t.Errorf("%d sessions after all expired but one", len(s.by))
	}
}

func TestEndedSessionKeepsNoToken(t *testing.T) {
	s := newSessions(time.Now)
	key := s.begin("", session{idToken: "t", idJSON: "t", infoJSON: "t", nonce: "t", refresh: "t", access: "t", introspection: "t",
		who: identity{claims: claims{Subject: "u", SID: "s", Org: &unit{USCC: "x"}}, name: "n", grants: []string{"g"}}})
	if n := s.endByProvider("s", "u"); n != 1 {
		t.Fatalf("%d ended", n)
	}
	one, ok := s.find(key)
	if !ok || one.ended != endedByProvider {
		t.Fatal("no marker")
	}
	if one.idToken+one.idJSON+one.infoJSON+one.nonce+one.refresh+one.access+one.introspection+one.who.name != "" || one.who.Org != nil || one.who.grants != nil {
		t.Errorf("marker holds %+v", one)
	}
	if s.change(one.hash, func(*session) {}) {
		t.Error("an ended session was changed")
	}
}
