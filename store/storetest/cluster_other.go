//go:build !unix

package storetest

import "errors"

func startCluster() (string, error) {
	return "", errors.New("a private cluster is started on Unix systems only")
}
