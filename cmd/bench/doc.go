// Command bench measures a real server, built from this repository and run as
// a process of its own with the shipped default configuration, on PostgreSQL
// and on SQLite, beside the limits of the machine it runs on:
//
//	run ──> limits      signatures, argon2id, one-row commit, read by key, hello
//	    ──> place       a folder, a database, a configuration
//	    ──> seed        accounts, units, mandates, entitlements, sessions, grants
//	    ──> server      kejitong serve --config …, a process
//	    ──> steps       SQL statements and WAL bytes of each step, one by one
//	    ──> rows        closed loop: every answer is looked at
//	    ──> report      Markdown, and with -write docs/performance.md
//
// With -import it measures instead how accounts of the former platform are brought
// over, by the product's own commands (import.go).
//
// A wrong answer ends the run: figures of a server that fails are worth
// nothing. Slow figures do not; they are printed beside their targets.
package main
