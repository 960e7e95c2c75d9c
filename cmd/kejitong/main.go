// Command kejitong is the identity provider, its tools, and a demonstration of
// it on one machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker in releases.
var version = "unknown"

// command is one word of the command line.
type command struct {
	name string
	help string
	run  func(ctx context.Context, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"serve", "run the provider: --config FILE", serve},
		{"demo", "run everything on this machine with example accounts and systems: [--dir D] [--port N] [--json]", demo},
		{"migrate", "bring the database schema up to date: --config FILE", migrate},
		{"account", "add | list | freeze | unfreeze accounts, withdraw consents: account add --help", accountCommand},
		{"unit", "add units and mandates: unit add | mandate --help", unitCommand},
		{"client", "add | list | disable | enable relying parties: client add --help", clientCommand},
		{"webhook", "add | list | rotate | remove | log: who is told of changes: webhook add --help", webhookCommand},
		{"system", "load | list | show | set business systems, the catalogue: system load --help", systemCommand},
		{"grant", "add | end | suspend | resume | list | history of entitlements: grant add --help", grantCommand},
		{"keys", "root | list | rotate signing: keys root --out FILE", keysCommand},
		{"admin", "add | list | disable | enable | reset | role: the people at the review desk: admin add --help", adminCommand},
		{"audit", "verify | export | prune the audit trail: audit verify --config FILE", auditCommand},
		{"register", "load the extract of an authority that real names are compared with: register load --help", registerCommand},
		{"import", "torch | revert | list | wrap: bring accounts of the former platform over: import torch --help", importCommand},
		{"doctor", "check configuration, database, clock, TLS and keys: --config FILE", doctor},
		{"relyingparty", "run one demonstration relying party: relyingparty --help", relyingPartyCommand},
		{"version", "print the version", func(_ context.Context, _ []string, out io.Writer) error {
			_, err := fmt.Fprintln(out, version)
			return err
		}},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := dispatch(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "kejitong:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		return usage(out)
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out)
		}
	}
	return fmt.Errorf("unknown command %q; kejitong help lists them", args[0])
}

func usage(out io.Writer) error {
	if _, err := fmt.Fprint(out, "kejitong: single sign-on for science and technology services\n\n"); err != nil {
		return err
	}
	for _, c := range commands() {
		if _, err := fmt.Fprintf(out, "  %-12s %s\n", c.name, c.help); err != nil {
			return err
		}
	}
	return nil
}

// flags makes a flag set that reports errors instead of exiting.
func flags(name string, out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("kejitong "+name, flag.ContinueOnError)
	f.SetOutput(out)
	return f
}
