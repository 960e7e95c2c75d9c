package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kejitong/provider/client"
	"kejitong/provider/outbound"
)

// publisherEntry is a publisher of software statements as the file names it.
type publisherEntry struct {
	client.StatementIssuer
	JWKSFile string `json:"jwks_file"` // relative to the file
}

// publishers reads the file of clients.statement_issuers_file, "" for none. out
// says which addresses may be called.
func publishers(path string, out *outbound.Client) ([]client.StatementIssuer, error) {
	if path == "" {
		return nil, nil
	}
	all, err := readPublishers(path, out)
	if err != nil {
		return nil, fmt.Errorf("clients.statement_issuers_file %s: %w", path, err)
	}
	return all, nil
}

func readPublishers(path string, out *outbound.Client) ([]client.StatementIssuer, error) {
	b, err := readPublic(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Issuers []publisherEntry `json:"issuers"`
	}
	if err := strictly(b, &file); err != nil {
		return nil, err
	}
	var all []client.StatementIssuer
	seen := map[string]bool{}
	for _, e := range file.Issuers {
		s, err := e.complete(filepath.Dir(path))
		switch {
		case err != nil:
		case seen[s.Issuer]:
			err = errors.New("stands there twice")
		case s.JWKSURI != "" && out.CheckURL(s.JWKSURI) != nil:
			err = errors.New("jwks_uri may not be called: want https on port 443 at a public address, or one of clients.outbound_allow")
		}
		if err != nil {
			return nil, fmt.Errorf("issuer %q: %w", e.Issuer, named(err))
		}
		seen[s.Issuer] = true
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, errors.New("names no issuers")
	}
	return all, nil
}

// complete reads the key set, if it stands in a file, and checks the whole.
func (e publisherEntry) complete(dir string) (client.StatementIssuer, error) {
	s := e.StatementIssuer
	if e.JWKSFile != "" {
		if len(s.JWKS) > 0 {
			return s, errors.New("jwks and jwks_file: want one of them")
		}
		path := e.JWKSFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		var err error
		if s.JWKS, err = readPublic(path); err != nil {
			return s, fmt.Errorf("jwks_file %s %w", path, err)
		}
	}
	return s, s.Check()
}

// readPublic reads a file that is no secret, of maxDocument bytes at most.
func readPublic(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, errors.New("cannot be read: " + cause(err))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.New("cannot be read: " + cause(err))
	}
	if len(b) > maxDocument {
		return nil, errors.New("is larger than 64 KiB")
	}
	return b, nil
}
