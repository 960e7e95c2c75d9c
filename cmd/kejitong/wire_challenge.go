package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
	"golang.org/x/text/language"

	"kejitong/config"
	"kejitong/provider"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/keys"
	"kejitong/provider/notify"
	"kejitong/provider/outbox"
	"kejitong/provider/web/interact"
	"kejitong/templates"
)

// challenges builds what tells people something and what asks them for a proof;
// a.captchas and a.codes serve every surface.
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
	if a.senders == nil {
		a.senders = a.drivers()
	}
	if a.caps == (challenge.Caps{}) {
		a.caps = challenge.Caps{PerAddress: a.cfg.Notify.SMS.PerAddress, Global: a.cfg.Notify.SMS.PerHour}
	}
	a.watch = &credential.Watch{Store: a.db, Now: a.clock, Log: a.log}
	a.messages.Senders, a.messages.Say = a.senders, say
	a.runner.Handlers[outbox.Message] = func(ctx context.Context, t outbox.Task) error {
		var n outbox.Note
		if err := json.Unmarshal([]byte(t.Payload), &n); err != nil {
			return fmt.Errorf("read the task: %w", err)
		}
		return a.messages.Deliver(ctx, n.Message, t.Last)
	}
	a.db.Promised = a.runner.Wake
	mac := func(parts ...string) []byte { return a.ring.Snapshot().MAC(keys.Challenge, parts...) }
	a.captchas = &challenge.Easel{Store: a.db, MAC: mac, Now: a.clock, Always: a.captcha}
	a.codes = &challenge.Desk{Store: a.db, Queue: a.messages, MAC: mac, Now: a.clock, Log: a.log, Caps: a.caps}
}

// ways are the pages that the sign-in page leads to, as far as a surface has them.
func ways(surfaces []provider.Surface) interact.Ways {
	r := mux.NewRouter()
	for _, s := range surfaces {
		s.Mount(r)
	}
	there := func(path string) string {
		q, err := http.NewRequest(http.MethodGet, path, http.NoBody)
		if err != nil || !r.Match(q, &mux.RouteMatch{}) {
			return ""
		}
		return path
	}
	return interact.Ways{Forgot: there("/forgot"), ForgotName: there("/forgot/name"), Register: there("/register"), Lookup: there("/lookup")}
}

// The addresses of the providers, where the configuration names no other.
const (
	aliyunSMS  = "https://dysmsapi.aliyuncs.com"
	tencentSMS = "https://sms.tencentcloudapi.com"
)

// drivers are how messages travel, as the configuration has it. A channel without
// one is tried again until the message is of no use any more, and the log says so.
func (a *app) drivers() map[notify.Channel]notify.Sender {
	out := map[notify.Channel]notify.Sender{}
	s, client := a.cfg.Notify.SMS, notify.Client(a.cfg.Notify.SMS.Timeout)
	var templates []notify.Template
	for _, one := range s.Templates {
		purpose, id, _ := strings.Cut(one, "=") // validated
		templates = append(templates, notify.Template{Purpose: purpose, ID: id})
	}
	endpoint := func(usual string) string {
		if s.Endpoint != "" {
			return strings.TrimSuffix(s.Endpoint, "/")
		}
		return usual
	}
	switch s.Driver {
	case config.SMSGateway:
		out[notify.SMS] = &notify.Gateway{Endpoint: s.Endpoint, Key: s.Key.Bytes(), HTTP: client, Now: a.clock}
	case config.SMSAliyun:
		out[notify.SMS] = &notify.Aliyun{
			Endpoint: endpoint(aliyunSMS), KeyID: s.KeyID, KeySecret: s.Key.Bytes(), Signature: s.Signature, Templates: templates, HTTP: client, Now: a.clock,
		}
	case config.SMSTencent:
		out[notify.SMS] = &notify.Tencent{
			Endpoint: endpoint(tencentSMS), Region: s.Region, KeyID: s.KeyID, KeySecret: s.Key.Bytes(), AppID: s.AppID, Signature: s.Signature,
			Templates: templates, HTTP: client, Now: a.clock,
		}
	}
	if e := a.cfg.Notify.Email; e.Server != "" {
		out[notify.Email] = &notify.SMTP{
			Address: e.Server, Implicit: e.Security == "tls", Username: e.Username, Password: e.Password.Bytes(), From: e.From, Roots: a.roots,
			Timeout: e.Timeout, Now: a.clock,
		}
	}
	return out
}
