package main

import (
	"encoding/json"
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider"
	"kejitong/provider/challenge"
	"kejitong/provider/notify"
	"kejitong/provider/web"
	"kejitong/templates"
)

// demoCaptcha is the answer that every captcha of the demonstration takes.
const demoCaptcha = "2026"

// Where the demonstration shows its messages, to people and to scripts.
const (
	outboxPage = "/outbox"
	outboxJSON = "/outbox.json"
)

// demoCaps let a visitor ask for as many codes from one machine as he likes; the
// caps on each number stand.
var demoCaps = challenge.Caps{PerAddress: 500}

// equip gives the demonstration's provider what no other may have: a captcha with
// a known answer, and a gateway that only shows what it was given.
func (s *performance) equip(a *app) {
	clock := a.clock
	if clock == nil {
		clock = now
	}
	if s.console == nil { // replicas share one
		s.console = &notify.Console{Now: clock}
	}
	a.captcha, a.caps = demoCaptcha, demoCaps
	a.senders = map[notify.Channel]notify.Sender{notify.SMS: s.console, notify.Email: s.console}
	a.beside = func(kit *web.Kit) provider.Surface { return &showcase{web: kit, console: s.console} }
}

// showcase is the pages that only the demonstration has.
type showcase struct {
	web     *web.Kit
	console *notify.Console
}

// Mount implements provider.Surface.
func (s *showcase) Mount(r *mux.Router) {
	r.HandleFunc(outboxPage, s.outbox).Methods(http.MethodGet)
	r.HandleFunc(outboxJSON, s.outboxJSON).Methods(http.MethodGet)
}

func (s *showcase) outbox(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("format") == "json" {
		s.outboxJSON(w, r)
		return
	}
	p := templates.Outbox{JSONURL: outboxJSON}
	for _, m := range s.console.Shown() {
		p.Messages = append(p.Messages, templates.OutMessage{
			To: m.To, Email: m.Channel == notify.Email, Subject: m.Subject, Text: m.Text, Code: m.Code, At: m.At,
		})
	}
	s.web.Show(w, r, http.StatusOK, p)
}

func (s *showcase) outboxJSON(w http.ResponseWriter, r *http.Request) {
	shown := s.console.Shown()
	if shown == nil {
		shown = []notify.Shown{}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(shown); err != nil && r.Context().Err() == nil {
		s.web.Log.Error("outbox", "error", err)
	}
}
