package audit

import (
	"context"
	"crypto/hmac"
	"fmt"
	"math"
	"slices"
	"time"
)

// Report is what Verify found.
type Report struct {
	Blocks   int64
	Rows     int64 // sealed rows that were read again
	Unsealed int64 // rows that stand in no block yet
	Waiting  time.Duration
	Removed  int64 // the last block that was removed for its age, 0: none
	Problems []string
}

// sealedWithin is how long a row may stand unsealed while a server runs.
const sealedWithin = time.Minute

// maxProblems ends a check of a trail that is beyond help.
const maxProblems = 50

// Verify reads the whole trail and holds it to the chain, and the chain to the
// checkpoints, if there are any. The error is a failure to read; what is wrong
// with the trail stands in the report.
func (c *Chain) Verify(ctx context.Context, checkpoints []Checkpoint) (Report, error) {
	v := verification{chain: c, points: map[int64]Checkpoint{}}
	for _, p := range checkpoints {
		if !hmac.Equal([]byte(p.MAC), []byte(c.mac("checkpoint", p.Seq, p.Hash, p.At))) {
			v.problem("the checkpoint of block %d is not genuine", p.Seq)
			continue
		}
		v.points[p.Seq] = p
	}
	anchor, err := c.Store.Anchor(ctx)
	if err != nil {
		return v.Report, err
	}
	if anchor.Seq > 0 {
		if !hmac.Equal([]byte(anchor.MAC), []byte(c.anchorMAC(anchor))) {
			v.problem("the anchor that stands for the removed blocks up to %d is not genuine", anchor.Seq)
		}
		v.seq, v.hash, v.Removed, v.removed = anchor.Seq, anchor.Hash, anchor.Seq, anchor.Top
	}
	if err := v.blocks(ctx); err != nil {
		return v.Report, err
	}
	if err := v.rest(ctx); err != nil {
		return v.Report, err
	}
	for seq, p := range v.points {
		if seq > v.seq {
			v.problem("the end is missing: block %d was written down at %s, the chain ends with block %d", seq, time.Unix(p.At, 0).UTC().Format(time.RFC3339), v.seq)
		}
	}
	return v.Report, nil
}

type verification struct {
	Report
	chain   *Chain
	points  map[int64]Checkpoint
	seq     int64
	hash    string
	removed int64  // the greatest id that was removed for its age
	sealed  []Span // ids that stand in a block, ascending, joined
}

func (v *verification) problem(format string, args ...any) {
	if len(v.Problems) < maxProblems {
		v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
	}
}

// blocks reads every block with its rows.
func (v *verification) blocks(ctx context.Context) error {
	for {
		blocks, err := v.chain.Store.Blocks(ctx, v.seq, 100)
		if err != nil || len(blocks) == 0 {
			return err
		}
		for _, b := range blocks {
			if b.Seq != v.seq+1 {
				v.problem("blocks %d to %d are missing", v.seq+1, b.Seq-1)
			}
			rows, err := v.rows(ctx, b)
			if err != nil {
				return err
			}
			if v.chain.hash(v.hash, b, rows) != b.Hash {
				v.problem("block %d (ids %s) is not as it was sealed", b.Seq, describe(b.Spans))
			}
			if p, ok := v.points[b.Seq]; ok && p.Hash != b.Hash {
				v.problem("block %d is another one than was written down", b.Seq)
			}
			for _, s := range b.Spans {
				v.cover(s, b.Seq)
			}
			v.seq, v.hash = b.Seq, b.Hash // go on from what stands there, to find what else is wrong
			v.Blocks, v.Rows = v.Blocks+1, v.Rows+int64(len(rows))
		}
	}
}

func (v *verification) rows(ctx context.Context, b Block) (out []Row, err error) {
	for _, s := range b.Spans {
		for after := s.From - 1; after < s.To; {
			rows, err := v.chain.Store.AuditRows(ctx, after, s.To, batch)
			if err != nil {
				return nil, err
			}
			if len(rows) == 0 {
				v.problem("rows are missing among %d to %d (block %d)", after+1, s.To, b.Seq)
				break
			}
			out = append(out, rows...)
			after = rows[len(rows)-1].ID
		}
	}
	return out, nil
}

// cover adds a span to the ids that stand in blocks.
func (v *verification) cover(s Span, seq int64) {
	i, _ := slices.BinarySearchFunc(v.sealed, s.From, func(have Span, from int64) int {
		switch {
		case have.To < from:
			return -1
		case have.From > from:
			return 1
		}
		return 0
	})
	if i < len(v.sealed) && v.sealed[i].From <= s.To {
		v.problem("ids %d to %d stand in two blocks, the second of them %d", s.From, s.To, seq)
		return
	}
	v.sealed = slices.Insert(v.sealed, i, s)
	if i+1 < len(v.sealed) && v.sealed[i].To+1 == v.sealed[i+1].From {
		v.sealed[i].To = v.sealed[i+1].To
		v.sealed = slices.Delete(v.sealed, i+1, i+2)
	}
	if i > 0 && v.sealed[i-1].To+1 == v.sealed[i].From {
		v.sealed[i-1].To = v.sealed[i].To
		v.sealed = slices.Delete(v.sealed, i, i+1)
	}
}

// rest looks for rows that stand in no block: at the end they wait for one, in
// between somebody put them there.
func (v *verification) rest(ctx context.Context) error {
	head, err := v.chain.Store.ChainHead(ctx)
	if err != nil {
		return err
	}
	if head.Seq != v.seq || head.Hash != v.hash {
		// The chain may have grown while it was read; then its blocks say so.
		again, err := v.chain.Store.Blocks(ctx, v.seq, 1)
		if err != nil {
			return err
		}
		if len(again) == 0 {
			v.problem("the chain's head names block %d, its last block is %d", head.Seq, v.seq)
		}
	}
	waiting := map[int64]bool{}
	for _, h := range head.Holes {
		waiting[h.ID] = true
	}
	for after := int64(math.MinInt64); ; {
		rows, err := v.chain.Store.AuditRows(ctx, after, math.MaxInt64, batch)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if !v.holds(r.ID) && r.ID <= v.top() && !waiting[r.ID] {
				if err := v.blocks(ctx); err != nil { // it may have been sealed while we read
					return err
				}
			}
			if !v.holds(r.ID) {
				v.loose(r, r.ID > v.top() || waiting[r.ID])
			}
		}
		after = rows[len(rows)-1].ID
	}
}

func (v *verification) holds(id int64) bool {
	_, found := slices.BinarySearchFunc(v.sealed, id, func(have Span, id int64) int {
		switch {
		case have.To < id:
			return -1
		case have.From > id:
			return 1
		}
		return 0
	})
	return found
}

func (v *verification) top() int64 {
	if len(v.sealed) == 0 {
		return v.removed
	}
	return max(v.removed, v.sealed[len(v.sealed)-1].To)
}

func (v *verification) loose(r Row, expected bool) {
	if !expected {
		v.problem("row %d stands in no block: it was put there past the service", r.ID)
		return
	}
	v.Unsealed++
	v.Waiting = max(v.Waiting, v.chain.Now().Sub(r.At))
	if v.Waiting > sealedWithin && v.Unsealed == 1 {
		v.problem("row %d and what follows is not sealed since %v: does a server run?", r.ID, v.Waiting.Round(time.Second))
	}
}

func describe(spans []Span) string {
	if len(spans) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d to %d", spans[0].From, spans[len(spans)-1].To)
}
