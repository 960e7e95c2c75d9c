package document

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

var (
	keyA = bytes.Repeat([]byte{1}, KeySize)
	keyB = bytes.Repeat([]byte{2}, KeySize)
)

// chunksOf cuts a blob into its mark and its sealed chunks.
func chunksOf(b []byte) [][]byte {
	out := [][]byte{b[:len(blobMark)]}
	return append(out, slices.Collect(slices.Chunk(b[len(blobMark):], chunkSize+16))...)
}

func TestStreamOpensWhatItSealed(t *testing.T) {
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 7} {
		plain := bytes.Repeat([]byte("身份证"), n/9+1)[:n]
		sealed, err := sealBlob(keyA, "documents|a", plain)
		must(t, err)
		got, err := openBlob(keyA, "documents|a", bytes.NewReader(sealed), int64(n))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if n > 0 {
			if _, err := openBlob(keyA, "documents|a", bytes.NewReader(sealed), int64(n-1)); !errors.Is(err, ErrSealBroken) {
				t.Errorf("%d bytes beyond the limit: %v", n, err)
			}
		}
	}
}

// A blob that was cut, extended, shuffled, mixed with another or bent does not
// open, and gives nothing of itself away.
func TestStreamAttacks(t *testing.T) {
	seal := func(key []byte, place, what string) []byte {
		b, err := sealBlob(key, place, bytes.Repeat([]byte(what), 3*chunkSize/len(what)+1))
		must(t, err)
		return b
	}
	a := seal(keyA, "documents|a", "aaaaaaaa")
	c := chunksOf(a)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	if len(c) != 5 {
		t.Fatalf("%d parts", len(c))
	}
	other, samePlace := chunksOf(seal(keyB, "documents|b", "bbbbbbbb")), chunksOf(seal(keyA, "documents|a", "cccccccc"))
	flip := func(at int) []byte {
		b := bytes.Clone(a)
		b[at] ^= 1
		return b
	}
	for name, b := range map[string][]byte{
		"empty":                             {},
		"the mark alone":                    c[0],
		"another mark":                      append([]byte("kjd2"), a[4:]...),
		"the last chunk is missing":         join(c[0], c[1], c[2], c[3]),
		"only the first chunk":              join(c[0], c[1]),
		"the first chunk is missing":        join(c[0], c[2], c[3], c[4]),
		"a chunk in the middle is missing":  join(c[0], c[1], c[3], c[4]),
		"two chunks changed places":         join(c[0], c[2], c[1], c[3], c[4]),
		"a chunk twice":                     join(c[0], c[1], c[1], c[2], c[3], c[4]),
		"the last chunk twice":              join(a, c[4]),
		"something behind":                  join(a, []byte("x")),
		"cut by a byte":                     a[:len(a)-1],
		"cut within a chunk":                a[:chunkSize],
		"a chunk of another document":       join(c[0], c[1], other[2], c[3], c[4]),
		"a chunk of another under this key": join(c[0], c[1], samePlace[2], c[3], samePlace[4][:len(samePlace[4])-1]),
		"a bit of the first chunk":          flip(4),
		"a bit of the last tag":             flip(len(a) - 1),
		"a bit in the middle":               flip(len(a) / 2),
	} {
		if got, err := openBlob(keyA, "documents|a", bytes.NewReader(b), 1<<30); !errors.Is(err, ErrSealBroken) || got != nil {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := openBlob(keyB, "documents|a", bytes.NewReader(a), 1<<30); !errors.Is(err, ErrSealBroken) {
		t.Errorf("another key: %v", err)
	}
	if _, err := openBlob(keyA, "documents|b", bytes.NewReader(a), 1<<30); !errors.Is(err, ErrSealBroken) {
		t.Errorf("another place: %v", err)
	}
	if _, err := openBlob(nil, "documents|a", bytes.NewReader(a), 1<<30); err == nil {
		t.Error("no key (S77)")
	}
	broken := errors.New("the disk is gone")
	if _, err := openBlob(keyA, "documents|a", failing{bytes.NewReader(a[:100]), broken}, 1<<30); !errors.Is(err, broken) {
		t.Errorf("a read that fails: %v", err)
	}
}

type failing struct {
	r   *bytes.Reader
	err error
}

func (f failing) Read(p []byte) (int, error) {
	if f.r.Len() == 0 {
		return 0, f.err
	}
	return f.r.Read(p)
}

func FuzzStream(f *testing.F) {
	for _, n := range []int{0, 10, chunkSize, chunkSize + 10} {
		b, err := sealBlob(keyA, "documents|a", make([]byte, n))
		must(f, err)
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		plain, err := openBlob(keyA, "documents|a", bytes.NewReader(b), 1<<20)
		if err != nil {
			return
		}
		// What opens is what this key sealed: sealing is deterministic.
		again, err := sealBlob(keyA, "documents|a", plain)
		must(t, err)
		if !bytes.Equal(again, b) {
			t.Errorf("%d bytes open that this key did not seal", len(b))
		}
	})
}

// FuzzPages: no head of a blob, whatever it says, leads out of the blob.
func FuzzPages(f *testing.F) {
	f.Add([]byte(`{"name":"a","pages":[{"w":1,"h":1,"size":3}]}`), []byte("abc"))
	f.Add([]byte(`{"pages":[{"size":-1}]}`), []byte("abc"))
	f.Add([]byte(`{"pages":[{"size":9223372036854775807},{"size":1}]}`), []byte(strings.Repeat("x", 9)))
	f.Fuzz(func(t *testing.T, head, body []byte) {
		plain := append([]byte{0, 0, byte(len(head) >> 8), byte(len(head))}, append(bytes.Clone(head), body...)...)
		b, err := sealBlob(keyA, blobPlace("a"), plain)
		must(t, err)
		c, err := openPages(keyA, "a", bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, p := range c.Pages {
			if len(p.body) != p.Size {
				t.Errorf("a page of %d bytes has %d", p.Size, len(p.body))
			}
		}
	})
}
