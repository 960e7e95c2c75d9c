package relyingparty_test

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// What this package shows must be open to everybody: the standard library and
// two public modules, nothing of this repository.
func TestUsesNothingOfOurs(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(path, "/")
			switch {
			case first == "kejitong":
				t.Errorf("%s imports %s", e.Name(), path)
			case strings.Contains(first, ".") && path != "github.com/coreos/go-oidc/v3/oidc" && path != "golang.org/x/oauth2":
				t.Errorf("%s imports %s", e.Name(), path)
			}
		}
	}
	if read < 10 {
		t.Errorf("read %d files only", read)
	}
}
