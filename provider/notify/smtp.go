package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"
)

// SMTP delivers e-mail: text alone, one recipient, never in the clear to the
// server.
type SMTP struct {
	Address  string // host:port
	Implicit bool   // TLS from the first byte (port 465); else STARTTLS, without which nothing is sent
	Username string // empty: no authentication
	Password []byte
	From     string // one address, with a name or without
	Roots    *x509.CertPool
	Timeout  time.Duration
	Now      func() time.Time
}

var _ Sender = (*SMTP)(nil)

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, d Delivered) error {
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return errors.New("smtp: the sender is no address")
	}
	letter, err := s.letter(from, d)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	defer func() { _ = c.Close() }()
	if s.Username != "" {
		host, _, _ := net.SplitHostPort(s.Address)
		if err := c.Auth(smtp.PlainAuth("", s.Username, string(s.Password), host)); err != nil {
			return errors.New("smtp: the server does not accept the user")
		}
	}
	if err := c.Mail(from.Address); err != nil {
		return fmt.Errorf("smtp: %w", said(err))
	}
	if err := c.Rcpt(d.To); err != nil {
		return fmt.Errorf("smtp: %w", said(err))
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("smtp: %w", said(err))
	}
	if _, err := w.Write(letter); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("smtp: %w", said(err))
	}
	_ = c.Quit() // it has the message
	return nil
}

func (s *SMTP) dial(ctx context.Context) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, errors.New("the server is no host:port")
	}
	secure := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	if s.Implicit {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if !s.Implicit {
		if err := c.StartTLS(secure); err != nil { // also where the server does not offer it
			return nil, errors.Join(fmt.Errorf("no TLS: %w", err), c.Close())
		}
	}
	return c, nil
}

// letter is the message as it travels (RFC 5322): what came from users stands in
// the encoded body and subject alone, and what could begin another header is
// refused (S89).
func (s *SMTP) letter(from *mail.Address, d Delivered) ([]byte, error) {
	to, err := mail.ParseAddress(d.To)
	if err != nil || to.Address != d.To || to.Name != "" {
		return nil, errors.New("smtp: the recipient is not one plain address")
	}
	for _, line := range []string{d.To, d.Subject, d.ID, from.Address} {
		if strings.ContainsFunc(line, unfit) {
			return nil, errors.New("smtp: a line break in a header")
		}
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	var b strings.Builder
	for _, h := range [][2]string{
		{"From", from.String()}, {"To", "<" + to.Address + ">"}, {"Subject", mime.BEncoding.Encode("utf-8", d.Subject)},
		{"Date", s.Now().Format(time.RFC1123Z)}, {"Message-ID", "<" + d.ID + "@" + domain + ">"}, {"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "base64"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	text := base64.StdEncoding.EncodeToString([]byte(d.Text))
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text + "\r\n")
	return []byte(b.String()), nil
}

// said is a server's refusal by its number: its words may repeat the address.
func said(err error) error {
	var p *textproto.Error
	if errors.As(err, &p) {
		return fmt.Errorf("status %d", p.Code)
	}
	return errors.New("the connection broke")
}
