package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// clientCommand is what an operator does to relying parties.
func clientCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "client", []command{
		{"add", "register a relying party: --id ID --name NAME --redirect-uri URI …", clientAdd},
		{"update", "change what the flags name of one: --id ID, and the flags of client add", clientUpdate},
		{"list", "list them", clientList},
		{"show", "show one with all its metadata: --id ID", clientShow},
		{"disable", "refuse it everywhere, within a second: --id ID", clientDisable},
		{"enable", "let it work again: --id ID", clientEnable},
		{"secret", "replace its secret at once: --id ID [--secret-file F]", clientSecret},
		{"rotate-secret", "give it a new secret beside the one it has: --id ID [--overlap 168h] [--end]", clientRotate},
		{"review", "say that somebody has looked at one that registered itself: --id ID", clientReview},
		{"preview", "what it would be told about a user: --id ID --login NAME [--scope SCOPES]", clientPreview},
		{"log", "why its requests failed lately: --id ID [--kind K]", clientLog},
		{"token", "add | list | revoke what lets systems register themselves: client token add --help", clientToken},
	}, args, out)
}

// clientReport is what the commands print of a client; never a secret, except
// the one that was just made.
type clientReport struct {
	ID          string                 `json:"client_id"`
	Secret      string                 `json:"client_secret,omitempty"`
	FormerUntil *time.Time             `json:"former_secret_until,omitempty"`
	Name        string                 `json:"client_name,omitempty"`
	State       client.State           `json:"state"`
	Reviewed    bool                   `json:"reviewed"`
	Method      string                 `json:"token_endpoint_auth_method"`
	Systems     []entitlement.SystemID `json:"business_systems,omitempty"`
	CreatedAt   time.Time              `json:"created_at"`
	UpdatedAt   time.Time              `json:"updated_at"`
	Metadata    *client.Metadata       `json:"metadata,omitempty"`
	Warnings    []string               `json:"warnings,omitempty"`
}

func reportClient(c *client.Client) clientReport {
	m := c.Metadata
	method := m.TokenEndpointAuthMethod
	if method == "" {
		method = client.AuthBasic
	}
	return clientReport{ID: c.ID, Name: m.Name, State: c.State, Reviewed: c.Reviewed, Method: method, Systems: m.BusinessSystems, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
}

func (r clientReport) text(did string) string {
	s := fmt.Sprintf("client %s %s: %s, %s, %s", r.ID, did, r.Name, r.State, r.Method)
	if r.Secret != "" {
		s += "\nsecret (shown this once): " + r.Secret
	}
	for _, w := range r.Warnings {
		s += "\nwarning: " + w
	}
	return s
}

func findClient(ctx context.Context, a *app, id string) (*client.Client, error) {
	if id == "" {
		return nil, missing("id", "the client id")
	}
	c, err := a.db.Client(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, refuse("id", id, "there is no such client; kejitong client list shows them")
	}
	return c, err
}

func clientList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client list", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		all, err := a.db.Clients(ctx)
		if err != nil {
			return err
		}
		list := []clientReport{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSTATE\tREVIEWED\tAUTHENTICATION\tSYSTEMS\tNAME")
		for i := range all {
			r := reportClient(&all[i])
			if !r.Reviewed {
				r.Warnings = doubts(&all[i], all, a)
			}
			list = append(list, r)
			systems := make([]string, 0, len(r.Systems))
			for _, s := range r.Systems {
				systems = append(systems, string(s))
			}
			reviewed := "yes"
			if !r.Reviewed {
				reviewed = "no" + strings.Repeat(" (look twice)", min(len(r.Warnings), 1))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.State, reviewed, r.Method, strings.Join(append(systems, "")[:max(len(systems), 1)], ","), r.Name)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}

func clientShow(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client show", out)
	id := f.String("id", "", "client id")
	if err := f.read(args); err != nil {
		return err
	}
	f.asJSON = true // metadata are a JSON document
	return inVault(ctx, f.config, func(a *app) error {
		c, err := findClient(ctx, a, *id)
		if err != nil {
			return err
		}
		r := reportClient(c)
		r.Metadata = &c.Metadata
		if !c.Reviewed {
			all, err := a.db.Clients(ctx)
			if err != nil {
				return err
			}
			r.Warnings = doubts(c, all, a)
		}
		return f.print(r, "")
	})
}

func clientDisable(ctx context.Context, args []string, out io.Writer) error {
	return switchClient(ctx, "disable", client.Disabled, args, out)
}

func clientEnable(ctx context.Context, args []string, out io.Writer) error {
	return switchClient(ctx, "enable", client.Active, args, out)
}

func switchClient(ctx context.Context, verb string, to client.State, args []string, out io.Writer) error {
	f := newSheet("client "+verb, out)
	id := f.String("id", "", "client id")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		c, err := findClient(ctx, a, *id)
		if err == nil && c.State != to {
			c, err = a.changeClient(ctx, c, string(to), func(c *client.Client) error {
				c.State = to
				return nil
			})
		}
		if err != nil {
			return err
		}
		r := reportClient(c)
		return f.print(r, r.text(verb+"d"))
	})
}

