package templates

import (
	"path/filepath"
	"strings"
	"testing"
)

// What tests expect of pages is no page, and every directory of pages is one
// that pageFiles names.
func TestPagesAreThoseOfTheirDirectories(t *testing.T) {
	r, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	want := make(map[string]bool)
	for _, f := range files {
		if dir := filepath.Dir(f); dir != "testdata" && dir != "layout" {
			want[strings.TrimSuffix(filepath.ToSlash(f), ".html")] = true
		}
	}
	for _, s := range r.sets {
		for name := range s.pages {
			if !want[name] {
				t.Errorf("%s is a page in %s", name, s.catalogue.tag)
			}
		}
		for name := range want {
			if s.pages[name] == nil {
				t.Errorf("%s is no page in %s", name, s.catalogue.tag)
			}
		}
	}
}

// A page keeps copies of what it draws, not of every part of the layout: what
// lives is walked at each collection and multiplied by the collector's leave.
func TestPagesHoldWhatTheyDraw(t *testing.T) {
	r, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	signin := r.sets[0].pages["interact/signin"]
	if signin == nil {
		t.Fatal("no sign-in page")
	}
	for _, part := range []string{"deskproposal", "clientlog", "confield"} {
		if signin.Lookup(part) != nil {
			t.Errorf("the sign-in page holds %q", part)
		}
	}
	for _, part := range []string{"content", "mark"} {
		if signin.Lookup(part) == nil {
			t.Errorf("the sign-in page lacks %q", part)
		}
	}
}
