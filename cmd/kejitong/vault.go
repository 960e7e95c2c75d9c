package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"kejitong/provider/audit"
)

// openVault opens the database and the keys that the configuration names, for
// commands that read or write data without serving. The caller closes it.
func openVault(ctx context.Context, path string) (*app, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &app{cfg: c, log: newLogger(c.Log), db: db}
	if err := a.vault(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// inVault runs fn with the vault open.
func inVault(ctx context.Context, path string, fn func(a *app) error) error {
	a, err := openVault(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(fn(a), a.close())
}

// deed is the audit event of something that the operator does here.
func deed(kind audit.Kind, object, detail string) audit.Event {
	return audit.Event{Kind: kind, Actor: "operator", Object: object, Detail: detail}
}

// choose runs the verb that args begin with.
func choose(ctx context.Context, noun string, verbs []command, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		for _, v := range verbs {
			if _, err := fmt.Fprintf(out, "  %-9s %s\n", v.name, v.help); err != nil {
				return err
			}
		}
		return nil
	}
	names := make([]string, 0, len(verbs))
	for _, v := range verbs {
		if v.name == args[0] {
			return v.run(ctx, args[1:], out)
		}
		names = append(names, v.name)
	}
	return fmt.Errorf("%s %q: want one of %s", noun, args[0], strings.Join(names, ", "))
}

// sheet is the flags of one command, with those that every command has.
type sheet struct {
	*flag.FlagSet
	out    io.Writer
	config string
	asJSON bool
}

func newSheet(name string, out io.Writer) *sheet {
	s := &sheet{FlagSet: flags(name, out), out: out}
	s.StringVar(&s.config, "config", "", "configuration file (YAML)")
	s.BoolVar(&s.asJSON, "json", false, "print JSON")
	return s
}

// read parses args and refuses what is left over, which is a forgotten dash or
// a value with a blank that wanted quotes.
func (s *sheet) read(args []string) error {
	if err := s.Parse(args); err != nil {
		return err
	}
	if s.NArg() > 0 {
		return fmt.Errorf("%q stands alone: name its flag, and put values with blanks in quotes", s.Arg(0))
	}
	return nil
}

// readWithFile parses args that name one file, before, between or after the flags.
func (s *sheet) readWithFile(args []string) (string, error) {
	var files []string
	for {
		if err := s.Parse(args); err != nil {
			return "", err
		}
		if s.NArg() == 0 {
			break
		}
		files, args = append(files, s.Arg(0)), s.Args()[1:]
	}
	if len(files) != 1 {
		return "", errors.New("name one file")
	}
	return files[0], nil
}

// given tells whether the flag stood on the command line, empty or not.
func (s *sheet) given(name string) bool {
	found := false
	s.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// print shows v as JSON where --json asks for it, else text.
func (s *sheet) print(v any, text string) error {
	if s.asJSON {
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	_, err := fmt.Fprintln(s.out, strings.TrimRight(text, "\n"))
	return err
}

// many is a flag that may be repeated.
type many []string

// String joins the values.
func (m *many) String() string { return strings.Join(*m, " ") }

// Set adds a value.
func (m *many) Set(v string) error {
	*m = append(*m, v)
	return nil
}

// split takes a list in one value apart at its commas.
func split(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
