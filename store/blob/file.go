// Package blob keeps sealed blobs outside of the database: in a folder, or in a
// store that speaks S3. What it is given is ciphertext already; it implements
// document.Blobs.
package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"kejitong/provider/document"
	"kejitong/provider/fault"
)

var (
	_ document.Blobs = (*Folder)(nil)
	_ document.Blobs = (*Bucket)(nil)
)

// Folder keeps blobs as files below a directory, in one of 1024 folders each.
type Folder struct{ root string }

// OpenFolder makes the directory if it is not there. Others than its owner must
// have no access to it.
func OpenFolder(root string) (*Folder, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("documents: %w", err)
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("documents: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("documents: %s is open to others (mode %04o): chmod 700", root, info.Mode().Perm())
	}
	f := &Folder{root: root}
	probe, err := os.CreateTemp(root, ".probe")
	if err != nil {
		return nil, fmt.Errorf("documents: cannot be written: %w", err)
	}
	return f, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// path is where a blob lies. A name that the service did not make is refused, so
// that none leads elsewhere (S74).
func (f *Folder) path(name string) (string, error) {
	if !wellNamed(name) {
		return "", fmt.Errorf("documents: %q is no name of a blob", name)
	}
	return filepath.Join(f.root, name[:2], name), nil
}

func wellNamed(name string) bool {
	return len(name) == 26 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// Put implements document.Blobs: the blob is written beside its place, flushed to
// the disk, and then put there, so that it is whole or not there at all.
func (f *Folder) Put(_ context.Context, name string, body []byte) error {
	path, err := f.path(name)
	if err == nil {
		err = f.put(path, body)
	}
	if err != nil && full(err) {
		return &fault.Error{Kind: fault.Unavailable, Field: "file", Msg: document.MsgFull, Err: err}
	}
	return err
}

func (f *Folder) put(path string, body []byte) (err error) {
	dir := filepath.Dir(path)
	switch made := os.Mkdir(dir, 0o700); {
	case made == nil:
		if err := flush(f.root); err != nil {
			return fmt.Errorf("documents: %w", err)
		}
	case !errors.Is(made, fs.ErrExist):
		return fmt.Errorf("documents: %w", made)
	}
	var tail [8]byte
	rand.Read(tail[:]) // never fails: crypto/rand ends the program instead
	draft := filepath.Join(dir, ".new-"+hex.EncodeToString(tail[:]))
	w, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // below root, of our own naming
	if err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, gone(os.Remove(draft)))
		}
	}()
	_, err = w.Write(body)
	if err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = os.Rename(draft, path)
	}
	if err == nil {
		err = flush(dir)
	}
	if err != nil {
		return fmt.Errorf("documents: write blob: %w", err)
	}
	return nil
}

// flush makes the entries of a directory durable.
func flush(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // below root
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) { // file systems that flush no directories
		err = nil
	}
	return errors.Join(err, d.Close())
}

// full tells whether there was no room: on the disk, in a quota, or below a limit
// on the size of files.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Get implements document.Blobs.
func (f *Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	r, err := os.Open(path) //nolint:gosec // a vetted name
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "no such blob")
	}
	if err != nil {
		return nil, fmt.Errorf("documents: read blob: %w", err)
	}
	return r, nil
}

// Delete implements document.Blobs.
func (f *Folder) Delete(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := gone(os.Remove(path)); err != nil {
		return fmt.Errorf("documents: delete blob: %w", err)
	}
	return nil
}
