package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The marks between which docs/performance.md carries the figures.
const (
	figuresBegin = "<!-- figures: written by make bench BENCHARGS=-write -->\n"
	figuresEnd   = "<!-- end of figures -->\n"
	importsBegin = "<!-- imports: written by make bench BENCHARGS='-import N -write' -->\n"
	importsEnd   = "<!-- end of imports -->\n"
)

// writeDocument puts figures between two marks and leaves the words alone.
func writeDocument(root, begin, end, figures string) error {
	path := filepath.Join(root, "docs", "performance.md")
	b, err := os.ReadFile(path) //nolint:gosec // a file of the repository
	if err != nil {
		return err
	}
	text, err := replaceFigures(string(b), begin, end, figures)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // a document for everybody
}

func replaceFigures(text, begin, end, figures string) (string, error) {
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("the marks of the figures are missing")
	}
	return before + begin + "\n" + figures + "\n" + end + after, nil
}
