//go:build unix

package blob_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"kejitong/provider/document"
	"kejitong/provider/fault"
)

// E9: no room. The upload is refused as something that may be over in a moment,
// and no half document stays.
func TestFullDisk(t *testing.T) {
	f, root := folder(t)
	if err := f.Put(t.Context(), name, []byte("sealed")); err != nil {
		t.Fatal(err)
	}
	// A file size limit makes writing fail as a full disk does, for root too; it
	// would end the process by a signal, which Go ignores for SIGXFSZ.
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	small := before
	small.Cur = 1000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	other := "b" + name[1:]
	err := f.Put(t.Context(), other, make([]byte, 100_000))
	if e := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); e != nil {
		t.Fatal(e)
	}
	var why *fault.Error
	if !errors.As(err, &why) || why.Kind != fault.Unavailable || why.Msg != document.MsgFull {
		t.Errorf("got %v", err)
	}
	left := 0
	_ = filepath.WalkDir(root, func(_ string, d fs.DirEntry, _ error) error {
		if d != nil && !d.IsDir() {
			left++
		}
		return nil
	})
	if left != 1 {
		t.Errorf("%d files are there, want the one of before", left)
	}
	if err := f.Put(t.Context(), other, make([]byte, 100_000)); err != nil {
		t.Errorf("after space returned: %v", err)
	}
}
