package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kejitong/config"
)

func (e *examination) verdictOf(check string) verdict {
	v := verdict("")
	for _, f := range e.findings {
		if f.Check == check && (v == "" || v == verdictOK || f.Verdict == verdictFailed) {
			v = f.Verdict
		}
	}
	return v
}

// What the doctor says of documents, of certificates for systems and of senders.
func TestDoctorLooksOutside(t *testing.T) {
	answers, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answers.Close() }()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = silent.Close()
	here, gone := answers.Addr().String(), silent.Addr().String()
	folder := func(mode os.FileMode) string {
		dir := filepath.Join(t.TempDir(), "documents")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil { //nolint:gosec // that is what is tried
			t.Fatal(err)
		}
		return dir
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, check string
		change      func(*config.Config)
		want        verdict
	}{
		{"a folder that is not there", "documents", func(c *config.Config) { c.Documents.Folder = filepath.Join(t.TempDir(), "none") }, verdictWarning},
		{"a folder open to others", "documents", func(c *config.Config) { c.Documents.Folder = folder(0o755) }, verdictFailed},
		{"no folder", "documents", func(c *config.Config) { c.Documents.Folder = file }, verdictFailed},
		{"a folder and a scanner", "documents", func(c *config.Config) { c.Documents.Folder, c.Documents.ClamAV = folder(0o700), here }, verdictOK},
		{"a scanner that is down", "documents", func(c *config.Config) { c.Documents.Folder, c.Documents.ClamAV = folder(0o700), gone }, verdictWarning},
		{"a bucket that does not answer", "documents", func(c *config.Config) {
			c.Documents.Store = config.DocumentsS3
			c.Documents.S3.Endpoint, c.Documents.S3.Bucket, c.Documents.S3.Plain = gone, "papers", true
		}, verdictWarning},
		{"no certificate for systems", "mtls", func(c *config.Config) { c.Listen.MTLS.Address, c.Listen.MTLS.CertFile = ":9443", file }, verdictFailed},
		{"certificates from a proxy", "mtls", func(c *config.Config) { c.Listen.MTLS.ProxyHeader = "Client-Cert" }, verdictOK},
		{"no listener for systems", "mtls", func(*config.Config) {}, ""},
		{"no sender", "sms", func(*config.Config) {}, verdictWarning},
		{"a gateway", "sms", func(c *config.Config) { c.Notify.SMS.Driver, c.Notify.SMS.Endpoint = config.SMSGateway, "http://"+here }, verdictOK},
		{"a gateway that is down", "sms", func(c *config.Config) { c.Notify.SMS.Driver, c.Notify.SMS.Endpoint = config.SMSGateway, "http://"+gone }, verdictWarning},
		{"a provider without templates", "sms", func(c *config.Config) { c.Notify.SMS.Driver, c.Notify.SMS.Endpoint = config.SMSAliyun, "http://"+here }, verdictWarning},
		{"no mail", "email", func(*config.Config) {}, verdictWarning},
		{"mail", "email", func(c *config.Config) { c.Notify.Email.Server = here }, verdictOK},
		{"mail that is down", "email", func(c *config.Config) { c.Notify.Email.Server = gone }, verdictWarning},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := config.Config{Issuer: "https://sso.example.gov.cn"}
			row.change(&c)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var e examination
			e.mutual(c, now())
			e.documents(ctx, c)
			e.senders(ctx, c)
			if got := e.verdictOf(row.check); got != row.want {
				t.Errorf("%s: %q, want %q: %+v", row.check, got, row.want, e.findings)
			}
			for _, f := range e.findings {
				if f.Verdict != verdictOK && f.Remedy == "" {
					t.Errorf("no remedy: %+v", f)
				}
			}
		})
	}
	if left, err := os.ReadDir(folder(0o700)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
