package config

import (
	"path/filepath"
	"time"
)

// The values of documents.store.
const (
	DocumentsFolder = "folder"
	DocumentsS3     = "s3"
)

// The values of documents.unscanned.
const (
	UnscannedRefuse = "refuse"
	UnscannedHold   = "hold"
)

// defaultFolder is where documents lie beside a PostgreSQL database.
const defaultFolder = "/var/lib/kejitong/documents"

// Documents says where uploaded documents are kept, sealed, and for how long.
type Documents struct {
	// folder or s3. Several processes need a folder that they share, or s3.
	Store string `key:"store" default:"folder"`

	// The folder, closed to others (mode 0700). Empty: "documents" beside SQLite's
	// file, else /var/lib/kejitong/documents.
	Folder string `key:"folder"`

	// A store that speaks S3, where documents.store is s3.
	S3 S3 `key:"s3"`

	// clamd that looks at every file before it is taken: its socket as
	// unix:/run/clamav/clamd.ctl, or host:port. Empty scans nothing.
	ClamAV string `key:"clamav"`

	// What to do with files while clamd does not answer. refuse: no file is taken.
	// hold: it is kept sealed, and seen by nobody until clamd has looked at it.
	Unscanned string `key:"unscanned" default:"refuse"`

	// Documents that one account keeps at once; 5 to 1000.
	PerAccount int `key:"per_account" default:"40"`

	// MiB of documents that one account keeps at once; 10 to 10000.
	MiBPerAccount int `key:"mib_per_account" default:"200"`

	// How long documents stay after their case was decided; at most 365d.
	Retain time.Duration `key:"retain" default:"30d"`

	// How long documents of a case stay that nothing was added to and that nobody
	// decided; 7d to 730d.
	RetainUndecided time.Duration `key:"retain_undecided" default:"180d"`
}

// S3 names a bucket. It must exist, and needs no public access.
type S3 struct {
	// host or host:port of the store.
	Endpoint string `key:"endpoint"`

	// Speak http to it, for a store on the same machine.
	Plain bool `key:"plain" default:"false"`

	// Region; empty asks the store.
	Region string `key:"region"`

	// Name of the bucket.
	Bucket string `key:"bucket"`

	// Set before the name of every object, such as "documents/".
	Prefix string `key:"prefix"`

	// File that holds the access key, readable by its owner alone.
	AccessKeyFile string `key:"access_key_file" credential:"s3_access_key"`

	// File that holds the secret key, readable by its owner alone.
	SecretKeyFile string `key:"secret_key_file" credential:"s3_secret_key"`

	// AccessKey and SecretKey are the contents of the files, trimmed.
	AccessKey Secret `key:"-"`
	SecretKey Secret `key:"-"`
}

// DocumentsFolder is the folder in effect.
func (c Config) DocumentsFolder() string {
	switch {
	case c.Documents.Folder != "":
		return c.Documents.Folder
	case c.Database.Driver == DriverSQLite:
		return filepath.Join(filepath.Dir(c.Database.Path), "documents")
	}
	return defaultFolder
}
