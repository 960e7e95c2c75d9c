package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// clientToken is what an operator does to initial access tokens.
func clientToken(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "client token", []command{
		{"add", "let systems register themselves (RFC 7591): --note WHO --max-uses N --days N [--policy-file F | flags]", clientTokenAdd},
		{"list", "list the tokens and how often each was used", clientTokenList},
		{"revoke", "let a token register nobody any more: --id ID", clientTokenRevoke},
	}, args, out)
}

// Bounds of an initial access token.
const (
	maxTokenUses = 1000000
	maxTokenDays = 1000
)

// tokenReport is what the commands print of an initial access token; its text
// only when it was just made.
type tokenReport struct {
	ID        string        `json:"id"`
	Token     string        `json:"initial_access_token,omitempty"`
	Note      string        `json:"note"`
	State     string        `json:"state"`
	Uses      int64         `json:"uses"`
	MaxUses   int64         `json:"max_uses"`
	Policy    client.Policy `json:"policy"`
	CreatedAt time.Time     `json:"created_at"`
	ExpiresAt time.Time     `json:"expires_at"`
}

func reportToken(t client.InitialToken) tokenReport {
	r := tokenReport{ID: t.ID, Note: t.Note, State: "active", Uses: t.Uses, MaxUses: t.MaxUses, Policy: t.Policy, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	switch {
	case t.Revoked:
		r.State = "revoked"
	case !now().Before(t.ExpiresAt):
		r.State = "expired"
	case t.Uses >= t.MaxUses:
		r.State = "used up"
	}
	return r
}

// policyFlags are the flags of client token add that make a policy.
type policyFlags struct {
	*sheet
	note, file                      string
	uses, days                      int
	grants, responses, scopes       many
	defaultScope                    string
	public, pkce, reviewed, private bool
	loopback, stated                bool
	publishers                      many
}

func newPolicyFlags(out io.Writer) *policyFlags {
	f := &policyFlags{sheet: newSheet("client token add", out)}
	f.StringVar(&f.note, "note", "", "who gets it")
	f.StringVar(&f.file, "policy-file", "", "JSON document with the policy; flags win")
	f.IntVar(&f.uses, "max-uses", 1, "how many systems may be registered with it")
	f.IntVar(&f.days, "days", 7, "for how many days it is good")
	f.Var(&f.grants, "grant-type", "grant type that may be registered (repeatable; default authorization_code and refresh_token)")
	f.Var(&f.responses, "response-type", "response type that may be registered (repeatable; default code)")
	f.Var(&f.scopes, "scope", "scope that may be registered (repeatable; default the standard ones)")
	f.StringVar(&f.defaultScope, "default-scope", "", "scopes of a request that names none, separated by blanks")
	f.BoolVar(&f.public, "public-clients", false, "systems that cannot keep a secret may be registered")
	f.BoolVar(&f.pkce, "pkce-optional", false, "what is registered may do without PKCE")
	f.BoolVar(&f.reviewed, "reviewed", false, "you vouch for whoever has it: what is registered counts as reviewed")
	f.BoolVar(&f.private, "private-hosts", false, "addresses of clients.outbound_allow may be registered")
	f.BoolVar(&f.stated, "statement-required", false, "nothing is registered without a software statement")
	f.Var(&f.publishers, "statement-issuer", "publisher whose software statements are believed (repeatable; default all of clients.statement_issuers_file)")
	f.BoolVar(&f.loopback, "loopback-redirects", false, "http redirect URIs on loopback addresses may be registered")
	return f
}

func (f *policyFlags) policy() (client.Policy, error) {
	var p client.Policy
	if f.file != "" {
		if err := readDocument("policy-file", f.file, &p); err != nil {
			return p, err
		}
	}
	for _, l := range []struct {
		flag string
		from many
		to   *[]string
	}{{"grant-type", f.grants, &p.GrantTypes}, {"response-type", f.responses, &p.ResponseTypes}, {"scope", f.scopes, &p.Scopes}, {"statement-issuer", f.publishers, &p.StatementIssuers}} {
		if f.given(l.flag) {
			*l.to = l.from
		}
	}
	for _, b := range []struct {
		flag string
		from bool
		to   *bool
	}{
		{"public-clients", f.public, &p.PublicClients}, {"pkce-optional", f.pkce, &p.PKCEOptional}, {"reviewed", f.reviewed, &p.Reviewed},
		{"private-hosts", f.private, &p.PrivateHosts}, {"loopback-redirects", f.loopback, &p.LoopbackRedirects},
		{"statement-required", f.stated, &p.StatementRequired},
	} {
		if f.given(b.flag) {
			*b.to = b.from
		}
	}
	if f.given("default-scope") {
		p.DefaultScope = f.defaultScope
	}
	if err := p.Check(); err != nil {
		return p, fmt.Errorf("--policy-file or flags: %w", err)
	}
	return p, nil
}

func clientTokenAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newPolicyFlags(out)
	if err := f.read(args); err != nil {
		return err
	}
	p, err := f.policy()
	switch {
	case err != nil:
		return err
	case strings.TrimSpace(f.note) == "":
		return missing("note", "who gets the token; client token list shows it")
	case f.uses < 1 || f.uses > maxTokenUses:
		return refuse("max-uses", strconv.Itoa(f.uses), "is not between 1 and "+strconv.Itoa(maxTokenUses))
	case f.days < 1 || f.days > maxTokenDays:
		return refuse("days", strconv.Itoa(f.days), "is not between 1 and "+strconv.Itoa(maxTokenDays))
	}
	text, digest, err := client.NewToken()
	if err != nil {
		return err
	}
	t := client.InitialToken{
		ID: randomText(9), Digest: digest, Note: strings.TrimSpace(f.note), Policy: p, MaxUses: int64(f.uses), CreatedAt: now(),
		ExpiresAt: now().AddDate(0, 0, f.days),
	}
	return inVault(ctx, f.config, func(a *app) error {
		if err := a.believes(p.StatementIssuers, p.StatementRequired); err != nil {
			return err
		}
		if err := a.db.PutInitialToken(ctx, t, deed(audit.InitialMade, t.ID, "command line")); err != nil {
			return err
		}
		r := reportToken(t)
		r.Token = text
		return f.print(r, fmt.Sprintf("initial access token %s: %d uses until %s\ntoken (shown this once): %s", r.ID, r.MaxUses, rfc3339(r.ExpiresAt), r.Token))
	})
}

