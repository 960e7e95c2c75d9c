//go:build !unix

package store

import "errors"

// lockFile refuses: without flock nothing keeps a second process out.
func lockFile(string) (func() error, error) {
	return nil, errors.New("the embedded database needs a Unix system; use PostgreSQL")
}
