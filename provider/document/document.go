package document

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"time"

	"kejitong/provider/audit"
)

// Kind is what a document shows.
type Kind string

// The kinds of evidence.
const (
	Licence           Kind = "licence"            // 营业执照 or another certificate of a unit
	IDFront           Kind = "id_front"           // the side with the portrait
	IDBack            Kind = "id_back"            // the side with the emblem
	Authorisation     Kind = "authorisation"      // 授权委托书 with the unit's seal
	ChangeCertificate Kind = "change_certificate" // 变更核准通知书 of a renamed unit
	Other             Kind = "other"
)

// Kinds lists them all, in the order in which pages show them.
func Kinds() []Kind {
	return []Kind{Licence, IDFront, IDBack, Authorisation, ChangeCertificate, Other}
}

// Known tells whether k is one of the kinds.
func (k Kind) Known() bool {
	for _, known := range Kinds() {
		if k == known {
			return true
		}
	}
	return false
}

// single tells whether a case has one document of the kind: a second one takes
// its place.
func (k Kind) single() bool { return k != Other }

// Scan is what the scanner said of a document.
type Scan string

// The states of a scan. A document that was found infected at the upload is not
// kept, so quarantine is for those that waited.
const (
	Passed      Scan = ""
	Waiting     Scan = "waiting"     // the scanner could not look yet: nobody sees it
	Quarantined Scan = "quarantined" // it found something: nobody ever sees it
)

// Document is what is known of one without opening it.
type Document struct {
	ID        string // 22 characters of base64url, 128 random bits
	Owner     string // account id, or the id of a flow without an account
	Case      string // the case that it is evidence in
	Kind      Kind
	Pages     int
	Size      int64 // bytes at rest
	Scan      Scan
	CreatedAt time.Time
}

// Upload is a file that somebody hands in.
type Upload struct {
	Owner string // account id, or flow id; the quota is counted on it
	Case  string
	Kind  Kind
	Name  string    // file name as the browser gave it; kept sealed, and only for its owner
	Body  io.Reader // read to its end, at most MaxFile bytes
}

// Record is a document as the store keeps it.
type Record struct {
	Document
	Key  []byte // of the blob; sealed by the store, and empty once destroyed
	Blob string // name of the blob
}

// Limits bound what one owner keeps here at once.
type Limits struct {
	Documents int   // how many
	Bytes     int64 // at rest, together
}

// Stale names what is left to do of an erasure: the blob that is to be deleted.
type Stale struct{ ID, Blob string }

// Store keeps the records. Every method may run inside a transaction of the
// caller.
type Store interface {
	// InTx runs fn in a transaction that rides in the ctx it is given.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// ReserveDocument inserts r as not yet there, and counts it for its owner. It fails
	// with fault.Conflict, MsgDecided, where the case is closed, and with
	// fault.Throttled, MsgQuota, where the owner would have more than l allows;
	// of racing calls no more succeed than l has room for.
	ReserveDocument(ctx context.Context, r Record, l Limits) error
	// ConfirmDocument makes a reserved document one of its case. It fails with
	// fault.Conflict, MsgDecided, where the case was closed meanwhile.
	ConfirmDocument(ctx context.Context, id string) error
	// Documents lists the documents of a case, oldest first.
	Documents(ctx context.Context, caseID string) ([]Document, error)
	// Document reads one by id and parent: its case, its owner, or both; at least
	// one must be given. fault.NotFound where there is none, where it was erased,
	// and where its case is closed.
	Document(ctx context.Context, id, caseID, owner string) (Record, error)
	// WaitingDocuments reads documents of open cases that wait for the scanner, the
	// oldest first, at most limit.
	WaitingDocuments(ctx context.Context, limit int) ([]Record, error)
	// QuarantineDocument turns a document that waits into one that is quarantined; false
	// if it does not wait any more.
	QuarantineDocument(ctx context.Context, id string) (bool, error)
	// DestroyDocument deletes the key of a document and gives its owner the room back;
	// false if that was done before or there is none. The blob stays listed in
	// UndeletedBlobs until BlobDeleted says that it is gone.
	DestroyDocument(ctx context.Context, id string, now time.Time) (bool, error)
	// CloseDocuments lets nothing be added to the case or read from it, and marks its
	// documents for erasure at eraseAt. A case may be closed before it has any. A
	// second call changes nothing and is false.
	CloseDocuments(ctx context.Context, caseID string, now, eraseAt time.Time) (bool, error)
	// DocumentsClosed tells whether the case is closed.
	DocumentsClosed(ctx context.Context, caseID string) (bool, error)
	// ExpiredDocuments gives the ids of documents with a key whose time is over: of closed
	// cases past eraseAt, of uploads that began before unfinished and were never
	// confirmed, of cases that nothing was added to since idle. At most limit.
	ExpiredDocuments(ctx context.Context, now, unfinished, idle time.Time, limit int) ([]string, error)
	// OwnedDocuments gives the ids of the documents with a key of an owner.
	OwnedDocuments(ctx context.Context, owner string) ([]string, error)
	// UndeletedBlobs lists blobs of destroyed documents, BlobDeleted takes one off the list.
	UndeletedBlobs(ctx context.Context, limit int) ([]Stale, error)
	BlobDeleted(ctx context.Context, id string) error
	// Record writes an event without another write beside it.
	Record(ctx context.Context, ev audit.Event) error
}

// Blobs keeps sealed bytes under names that newBlob makes. Put is all or nothing
// and durable when it returns; a store that is full answers fault.Unavailable.
// Get fails with fault.NotFound where there is no such blob. Delete of what is
// not there succeeds.
type Blobs interface {
	Put(ctx context.Context, name string, body []byte) error
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	Delete(ctx context.Context, name string) error
}

// Scanner looks for malware in the bytes as they came. It returns fault.Invalid,
// MsgMalware, where it finds some; any other failure means that it could not
// look.
type Scanner interface {
	Scan(ctx context.Context, body []byte) error
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// newBlob names a blob: random, in lower case and digits, for file systems that
// do not tell cases apart.
func newBlob() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var b [26]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return string(b[:])
}
