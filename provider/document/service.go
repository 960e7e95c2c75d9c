package document

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/semaphore"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// busyFor is when somebody is asked to try again after the service was busy.
const busyFor = 10 * time.Second

// Service takes documents in, shows them and erases them. Init before use.
type Service struct {
	Store    Store
	Blobs    Blobs
	Scanner  Scanner       // nil: nothing is scanned
	Hold     bool          // keep what cannot be scanned now, unseen, until it was; else it is refused
	Limits   Limits        // of one owner
	Retain   time.Duration // how long documents stay after their case was closed
	Idle     time.Duration // how long those of a case stay that is never closed
	Patience time.Duration // how long an upload waits for its turn to be decoded; 15 s if 0
	Now      func() time.Time

	decodes *semaphore.Weighted
}

// Init makes what the fields call for.
func (s *Service) Init() { s.decodes = semaphore.NewWeighted(decodeBudget) }

func (s *Service) patience() time.Duration {
	if s.Patience == 0 {
		return 15 * time.Second
	}
	return s.Patience
}

// Add takes a file in. It fails with fault.Invalid where the file is not what it
// should be, fault.Conflict where the case is closed, fault.Throttled beyond the
// owner's quota, fault.Unavailable where it cannot be scanned or kept just now;
// field "file" and one of Messages each. Then nothing of it is left. A document
// of a kind that a case has once replaces the one before. It runs in no
// transaction of the caller.
func (s *Service) Add(ctx context.Context, u Upload, ev audit.Event) (Document, error) {
	if !u.Kind.Known() {
		return Document{}, refused(MsgKind)
	}
	if u.Owner == "" || u.Case == "" {
		return Document{}, errors.New("document: upload without owner or case")
	}
	if closed, err := s.Store.DocumentsClosed(ctx, u.Case); err != nil || closed {
		return Document{}, errors.Join(err, decidedIf(closed))
	}
	pages, err := s.intake(ctx, u)
	if err != nil {
		return Document{}, s.told(ctx, err, u, ev)
	}
	r := Record{
		Document: Document{ID: newID(), Owner: u.Owner, Case: u.Case, Kind: u.Kind, Pages: len(pages.Pages), CreatedAt: s.Now()},
	}
	ev.Kind = audit.DocumentStored
	if pages.Raw > 0 {
		r.Scan, ev.Kind = Waiting, audit.DocumentHeld
	}
	return s.store(ctx, r, pages, s.Limits, func(ctx context.Context, r Record) error { return s.confirm(ctx, r, ev) })
}

// store keeps pages as the document r, under a key and a name of its own; confirm
// makes it one of its case. If anything fails nothing is left.
func (s *Service) store(ctx context.Context, r Record, pages contents, l Limits, confirm func(context.Context, Record) error) (Document, error) {
	r.Key, r.Blob = make([]byte, KeySize), newBlob()
	rand.Read(r.Key) // never fails: crypto/rand ends the program instead
	sealed, err := sealPages(r.Key, r.ID, pages)
	if err != nil {
		return Document{}, err
	}
	r.Size = int64(len(sealed))
	// The record comes first: whatever happens from here on, the sweep finds the
	// blob.
	if err := s.Store.ReserveDocument(ctx, r, l); err != nil {
		return Document{}, err
	}
	if err = s.Blobs.Put(ctx, r.Blob, sealed); err == nil {
		err = confirm(ctx, r)
	}
	if err != nil {
		// Also when the asker has gone: it would count against them for an hour.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, undone := s.Store.DestroyDocument(undo, r.ID, s.Now())
		return Document{}, errors.Join(err, undone)
	}
	return r.Document, nil
}

func decidedIf(closed bool) error {
	if !closed {
		return nil
	}
	return &fault.Error{Kind: fault.Conflict, Field: "file", Msg: MsgDecided}
}

// confirm makes r one of its case, in place of the one before where there can
// only be one.
func (s *Service) confirm(ctx context.Context, r Record, ev audit.Event) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.ConfirmDocument(ctx, r.ID); err != nil {
			return err
		}
		if r.Kind.single() {
			if err := s.displace(ctx, r, ev); err != nil {
				return err
			}
		}
		ev.Object, ev.Detail = r.ID, string(r.Kind)
		return s.Store.Record(ctx, ev)
	})
}

func (s *Service) displace(ctx context.Context, r Record, ev audit.Event) error {
	others, err := s.Store.Documents(ctx, r.Case)
	if err != nil {
		return err
	}
	for _, d := range others {
		if d.Kind != r.Kind || d.ID == r.ID || d.Owner != r.Owner {
			continue
		}
		if _, err := s.destroy(ctx, d.ID, "replaced", ev); err != nil {
			return err
		}
	}
	return nil
}

