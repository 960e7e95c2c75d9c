package templates

import "time"

// DeskAudit is the auditor's page: the trail, searched.
type DeskAudit struct {
	Desk
	Fields  []DeskField // of the search; their names are the query's
	Rows    []DeskRow
	Next    string // path of the next page, "" if this is the last
	Partial bool   // not everything was looked through: go on with Next
	Error   Text
	Done    Text
	Chain   DeskChain
	Exports []DeskProposal
	Filter  map[string]string // hidden fields of the form that asks for an export
	Exact   bool              // a search was made
}

// DeskRow is an event of the trail.
type DeskRow struct {
	ID                            int64
	At                            time.Time
	Kind, Actor, Object, Client   string
	Result, Detail, IP, RequestID string
	Agent                         string
}

// Bad tells whether the deed did not succeed.
func (r DeskRow) Bad() bool { return r.Result != "ok" }

// DeskChain is where the chain over the trail stands.
type DeskChain struct {
	Blocks   int64
	At       time.Time // of the last block
	Checked  bool      // the whole trail was verified just now
	Rows     int64
	Unsealed int64
	Problems []string
}

// Name and Title make DeskAudit a Page.
func (DeskAudit) Name() string { return "admin/audit" }
func (DeskAudit) Title() Text  { return T("desk.nav.audit") }
