package templates

import "time"

// DeskImports is what was brought over from the former platform: the batches, how
// far the passwords are, and the search for a record.
type DeskImports struct {
	Desk
	Batches  []DeskBatchLine
	Wrap     DeskWrap
	Heaps    []DeskHeap  // what stays to be settled; empty if the role may not see it
	Fields   []DeskField // of the search; empty if the role may not
	Searched bool
	Found    []DeskEntryLine
}

// DeskBatchLine is one file of accounts.
type DeskBatchLine struct {
	URL         string
	ID          string
	File        string
	By          string
	State       string // message import.state.<state>
	Rows, Bad   int64
	At          time.Time
	CommittedAt time.Time
	RevertedAt  time.Time
	Reversible  bool      // nobody had used an account of it by
	LookedAt    time.Time // this moment
}

// Committed tells whether the accounts are there.
func (b DeskBatchLine) Committed() bool { return b.State == "committed" }

// DeskWrap is how far the passwords of the former platform are under argon2id.
type DeskWrap struct {
	All, Done, Left int64
	Percent         int
	Rate            string // a second; "" as long as nobody knows
	Takes           Text
}

// DeskHeap is a list of records with the same things to settle.
type DeskHeap struct {
	Code  string // an outcome, or rival: message import.heap.<code>
	URL   string
	Here  bool
	Count string // "" if it is not counted
}

// Name and Title make DeskImports a Page.
func (DeskImports) Name() string { return "admin/imports" }
func (DeskImports) Title() Text  { return T("desk.nav.imports") }

// DeskBatch is one batch: what was planned or done, and what was left out.
type DeskBatch struct {
	Desk
	Of       DeskBatchLine
	Planned  bool // there is a plan, or a result
	Outcomes []DeskOutcome
	Sums     []DeskSum
	Samples  []DeskSample
	Kinds    []DeskBad // of what was left out, by field and reason
	BadRows  []DeskBad // the first rows
	BadMore  bool      // not all are listed
}

// DeskOutcome is how many accounts came to an outcome, message import.outcome.<code>.
type DeskOutcome struct {
	Code  string
	N     int64
	Width int    // 0 to 100
	URL   string // of the records that stay to be settled, "" if none can
}

// DeskSum is a number of a plan, message import.sum.<key>.
type DeskSum struct {
	Key string
	N   int64
}

// DeskSample is a record of a plan, masked.
type DeskSample struct {
	Row       int
	Code      string
	Key       string
	LoginName string
	Suffixed  bool
	Rival     bool
}

// DeskBad is a field that could not be taken over: in one row, or in N.
type DeskBad struct {
	Row   int
	Field string // message import.column.<field>
	Why   Text
	N     int64
}

// Name and Title make DeskBatch a Page.
func (DeskBatch) Name() string { return "admin/batch" }
func (DeskBatch) Title() Text  { return T("import.batch.title") }

// DeskConflicts is the records of a heap that are not settled.
type DeskConflicts struct {
	Desk
	Heaps   []DeskHeap
	Code    string // of the heap
	Entries []DeskEntryLine
	Next    string
}

// DeskEntryLine is one record, masked.
type DeskEntryLine struct {
	URL       string
	Batch     string
	BatchURL  string
	Row       int
	Code      string // "" before its batch was brought over
	Suffixed  bool
	Key       string
	LoginName string
	Account   string // address of the account, "" if there is none
	Open      []string
}

// Name and Title make DeskConflicts a Page.
func (DeskConflicts) Name() string { return "admin/conflicts" }
func (DeskConflicts) Title() Text  { return T("import.conflicts.title") }

// DeskRecord is one record of the former platform with what became of it.
type DeskRecord struct {
	Desk
	ID       string
	Of       DeskEntryLine
	At       time.Time // decided at
	Facts    []DeskFact
	Parties  []DeskParty
	Snags    []DeskSnag
	Reveal   []DeskField
	Revealed *DeskFact
	Error    Text
	Mine     bool // it is of the operator's own account
}

// DeskParty is an account that has to do with a record, message import.party.<key>.
type DeskParty struct {
	Key      string
	URL      string
	Login    string
	Type     string
	State    string
	RealName string
}

// DeskSnag is something to settle: messages import.snag.<key> and
// import.deed.<key>.
type DeskSnag struct {
	Key  string
	Open bool
	URL  string // where it is settled, "" if nowhere at the desk
}

// Name and Title make DeskRecord a Page.
func (DeskRecord) Name() string { return "admin/record" }
func (DeskRecord) Title() Text  { return T("import.record.title") }
