package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"kejitong/provider/fault"
	"kejitong/provider/webhook"
)

// webhookCommand is what an operator does to endpoints that are told of changes.
func webhookCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "webhook", []command{
		{"add", "tell an address of changes: --url URL --event TYPE [--client ID]", webhookAdd},
		{"list", "list the addresses", webhookList},
		{"events", "set what one is told: --id ID --event TYPE", webhookEvents},
		{"pause", "send nothing to one for a while; what happens is kept for it: --id ID", webhookPause},
		{"resume", "let one that is paused or disabled be told again, beginning with what was kept: --id ID", webhookResume},
		{"redeliver", "send a delivery that is over once more: --id ID --delivery ID", webhookRedeliver},
		{"rotate", "give one a new secret; the former one signs as well for a day: --id ID", webhookRotate},
		{"remove", "tell it nothing any more: --id ID", webhookRemove},
		{"log", "show what it was told: --id ID", webhookLog},
	}, args, out)
}

// webhookReport is what the commands print of an endpoint; the secret only when it
// was just made.
type webhookReport struct {
	ID     string         `json:"id"`
	Client string         `json:"client_id"`
	URL    string         `json:"url"`
	Events []webhook.Type `json:"events"`

	State   webhook.Standing `json:"state"`
	Why     string           `json:"why,omitempty"`           // it is disabled
	Failing string           `json:"failing_since,omitempty"` // RFC 3339
	Skipped int64            `json:"skipped,omitempty"`
	Secret  string           `json:"secret,omitempty"`
}

func reportHook(e webhook.Endpoint) webhookReport {
	return webhookReport{ID: e.ID, Client: e.Client, URL: e.URL, Events: e.Events, State: e.Standing, Why: e.Why, Failing: rfc3339(e.FailingSince), Skipped: e.Skipped}
}

func (r webhookReport) text(did string) string {
	s := fmt.Sprintf("webhook %s %s: %s", r.ID, did, r.URL)
	if r.Secret != "" {
		s += "\nsecret (shown this once): " + r.Secret
	}
	return s
}

func blameHook(err error) error {
	var f *fault.Error
	switch {
	case errors.As(err, &f) && f.Kind == fault.Invalid && f.Field != "":
		flag := map[string]string{"url": "url", "events": "event", "client_id": "client"}[f.Field]
		return refuse(flag, "", f.Msg)
	case fault.Is(err, fault.NotFound):
		return refuse("id", "", "there is no such webhook; kejitong webhook list shows them")
	case errors.As(err, &f) && hookConflicts[f.Msg] != "":
		return refuse("id", "", hookConflicts[f.Msg])
	}
	return err
}

// hookConflicts says in words what an endpoint does not let one do.
var hookConflicts = map[string]string{
	webhook.MsgSame:     "it stands so already; kejitong webhook list shows how",
	webhook.MsgMany:     "its owner has ten already, which is all there may be",
	webhook.MsgResume:   "it is told nothing until it is resumed: kejitong webhook resume",
	webhook.MsgUnderway: "the delivery is on its way; kejitong webhook log shows it",
}

func webhookAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook add", out)
	url := f.String("url", "", "https address that is posted to")
	owner := f.String("client", "", "client whose it is; it learns of accounts that it knows, by its subjects (default: the operator's, by internal ids)")
	var events many
	f.Var(&events, "event", "account.verified, grant.changed or client.changed (repeatable; default all)")
	if err := f.read(args); err != nil {
		return err
	}
	kinds := webhook.Types()
	if len(events) > 0 {
		kinds = typedAs[webhook.Type](split(strings.Join(events, ",")))
	}
	return inVault(ctx, f.config, func(a *app) error {
		e, err := a.webhooks().Add(ctx, "operator", webhook.NewID(), *owner, *url, kinds)
		if err != nil {
			return blameHook(err)
		}
		r := reportHook(e)
		r.Secret = webhook.Text(e.Secret)
		return f.print(r, r.text("added"))
	})
}

func webhookList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook list", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		list := []webhookReport{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tCLIENT\tSTATE\tFAILING SINCE\tEVENTS\tURL")
		for after := ""; ; {
			all, err := a.db.Endpoints(ctx, "", true, after, 100)
			if err != nil {
				return err
			}
			for _, e := range all {
				after = e.ID
				r := reportHook(e)
				list = append(list, r)
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%v\t%s\n", r.ID, r.Client, strings.TrimSpace(string(r.State)+" "+r.Why), r.Failing, r.Events, r.URL)
			}
			if len(all) < 100 {
				break
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}

func webhookRotate(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook rotate", out)
	id := f.String("id", "", "id of the webhook")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		e, err := a.webhooks().Rotate(ctx, "operator", *id, webhook.Any)
		if err != nil {
			return blameHook(err)
		}
		r := reportHook(e)
		r.Secret = webhook.Text(e.Secret)
		return f.print(r, r.text("has a new secret"))
	})
}

func webhookRemove(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook remove", out)
	id := f.String("id", "", "id of the webhook")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		if err := a.webhooks().Remove(ctx, "operator", *id); err != nil {
			return blameHook(err)
		}
		return f.print(map[string]string{"removed": *id}, "webhook "+*id+" removed")
	})
}

func webhookLog(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook log", out)
	id := f.String("id", "", "id of the webhook")
	if err := f.read(args); err != nil {
		return err
	}
	type line struct {
		ID       string `json:"id"`
		Event    string `json:"event"`
		State    string `json:"state"`
		Attempts int    `json:"attempts"`
		Status   int    `json:"status"`
		Problem  string `json:"problem,omitempty"`
		At       string `json:"at"`
	}
	return inVault(ctx, f.config, func(a *app) error {
		if _, err := a.db.Endpoint(ctx, *id); err != nil {
			return blameHook(err)
		}
		all, err := a.db.Deliveries(ctx, *id, webhook.Newest(), "", 100)
		if err != nil {
			return err
		}
		list := []line{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "AT\tEVENT\tSTATE\tTRIES\tANSWER\tID")
		for _, d := range all {
			list = append(list, line{d.ID, string(d.Event), string(d.State), d.Attempts, d.Status, d.Problem, rfc3339(d.CreatedAt)})
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d %s\t%s\n", rfc3339(d.CreatedAt), d.Event, d.State, d.Attempts, d.Status, d.Problem, d.ID)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}
