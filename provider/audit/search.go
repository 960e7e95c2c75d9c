package audit

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

// Filter selects rows of the trail. Zero fields select all.
type Filter struct {
	Since     time.Time `json:"since,omitzero"`
	Until     time.Time `json:"until,omitzero"` // the first moment that is out
	Kind      string    `json:"kind,omitempty"` // a kind, or the beginning of kinds up to a dot, as "operator."
	Actor     string    `json:"actor,omitempty"`
	Object    string    `json:"object,omitempty"`
	Client    string    `json:"client,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Result    string    `json:"result,omitempty"`
}

// Table writes rows as CSV (RFC 4180) that a spreadsheet takes for text alone.
type Table struct{ w *csv.Writer }

// NewTable writes the heading.
func NewTable(out io.Writer) *Table {
	t := &Table{csv.NewWriter(out)}
	// What goes wrong here, Flush says.
	_ = t.w.Write([]string{"id", "at", "kind", "actor", "object", "client", "result", "detail", "ip", "user_agent", "request_id"})
	return t
}

// Write adds a row.
func (t *Table) Write(r Row) error {
	return t.w.Write([]string{
		strconv.FormatInt(r.ID, 10), r.At.UTC().Format(time.RFC3339Nano), Cell(string(r.Kind)), Cell(r.Actor), Cell(r.Object), Cell(r.Client), Cell(r.Result),
		Cell(r.Detail), Cell(r.IP), Cell(r.UserAgent), Cell(r.RequestID),
	})
}

// Flush writes what is left and tells what went wrong.
func (t *Table) Flush() error {
	t.w.Flush()
	return t.w.Error()
}

// Cell keeps a spreadsheet from taking text for a formula (CWE-1236, S81): what a
// browser says of itself is anybody's text.
func Cell(s string) string {
	if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r\n|%") || strings.HasPrefix(s, "＝") || strings.HasPrefix(s, "＋") ||
		strings.HasPrefix(s, "－") || strings.HasPrefix(s, "＠") {
		return "'" + s
	}
	return s
}
