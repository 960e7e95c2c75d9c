package templates_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"kejitong/templates"
)

func words(t *testing.T, lang string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("messages/" + lang + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	m := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

var places = regexp.MustCompile(`\{\d\}`)

func TestBothLanguagesSayTheSame(t *testing.T) {
	zh, en := words(t, "zh-CN"), words(t, "en")
	for key, msg := range zh {
		other, ok := en[key]
		if !ok {
			t.Errorf("%s is missing in English", key)
			continue
		}
		if msg == "" || other == "" {
			t.Errorf("%s is empty", key)
		}
		a, b := places.FindAllString(msg, -1), places.FindAllString(other, -1)
		sort.Strings(a)
		sort.Strings(b)
		if strings.Join(a, "") != strings.Join(b, "") {
			t.Errorf("%s has places %v in Chinese and %v in English", key, a, b)
		}
	}
	for key := range en {
		if _, ok := zh[key]; !ok {
			t.Errorf("%s is missing in Chinese", key)
		}
	}
}

var (
	said    = regexp.MustCompile(`[{(]\s*t "([^"]+)"`)
	grouped = regexp.MustCompile(`named "([^"]+)"`)
	printed = regexp.MustCompile(`printf "([a-z_.]+)%s([a-z_.]+)"`)
	called  = regexp.MustCompile(`\b(?:templates\.)?T\("([a-z_0-9.]+)"`)
)

func TestEveryKeyUsedExists(t *testing.T) {
	zh := words(t, "zh-CN")
	has := func(where, prefix, suffix string) {
		for key := range zh {
			if strings.HasPrefix(key, prefix) && strings.HasSuffix(key, suffix) {
				return
			}
		}
		t.Errorf("%s uses %s…%s, no such message", where, prefix, suffix)
	}
	n := 0
	walk(t, ".", ".html", func(file, body string) {
		if strings.HasPrefix(file, "testdata") {
			return
		}
		for _, m := range said.FindAllStringSubmatch(body, -1) {
			n++
			if _, ok := zh[m[1]]; !ok {
				t.Errorf("%s uses %s, no such message", file, m[1])
			}
		}
		for _, m := range grouped.FindAllStringSubmatch(body, -1) {
			has(file, m[1]+".", "")
		}
		for _, m := range printed.FindAllStringSubmatch(body, -1) {
			has(file, m[1], m[2])
		}
	})
	if n < 50 {
		t.Fatalf("only %d keys found: the test reads the templates wrongly", n)
	}
	walk(t, "..", ".go", func(file, body string) {
		for _, m := range called.FindAllStringSubmatch(body, -1) {
			if !strings.Contains(body, "kejitong/templates") && filepath.Dir(file) != filepath.Join("..", "templates") {
				continue
			}
			if _, ok := zh[m[1]]; !ok {
				t.Errorf("%s uses %s, no such message", file, m[1])
			}
		}
	})
	for _, kind := range []string{templates.NotVerified, templates.LevelTooLow, templates.WrongAccountType, templates.NotEntitled, templates.ACRUnmet} {
		for _, part := range []string{"title", "why", "who", "how", "step"} {
			has("refused", "refused."+kind+"."+part, "")
		}
	}
}

func walk(t *testing.T, root, ext string, each func(file, body string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ext {
			return err
		}
		raw, err := os.ReadFile(file)
		if err == nil {
			each(file, string(raw))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMatch(t *testing.T) {
	r := renderer(t)
	for _, row := range []struct {
		prefer string
		want   language.Tag
		ok     bool
	}{
		{"fr", templates.Chinese, false},
		{"ja, ko;q=0.5", templates.Chinese, false},
		{"zh", templates.Chinese, true},
		{"zh-TW, en;q=0.5", templates.Chinese, true},
		{"en-GB, zh;q=0.8", templates.English, true},
		{"fr, en;q=0.5", templates.English, true},
	} {
		tags, _, err := language.ParseAcceptLanguage(row.prefer)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := r.Match(tags...); got != row.want || ok != row.ok {
			t.Errorf("%q gives %s %v", row.prefer, got, ok)
		}
	}
}

func TestSay(t *testing.T) {
	r := renderer(t)
	for _, row := range []struct {
		text templates.Text
		want string
	}{
		{templates.Text{}, ""},
		{templates.Text{Key: "no.such"}, "no.such"},
		{templates.T("signin.error.throttled", 15), "尝试次数过多，请 15 分钟后再试，或致电技术支持。"},
		{templates.T("signin.error.wrong_window", templates.T("signin.legal")), "该账号请从“法人登录”窗口登录，登录名和密码不变。"},
	} {
		if got := r.Say(templates.Chinese, row.text); got != row.want {
			t.Errorf("%s says %q", row.text.Key, got)
		}
	}
}
