package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"kejitong/provider/document"
	"kejitong/provider/fault"
)

// S3 says where a bucket is.
type S3 struct {
	Endpoint  string // host or host:port
	Plain     bool   // http instead of https
	Region    string
	Bucket    string
	Prefix    string // before every name
	AccessKey string
	SecretKey string
	Transport http.RoundTripper // nil: the system's
}

// Bucket keeps blobs in a store that speaks S3.
type Bucket struct {
	client *minio.Client
	bucket string
	prefix string
}

// OpenBucket fails if the bucket is not there or cannot be seen.
func OpenBucket(ctx context.Context, o S3) (*Bucket, error) {
	client, err := minio.New(o.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: !o.Plain, Region: o.Region, Transport: o.Transport,
		BucketLookup: minio.BucketLookupAuto, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("documents: S3: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	there, err := client.BucketExists(ctx, o.Bucket)
	if err != nil {
		return nil, fmt.Errorf("documents: S3 bucket %s: %w", o.Bucket, err)
	}
	if !there {
		return nil, fmt.Errorf("documents: S3 bucket %s does not exist: create it, without public access", o.Bucket)
	}
	return &Bucket{client: client, bucket: o.Bucket, prefix: o.Prefix}, nil
}

// Put implements document.Blobs. An object is there as a whole or not at all. Its
// MD5 goes along, so that the store notices what was spoilt on the way.
func (b *Bucket) Put(ctx context.Context, name string, body []byte) error {
	if !wellNamed(name) {
		return fmt.Errorf("documents: %q is no name of a blob", name)
	}
	_, err := b.client.PutObject(ctx, b.bucket, b.prefix+name, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{
		ContentType: "application/octet-stream", SendContentMd5: true, DisableMultipart: true,
	})
	return away(ctx, "write", err)
}

// Get implements document.Blobs.
func (b *Bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	if !wellNamed(name) {
		return nil, fmt.Errorf("documents: %q is no name of a blob", name)
	}
	o, err := b.client.GetObject(ctx, b.bucket, b.prefix+name, minio.GetObjectOptions{})
	if err == nil {
		_, err = o.Stat() // GetObject asks for nothing yet
		if err != nil {
			err = errors.Join(err, o.Close())
		}
	}
	if err != nil {
		if minio.ToErrorResponse(unjoin(err)).StatusCode == http.StatusNotFound {
			return nil, fault.New(fault.NotFound, "no such blob")
		}
		return nil, away(ctx, "read", err)
	}
	return o, nil
}

// Delete implements document.Blobs. With versions kept, old ones stay until the
// bucket's own rules remove them; nobody can read them.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	if !wellNamed(name) {
		return fmt.Errorf("documents: %q is no name of a blob", name)
	}
	return away(ctx, "delete", b.client.RemoveObject(ctx, b.bucket, b.prefix+name, minio.RemoveObjectOptions{}))
}

// unjoin is the answer of the store within err.
func unjoin(err error) error {
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		return answer
	}
	return err
}

// away tells of a failure of the store: it may be over in a moment.
func away(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	msg := ""
	if code := minio.ToErrorResponse(unjoin(err)).Code; code == "XMinioStorageFull" || code == "QuotaExceeded" || code == "EntityTooLarge" {
		msg = document.MsgFull
	}
	return &fault.Error{Kind: fault.Unavailable, Field: "file", Msg: msg, Err: fmt.Errorf("documents: %s blob: %w", what, err)}
}
