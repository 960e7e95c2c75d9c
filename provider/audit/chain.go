package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"
)

// Row is an event as the trail keeps it. IDs grow, with gaps.
type Row struct {
	ID int64
	At time.Time // to the millisecond
	Event
}

// Span is the ids from From to To, both included.
type Span struct {
	From int64 `json:"f"`
	To   int64 `json:"t"`
}

// Block seals the rows that were new when it was made: its hash covers them, its
// own place and the block before it. So nobody who writes to the database alone
// can change, remove, add or exchange a row that stands in a block without
// Verify seeing it.
type Block struct {
	Seq   int64 // from 1, without gaps
	At    time.Time
	Spans []Span // ids of the rows, ascending
	Hash  string // base64url of HMAC-SHA-256
}

// Head is where the chain ends. Rows commit in another order than that of their
// ids, so ids that were not there yet are looked for again, for a while.
type Head struct {
	Seq   int64
	Hash  string
	Top   int64 // the greatest id in any block
	Holes []Hole
}

// Hole is an id below Top that had no row when the id after it was sealed: its
// transaction was still under way, or was rolled back.
type Hole struct {
	ID    int64 `json:"i"`
	Since int64 `json:"s"` // Unix seconds
}

// holesLast is how long an id is waited for: far longer than any transaction of
// this service lasts. A row that appears later was not written by it.
const holesLast = 2 * time.Minute

// maxHoles bounds what a head remembers.
const maxHoles = 10000

// ChainStore keeps the chain.
type ChainStore interface {
	// ExtendChain lets seal make the next block of up to limit rows that stand in
	// none yet: those above the head's Top and those in its holes. Head, rows and
	// both results belong to one transaction, and of several processes one at a
	// time extends. It gives how many rows were sealed; 0 if there were none or
	// another process is at it.
	ExtendChain(ctx context.Context, limit int, seal func(Head, []Row) (Block, Head)) (int, error)
	// ChainHead gives where the chain ends; a zero Head if there is no block yet.
	ChainHead(ctx context.Context) (Head, error)
	// Blocks gives up to limit blocks after seq, in order.
	Blocks(ctx context.Context, after int64, limit int) ([]Block, error)
	// AuditRows gives up to limit rows with ids above after up to and including
	// to, in order.
	AuditRows(ctx context.Context, after, to int64, limit int) ([]Row, error)
	// Anchor gives what Prune left of the blocks it removed; a zero Anchor if
	// nothing was removed.
	Anchor(ctx context.Context) (Anchor, error)
	// PruneChain removes the blocks up to anchor.Seq with their rows and keeps
	// anchor in their place.
	PruneChain(ctx context.Context, blocks []Block, anchor Anchor) error
}

// Chain seals the trail and checks it. Key is 32 bytes that are not in the
// database.
type Chain struct {
	Store ChainStore
	Key   []byte
	Now   func() time.Time
}

// batch is how many rows a block holds at most.
const batch = 2000

// Extend seals what is new and gives how many rows that were.
func (c *Chain) Extend(ctx context.Context) (sealed int, err error) {
	for {
		n, err := c.Store.ExtendChain(ctx, batch, c.seal)
		sealed += n
		if err != nil || n < batch {
			return sealed, err
		}
	}
}

func (c *Chain) seal(h Head, rows []Row) (Block, Head) {
	now := c.Now().Truncate(time.Millisecond)
	b := Block{Seq: h.Seq + 1, At: now, Spans: spansOf(rows)}
	b.Hash = c.hash(h.Hash, b, rows)
	next := Head{Seq: b.Seq, Hash: b.Hash, Top: h.Top}
	for _, hole := range h.Holes {
		if now.Unix()-hole.Since < int64(holesLast/time.Second) && !covers(b.Spans, hole.ID) {
			next.Holes = append(next.Holes, hole)
		}
	}
	for _, s := range b.Spans {
		for id := next.Top + 1; id < s.From && len(next.Holes) < maxHoles; id++ {
			next.Holes = append(next.Holes, Hole{ID: id, Since: now.Unix()})
		}
		next.Top = max(next.Top, s.To)
	}
	return b, next
}

