package main

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/text/language"

	"kejitong/provider/challenge"
	"kejitong/provider/keys"
	"kejitong/provider/notify"
	"kejitong/provider/outbox"
	"kejitong/templates"
)

// challenges builds what tells people something and what asks them for a proof;
// a.messages, a.captchas and a.codes serve every surface.
func (a *app) challenges(render *templates.Renderer) {
	say := func(locale, key string, args []string) string {
		text := templates.Text{Key: key}
		for _, arg := range args {
			text.Args = append(text.Args, arg)
		}
		tag, err := language.Parse(locale)
		if err != nil {
			tag = templates.Chinese
		}
		return render.Say(tag, text)
	}
	a.messages = &notify.Service{Store: a.db, Senders: a.senders, Say: say, Attempts: a.runner.Attempts, Now: a.clock, Log: a.log}
	a.runner.Handlers[outbox.Message] = func(ctx context.Context, t outbox.Task) error {
		var n outbox.Note
		if err := json.Unmarshal([]byte(t.Payload), &n); err != nil {
			return fmt.Errorf("read the task: %w", err)
		}
		return a.messages.Deliver(ctx, n.Message, t.Attempts)
	}
	a.db.Promised = a.runner.Wake
	mac := func(parts ...string) []byte { return a.ring.Snapshot().MAC(keys.Challenge, parts...) }
	a.captchas = &challenge.Easel{Store: a.db, MAC: mac, Now: a.clock, Always: a.captcha}
	a.codes = &challenge.Desk{Store: a.db, Queue: a.messages, MAC: mac, Now: a.clock, Log: a.log, Caps: a.caps}
}
