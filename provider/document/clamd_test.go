package document

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// eicar is the test file that every scanner knows (eicar.org), in two parts so
// that none finds it here.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// clamd speaks as much of clamd's protocol as one scan takes. say replaces its
// verdict.
func clamd(t *testing.T, say string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clamd")
	l, err := net.Listen("unix", path)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				verdict := scanned(bufio.NewReader(c))
				if say != "" {
					verdict = say
				}
				_, _ = io.WriteString(c, verdict)
			}()
		}
	}()
	return "unix:" + path
}

func scanned(r *bufio.Reader) string {
	if command, err := r.ReadString(0); err != nil || command != "zINSTREAM\x00" {
		return "UNKNOWN COMMAND\x00"
	}
	var all []byte
	for {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			return ""
		}
		if n == 0 {
			break
		}
		chunk := make([]byte, n)
		if _, err := io.ReadFull(r, chunk); err != nil {
			return ""
		}
		all = append(all, chunk...)
	}
	if bytes.Contains(all, []byte(eicar)) {
		return "stream: Eicar-Test-Signature FOUND\x00"
	}
	return "stream: OK\x00"
}

// S76: what the scanner finds is refused, and so is everything while it does not
// give a verdict.
func TestScanner(t *testing.T) {
	clean := asJPEG(t, quartersOf(120, 160))
	infected := append(bytes.Clone(clean), eicar...)
	for _, row := range []struct {
		name, address string
		body          []byte
		kind          fault.Kind
		msg           string
	}{
		{"EICAR", clamd(t, ""), infected, fault.Invalid, MsgMalware},
		{"not there", "unix:" + filepath.Join(t.TempDir(), "nobody"), clean, fault.Unavailable, MsgUnscanned},
		{"too large for it", clamd(t, "INSTREAM size limit exceeded. ERROR\x00"), clean, fault.Unavailable, MsgUnscanned},
		{"out of memory", clamd(t, "stream: Can't allocate memory ERROR\x00"), clean, fault.Unavailable, MsgUnscanned},
		{"half an answer", clamd(t, "stream: OK"), clean, fault.Unavailable, MsgUnscanned},
		{"silent", clamd(t, "\x00"), clean, fault.Unavailable, MsgUnscanned},
		{"OK with something behind", clamd(t, "stream: OK FOUND not\x00"), clean, fault.Unavailable, MsgUnscanned},
		{"clean", clamd(t, ""), clean, 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, sh := house()
			s.Scanner = &Clamd{Address: row.address, Timeout: 5 * time.Second}
			_, err := add(t, s, sh, "a.jpg", row.body)
			if row.msg == "" {
				must(t, err)
				return
			}
			var why *fault.Error
			if !errors.As(err, &why) || why.Kind != row.kind || why.Msg != row.msg {
				t.Errorf("got %v", err)
			}
			if len(sh.rows)+len(sh.blobs) > 0 {
				t.Error("something was stored")
			}
			found := len(sh.events) == 1 && sh.events[0].Kind == audit.DocumentRefused && sh.events[0].Result == "refused"
			if found != (row.msg == MsgMalware) {
				t.Errorf("trail: %v", sh.events)
			}
		})
	}
}
