package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kejitong/provider/fault"
	"kejitong/provider/webhook"
)

// hookDeed is a command that does something to one endpoint.
func hookDeed(ctx context.Context, f *sheet, id *string, args []string, do func(ctx context.Context, a *app, hooks *webhook.Service) (webhook.Endpoint, string, error)) error {
	if err := f.read(args); err != nil {
		return err
	}
	if *id == "" {
		return missing("id", "the webhook; kejitong webhook list shows the ids")
	}
	return inVault(ctx, f.config, func(a *app) error {
		e, did, err := do(ctx, a, a.webhooks())
		if err != nil {
			return blameHook(err)
		}
		r := reportHook(e)
		return f.print(r, r.text(did))
	})
}

func webhookEvents(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook events", out)
	id := f.String("id", "", "id of the webhook")
	var events many
	f.Var(&events, "event", "account.verified, grant.changed or client.changed (repeatable)")
	return hookDeed(ctx, f, id, args, func(ctx context.Context, _ *app, hooks *webhook.Service) (webhook.Endpoint, string, error) {
		e, err := hooks.Ask(ctx, "operator", *id, webhook.Any, typedAs[webhook.Type](split(strings.Join(events, ","))))
		return e, fmt.Sprintf("is told %v", e.Events), err
	})
}

func webhookPause(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook pause", out)
	id := f.String("id", "", "id of the webhook")
	return hookDeed(ctx, f, id, args, func(ctx context.Context, _ *app, hooks *webhook.Service) (webhook.Endpoint, string, error) {
		e, err := hooks.Pause(ctx, "operator", *id, webhook.Any)
		return e, "is paused", err
	})
}

func webhookResume(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook resume", out)
	id := f.String("id", "", "id of the webhook")
	return hookDeed(ctx, f, id, args, func(ctx context.Context, _ *app, hooks *webhook.Service) (webhook.Endpoint, string, error) {
		e, n, err := hooks.Resume(ctx, "operator", *id, webhook.Any)
		return e, fmt.Sprintf("is told again, beginning with %d events that were kept", n), err
	})
}

func webhookRedeliver(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("webhook redeliver", out)
	id := f.String("id", "", "id of the webhook")
	delivery := f.String("delivery", "", "id of the delivery, as webhook log shows it")
	return hookDeed(ctx, f, id, args, func(ctx context.Context, a *app, hooks *webhook.Service) (e webhook.Endpoint, did string, err error) {
		if *delivery == "" {
			return e, "", missing("delivery", "what is sent again; kejitong webhook log shows the ids")
		}
		if e, err = a.db.Endpoint(ctx, *id); err != nil {
			return e, "", err
		}
		err = hooks.Redeliver(ctx, "operator", *id, *delivery)
		if fault.Is(err, fault.NotFound) {
			return e, "", refuse("delivery", "", "the webhook has no such delivery")
		}
		return e, "is sent " + *delivery + " once more", err
	})
}
