package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

func readTable(t *testing.T, path string) (rows [][]string, numbers []int, err error) {
	t.Helper()
	err = readExtract(path, func(n int, cells []string) error {
		rows, numbers = append(rows, slices.Clone(cells)), append(numbers, n)
		return nil
	})
	return rows, numbers, err
}

// The same table in the forms in which offices hand it over.
func TestTables(t *testing.T) {
	dir := t.TempDir()
	plain := "单位名称,USCC\r\n\"示例,科技\",91110108MA01ET88XL\r\n\r\n𠮷田科技,91110000MA00000077\r\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(plain)
	if err != nil {
		t.Fatal(err)
	}
	book := excelize.NewFile()
	for i, row := range [][]any{{"单位名称", "USCC"}, {"示例,科技", "91110108MA01ET88XL"}, {}, {"𠮷田科技", "91110000MA00000077"}} {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			t.Fatal(err)
		}
		if err := book.SetSheetRow("Sheet1", cell, &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.SaveAs(filepath.Join(dir, "book.xlsx")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"utf8.csv": plain, "bom.csv": "\ufeff" + plain, "gb18030.csv": gb, "book.xlsx": ""} {
		path := filepath.Join(dir, name)
		if content != "" {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		rows, numbers, err := readTable(t, path)
		if err != nil || len(rows) != 3 || rows[0][0] != "单位名称" || rows[1][0] != "示例,科技" || rows[2][0] != "𠮷田科技" || rows[2][1] != "91110000MA00000077" {
			t.Errorf("%s: %q, %v", name, rows, err)
		}
		if name == "book.xlsx" && !slices.Equal(numbers, []int{1, 2, 4}) {
			t.Errorf("%s: rows %v", name, numbers)
		}
	}
}

func TestFilesThatAreNoTable(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ content, want string }{
		"quote.csv":   {"a,b\n\"x,y\n1,2\n", "line"},
		"broken.xlsx": {"PK\x03\x04 no zip at all", "workbook"},
		"line.csv":    {"a\n" + strings.Repeat("x", 80<<10) + "\n", "KiB"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readTable(t, path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something about %q", name, err, c.want)
		}
	}
	if _, _, err := readTable(t, filepath.Join(dir, "none")); err == nil {
		t.Error("a missing file opens")
	}
}
