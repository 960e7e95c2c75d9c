//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
)

// lockFile takes the file for this process; the kernel gives it back when the
// process ends, however it ends.
func lockFile(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder := make([]byte, 16)
		n, _ := f.ReadAt(holder, 0) // the number is only a hint
		_ = f.Close()
		return nil, fmt.Errorf("another process (%s) has the database open: %s is locked; an embedded database serves one process, use PostgreSQL for more",
			strings.TrimSpace(string(holder[:n])), path)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return sync.OnceValue(f.Close), nil // closing the file drops the lock
}
