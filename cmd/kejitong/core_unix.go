//go:build unix

package main

import "syscall"

// noCoreDumps keeps keys and passwords in memory from being written to disk
// when the process dies badly.
func noCoreDumps() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
