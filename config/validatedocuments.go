package config

import (
	"net"
	"path/filepath"
	"strings"
	"time"
)

// checkDocuments holds the store of documents to its own keys.
func (c Config) checkDocuments(p *Problems) {
	d := c.Documents
	oneOf(p, "documents.store", d.Store, DocumentsFolder, DocumentsS3)
	switch d.Store {
	case DocumentsFolder:
		if d.Folder != "" && !filepath.IsAbs(d.Folder) {
			p.add("documents.folder", d.Folder, "is not an absolute path")
		}
		if d.S3.Endpoint != "" || d.S3.Bucket != "" {
			p.add("documents.s3", "", "is not used; set documents.store to s3 or remove the section")
		}
	case DocumentsS3:
		if d.Folder != "" {
			p.add("documents.folder", d.Folder, "is not used; set documents.store to folder or remove it")
		}
		d.S3.check(p)
	}
	if a := d.ClamAV; a != "" && !clamdAddress(a) {
		p.add("documents.clamav", a, "is neither unix: and an absolute path nor host:port")
	}
	oneOf(p, "documents.unscanned", d.Unscanned, UnscannedRefuse, UnscannedHold)
	if d.Unscanned == UnscannedHold && d.ClamAV == "" {
		p.add("documents.unscanned", d.Unscanned, "holds files for a scanner that there is not; name it in documents.clamav")
	}
	within(p, "documents.per_account", d.PerAccount, 5, 1000)
	within(p, "documents.mib_per_account", d.MiBPerAccount, 10, 10000)
	between(p, "documents.retain", d.Retain, 0, 365*24*time.Hour)
	between(p, "documents.retain_undecided", d.RetainUndecided, 7*24*time.Hour, 730*24*time.Hour)
}

func clamdAddress(a string) bool {
	if path, ok := strings.CutPrefix(a, "unix:"); ok {
		return filepath.IsAbs(path)
	}
	_, port, err := net.SplitHostPort(a)
	return err == nil && port != ""
}

func (s S3) check(p *Problems) {
	if s.Endpoint == "" {
		p.add("documents.s3.endpoint", "", "is missing; name the host of the store")
	} else if strings.Contains(s.Endpoint, "/") {
		p.add("documents.s3.endpoint", s.Endpoint, "is not host or host:port")
	} else if host := hostOf(s.Endpoint); s.Plain && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		p.add("documents.s3.plain", "true", "is for a store on this machine; use https")
	}
	if s.Bucket == "" {
		p.add("documents.s3.bucket", "", "is missing")
	}
	for key, secret := range map[string]Secret{"documents.s3.access_key_file": s.AccessKey, "documents.s3.secret_key_file": s.SecretKey} {
		if secret.Text() == "" {
			p.add(key, "", "is missing or empty; name the file that holds the key")
		}
	}
}

func hostOf(endpoint string) string {
	if host, _, err := net.SplitHostPort(endpoint); err == nil {
		return host
	}
	return endpoint
}
