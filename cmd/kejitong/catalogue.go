package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// maxCatalogue bounds the file; nine systems need four kilobytes.
const maxCatalogue = 1 << 20

// catalogueProblems are all that is wrong with a file, each with its line.
type catalogueProblems []string

// Error gives one a line.
func (p catalogueProblems) Error() string { return strings.Join(p, "\n") }

// readCatalogue reads a file of business systems.
func readCatalogue(path string) ([]entitlement.System, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", path, cause(err))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCatalogue+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", path, cause(err))
	}
	if len(b) > maxCatalogue {
		return nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	out, err := parseCatalogue(b)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", path, err)
	}
	return out, nil
}

// parseCatalogue reads the systems of a catalogue, or says everything that is
// wrong with them: fields that are not known, values of another kind, and what no
// entry may say.
func parseCatalogue(b []byte) ([]entitlement.System, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(b, &root); err != nil {
		return nil, catalogueProblems{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, catalogueProblems{"line 1: want systems: with a list under it"}
	}
	var c catalogue
	top := root.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if key.Value != "systems" || i > 0 {
			c.wrong(key, "there is only one list, systems")
			continue
		}
		if value.Kind != yaml.SequenceNode {
			c.wrong(value, "systems is no list")
			continue
		}
		for _, one := range value.Content {
			c.entry(one)
		}
	}
	if len(c.problems) == 0 && len(c.systems) == 0 {
		c.wrong(top, "systems is empty")
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.systems, nil
}

// catalogue is what was read so far.
type catalogue struct {
	systems  []entitlement.System
	lines    map[entitlement.SystemID]int
	problems catalogueProblems
}

func (c *catalogue) wrong(n *yaml.Node, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("line %d: ", n.Line)+fmt.Sprintf(format, args...))
}

// entry reads one system; problems of its fields keep it from being looked at as a
// whole.
func (c *catalogue) entry(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		c.wrong(n, "an entry is fields with values, such as code: tech_sme")
		return
	}
	var s entitlement.System
	before, at := len(c.problems), map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if at[key.Value] != nil {
			c.wrong(key, "%s stands there twice", key.Value)
		}
		at[key.Value] = value
		c.field(&s, key, value)
	}
	if len(c.problems) > before {
		return
	}
	for _, err := range s.Check() {
		var f *fault.Error
		if !errors.As(err, &f) {
			continue
		}
		where := at[f.Field]
		if where == nil {
			where = n
		}
		c.wrong(where, "%s: %s", f.Field, f.Msg)
	}
	if line, there := c.lines[s.ID]; there {
		c.wrong(n, "code: %s stands there already, in line %d", s.ID, line)
	}
	if c.lines == nil {
		c.lines = map[entitlement.SystemID]int{}
	}
	c.lines[s.ID] = n.Line
	c.systems = append(c.systems, s)
}

func (c *catalogue) field(s *entitlement.System, key, value *yaml.Node) {
	text := func(to *string) {
		if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" {
			c.wrong(value, "%s is no text", key.Value)
			return
		}
		*to = value.Value
	}
	list := func() (out []string) {
		if value.Kind != yaml.SequenceNode {
			c.wrong(value, "%s is no list, such as [apply]", key.Value)
			return nil
		}
		for _, one := range value.Content {
			if one.Kind != yaml.ScalarNode || one.ShortTag() != "!!str" {
				c.wrong(one, "%s holds something that is no text", key.Value)
				continue
			}
			out = append(out, one.Value)
		}
		return out
	}
	switch key.Value {
	case "code":
		text((*string)(&s.ID))
	case "name_zh":
		text(&s.NameZH)
	case "name_en":
		text(&s.NameEN)
	case "owner":
		text(&s.Owner)
	case "entry_url":
		text(&s.EntryURL)
	case "level":
		text(&s.Level)
	case "account_types":
		for _, k := range list() {
			s.AccountKinds = append(s.AccountKinds, account.Kind(k))
		}
	case "unit_types":
		s.UnitTypes = list()
	case "actions":
		s.Actions = list()
	case "earned":
		if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!bool" || value.Decode(&s.Earned) != nil {
			c.wrong(value, "earned is neither true nor false")
		}
	case "state":
		var state string
		if text(&state); state != "open" && state != "closed" {
			c.wrong(value, "state is neither open nor closed")
		}
		s.Closed = state == "closed"
	default:
		c.wrong(key, "%s is no field of a system", key.Value)
	}
}
