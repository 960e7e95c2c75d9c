package main

import (
	"os"
	"runtime/debug"
)

// fewerCollections lets the heap grow to five times what lives before garbage
// is collected, instead of Go's two: what lives here is small (keys, clients,
// templates), what passes through is much, and a fifth or more of a request's
// CPU time went into collecting it. An operator's GOGC wins.
func fewerCollections() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
