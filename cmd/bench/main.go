package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	databases []string // "postgres", "sqlite"
	workers   int
	period    time.Duration // of one row
	warmUp    time.Duration
	accounts  int
	again     int            // what others disturbed is measured so many times more
	others    int            // sessions and grants of other accounts
	passes    int            // instead of a period: so many operations of each worker; 0 for none
	rows      *regexp.Regexp // only these; nil for all and for the count of each step
	binary    string         // a built server; "" builds one
	root      string         // the module's folder
	postgres  string         // URL of a role that may create databases
	command   string         // what was typed, for the report
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == helloWord {
		fail(serveHello(os.Stdout))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fail(command(ctx, os.Args[1:], os.Stdout))
}

func fail(err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command reads the flags, measures, prints and, if asked to, writes the
// document.
func command(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	databases := f.String("databases", "postgres,sqlite", "which databases, in this order")
	workers := f.Int("workers", 8, "workers of the closed loop")
	seconds := f.Float64("seconds", 5, "length of a row")
	accounts := f.Int("accounts", 100_000, "accounts in the database")
	quick := f.Bool("quick", false, "a smoke run: rows of one second, 5,000 accounts unless -accounts says otherwise")
	again := f.Int("again", 0, "measure what others on the machine disturbed so many times more and keep the calmest")
	rows := f.String("rows", "", "only rows whose name matches this expression")
	binary := f.String("binary", "", "a server that is built already (default: built from ./cmd/kejitong)")
	imports := f.String("import", "", "measure the import of accounts of the former platform instead, of so many rows: N or DATABASE=N, several by commas")
	write := f.Bool("write", false, "put the figures into docs/performance.md")
	if err := f.Parse(args); err != nil {
		return err
	}
	given := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	if *quick && !given["seconds"] {
		*seconds = 1
	}
	if *quick && !given["accounts"] {
		*accounts = 5000
	}
	var only *regexp.Regexp
	if *rows != "" {
		var err error
		if only, err = regexp.Compile("(?i)" + *rows); err != nil {
			return fmt.Errorf("-rows: %w", err)
		}
	}
	if *again < 0 || *workers < 1 || *seconds <= 0 || *accounts < minAccounts {
		return fmt.Errorf("-workers and -seconds must be positive, -again not negative, -accounts at least %d", minAccounts)
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	period := time.Duration(*seconds * float64(time.Second))
	o := options{
		databases: strings.Split(*databases, ","), workers: *workers, period: period, warmUp: min(period/3, time.Second),
		accounts: *accounts, others: max(*accounts/10, 100), again: *again, rows: only, binary: *binary, root: root, postgres: os.Getenv(postgresVariable),
		command: strings.TrimSpace("make bench BENCHARGS='" + strings.Join(args, " ") + "'"),
	}
	if len(args) == 0 || len(args) == 1 && *write {
		o.command = "make bench"
	}
	if *imports != "" {
		all, err := importings(*imports, o.databases)
		if err != nil {
			return err
		}
		text, err := runImports(ctx, o, all, os.Stderr)
		return said(out, text, err, *write, root, importsBegin, importsEnd)
	}
	r, err := run(ctx, o, os.Stderr)
	if err != nil {
		return err
	}
	return said(out, r.markdown(), nil, *write, root, figuresBegin, figuresEnd)
}

// said prints what was measured and, if asked to, puts it into the document.
func said(out io.Writer, text string, err error, write bool, root, begin, end string) error {
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, text); err != nil || !write {
		return err
	}
	return writeDocument(root, begin, end, text)
}

// run measures everything. What it is doing is said on progress.
func run(ctx context.Context, o options, progress io.Writer) (*report, error) {
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
	}
	r := &report{command: o.command, began: time.Now(), workers: o.workers, period: o.period, accounts: o.accounts, machine: describeMachine(ctx, o.root)}
	if o.binary == "" {
		say("building the server")
		dir, err := os.MkdirTemp("", "kejitong-bench-bin-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if o.binary, err = buildServer(ctx, o.root, dir); err != nil {
			return nil, err
		}
	}
	say("the machine's limits, on %d cores", runtime.GOMAXPROCS(0))
	var err error
	if r.limits, err = measureLimits(ctx, o); err != nil {
		return nil, err
	}
	for _, name := range o.databases {
		p, err := runOn(ctx, o, name, r.limits, say)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.parts = append(r.parts, p)
	}
	r.took = time.Since(r.began)
	return r, nil
}
