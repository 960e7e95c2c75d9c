package main

import (
	"kejitong/provider/challenge"
	"kejitong/provider/notify"
)

// demoCaptcha is the answer that every captcha of the demonstration takes.
const demoCaptcha = "2026"

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
}
