package blob_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/store/blob"
)

const name = "abcdefghijklmnopqrstuvwxyz"

// bucket is a bucket in a server of S3 that others wrote (gofakes3), behind front.
func bucket(t *testing.T, front func(http.Handler) http.Handler) (*blob.Bucket, *s3mem.Backend) {
	t.Helper()
	back := s3mem.New()
	if err := back.CreateBucket("evidence"); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(back).Server()
	if front != nil {
		h = front(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b, err := blob.OpenBucket(t.Context(), place(srv))
	if err != nil {
		t.Fatal(err)
	}
	return b, back
}

func place(srv *httptest.Server) blob.S3 {
	return blob.S3{
		Endpoint: strings.TrimPrefix(srv.URL, "http://"), Plain: true, Region: "cn-north-1", Bucket: "evidence", Prefix: "documents/",
		AccessKey: "AKIDEXAMPLE", SecretKey: "wJalrXUtnFEMI",
	}
}

func folder(t *testing.T) (*blob.Folder, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "documents")
	f, err := blob.OpenFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	return f, root
}

// What document.Blobs promises, of both.
func TestBlobs(t *testing.T) {
	inFolder, _ := folder(t)
	inBucket, _ := bucket(t, nil)
	for which, b := range map[string]document.Blobs{"folder": inFolder, "bucket": inBucket} {
		t.Run(which, func(t *testing.T) {
			ctx := t.Context()
			body := bytes.Repeat([]byte("sealed"), 200_000)
			read := func() ([]byte, error) {
				r, err := b.Get(ctx, name)
				if err != nil {
					return nil, err
				}
				got, err := io.ReadAll(r)
				return got, errors.Join(err, r.Close())
			}
			if _, err := read(); !fault.Is(err, fault.NotFound) {
				t.Errorf("before: %v", err)
			}
			if err := b.Delete(ctx, name); err != nil {
				t.Errorf("deleting what is not there: %v", err)
			}
			if err := b.Put(ctx, name, body); err != nil {
				t.Fatal(err)
			}
			if got, err := read(); err != nil || !bytes.Equal(got, body) {
				t.Errorf("read back: %d bytes, %v", len(got), err)
			}
			if err := b.Delete(ctx, name); err != nil {
				t.Error(err)
			}
			if _, err := read(); !fault.Is(err, fault.NotFound) {
				t.Errorf("after: %v", err)
			}
			// S74: only names of the service's own making lead anywhere.
			for _, odd := range []string{"", "..", "../../etc/passwd", "a/b", strings.Repeat("a", 25), strings.Repeat("A", 26), "../" + strings.Repeat("a", 23), strings.Repeat("a", 25) + "\x00"} {
				_, err := b.Get(ctx, odd)
				if b.Put(ctx, odd, body) == nil || err == nil || b.Delete(ctx, odd) == nil {
					t.Errorf("the name %q is taken", odd)
				}
			}
		})
	}
}

// Files are there for their owner alone, whole, and nothing else is.
func TestFolderOnDisk(t *testing.T) {
	f, root := folder(t)
	if err := f.Put(t.Context(), name, []byte("sealed")); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return nil
	})
	if err != nil || files != 1 {
		t.Errorf("%d files, %v", files, err)
	}
	if err := os.Chmod(root, 0o750); err != nil { //nolint:gosec // that is what is refused
		t.Fatal(err)
	}
	if _, err := blob.OpenFolder(root); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a folder that is open to others: %v", err)
	}
}

// A store that is away or refuses is no internal failure, and its answers and our
// keys stand in no error that a person is shown.
func TestBucketAway(t *testing.T) {
	refuse := http.StatusServiceUnavailable
	down := false
	b, back := bucket(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if down {
				w.WriteHeader(refuse)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	down = true
	for _, status := range []int{http.StatusForbidden, http.StatusInsufficientStorage} {
		refuse = status
		_, err := b.Get(t.Context(), name)
		for what, err := range map[string]error{"put": b.Put(t.Context(), name, []byte("x")), "get": err, "delete": b.Delete(t.Context(), name)} {
			var why *fault.Error
			if !errors.As(err, &why) || why.Kind != fault.Unavailable || strings.Contains(err.Error(), "wJalr") {
				t.Errorf("%s with %d: %v", what, status, err)
			}
		}
	}
	down = false
	if err := b.Put(t.Context(), name, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := back.HeadObject("evidence", "documents/"+name); err != nil {
		t.Errorf("the object does not stand below the prefix: %v", err)
	}
}

func TestNoBucket(t *testing.T) {
	srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	defer srv.Close()
	if _, err := blob.OpenBucket(t.Context(), place(srv)); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v", err)
	}
}
