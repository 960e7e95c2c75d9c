package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"kejitong/provider/credential"
)

// maxSecret bounds what is read of a password or a client's secret, in bytes.
const maxSecret = 4 << 10

// readSecret reads the secret that stands in a file, without the line's end.
// The file must not be open to the world.
func readSecret(flag, path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", refuse(flag, path, "cannot be read: "+cause(err))
	case !info.Mode().IsRegular():
		return "", refuse(flag, path, "is not a regular file")
	case info.Mode().Perm()&0o007 != 0:
		return "", refuse(flag, path, "is open to everybody (mode "+info.Mode().Perm().String()+"); run: chmod 600 "+path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return "", refuse(flag, path, "cannot be read: "+cause(err))
	}
	text, err := readLine(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", refuse(flag, path, err.Error())
	}
	return text, nil
}

// readLine reads the one line that r holds.
func readLine(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("cannot be read: %s", cause(err))
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxSecret:
		return "", errors.New("is larger than any secret")
	case text == "":
		return "", errors.New("is empty")
	case strings.ContainsAny(text, "\r\n"):
		return "", errors.New("holds more than one line")
	}
	return text, nil
}

// cause says why a file cannot be used without repeating its path.
func cause(err error) string {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// passwordSource says where a new password comes from.
type passwordSource struct {
	file     string
	generate bool
}

func (p *passwordSource) flags(f *flag.FlagSet) {
	f.StringVar(&p.file, "password-file", "", "file that holds the password (default: standard input)")
	f.BoolVar(&p.generate, "generate-password", false, "make a password and print it, once")
}

// password gives a password that stands up to the policy; forbidden is what its
// owner is known by. made tells whether it was generated here.
func (p *passwordSource) password(policy credential.Policy, forbidden ...string) (text string, made bool, err error) {
	flag := "password-file"
	switch {
	case p.generate && p.file != "":
		return "", false, refuse("generate-password", "", "stands beside --password-file; give one of them")
	case p.generate:
		for range 100 {
			if text = newPassword(); policy.Check(text, forbidden...) == nil {
				return text, true, nil
			}
		}
		return "", false, errors.New("no password could be made that the policy accepts; give one with --password-file")
	case p.file != "":
		text, err = readSecret("password-file", p.file)
	default:
		flag = "password-file (standard input)"
		text, err = typed()
	}
	if err != nil {
		return "", false, err
	}
	if err := policy.Check(text, forbidden...); err != nil {
		return "", false, explain(flag, "", err)
	}
	return text, false, nil
}

// typed reads the password from standard input, unless somebody would see it
// appear on his screen.
func typed() (string, error) {
	info, err := os.Stdin.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice != 0 {
		return "", missing("password-file", "the file that holds the password, or pipe the password in, or use --generate-password")
	}
	text, err := readLine(os.Stdin)
	if err != nil {
		return "", fmt.Errorf("the password on standard input %w", err)
	}
	return text, nil
}

// newPassword makes a password of 100 random bits in four groups that can be
// read out over the telephone: capitals and the digits 2 to 7.
func newPassword() string {
	s := rand.Text()
	return s[0:5] + "-" + s[5:10] + "-" + s[10:15] + "-" + s[15:20]
}
