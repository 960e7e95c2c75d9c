package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kejitong/config"
	"kejitong/store/blob"
)

// mutual checks what the listener for systems with certificates will show.
func (e *examination) mutual(c config.Config, t time.Time) {
	const check = "mtls"
	m := c.Listen.MTLS
	switch {
	case m.Address == "" && m.ProxyHeader == "":
		return
	case m.Address == "":
		e.ok(check, "certificates of clients come from the trusted proxies in %s", m.ProxyHeader)
		return
	}
	public := m.PublicURL
	if public == "" {
		public = c.Issuer
	}
	u, err := url.Parse(public)
	if err != nil {
		return // config refuses it
	}
	e.pair(check, c.Listen.Pair(), u.Hostname(), t)
}

// documents looks whether uploads can be kept. It leaves nothing behind.
func (e *examination) documents(ctx context.Context, c config.Config) {
	const check = "documents"
	if c.Documents.Store == config.DocumentsS3 {
		s := c.Documents.S3
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		_, err := blob.OpenBucket(ctx, blob.S3{
			Endpoint: s.Endpoint, Plain: s.Plain, Region: s.Region, Bucket: s.Bucket, Prefix: s.Prefix, AccessKey: s.AccessKey.Text(), SecretKey: s.SecretKey.Text(),
		})
		if err != nil { // a server that runs goes on without it, so this alone must not end it
			e.warn(check, err.Error(), "look at documents.s3 and whether the store runs and lets this key see the bucket")
			return
		}
		e.ok(check, "bucket %s at %s answers", s.Bucket, s.Endpoint)
	} else if !e.folder(check, c.DocumentsFolder()) {
		return
	}
	if c.Documents.ClamAV == "" {
		e.warn(check, "uploads are not scanned for malware", "name a clamd in documents.clamav")
		return
	}
	meanwhile := "uploads are refused"
	if c.Documents.Unscanned == config.UnscannedHold {
		meanwhile = "uploads wait, and no reviewer sees them"
	}
	e.reach(ctx, check, "clamd", c.Documents.ClamAV, "see that clamd runs: while it does not answer, "+meanwhile)
}

// folder tells whether a folder for documents is there, closed to others, and can
// be written.
func (e *examination) folder(check, root string) bool {
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.warn(check, root+" is not there yet", "kejitong serve makes it")
		return false
	case err != nil:
		e.fail(check, cause(err), "look at the rights of the folders above it")
		return false
	case !info.IsDir():
		e.fail(check, root+" is no folder", "name a folder in documents.folder")
		return false
	case info.Mode().Perm()&0o077 != 0:
		e.fail(check, fmt.Sprintf("%s is open to others (mode %04o)", root, info.Mode().Perm()), "chmod 700 "+filepath.Base(root))
		return false
	}
	probe, err := os.CreateTemp(root, ".probe")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		e.fail(check, root+" cannot be written: "+cause(err), "let the service's user own the folder, and look whether its volume is full or mounted read-only")
		return false
	}
	e.ok(check, "%s can be written", root)
	return true
}

// senders looks at what carries codes and notices. That another machine does not
// answer is a warning: a server that runs tries again by itself.
func (e *examination) senders(ctx context.Context, c config.Config) {
	const sms, mail = "sms", "email"
	n := c.Notify
	if n.SMS.Driver == "" {
		e.warn(sms, "no text messages are sent", "registration, resets and appeals need codes by SMS: set notify.sms")
	} else {
		e.reach(ctx, sms, n.SMS.Driver, hostOf(smsEndpoint(n.SMS)), "look at notify.sms.endpoint, the network, and the gateway")
		if n.SMS.Driver != config.SMSGateway && len(n.SMS.Templates) == 0 {
			e.warn(sms, n.SMS.Driver+" has no templates", "name the registered texts in notify.sms.templates")
		}
	}
	if n.Email.Server == "" {
		e.warn(mail, "no e-mail is sent", "addresses cannot be verified and notices go by SMS alone: set notify.email")
		return
	}
	e.reach(ctx, mail, "SMTP", n.Email.Server, "look at notify.email.server and the network")
}

func smsEndpoint(s config.SMS) string {
	switch {
	case s.Endpoint != "":
		return s.Endpoint
	case s.Driver == config.SMSAliyun:
		return aliyunSMS
	case s.Driver == config.SMSTencent:
		return tencentSMS
	}
	return ""
}

// hostOf is host and port of a URL.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), portOf(u))
}

// reach opens a connection and closes it: nothing is sent.
func (e *examination) reach(ctx context.Context, check, what, address, remedy string) {
	network := "tcp"
	if strings.HasPrefix(address, "/") || strings.HasPrefix(address, "unix:") {
		network, address = "unix", strings.TrimPrefix(address, "unix:")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		e.warn(check, fmt.Sprintf("%s at %s cannot be reached: %v", what, address, err), remedy)
		return
	}
	_ = conn.Close() // nothing was written
	e.ok(check, "%s at %s can be reached", what, address)
}
