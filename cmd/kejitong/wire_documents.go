package main

import (
	"context"

	"kejitong/config"
	"kejitong/provider/document"
	"kejitong/store/blob"
)

// documents builds the service that keeps uploaded documents.
func (a *app) documents(ctx context.Context) (*document.Service, error) {
	d := a.cfg.Documents
	s := &document.Service{
		Store: a.db, Limits: document.Limits{Documents: d.PerAccount, Bytes: int64(d.MiBPerAccount) << 20},
		Retain: d.Retain, Idle: d.RetainUndecided, Now: a.clock,
	}
	if d.ClamAV != "" {
		s.Scanner, s.Hold = &document.Clamd{Address: d.ClamAV}, d.Unscanned == config.UnscannedHold
	}
	var err error
	if d.Store == config.DocumentsS3 {
		s.Blobs, err = blob.OpenBucket(ctx, blob.S3{
			Endpoint: d.S3.Endpoint, Plain: d.S3.Plain, Region: d.S3.Region, Bucket: d.S3.Bucket, Prefix: d.S3.Prefix,
			AccessKey: d.S3.AccessKey.Text(), SecretKey: d.S3.SecretKey.Text(),
		})
	} else {
		s.Blobs, err = blob.OpenFolder(a.cfg.DocumentsFolder())
	}
	if err != nil {
		return nil, err
	}
	s.Init()
	return s, nil
}

// rescanDocuments shows the scanner what waits for it. While it does not answer
// that is said once a sweep.
func (a *app) rescanDocuments(ctx context.Context) {
	const batch = 20
	for range 50 {
		n, err := a.papers.Rescan(ctx, batch)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("documents wait to be scanned", "error", err)
			}
			return
		}
		if n < batch {
			return
		}
	}
}

// eraseDocuments destroys documents whose time is over, in batches.
func (a *app) eraseDocuments(ctx context.Context) {
	const batch = 100
	for range 100 {
		n, err := a.papers.Tend(ctx, batch)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Error("erase documents", "error", err)
			}
			return
		}
		if n < batch {
			return
		}
	}
}