// platformNames are what no other system may be mistaken for.
func (a *app) platformNames() []string {
	return []string{a.cfg.Platform.NameZH, a.cfg.Platform.NameEN}
}

// doubts says why the name of a client that nobody reviewed deserves a second
// look.
func doubts(c *client.Client, all []client.Client, a *app) (out []string) {
	others := append(client.Names(all, func(o *client.Client) bool { return o.ID == c.ID }), a.platformNames()...)
	for _, d := range c.Metadata.Doubts(others...) {
		out = append(out, map[client.Doubt]string{
			client.SameName:      "the name reads like that of another system, or the platform's",
			client.MixedScripts:  "the name mixes alphabets whose letters look alike",
			client.OfficialWords: "the name sounds like an authority, and a redirect URI is not below .gov.cn",
		}[d])
	}
	return out
}

// clientReview is for clients that registered themselves: until somebody has
// looked at name, addresses and scopes, users are asked each time, with a
// warning.
func clientReview(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client review", out)
	id := f.String("id", "", "client id")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		c, err := findClient(ctx, a, *id)
		if err == nil && !c.Reviewed { // of what was looked at, not of what it became meanwhile
			c, err = a.changeClient(ctx, c, "reviewed", func(c *client.Client) error {
				c.Reviewed = true
				return nil
			})
		}
		if err != nil {
			return err
		}
		r := reportClient(c)
		return f.print(r, r.text("reviewed"))
	})
}

func clientDeed(kind audit.Kind, id, detail string) audit.Event {
	ev := deed(kind, id, detail)
	ev.Client = id
	return ev
}

// clientSecret replaces a secret; the old one stops working at once.
func clientSecret(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client secret", out)
	id := f.String("id", "", "client id")
	file := f.String("secret-file", "", "file that holds the new secret (default: one is made and printed, once)")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		c, err := findClient(ctx, a, *id)
		if err != nil {
			return err
		}
		if !c.Metadata.HasSecret() {
			return refuse("id", *id, "has no secret: its authentication is "+c.Metadata.TokenEndpointAuthMethod)
		}
		secret, made, err := secretFrom(*file)
		if err != nil {
			return err
		}
		c, err = a.changeClient(ctx, c, "secret", func(c *client.Client) error { return c.SetSecret(a.ring.Snapshot(), secret) })
		if err != nil {
			return err
		}
		r := reportClient(c)
		if made {
			r.Secret = secret
		}
		return f.print(r, r.text("has a new secret"))
	})
}

// secretFrom reads the secret from the file, or makes one.
func secretFrom(file string) (secret string, made bool, err error) {
	if file == "" {
		secret, err = client.NewSecret()
		return secret, true, err
	}
	if secret, err = readSecret("secret-file", file); err != nil {
		return "", false, err
	}
	if err := client.CheckSecret(secret); err != nil {
		return "", false, refuse("secret-file", file, err.Error()+"; or leave the flag out, and one is made")
	}
	return secret, false, nil
}
