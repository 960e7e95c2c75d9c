package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is CPU time: of the server, of the database's processes, of this
// program, and of everything that runs on the machine.
type usage struct {
	server, database, load, machine time.Duration
	known                           bool // the database's processes are on this machine
}

func (u usage) minus(b usage) usage {
	return usage{u.server - b.server, u.database - b.database, u.load - b.load, u.machine - b.machine, u.known && b.known}
}

// others is what ran beside the measurement: the more, the less the figures
// are worth.
func (u usage) others() time.Duration {
	return max(u.machine-u.server-u.database-u.load, 0)
}

// tick is the unit of /proc on every Linux that Go runs on (USER_HZ).
const tick = 10 * time.Millisecond

// processTime is the CPU time of a process; with reaped also that of the
// children it has waited for.
func processTime(pid int, reaped bool) (time.Duration, int, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, err
	}
	// The command's name stands in parentheses and may hold anything.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 15 {
		return 0, 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(f))
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return 0, 0, err
	}
	var sum int64
	last := 13 // utime, stime
	if reaped {
		last = 15 // cutime, cstime
	}
	for _, s := range f[11:last] {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		sum += n
	}
	return time.Duration(sum) * tick, parent, nil
}

// familyTime is the CPU time of a process and its children, dead ones too.
func familyTime(pid int) (time.Duration, error) {
	sum, _, err := processTime(pid, true)
	if err != nil {
		return 0, err
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, path := range all {
		child, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		// A process that ends meanwhile is counted with its parent next time.
		if t, parent, err := processTime(child, false); err == nil && parent == pid {
			sum += t
		}
	}
	return sum, nil
}

// machineTime is what all processes used: user, nice, system, irq, softirq.
func machineTime() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line)
	if len(f) < 8 || f[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat: unknown shape")
	}
	var sum int64
	for _, i := range []int{1, 2, 3, 6, 7} {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}

// readUsage reads everything; postmaster 0 means that the database is inside
// the server or on another machine.
func readUsage(server, postmaster int) (u usage, err error) {
	if u.machine, err = machineTime(); err != nil {
		return u, err
	}
	if u.server, _, err = processTime(server, false); err != nil {
		return u, err
	}
	if u.load, _, err = processTime(os.Getpid(), false); err != nil {
		return u, err
	}
	if postmaster != 0 {
		u.known = true
		u.database, err = familyTime(postmaster)
	}
	return u, err
}