func clientTokenList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client token list", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		all, err := a.db.InitialTokens(ctx)
		if err != nil {
			return err
		}
		list := []tokenReport{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSTATE\tUSES\tUNTIL\tNOTE")
		for _, t := range all {
			r := reportToken(t)
			list = append(list, r)
			fmt.Fprintf(w, "%s\t%s\t%d of %d\t%s\t%s\n", r.ID, r.State, r.Uses, r.MaxUses, rfc3339(r.ExpiresAt), r.Note)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}

func clientTokenRevoke(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client token revoke", out)
	id := f.String("id", "", "the token's id")
	if err := f.read(args); err != nil {
		return err
	}
	if *id == "" {
		return missing("id", "the token's id; kejitong client token list shows them")
	}
	return inVault(ctx, f.config, func(a *app) error {
		err := a.db.RevokeInitialToken(ctx, *id, deed(audit.InitialRevoked, *id, "command line"))
		if fault.Is(err, fault.NotFound) {
			return refuse("id", *id, "is no token that could be revoked; kejitong client token list shows them")
		}
		if err != nil {
			return err
		}
		return f.print(struct {
			ID    string `json:"id"`
			State string `json:"state"`
		}{*id, "revoked"}, "initial access token "+*id+" revoked; what it registered stays")
	})
}

// believes refuses a token by which nothing could be registered: publishers that
// the configuration does not trust, or statements where it trusts nobody's.
func (a *app) believes(named []string, required bool) error {
	if len(named) == 0 && !required {
		return nil
	}
	trusted, err := publishers(a.cfg.Clients.StatementIssuersFile, a.outside())
	if err != nil {
		return err
	}
	if len(trusted) == 0 {
		return refuse("statement-required", strconv.FormatBool(required), "means nothing here: clients.statement_issuers_file names no publisher")
	}
	for _, n := range named {
		if !slices.ContainsFunc(trusted, func(p client.StatementIssuer) bool { return p.Issuer == n }) {
			return refuse("statement-issuer", n, "is not among the publishers of clients.statement_issuers_file")
		}
	}
	return nil
}
