package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// The bounds on a file that is read as a table. What is larger belongs into
// several files.
const (
	maxTableFile  = 4 << 30   // bytes, CSV
	maxWorkbook   = 512 << 20 // bytes of an XLSX file
	maxUnzipped   = 4 << 30   // bytes of an XLSX file's contents
	maxTableCells = 200       // cells of a row
	maxTableCell  = 4 << 10   // bytes of a cell
)

// table reads a CSV or XLSX file row by row. CSV is UTF-8, with or without a byte
// order mark, or GB 18030 (GBK and GB 2312 are parts of it); of a workbook the
// first sheet is read.
type table struct {
	n      int // number of the row read last; the heading is 1
	size   int64
	offset func() int64 // how far into the file, for progress; nil where that is not known
	next   func() ([]string, error)
	close  func() error
}

// openTable opens a file; the error says what to do about it.
func openTable(path string) (*table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	head := make([]byte, 4)
	n, _ := io.ReadFull(f, head) // a short file is no workbook
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	var t *table
	if bytes.Equal(head[:n], []byte("PK\x03\x04")) {
		t, err = openWorkbook(f, info.Size())
	} else {
		t, err = openCSV(f, info.Size())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

// Next gives the cells of the next row that is not empty; io.EOF at the end.
func (t *table) Next() ([]string, error) {
	for {
		cells, err := t.next()
		if err != nil {
			return nil, err
		}
		t.n++
		if len(cells) > maxTableCells {
			return nil, fmt.Errorf("row %d has %d cells; more than %d are no table of ours", t.n, len(cells), maxTableCells)
		}
		empty := true
		for _, c := range cells {
			if len(c) > maxTableCell {
				return nil, fmt.Errorf("row %d has a cell of %d bytes; at most %d are read", t.n, len(c), maxTableCell)
			}
			empty = empty && strings.TrimSpace(c) == ""
		}
		if !empty {
			return cells, nil
		}
	}
}

// counting tells how much was read.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func openCSV(f *os.File, size int64) (*table, error) {
	if size > maxTableFile {
		return nil, fmt.Errorf("the file has %d bytes; at most %d are read, so split it", size, int64(maxTableFile))
	}
	count := &counting{r: f}
	buffered := bufio.NewReaderSize(count, 1<<20)
	start, err := buffered.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	var text io.Reader = buffered
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		if _, err := buffered.Discard(3); err != nil {
			return nil, err
		}
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, errors.New("the file is UTF-16; save it as CSV in UTF-8")
	case !mostlyUTF8(start):
		text = transform.NewReader(buffered, simplifiedchinese.GB18030.NewDecoder())
	}
	r := csv.NewReader(text)
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, false, true
	if line, _, _ := bytes.Cut(start, []byte("\n")); bytes.Count(line, []byte(";")) > bytes.Count(line, []byte(",")) {
		r.Comma = ';'
	} else if bytes.Count(line, []byte("\t")) > bytes.Count(line, []byte(",")) {
		r.Comma = '\t'
	}
	return &table{
		size: size, offset: func() int64 { return count.n }, close: f.Close,
		next: func() ([]string, error) {
			cells, err := r.Read()
			var wrong *csv.ParseError
			if errors.As(err, &wrong) {
				return nil, fmt.Errorf("line %d: %w; nothing after it can be read", wrong.Line, wrong.Err)
			}
			return cells, err
		},
	}, nil
}

// mostlyUTF8 tells whether the beginning of a file is UTF-8: the last character
// may be cut.
func mostlyUTF8(b []byte) bool {
	for i := 0; i < utf8.UTFMax && len(b) > 0; i++ {
		if utf8.Valid(b) {
			return true
		}
		b = b[:len(b)-1]
	}
	return len(b) == 0
}

func openWorkbook(f *os.File, size int64) (*table, error) {
	if size > maxWorkbook {
		return nil, fmt.Errorf("the workbook has %d bytes; at most %d are read: save it as CSV", size, int64(maxWorkbook))
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("the file is no workbook: %w", err)
	}
	var whole uint64
	for _, entry := range z.File {
		whole += entry.UncompressedSize64
	}
	if whole > maxUnzipped {
		return nil, errors.New("the workbook holds too much when it is unpacked: save it as CSV")
	}
	book, err := excelize.OpenReader(f, excelize.Options{UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: 64 << 20})
	if err != nil {
		return nil, fmt.Errorf("the workbook cannot be read: %w", err)
	}
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return nil, errors.Join(errors.New("the workbook has no sheet"), book.Close())
	}
	rows, err := book.Rows(sheets[0])
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sheet %s: %w", sheets[0], err), book.Close())
	}
	return &table{
		size: size, close: func() error { return errors.Join(rows.Close(), book.Close(), f.Close()) },
		next: func() ([]string, error) {
			if !rows.Next() {
				return nil, endOr(rows.Error())
			}
			return rows.Columns()
		},
	}, nil
}

func endOr(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}
