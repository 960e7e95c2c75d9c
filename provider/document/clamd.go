package document

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"kejitong/provider/fault"
)

// Clamd asks ClamAV's daemon (clamd(8), command INSTREAM). Its StreamMaxLength
// must be at least MaxFile.
type Clamd struct {
	Address string        // unix:/path of the socket, or host:port
	Timeout time.Duration // of a whole scan; 20 s if 0
}

var _ Scanner = (*Clamd)(nil)

// Scan implements Scanner. Whatever is not a clear "OK" or "FOUND" is a failure.
func (c *Clamd) Scan(ctx context.Context, body []byte) (err error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	network, address := "tcp", c.Address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return fmt.Errorf("document: clamd: %w", err)
	}
	defer func() { _ = conn.Close() }() // the verdict is known by then
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return fmt.Errorf("document: clamd: %w", err)
		}
	}
	answer, err := ask(conn, body)
	switch {
	case err != nil:
		return fmt.Errorf("document: clamd: %w", err)
	case answer == "stream: OK":
		return nil
	case strings.HasPrefix(answer, "stream: ") && strings.HasSuffix(answer, " FOUND"):
		return &fault.Error{Kind: fault.Invalid, Field: "file", Msg: MsgMalware}
	}
	return errors.New("document: clamd: an answer that is no verdict")
}

// ask sends the body in one chunk and reads the answer up to its zero.
func ask(conn io.ReadWriter, body []byte) (string, error) {
	request := append([]byte("zINSTREAM\x00"), binary.BigEndian.AppendUint32(nil, uint32(len(body)))...) //nolint:gosec // at most MaxFile
	for _, part := range [][]byte{request, body, {0, 0, 0, 0}} {
		if _, err := conn.Write(part); err != nil {
			return "", err
		}
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 4<<10))
	if err != nil {
		return "", err
	}
	text, _, whole := strings.Cut(string(answer), "\x00")
	if !whole {
		return "", io.ErrUnexpectedEOF
	}
	return text, nil
}