func spansOf(rows []Row) (out []Span) {
	for _, r := range rows {
		if n := len(out); n > 0 && out[n-1].To+1 == r.ID {
			out[n-1].To = r.ID
			continue
		}
		out = append(out, Span{r.ID, r.ID})
	}
	return out
}

func covers(spans []Span, id int64) bool {
	return slices.ContainsFunc(spans, func(s Span) bool { return s.From <= id && id <= s.To })
}

// hash covers everything with its length before it, so that no two contents have
// one encoding.
func (c *Chain) hash(before string, b Block, rows []Row) string {
	h := hmac.New(sha256.New, c.Key)
	text(h, "block", before)
	number(h, b.Seq, b.At.UnixMilli(), int64(len(b.Spans)))
	for _, s := range b.Spans {
		number(h, s.From, s.To)
	}
	for _, r := range rows {
		number(h, r.ID, r.At.UnixMilli())
		text(h, string(r.Kind), r.Actor, r.Object, r.Client, r.Result, r.Detail, r.IP, r.UserAgent, r.RequestID)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func text(h hash.Hash, parts ...string) {
	for _, p := range parts {
		number(h, int64(len(p)))
		h.Write([]byte(p))
	}
}

func number(h hash.Hash, ns ...int64) {
	for _, n := range ns {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:gosec // the same bits
	}
}

// Checkpoint is a place of the chain that was written down elsewhere (on write-
// once media, on another host). Without one, a trail whose end was cut off
// together with the chain's looks whole.
type Checkpoint struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
	At   int64  `json:"at"` // Unix seconds
	MAC  string `json:"mac"`
}

// Checkpoint gives the present end of the chain; false if there is none yet.
func (c *Chain) Checkpoint(ctx context.Context) (Checkpoint, bool, error) {
	h, err := c.Store.ChainHead(ctx)
	if err != nil || h.Seq == 0 {
		return Checkpoint{}, false, err
	}
	p := Checkpoint{Seq: h.Seq, Hash: h.Hash, At: c.Now().Unix()}
	p.MAC = c.mac("checkpoint", p.Seq, p.Hash, p.At)
	return p, true, nil
}

func (c *Chain) mac(what string, seq int64, hashed string, at int64) string {
	h := hmac.New(sha256.New, c.Key)
	text(h, what, hashed)
	number(h, seq, at)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Anchor stands for blocks that were removed because their time had come: the
// chain goes on from it.
type Anchor struct {
	Seq  int64
	Hash string
	Top  int64 // the greatest id of what was removed
	At   int64 // Unix seconds
	MAC  string
}

func (c *Chain) anchorMAC(a Anchor) string {
	return c.mac(fmt.Sprintf("anchor %d", a.Top), a.Seq, a.Hash, a.At)
}

var errAnchor = errors.New("audit: the anchor of the removed part is not genuine; nothing was removed")

// Prune removes what was sealed before the given time, block by block, and gives
// how many rows went. A trail that does not verify is not touched: see Verify.
func (c *Chain) Prune(ctx context.Context, before time.Time) (removed int, err error) {
	anchor, err := c.Store.Anchor(ctx)
	if err != nil {
		return 0, err
	}
	if anchor.Seq > 0 && !hmac.Equal([]byte(anchor.MAC), []byte(c.anchorMAC(anchor))) {
		return 0, errAnchor
	}
	for {
		blocks, err := c.Store.Blocks(ctx, anchor.Seq, 100)
		if err != nil {
			return removed, err
		}
		i := slices.IndexFunc(blocks, func(b Block) bool { return !b.At.Before(before) })
		if i >= 0 {
			blocks = blocks[:i]
		}
		if len(blocks) == 0 {
			return removed, nil
		}
		rows := 0
		for _, b := range blocks {
			for _, s := range b.Spans {
				rows += int(s.To - s.From + 1)
				anchor.Top = max(anchor.Top, s.To)
			}
		}
		last := blocks[len(blocks)-1]
		anchor.Seq, anchor.Hash, anchor.At = last.Seq, last.Hash, c.Now().Unix()
		anchor.MAC = c.anchorMAC(anchor)
		if err := c.Store.PruneChain(ctx, blocks, anchor); err != nil {
			return removed, err
		}
		removed += rows
		if i >= 0 {
			return removed, nil
		}
	}
}
