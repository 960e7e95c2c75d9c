// Package config is what an operator may decide: one YAML file, environment
// variables that override it, and secrets that come from files alone.
//
//	file.yaml ──┐
//	KEJITONG_…  ├─ Load ─→ decode ─→ read the secrets' files ─→ Validate ─→ Config
//	*_file      ┘
//
// A key such as listen.tls.cert_file is set in the environment as
// KEJITONG_LISTEN__TLS__CERT_FILE: a double underscore stands between levels.
// A secret never stands in the YAML file or in the environment; its *_file key
// names the file that holds it, and where that key is empty the file of the
// systemd credential of the same purpose ($CREDENTIALS_DIRECTORY) is taken.
//
// Load finds all problems at once and each names the key, the value (never a
// secret's) and the remedy. Only package main imports config; everything else
// takes the narrow options that it needs.
package config
