package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// unfinished is how long an upload may take from reservation to confirmation;
// older ones were cut off by a crash.
const unfinished = time.Hour

// Erase destroys one document, found by its case, its owner or both (empty:
// either). fault.NotFound as for View.
func (s *Service) Erase(ctx context.Context, id, caseID, owner string, ev audit.Event) error {
	if caseID == "" && owner == "" {
		return errors.New("document: erase without parent")
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		r, err := s.Store.Document(ctx, id, caseID, owner)
		if err != nil {
			return err
		}
		done, err := s.destroy(ctx, r.ID, "asked", ev)
		if err == nil && !done {
			return fault.New(fault.NotFound, "no such document")
		}
		return err
	})
}

// EraseOwned destroys everything of an owner: an account that was closed, a flow
// that was given up. It may run inside a transaction of the caller.
func (s *Service) EraseOwned(ctx context.Context, owner string, ev audit.Event) (n int, err error) {
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		n = 0
		ids, err := s.Store.OwnedDocuments(ctx, owner)
		if err != nil {
			return err
		}
		for _, id := range ids {
			done, err := s.destroy(ctx, id, "owner", ev)
			if err != nil {
				return err
			}
			if done {
				n++
			}
		}
		return nil
	})
	return n, err
}

// CloseCase is to run in the transaction that decides the case: from then on its
// documents can neither be added to nor read (S58, S75), and Retain later they are
// erased. A second call does nothing.
func (s *Service) CloseCase(ctx context.Context, caseID string) error {
	now := s.Now()
	_, err := s.Store.CloseDocuments(ctx, caseID, now, now.Add(s.Retain))
	return err
}

// destroy writes its event only if there was something to destroy.
func (s *Service) destroy(ctx context.Context, id, why string, ev audit.Event) (bool, error) {
	done, err := s.Store.DestroyDocument(ctx, id, s.Now())
	if err != nil || !done {
		return false, err
	}
	ev.Kind, ev.Object, ev.Detail = audit.DocumentErased, id, why
	return true, s.Store.Record(ctx, ev)
}

// Tend destroys what has had its time and deletes the blobs of what was
// destroyed; limit bounds each. Several processes may do it at once. Call it again
// while it gives limit.
func (s *Service) Tend(ctx context.Context, limit int) (int, error) {
	now := s.Now()
	ids, err := s.Store.ExpiredDocuments(ctx, now, now.Add(-unfinished), now.Add(-s.Idle), limit)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		err := s.Store.InTx(ctx, func(ctx context.Context) error {
			_, err := s.destroy(ctx, id, "retention", audit.From(ctx, audit.Event{Actor: "system"}))
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	stale, err := s.Store.UndeletedBlobs(ctx, limit)
	if err != nil {
		return 0, err
	}
	for _, b := range stale {
		if err := s.Blobs.Delete(ctx, b.Blob); err != nil {
			return 0, fmt.Errorf("document %s: delete blob: %w", b.ID, err)
		}
		if err := s.Store.BlobDeleted(ctx, b.ID); err != nil {
			return 0, err
		}
	}
	return max(len(ids), len(stale)), nil
}
