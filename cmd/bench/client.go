package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// peer is one HTTP/1.1 connection that is kept alive. It knows as little of
// HTTP as the measured answers need, because every microsecond it spends is
// taken from the server on the same cores. Not safe for concurrent use.
type peer struct {
	address string // host:port
	conn    net.Conn
	in      *bufio.Reader
	out     []byte
	got     answer
}

// answer is what the last request got; its slices live until the next one.
type answer struct {
	status     int
	location   string
	retryAfter string
	cookies    []string // name=value
	body       []byte
	closing    bool
}

// ask is a request.
type ask struct {
	method string
	target string // path and query
	auth   string // Authorization
	cookie string
	form   string // body of a POST
	html   bool   // as a browser sends its own page's form
}

// patience bounds one exchange.
const patience = 20 * time.Second

func (p *peer) close() {
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

// do sends the request and reads the answer.
func (p *peer) do(ctx context.Context, a ask) (*answer, error) {
	if p.conn == nil {
		d := net.Dialer{Timeout: patience}
		c, err := d.DialContext(ctx, "tcp", p.address)
		if err != nil {
			return nil, err
		}
		p.conn, p.in = c, bufio.NewReaderSize(c, 16<<10)
	}
	if err := p.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	p.compose(a)
	if _, err := p.conn.Write(p.out); err != nil {
		p.close()
		return nil, fmt.Errorf("send: %w", err)
	}
	if err := p.receive(a.method); err != nil {
		p.close()
		return nil, fmt.Errorf("receive: %w", err)
	}
	if p.got.closing {
		p.close()
	}
	return &p.got, nil
}

func (p *peer) compose(a ask) {
	b := p.out[:0]
	b = append(b, a.method...)
	b = append(b, ' ')
	b = append(b, a.target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, p.address...)
	b = append(b, "\r\nUser-Agent: kejitong-bench\r\n"...)
	header := func(name, value string) {
		if value != "" {
			b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
		}
	}
	header("Authorization", a.auth)
	header("Cookie", a.cookie)
	if a.html {
		header("Origin", "http://"+p.address)
		header("Sec-Fetch-Site", "same-origin")
	}
	if a.method == "POST" {
		header("Content-Type", "application/x-www-form-urlencoded")
		header("Content-Length", strconv.Itoa(len(a.form)))
	}
	b = append(b, "\r\n"...)
	p.out = append(b, a.form...)
}

var errShape = errors.New("not the HTTP that this client understands")

func (p *peer) receive(method string) error {
	p.got = answer{body: p.got.body[:0], cookies: p.got.cookies[:0]}
	line, err := p.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return errShape
	}
	if p.got.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return errShape
	}
	length, chunked := -1, false
	for {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(": "))
		if !ok {
			continue
		}
		switch string(name) { // as net/http writes them
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return errShape
			}
		case "Transfer-Encoding":
			chunked = string(value) == "chunked"
		case "Connection":
			p.got.closing = string(value) == "close"
		case "Location":
			p.got.location = string(value)
		case "Retry-After":
			p.got.retryAfter = string(value)
		case "Set-Cookie":
			pair, _, _ := strings.Cut(string(value), ";")
			p.got.cookies = append(p.got.cookies, pair)
		}
	}
	switch {
	case method == "HEAD" || p.got.status == 204 || p.got.status == 304:
		return nil
	case chunked:
		return p.chunks()
	case length < 0:
		return errShape
	}
	return p.take(length)
}

// take appends n bytes to the body.
func (p *peer) take(n int) error {
	at := len(p.got.body)
	if cap(p.got.body)-at < n {
		p.got.body = append(make([]byte, 0, at+n), p.got.body...)
	}
	p.got.body = p.got.body[:at+n]
	_, err := io.ReadFull(p.in, p.got.body[at:])
	return err
}

func (p *peer) chunks() error {
	for {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 31)
		if err != nil {
			return errShape
		}
		if err := p.take(int(n)); err != nil {
			return err
		}
		if _, err := p.in.Discard(2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// member gives the text member of a JSON answer, "" if it is not there. Tokens
// and error codes hold nothing that JSON escapes.
func (a *answer) member(name string) string {
	_, rest, ok := bytes.Cut(a.body, []byte(`"`+name+`":"`))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}

// unexpected says what came instead.
func (a *answer) unexpected(want string) error {
	body := a.body
	if len(body) > 300 {
		body = body[:300]
	}
	return fmt.Errorf("want %s, got status %d, location %q, body %q", want, a.status, a.location, body)
}

func basicAuth(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}
