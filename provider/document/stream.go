package document

import (
	"bufio"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// A blob is blobMark and then chunks of ChaCha20-Poly1305 (STREAM: Hoang,
// Reyhanitabar, Rogaway, Vizár 2015, with the counter of the age format). The
// nonce is the chunk's number and, in its last byte, whether it is the last one;
// so a chunk that is missing, doubled, out of place or cut off does not open. A
// key seals one blob and no other, which is why the nonce needs nothing random.
const (
	blobMark  = "kjd1"
	chunkSize = 64 << 10
	// KeySize is the length of a blob's key.
	KeySize = chacha20poly1305.KeySize
)

// ErrSealBroken is returned for a blob that was changed, cut, extended or belongs
// to another document.
var ErrSealBroken = errors.New("document: sealed blob cannot be opened")

type stream struct {
	aead  cipher.AEAD
	place []byte
	count uint64
}

func newStream(key []byte, place string) (*stream, error) {
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, fmt.Errorf("document: key: %w", err)
	}
	return &stream{aead: aead, place: []byte(blobMark + "|" + place)}, nil
}

func (s *stream) nonce(last bool) []byte {
	n := make([]byte, chacha20poly1305.NonceSize)
	binary.BigEndian.PutUint64(n[3:11], s.count)
	if last {
		n[11] = 1
	}
	s.count++
	return n
}

// sealBlob seals plain under key for place.
func sealBlob(key []byte, place string, plain []byte) ([]byte, error) {
	s, err := newStream(key, place)
	if err != nil {
		return nil, err
	}
	chunks := len(plain)/chunkSize + 1
	out := make([]byte, 0, len(blobMark)+len(plain)+chunks*s.aead.Overhead())
	out = append(out, blobMark...)
	for {
		n := min(len(plain), chunkSize)
		last := n == len(plain)
		out = s.aead.Seal(out, s.nonce(last), plain[:n], s.place)
		if plain = plain[n:]; last {
			return out, nil
		}
	}
}

// openBlob reads a blob to its end and gives what was sealed, all or nothing.
// limit bounds the plain bytes.
func openBlob(key []byte, place string, from io.Reader, limit int64) ([]byte, error) {
	s, err := newStream(key, place)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(from, chunkSize+s.aead.Overhead())
	mark := make([]byte, len(blobMark))
	if _, err := io.ReadFull(r, mark); err != nil {
		return nil, cutShort(err)
	}
	if string(mark) != blobMark {
		return nil, ErrSealBroken
	}
	var plain []byte
	sealed := make([]byte, chunkSize+s.aead.Overhead())
	for {
		n, err := io.ReadFull(r, sealed)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, cutShort(err)
		}
		_, ahead := r.Peek(1)
		if ahead != nil && !errors.Is(ahead, io.EOF) {
			return nil, fmt.Errorf("document: read blob: %w", ahead)
		}
		last := ahead != nil
		if plain, err = s.aead.Open(plain, s.nonce(last), sealed[:n], s.place); err != nil {
			return nil, ErrSealBroken
		}
		if int64(len(plain)) > limit {
			return nil, ErrSealBroken
		}
		if last {
			return plain, nil
		}
	}
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrSealBroken
	}
	return fmt.Errorf("document: read blob: %w", err)
}
