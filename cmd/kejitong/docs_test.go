package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/knadh/koanf/parsers/yaml"
)

// root is the repository as seen from here.
const root = "../.."

// documents are what the project says of itself, by path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "provider/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path) //nolint:gosec // found by a pattern above
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			docs[filepath.ToSlash(name)] = string(text)
		}
	}
	for _, must := range []string{"README.md", "README.zh-CN.md", "CHANGELOG.md", "docs/architecture.md", "provider/oidc/CONFORMANCE.md"} {
		if docs[must] == "" {
			t.Errorf("%s is missing", must)
		}
	}
	return docs
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading      = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	fenced       = regexp.MustCompile("(?ms)^```[^\n]*\n(.*?)^```")
	inline       = regexp.MustCompile("`([^`\n]+)`")
	testName     = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z][A-Za-z0-9]*\b`)
	makeTarget   = regexp.MustCompile(`\bmake ([a-z]+)\b`)
	settingName  = regexp.MustCompile(`^(?:[a-z]+\.)+[a-z0-9_]+$`)
)

// anchor is the id that a heading gets where Markdown is shown.
func anchor(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.ReplaceAll(title, "`", "")) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		}
	}
	return b.String()
}

func anchors(text string) []string {
	var out []string
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		out = append(out, anchor(h[1]))
	}
	return out
}

func TestDocumentsLinkToWhatExists(t *testing.T) {
	docs := documents(t)
	links := 0
	for name, text := range docs {
		for _, m := range markdownLink.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			path, part, _ := strings.Cut(target, "#")
			at := name
			if path != "" {
				at = filepath.ToSlash(filepath.Join(filepath.Dir(name), path))
			}
			if _, err := os.Stat(filepath.Join(root, at)); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, target)
				continue
			}
			if part != "" && !slices.Contains(anchors(docs[at]), part) {
				t.Errorf("%s links to %s, but %s has no such heading", name, target, at)
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d relative links found: the reader of links is broken", links)
	}
}

// commandLines are the commands of ours that a document shows, from code alone:
// the words behind "kejitong", without what a shell would make of them.
func commandLines(text string) [][]string {
	var code []string
	for _, block := range fenced.FindAllStringSubmatch(text, -1) {
		joined := strings.ReplaceAll(block[1], "\\\n", " ")
		code = append(code, strings.Split(joined, "\n")...)
	}
	for _, c := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		code = append(code, c[1])
	}
	var out [][]string
	for _, line := range code {
		line, _, _ = strings.Cut(line, " #")
		words := strings.Fields(line)
		for i, w := range words {
			ours := w == "kejitong" || w == "./cmd/kejitong" || w == "bin/kejitong" || w == "register" && i > 0 && slices.Contains(words[:i], "compose")
			if !ours || i+1 >= len(words) {
				continue
			}
			if i > 0 && (words[i-1] == "build" || words[i-1] == "test") || !regexp.MustCompile(`^[a-z]+$`).MatchString(words[i+1]) {
				continue
			}
			out = append(out, words[i+1:])
		}
	}
	return out
}

// Every command and flag that a document names is one that the program knows.
func TestDocumentsNameCommandsThatExist(t *testing.T) {
	seen := map[string]bool{}
	for name, text := range documents(t) {
		for _, words := range commandLines(text) {
			var path, given []string
			for _, w := range words {
				if strings.HasPrefix(w, "-") {
					flagName, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
					given = append(given, flagName)
				} else if len(given) == 0 && regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(w) {
					path = append(path, w)
				}
			}
			var out bytes.Buffer
			err := dispatch(t.Context(), append(slices.Clone(path), "--help"), &out)
			if err != nil && !errors.Is(err, flag.ErrHelp) {
				t.Errorf("%s names the command %q: %v", name, strings.Join(path, " "), err)
				continue
			}
			seen[path[0]] = true
			for _, f := range given {
				if f != "help" && !regexp.MustCompile(`(?m)^  -`+regexp.QuoteMeta(f)+`( |$)`).MatchString(out.String()) {
					t.Errorf("%s gives kejitong %s the flag --%s, which it does not have", name, strings.Join(path, " "), f)
				}
			}
		}
	}
	for _, c := range commands() {
		if c.name != "version" && !seen[c.name] {
			t.Errorf("no document says anything of kejitong %s", c.name)
		}
	}
}

// A document that names a test as proof names one that there is.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	functions := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9]+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // walked to
		for _, m := range declared.FindAllSubmatch(text, -1) {
			functions[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for name, text := range documents(t) {
		for _, test := range testName.FindAllString(text, -1) {
			named++
			if !functions[test] {
				t.Errorf("%s names %s, which is no test", name, test)
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d tests named: the reader of names is broken", named)
	}
}

func TestDocumentsNameTargetsAndSettingsThatExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(root, "config", "example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := yaml.Parser().Unmarshal(example)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]bool{}
	var flatten func(prefix string, m map[string]any)
	flatten = func(prefix string, m map[string]any) {
		for k, v := range m {
			settings[prefix+k] = true
			if below, ok := v.(map[string]any); ok {
				flatten(prefix+k+".", below)
			}
		}
	}
	flatten("", parsed)
	for name, text := range documents(t) {
		for _, code := range append(fenced.FindAllString(text, -1), inline.FindAllString(text, -1)...) {
			for _, m := range makeTarget.FindAllStringSubmatch(code, -1) {
				if !bytes.Contains(makefile, []byte("\n"+m[1]+":")) {
					t.Errorf("%s names make %s, which is no target", name, m[1])
				}
			}
		}
		if name == "docs/audit.md" { // its names are events, which TestEveryKindOfEventIsDocumented holds to the code
			continue
		}
		for _, m := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			section, _, ok := strings.Cut(m[1], ".")
			if ok && settingName.MatchString(m[1]) && settings[section] && !settings[m[1]] && !isFile(m[1]) {
				t.Errorf("%s names the setting %s, which does not exist", name, m[1])
			}
		}
	}
}

// isFile tells names such as keys.go from settings.
func isFile(name string) bool {
	return slices.Contains([]string{".go", ".md", ".yaml", ".sql"}, filepath.Ext(name))
}

// What the readers of documents find in a text, and what they leave alone.
func TestReadersOfDocuments(t *testing.T) {
	const text = "Run `kejitong keys rotate signing --emergency`, or\n\n```sh\ngo run ./cmd/kejitong demo --port 8090   # kejitong nonsense\n" +
		"go build ./cmd/kejitong\nkejitong client add \\\n  --id x\ndocker compose run --rm register doctor --config f\n```\n\nkejitong is a name.\n"
	want := "[[demo --port 8090] [client add --id x] [doctor --config f] [keys rotate signing --emergency]]"
	if got := fmt.Sprint(commandLines(text)); got != want {
		t.Errorf("commands %s, want %s", got, want)
	}
	if a := anchor("Keys, `tokens` & 单点登录"); a != "keys-tokens--单点登录" {
		t.Errorf("anchor %q", a)
	}
}
