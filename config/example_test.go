package config_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"kejitong/config"
)

var update = flag.Bool("update", false, "write config/example.yaml anew")

// TestExample holds example.yaml to the structs of config.go: every key with
// its doc comment and its default.
func TestExample(t *testing.T) {
	want := example(t)
	if *update {
		if err := os.WriteFile("example.yaml", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("example.yaml is not what config.go says; run: go test ./config -run TestExample -update")
	}
}

// TestExampleIsTheDefault: with every comment sign of a key removed the example
// is accepted as YAML and changes nothing but what no default can know.
func TestExampleIsTheDefault(t *testing.T) {
	content, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kejitong.yaml")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, nil)
	if err == nil {
		t.Fatal("the example starts although it names no issuer, no database and no root key")
	}
	if strings.Contains(err.Error(), "no such key") {
		t.Error(err)
	}
	if !reflect.DeepEqual(c.Lines(), config.Default().Lines()) {
		t.Errorf("the example\n%s\nis not the default\n%s", strings.Join(c.Lines(), "\n"), strings.Join(config.Default().Lines(), "\n"))
	}
	var tree map[string]any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		t.Fatal(err)
	}
}

// example writes the file from the structs' docs and tags.
func example(t *testing.T) string {
	t.Helper()
	docs := fieldDocs(t)
	var b strings.Builder
	b.WriteString(`# Configuration of kejitong: every key with its default.
# Generated from config/config.go (go test ./config -run TestExample -update).
#
# Every key may come from the environment instead: tokens.code_ttl as
# KEJITONG_TOKENS__CODE_TTL (a double underscore between levels). Secrets stand
# in files alone, which the *_file keys name; where such a key is empty, the
# systemd credential in brackets is taken. Lengths of time are written as 90s,
# 10m, 12h, 30d. A key that does not exist is refused.
`)
	writeSection(&b, docs, reflect.TypeOf(config.Config{}), "")
	return b.String()
}

func writeSection(b *strings.Builder, docs map[string]string, section reflect.Type, indent string) {
	for i := range section.NumField() {
		f := section.Field(i)
		name := f.Tag.Get("key")
		if name == "-" {
			continue
		}
		b.WriteString("\n")
		doc := strings.TrimSpace(docs[section.Name()+"."+f.Name])
		if credential := f.Tag.Get("credential"); credential != "" {
			doc += " [credential: " + credential + "]"
		}
		for _, line := range strings.Split(doc, "\n") {
			b.WriteString(indent + "# " + line + "\n")
		}
		if f.Type.Kind() == reflect.Struct {
			b.WriteString(indent + name + ":\n")
			writeSection(b, docs, f.Type, indent+"  ")
			continue
		}
		b.WriteString(indent + name + ": " + yamlValue(f) + "\n")
	}
}

// yamlValue writes a default, or an empty value of the field's kind.
func yamlValue(f reflect.StructField) string {
	value, ok := f.Tag.Lookup("default")
	switch {
	case f.Type.Kind() == reflect.Slice:
		return "[]"
	case !ok:
		return `""`
	case f.Type.Kind() == reflect.String:
		return strconv.Quote(value)
	}
	return value
}

// fieldDocs reads the doc comments of the package's structs, by "Type.Field".
func fieldDocs(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			readDocs(t, file, docs)
		}
	}
	return docs
}

func readDocs(t *testing.T, file string, docs map[string]string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if structure, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range structure.Fields.List {
				for _, name := range f.Names {
					if f.Doc.Text() == "" && f.Tag != nil && !strings.Contains(f.Tag.Value, `key:"-"`) {
						t.Errorf("%s.%s has no doc comment", spec.Name.Name, name.Name)
					}
					docs[spec.Name.Name+"."+name.Name] = f.Doc.Text()
				}
			}
		}
		return true
	})
}
