package document

import (
	"context"
	"errors"
	"math"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Rescan shows the scanner what waits for it, at most limit: what it passes becomes a
// document like others, without the bytes that were uploaded; what it finds
// something in is quarantined. It gives how many were settled, and stops at the
// first that cannot be scanned. Several processes may do it at once.
func (s *Service) Rescan(ctx context.Context, limit int) (n int, err error) {
	if s.Scanner == nil { // it was switched off: what waits goes on waiting
		return 0, nil
	}
	waiting, err := s.Store.WaitingDocuments(ctx, limit)
	if err != nil {
		return 0, err
	}
	for _, r := range waiting {
		c, err := s.open(ctx, r)
		if err != nil {
			return n, err
		}
		switch err = s.Scanner.Scan(ctx, c.raw); {
		case err == nil:
			err = s.release(ctx, r, c)
		case fault.Is(err, fault.Invalid):
			err = s.quarantine(ctx, r)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// errSettled says that somebody else was first.
var errSettled = errors.New("document: settled meanwhile")

// release puts a document without the upload in the place of the one that waited.
// For a moment its owner has both, which no quota is to prevent.
func (s *Service) release(ctx context.Context, old Record, c contents) error {
	c.raw, c.Raw = nil, 0
	r := Record{Document: old.Document}
	r.ID, r.Scan = newID(), Passed
	ev := audit.From(ctx, audit.Event{Kind: audit.DocumentStored, Actor: "system", Object: r.ID, Detail: string(r.Kind)})
	_, err := s.store(ctx, r, c, Limits{Documents: math.MaxInt32, Bytes: math.MaxInt64}, func(ctx context.Context, r Record) error {
		return s.Store.InTx(ctx, func(ctx context.Context) error {
			if err := s.Store.ConfirmDocument(ctx, r.ID); err != nil {
				return err
			}
			// Rows in the order of a document that is replaced: none waits for the other.
			if done, err := s.Store.DestroyDocument(ctx, old.ID, s.Now()); err != nil || !done {
				return errors.Join(err, settledIf(!done))
			}
			return s.Store.Record(ctx, ev)
		})
	})
	if errors.Is(err, errSettled) || fault.Is(err, fault.Conflict) { // or its case was decided
		return nil
	}
	return err
}

func settledIf(settled bool) error {
	if settled {
		return errSettled
	}
	return nil
}

func (s *Service) quarantine(ctx context.Context, r Record) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		done, err := s.Store.QuarantineDocument(ctx, r.ID)
		if err != nil || !done {
			return err
		}
		return s.Store.Record(ctx, audit.From(ctx, audit.Event{Kind: audit.DocumentQuarantined, Actor: "system", Object: r.ID, Result: "refused", Detail: MsgMalware}))
	})
}
