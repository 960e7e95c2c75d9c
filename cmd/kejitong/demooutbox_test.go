package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"kejitong/provider/notify"
	"kejitong/store/storetest"
)

// What was sent is shown once it was delivered, and by the demonstration alone.
func TestTheDemonstrationShowsItsMessages(t *testing.T) {
	s := newStage(t, storetest.SQLite(t), nil)
	m := notify.Message{ID: "request-1", Channel: notify.SMS, To: "+8618700001111", Purpose: "code_reset", Args: []string{"204816", "5"}, Code: "204816"}
	for range 2 { // the same request is no second message
		if err := s.app.messages.Queue(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := s.await(m.To, 1)
	if got.Code != "204816" || got.Text != "验证码 204816，您正在重设密码，5 分钟内有效。请勿告知他人；如非本人操作，请忽略。" {
		t.Errorf("%+v", got)
	}
	res, err := http.Get(s.issuer + "/outbox?format=json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var shown []map[string]any
	if err := json.NewDecoder(res.Body).Decode(&shown); err != nil || len(shown) != 1 {
		t.Fatalf("%v %v", shown, err)
	}
	for _, member := range []string{"to", "channel", "purpose", "text", "code", "at"} {
		if shown[0][member] == "" {
			t.Errorf("no %s in %v", member, shown[0])
		}
	}
	if status := s.statusOf(t, "/outbox"); status != http.StatusOK {
		t.Errorf("/outbox: %d", status)
	}
	plain := newRig(t, storetest.SQLite(t), nil, func(a *app) { a.beside = nil })
	for _, path := range []string{"/outbox", "/outbox.json"} {
		if status := plain.statusOf(t, path); status != http.StatusNotFound {
			t.Errorf("%s outside the demonstration: %d", path, status)
		}
	}
}

func (s *stage) statusOf(t *testing.T, path string) int {
	t.Helper()
	res, err := http.Get(s.issuer + path)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
