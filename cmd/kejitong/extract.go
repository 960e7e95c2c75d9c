package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/realname"
)

// registerCommand keeps the extract that the registry verifier compares with.
func registerCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "register", []command{
		{"load", "take an authority's extract over: --kind persons|units [--dry-run] FILE (CSV or XLSX; UTF-8 or GB 18030)", registerLoad},
	}, args, out)
}

// registerBatch is how many lines one transaction takes over.
const registerBatch = 500

// shownBad is how many bad lines are told apart.
const shownBad = 100

// loadReport is what became of an extract.
type loadReport struct {
	Kind    string    `json:"kind"`
	Lines   int       `json:"lines"`
	Added   int       `json:"added"`
	Changed int       `json:"changed"`
	Same    int       `json:"same"`
	Bad     int       `json:"bad"`
	First   []badLine `json:"first_bad,omitempty"`
}

// badLine names a line that was left out. It never says what stands there.
type badLine struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	Why    string `json:"why"`
}

func registerLoad(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("register load", out)
	kind := f.String("kind", "", "persons or units")
	dry := f.Bool("dry-run", false, "read and report, change nothing")
	if err := f.Parse(args); err != nil {
		return err
	}
	file := f.Arg(0)
	if file == "" {
		return errors.New("name the file")
	}
	if err := f.read(f.Args()[1:]); err != nil { // flags may follow it
		return err
	}
	if err := oneOf("kind", *kind, realname.Persons, realname.Units); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		report, err := a.loadRegister(ctx, *kind, file, *dry)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return f.print(report, report.text())
	})
}

// loadRegister takes a file over, batch by batch. Loading it again changes
// nothing, so that a load that broke off is run again.
func (a *app) loadRegister(ctx context.Context, kind, path string, dry bool) (r loadReport, err error) {
	r.Kind = kind
	var heading *realname.Heading
	var batch []realname.Line
	flush := func() error {
		if len(batch) == 0 || dry {
			batch = batch[:0]
			return nil
		}
		done, err := a.db.LoadRegister(ctx, batch, deed(audit.RegisterLoaded, kind, ""))
		r.Added, r.Changed, r.Same, batch = r.Added+done.Added, r.Changed+done.Changed, r.Same+done.Same, batch[:0]
		return err
	}
	err = readExtract(path, func(n int, cells []string) error {
		if heading == nil {
			h, err := realname.ReadHeading(kind, cells)
			heading = &h
			return err
		}
		r.Lines++
		line, err := heading.Read(cells, a.clock())
		if err != nil {
			r.bad(n, err)
			return nil
		}
		if batch = append(batch, line); len(batch) == registerBatch {
			return flush()
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if heading == nil {
		return r, errors.New("the file is empty")
	}
	return r, flush()
}

func (r *loadReport) bad(line int, err error) {
	r.Bad++
	if len(r.First) >= shownBad {
		return
	}
	b := badLine{Line: line, Why: "is not understood"}
	var f *fault.Error
	if errors.As(err, &f) {
		b.Column, b.Why = f.Field, f.Msg
		if text, ok := remedies[f.Msg]; ok {
			b.Why = text
		}
	}
	r.First = append(r.First, b)
}

func (r loadReport) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d lines, %d added, %d changed, %d the same, %d left out\n", r.Kind, r.Lines, r.Added, r.Changed, r.Same, r.Bad)
	for _, one := range r.First {
		fmt.Fprintf(&b, "  line %d, %s: %s\n", one.Line, one.Column, one.Why)
	}
	if len(r.First) < r.Bad {
		fmt.Fprintf(&b, "  and %d more\n", r.Bad-len(r.First))
	}
	return b.String()
}
