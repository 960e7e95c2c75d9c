package config

import (
	"strconv"
	"strings"
)

// Problem is one reason not to start.
type Problem struct {
	Key    string // the key in YAML, "" for the file as a whole
	Value  string // what was found, shortened; always empty for secrets
	Remedy string // what is wrong and what to do, one sentence
}

// String puts the three on one line.
func (p Problem) String() string {
	line := p.Key
	if p.Value != "" {
		line += " = " + strconv.Quote(shorten(p.Value))
	}
	if line == "" {
		return p.Remedy
	}
	return line + ": " + p.Remedy
}

// Problems is the error of Load and Validate: all problems, in the order of
// the keys in the file, at most one for each key.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := []string{"the configuration has " + strconv.Itoa(len(p)) + " problem(s):"}
	for _, one := range p {
		lines = append(lines, "  "+one.String())
	}
	return strings.Join(lines, "\n")
}

// add keeps a problem unless its key has one already: what was found first is
// the cause, what follows from it would only confuse.
func (p *Problems) add(key, value, remedy string) {
	for _, one := range *p {
		if one.Key == key && key != "" {
			return
		}
	}
	*p = append(*p, Problem{Key: key, Value: value, Remedy: remedy})
}

// err gives nil for no problems, so that a caller never sees an empty error.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// shorten cuts a value that is too long for a line.
func shorten(s string) string {
	runes := []rune(s)
	if len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return s
}
