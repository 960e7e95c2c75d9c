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
)

// writeDocument puts the figures into the document and leaves its words alone.
func writeDocument(root, figures string) error {
	path := filepath.Join(root, "docs", "performance.md")
	b, err := os.ReadFile(path) //nolint:gosec // a file of the repository
	if err != nil {
		return err
	}
	text, err := replaceFigures(string(b), figures)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // a document for everybody
}

func replaceFigures(text, figures string) (string, error) {
	before, rest, found := strings.Cut(text, figuresBegin)
	_, after, ended := strings.Cut(rest, figuresEnd)
	if !found || !ended {
		return "", fmt.Errorf("the marks of the figures are missing")
	}
	return before + figuresBegin + "\n" + figures + "\n" + figuresEnd + after, nil
}
