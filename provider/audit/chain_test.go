package audit

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// shelf keeps a chain in memory, as a store would.
type shelf struct {
	rows   []Row
	blocks []Block
	head   Head
	anchor Anchor
}

func (s *shelf) ExtendChain(_ context.Context, limit int, seal func(Head, []Row) (Block, Head)) (int, error) {
	var fresh []Row
	for _, r := range s.rows {
		if (r.ID > s.head.Top || slices.ContainsFunc(s.head.Holes, func(h Hole) bool { return h.ID == r.ID })) && len(fresh) < limit {
			fresh = append(fresh, r)
		}
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	b, h := seal(s.head, fresh)
	s.blocks, s.head = append(s.blocks, b), h
	return len(fresh), nil
}

func (s *shelf) ChainHead(context.Context) (Head, error) { return s.head, nil }
func (s *shelf) Anchor(context.Context) (Anchor, error)  { return s.anchor, nil }

func (s *shelf) Blocks(_ context.Context, after int64, limit int) (out []Block, _ error) {
	for _, b := range s.blocks {
		if b.Seq > after && len(out) < limit {
			out = append(out, b)
		}
	}
	return out, nil
}

func (s *shelf) AuditRows(_ context.Context, after, to int64, limit int) (out []Row, _ error) {
	for _, r := range s.rows {
		if r.ID > after && r.ID <= to && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) PruneChain(_ context.Context, blocks []Block, anchor Anchor) error {
	top := anchor.Top
	s.rows = slices.DeleteFunc(s.rows, func(r Row) bool { return r.ID <= top })
	s.blocks, s.anchor = s.blocks[len(blocks):], anchor
	return nil
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 123_000_000, time.UTC)

// sealedShelf is a chain of four rows in two blocks, under a fixed key.
func sealedShelf(t *testing.T) (*shelf, *Chain) {
	t.Helper()
	s := &shelf{}
	c := &Chain{Store: s, Key: bytes.Repeat([]byte{7}, 32), Now: func() time.Time { return noon }}
	for _, ids := range [][]int64{{1, 2}, {4, 5}} {
		for _, id := range ids {
			s.rows = append(s.rows, Row{ID: id, At: noon, Event: Event{
				Kind: SignInSucceeded, Actor: "a1", Object: "s1", Client: "rp", Result: "ok", Detail: "password", IP: "192.0.2.1", UserAgent: "浏览器", RequestID: "r1",
			}})
		}
		if n, err := c.Extend(t.Context()); err != nil || n != 2 {
			t.Fatalf("%d rows sealed, %v", n, err)
		}
	}
	return s, c
}

// The encoding that the hashes cover never changes: a trail of years is verified
// with the program of today.
func TestTheHashOfABlockIsFixed(t *testing.T) {
	s, c := sealedShelf(t)
	want := []string{"Qk8t9syH-UU1Ss2_UShOZj6amxDEldT4aPkchrK4IDs", "II6CSlJU7tQLMD-AjrbWn-4NyVjy1isfbINNT_zZbyo"}
	for i, b := range s.blocks {
		if b.Hash != want[i] {
			t.Errorf("block %d: %s", b.Seq, b.Hash)
		}
	}
	p, ok, err := c.Checkpoint(t.Context())
	if err != nil || !ok || p.MAC != "rYL7bcjZc573-EyC-pNBR2od4lrTbCbGlmBAGUDbf-Y" {
		t.Errorf("checkpoint %+v, %v", p, err)
	}
}

// Nothing of a row is left out of the hash, and no two contents share an encoding:
// moving a character from one field to the next is seen. A field that is added to
// Event and forgotten there fails here.
func TestEveryFieldIsSealed(t *testing.T) {
	fields := reflect.TypeFor[Event]()
	for i := range fields.NumField() {
		s, c := sealedShelf(t)
		v := reflect.ValueOf(&s.rows[1].Event).Elem().Field(i)
		v.SetString(v.String() + "x")
		found(t, c, fields.Field(i).Name, "block 1")
	}
	for name, change := range map[string]func(*shelf){
		"id":                 func(s *shelf) { s.rows[1].ID = 3 },
		"time":               func(s *shelf) { s.rows[1].At = noon.Add(time.Millisecond) },
		"a border of fields": func(s *shelf) { s.rows[1].Actor, s.rows[1].Object = "a", "1s1" },
		"two rows exchanged": func(s *shelf) { s.rows[0].Event, s.rows[1].Event = s.rows[1].Event, Event{Kind: SignInFailed} },
		"a row removed":      func(s *shelf) { s.rows = s.rows[1:] },
		"a row put before":   func(s *shelf) { s.rows = slices.Insert(s.rows, 0, Row{ID: 0, At: noon}) },
		"a block removed":    func(s *shelf) { s.blocks = s.blocks[1:] },
		"a block's time":     func(s *shelf) { s.blocks[0].At = noon.Add(time.Second) },
		"a block's span":     func(s *shelf) { s.blocks[0].Spans[0].To = 1 },
		"a block's hash":     func(s *shelf) { s.blocks[0].Hash = s.blocks[1].Hash },
		"the head put back":  func(s *shelf) { s.head.Seq, s.head.Hash = 1, s.blocks[0].Hash },
		"an anchor that is not": func(s *shelf) {
			s.anchor, s.blocks = Anchor{Seq: 1, Hash: s.blocks[0].Hash, Top: 2, MAC: "x"}, s.blocks[1:]
		},
	} {
		s, c := sealedShelf(t)
		change(s)
		found(t, c, name, "")
	}
	_, c := sealedShelf(t)
	if r, err := c.Verify(t.Context(), nil); err != nil || len(r.Problems) > 0 || r.Blocks != 2 || r.Rows != 4 {
		t.Errorf("untouched: %+v, %v", r, err)
	}
	c.Key = bytes.Repeat([]byte{8}, 32)
	found(t, c, "another key", "block 1")
}

func found(t *testing.T, c *Chain, what, where string) {
	t.Helper()
	r, err := c.Verify(t.Context(), nil)
	if err != nil || !strings.Contains(strings.Join(r.Problems, "\n"), where) || len(r.Problems) == 0 {
		t.Errorf("%s: %v, %v", what, r.Problems, err)
	}
}

// An id that was not there when the next one was sealed is waited for, and not for
// ever.
func TestHolesCloseOrAreForgotten(t *testing.T) {
	s, c := sealedShelf(t)
	if len(s.head.Holes) != 1 || s.head.Holes[0].ID != 3 {
		t.Fatalf("holes %+v", s.head.Holes)
	}
	s.rows = slices.Insert(s.rows, 2, Row{ID: 3, At: noon})
	if n, err := c.Extend(t.Context()); err != nil || n != 1 || len(s.head.Holes) != 0 {
		t.Errorf("%d sealed, holes %+v, %v", n, s.head.Holes, err)
	}
	s, c = sealedShelf(t)
	c.Now = func() time.Time { return noon.Add(holesLast) }
	s.rows = append(s.rows, Row{ID: 6, At: noon.Add(holesLast)})
	if n, err := c.Extend(t.Context()); err != nil || n != 1 || len(s.head.Holes) != 0 {
		t.Errorf("%d sealed, holes %+v, %v", n, s.head.Holes, err)
	}
}

// What a deed left out is filled in from the request, and what it said stays.
func TestFromFillsTheSource(t *testing.T) {
	ctx := WithSource(t.Context(), Source{"192.0.2.1", "browser", "r1"})
	if got, want := From(ctx, Event{Kind: UnitChosen}), (Event{Kind: UnitChosen, Result: "ok", IP: "192.0.2.1", UserAgent: "browser", RequestID: "r1"}); got != want {
		t.Errorf("%+v", got)
	}
	if e := (Event{Kind: UnitChosen, Result: "refused", IP: "i", UserAgent: "u", RequestID: "r"}); From(ctx, e) != e {
		t.Errorf("%+v", From(ctx, e))
	}
	if got := From(t.Context(), Event{}); got != (Event{Result: "ok"}) {
		t.Errorf("%+v", got)
	}
}

// No cell of an export is a formula (S81).
func TestCellsAreText(t *testing.T) {
	for in, want := range map[string]string{"": "", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "|x": "'|x", "%x": "'%x", "＝1": "'＝1", "＠x": "'＠x", "\r\nx": "'\r\nx"} {
		if got := Cell(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	var out bytes.Buffer
	table := NewTable(&out)
	if err := table.Write(Row{ID: 1, At: noon, Event: Event{Kind: UnitChosen, UserAgent: "=cmd()"}}); err != nil {
		t.Fatal(err)
	}
	if err := table.Flush(); err != nil || !strings.Contains(out.String(), ",'=cmd(),") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%s, %v", out.String(), err)
	}
}
