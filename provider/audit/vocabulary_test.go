package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"kejitong/provider/audit"
)

// vocabulary is every kind of event by the name of its constant.
func vocabulary(t *testing.T) map[string]audit.Kind {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]audit.Kind{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.Ident); !ok || of.Name != "Kind" {
				return true
			}
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out[spec.Names[0].Name] = audit.Kind(text)
			return true
		})
	}
	if len(out) < 100 {
		t.Fatalf("%d kinds found", len(out))
	}
	return out
}

// written is the names of this package that the program says, without its tests.
func written(t *testing.T) map[string]bool {
	t.Helper()
	said, all := regexp.MustCompile(`\baudit\.([A-Z]\w*)`), map[string]bool{}
	for _, folder := range []string{"../*.go", "../*/*.go", "../web/*/*.go", "../../store/*.go", "../../cmd/kejitong/*.go"} {
		files, err := filepath.Glob(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.Contains(filepath.ToSlash(file), "../audit/") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, hit := range said.FindAllSubmatch(text, -1) {
				all[string(hit[1])] = true
			}
		}
	}
	return all
}

// Every kind has the form noun.verb, is one kind, is written by something, and
// stands in docs/audit.md, where nothing else stands (C8).
func TestEveryKindOfEventIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$`)
	documented := map[audit.Kind]int{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, hit := range regexp.MustCompile("`([a-z_.]+)`").FindAllStringSubmatch(cells[1], -1) {
			documented[audit.Kind(hit[1])]++
		}
	}
	program, seen := written(t), map[audit.Kind]string{}
	for name, kind := range vocabulary(t) {
		if !form.MatchString(string(kind)) {
			t.Errorf("%s: %q is not noun.verb", name, kind)
		}
		if other := seen[kind]; other != "" {
			t.Errorf("%s and %s are both %q", name, other, kind)
		}
		seen[kind] = name
		if documented[kind] != 1 {
			t.Errorf("%s: %q has %d rows in docs/audit.md", name, kind, documented[kind])
		}
		if !program[name] {
			t.Errorf("%s: nothing writes %q", name, kind)
		}
	}
	for kind := range documented {
		if seen[kind] == "" {
			t.Errorf("docs/audit.md tells of %q, which is none", kind)
		}
	}
}