// intake turns the bytes into pages.
func (s *Service) intake(ctx context.Context, u Upload) (contents, error) {
	body, err := io.ReadAll(io.LimitReader(u.Body, MaxFile+1))
	switch {
	case err != nil:
		return contents{}, fmt.Errorf("document: read upload: %w", err)
	case len(body) > MaxFile:
		return contents{}, refused(MsgTooLarge)
	case len(body) == 0:
		return contents{}, refused(MsgEmpty)
	}
	if sniff(body) == formatUnknown {
		return contents{}, refused(MsgForm)
	}
	held := false
	if s.Scanner != nil { // before anything of ours reads it, if it can
		if err := s.Scanner.Scan(ctx, body); err != nil {
			if fault.Is(err, fault.Invalid) {
				return contents{}, err
			}
			if held = s.Hold && ctx.Err() == nil; !held {
				return contents{}, &fault.Error{Kind: fault.Unavailable, Field: "file", Msg: MsgUnscanned, RetryAfter: time.Minute, Err: err}
			}
		}
	}
	pictures := []pdfPicture{{body: body}}
	if sniff(body) == formatPDF {
		if pictures, err = pdfPictures(body); err != nil {
			return contents{}, err
		}
	}
	c := newContents(u.Name, body)
	kept := 0
	for _, one := range pictures {
		p, err := s.keep(ctx, one.body, one.turn)
		if err != nil {
			return contents{}, err
		}
		if kept += p.Size; kept > maxKept {
			return contents{}, refused(MsgHeavy)
		}
		c.Pages = append(c.Pages, p)
	}
	if held {
		c.raw, c.Raw = body, len(body)
	}
	return c, nil
}

// told records what of the refusals concerns safety, and passes err on.
func (s *Service) told(ctx context.Context, err error, u Upload, ev audit.Event) error {
	var why *fault.Error
	if !errors.As(err, &why) || why.Msg != MsgMalware && why.Msg != MsgPDFActive {
		return err
	}
	ev.Kind, ev.Object, ev.Result, ev.Detail = audit.DocumentRefused, u.Case, "refused", why.Msg
	return errors.Join(err, s.Store.Record(ctx, ev))
}

// List gives the documents of a case, oldest first.
func (s *Service) List(ctx context.Context, caseID string) ([]Document, error) {
	return s.Store.Documents(ctx, caseID)
}

// Access says who wants to see which page, and why.
type Access struct {
	ID      string
	Case    string // the case that it is looked up by, or
	Owner   string // the owner; both must fit where both are given
	Page    int    // from 0
	Edge    int    // longest edge of the picture in pixels; 0: as it is kept
	Shown   string // number of the case as people know it, for the watermark; ASCII
	Viewer  string // operator or account id, for the watermark and the trail; ASCII
	Purpose string // "review", "own": a word of the caller's, for the trail
}

// Picture is one page as somebody sees it.
type Picture struct {
	Document
	Name string // the file's name as it was uploaded
	JPEG []byte
}

// View gives one page with a watermark that names case, viewer and time, and
// writes the event before anybody sees it. fault.NotFound is all that is said of
// a document that is not there, is somebody else's, was not scanned, or belongs to a
// decided case.
// That the viewer may see the case is for the caller to know.
func (s *Service) View(ctx context.Context, a Access, ev audit.Event) (Picture, error) {
	if a.Viewer == "" || a.Purpose == "" || a.Case == "" && a.Owner == "" {
		return Picture{}, errors.New("document: view without viewer, purpose or parent")
	}
	r, err := s.Store.Document(ctx, a.ID, a.Case, a.Owner)
	if err != nil {
		return Picture{}, err
	}
	if r.Scan != Passed { // S76
		return Picture{}, fault.New(fault.NotFound, "no such document")
	}
	c, err := s.open(ctx, r)
	if err != nil {
		return Picture{}, err
	}
	if a.Page < 0 || a.Page >= len(c.Pages) {
		return Picture{}, fault.New(fault.NotFound, "no such page")
	}
	ev.Kind, ev.Actor, ev.Object, ev.Detail = audit.DocumentViewed, a.Viewer, r.ID, a.Purpose
	if err := s.Store.Record(ctx, ev); err != nil {
		return Picture{}, err
	}
	marked, err := s.mark(ctx, c.Pages[a.Page], a)
	return Picture{Document: r.Document, Name: c.Name, JPEG: marked}, err
}

func (s *Service) open(ctx context.Context, r Record) (c contents, err error) {
	blob, err := s.Blobs.Get(ctx, r.Blob)
	if err != nil {
		if fault.Is(err, fault.NotFound) { // a record says that it is there
			return contents{}, fmt.Errorf("document %s: its blob is missing", r.ID)
		}
		return contents{}, fmt.Errorf("document %s: %w", r.ID, err)
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	return openPages(r.Key, r.ID, blob)
}
