package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// Bounds of what is read of a table.
const (
	maxExtractBook   = 64 << 20  // bytes of an XLSX file
	maxExtractInside = 512 << 20 // and of what is in it
	maxExtractRow    = 64 << 10  // bytes of a line of CSV
)

// readExtract reads a CSV file (UTF-8 or GB 18030, told apart by looking) or the
// first sheet of an XLSX file and gives its rows, numbered from 1, empty ones
// left out. each may stop it by an error.
func readExtract(path string, each func(row int, cells []string) error) (err error) {
	f, err := os.Open(path) //nolint:gosec // the file is the operator's own choice
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if strings.EqualFold(filepath.Ext(path), ".xlsx") {
		return extractBook(f, each)
	}
	utf, err := utf8File(f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var text io.Reader = f
	if !utf {
		text = transform.NewReader(f, simplifiedchinese.GB18030.NewDecoder())
	}
	return extractCSV(text, each)
}

func extractCSV(text io.Reader, each func(row int, cells []string) error) error {
	r := csv.NewReader(&shortLines{r: bufio.NewReader(text)})
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			var at *csv.ParseError
			if errors.As(err, &at) {
				return fmt.Errorf("line %d is no CSV", at.Line) // the cause would quote it
			}
			return err
		}
		line, _ := r.FieldPos(0)
		if line == 1 && len(cells) > 0 {
			cells[0] = strings.TrimPrefix(cells[0], "\ufeff")
		}
		if blankRow(cells) {
			continue
		}
		if err := each(line, cells); err != nil {
			return err
		}
	}
}

func extractBook(f *os.File, each func(row int, cells []string) error) (err error) {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > maxExtractBook {
		return fmt.Errorf("the workbook has more than %d MiB; write it as CSV", maxExtractBook>>20)
	}
	book, err := excelize.OpenReader(f, excelize.Options{UnzipSizeLimit: maxExtractInside, UnzipXMLSizeLimit: 16 << 20, RawCellValue: true})
	if err != nil {
		return errors.New("it is no workbook of the form XLSX")
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return errors.New("the workbook is empty")
	}
	rows, err := book.Rows(sheets[0])
	if err != nil {
		return errors.New("the workbook's first sheet cannot be read")
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for n := 1; rows.Next(); n++ {
		cells, err := rows.Columns()
		if err != nil {
			return fmt.Errorf("row %d cannot be read", n)
		}
		if blankRow(cells) {
			continue
		}
		if err := each(n, cells); err != nil {
			return err
		}
	}
	return rows.Error()
}

func blankRow(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// utf8File looks at the whole file: one wrong byte tells.
func utf8File(r io.Reader) (bool, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		c, n, err := b.ReadRune()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if c == utf8.RuneError && n == 1 {
			return false, nil
		}
	}
}

// shortLines refuses a line that no register has, before it fills the memory.
type shortLines struct {
	r   *bufio.Reader
	run int
}

var errLongLine = fmt.Errorf("a line has more than %d KiB", maxExtractRow>>10)

// Read implements io.Reader.
func (s *shortLines) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	for _, b := range p[:n] {
		if s.run++; b == '\n' {
			s.run = 0
		}
		if s.run > maxExtractRow {
			return 0, errLongLine
		}
	}
	return n, err
}
