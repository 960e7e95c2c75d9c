package document

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// contents is what a blob holds: four bytes with the length of the head, the head
// as JSON, and the pages one after the other.
type contents struct {
	Name  string `json:"name"`   // as uploaded
	Sum   string `json:"sha256"` // of the file as it was uploaded
	Pages []page `json:"pages"`
	Raw   int    `json:"raw,omitempty"` // bytes behind the pages: the upload, until it was scanned

	raw []byte
}

const (
	maxName     = 200 // characters of a file name
	maxContents = maxKept + MaxFile + 64<<10
)

func newContents(name string, body []byte) contents {
	sum := sha256.Sum256(body)
	return contents{Name: cleanName(name), Sum: hex.EncodeToString(sum[:])}
}

// cleanName keeps the last part of a file name, without what would disturb where
// it is shown: control characters and those that turn the direction of writing
// (S74).
func cleanName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError || r >= 0x80 && r < 0xa0 || r == 0x061c || r >= 0x200b && r <= 0x200f ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	return strings.TrimSpace(name)
}

func blobPlace(id string) string { return "documents|" + id }

func sealPages(key []byte, id string, c contents) ([]byte, error) {
	head, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("document: head: %w", err)
	}
	plain := binary.BigEndian.AppendUint32(nil, uint32(len(head))) //nolint:gosec // some hundred bytes
	plain = append(plain, head...)
	for _, p := range c.Pages {
		plain = append(plain, p.body...)
	}
	plain = append(plain, c.raw...)
	return sealBlob(key, blobPlace(id), plain)
}

func openPages(key []byte, id string, from io.Reader) (contents, error) {
	plain, err := openBlob(key, blobPlace(id), from, maxContents)
	if err != nil {
		return contents{}, fmt.Errorf("document %s: %w", id, err)
	}
	broken := fmt.Errorf("document %s: %w", id, ErrSealBroken)
	if len(plain) < 4 {
		return contents{}, broken
	}
	n := int64(binary.BigEndian.Uint32(plain))
	if plain = plain[4:]; n > int64(len(plain)) {
		return contents{}, broken
	}
	var c contents
	if err := json.Unmarshal(plain[:n], &c); err != nil {
		return contents{}, broken // the cause would quote it
	}
	plain = plain[n:]
	for i := range c.Pages {
		p := &c.Pages[i]
		if p.Size < 0 || p.Size > len(plain) {
			return contents{}, broken
		}
		p.body, plain = plain[:p.Size], plain[p.Size:]
	}
	if c.Raw != len(plain) {
		return contents{}, broken
	}
	c.raw = plain
	return c, nil
}
