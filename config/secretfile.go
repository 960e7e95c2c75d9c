package config

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSecretFile bounds what is read of a secret's file, in bytes.
const maxSecretFile = 64 << 10

// readSecrets fills empty *_file keys from the systemd credentials directory,
// reads the files into c and looks at their permissions.
func readSecrets(c *Config, credentials string, problems *Problems) {
	if credentials != "" {
		for _, f := range fieldsOf(c) {
			if !f.isSecretFile() || f.value.String() != "" {
				continue
			}
			path := filepath.Join(credentials, f.tag.Get("credential"))
			if _, err := os.Stat(path); err == nil {
				f.value.SetString(path)
			}
		}
	}
	if path := c.Keys.RootKeyFile; path != "" {
		if key, wrong := readRootKey(path); wrong != "" {
			problems.add("keys.root_key_file", path, wrong)
		} else {
			c.Keys.RootKey = NewSecret(key)
		}
	}
	if path := c.Database.DSNFile; path != "" && c.Database.Driver == DriverPostgres {
		if content, wrong := readSecretFile(path, 0o077); wrong != "" {
			problems.add("database.dsn_file", path, wrong)
		} else {
			c.Database.DSN = NewSecret([]byte(strings.TrimSpace(string(content))))
		}
	}
	readDocumentSecrets(c, problems)
	readGatewayKey(c, problems)
	readNotifySecrets(c, problems)
	if c.Listen.TLS.KeyFile != "" && c.Listen.TLS.CertFile != "" {
		readCertificate("listen.tls", c.Listen.TLS, problems)
	}
	if c.Listen.MTLS.KeyFile != "" && c.Listen.MTLS.CertFile != "" {
		readCertificate("listen.mtls", c.Listen.Pair(), problems)
	}
}

// readRootKey reads a root key, of whatever length, or says what is wrong.
func readRootKey(path string) (key []byte, wrong string) {
	content, wrong := readSecretFile(path, 0o077)
	if wrong != "" {
		return nil, wrong
	}
	key, ok := decodeKey(string(content))
	if !ok {
		return nil, "holds neither base64 nor hex; " + makeRootKey
	}
	return key, ""
}

// RootKeyFrom reads a root key that is not the configured one, under the same
// rules.
func RootKeyFrom(path string) (Secret, error) {
	key, wrong := readRootKey(path)
	if wrong == "" {
		wrong = wrongRootKey(key)
	}
	if wrong != "" {
		return Secret{}, errors.New(wrong)
	}
	return NewSecret(key), nil
}

// readDocumentSecrets reads the keys of the S3 store, if there is one.
func readDocumentSecrets(c *Config, problems *Problems) {
	s3 := &c.Documents.S3
	for _, f := range []struct {
		key, path string
		to        *Secret
	}{
		{"documents.s3.access_key_file", s3.AccessKeyFile, &s3.AccessKey},
		{"documents.s3.secret_key_file", s3.SecretKeyFile, &s3.SecretKey},
	} {
		if f.path == "" || c.Documents.Store != DocumentsS3 {
			continue
		}
		content, wrong := readSecretFile(f.path, 0o077)
		if wrong != "" {
			problems.add(f.key, f.path, wrong)
			continue
		}
		*f.to = NewSecret([]byte(strings.TrimSpace(string(content))))
	}
}

// readCertificate proves that the pair can be served. A group may read the key,
// as Debian's ssl-cert does.
func readCertificate(section string, t TLS, problems *Problems) {
	key, wrong := readSecretFile(t.KeyFile, 0o007)
	if wrong != "" {
		problems.add(section+".key_file", t.KeyFile, wrong)
		return
	}
	cert, err := os.ReadFile(t.CertFile)
	if err != nil {
		problems.add(section+".cert_file", t.CertFile, "cannot be read: "+cause(err))
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		problems.add(section+".cert_file", t.CertFile, "and "+section+".key_file are not a certificate in PEM and its key")
	}
}

// readSecretFile reads a regular file whose mode has none of the forbidden
// bits. The mode is asked of the opened file, so that it cannot be exchanged
// between look and read.
func readSecretFile(path string, forbidden fs.FileMode) (content []byte, wrong string) {
	// Opening a pipe would wait for a writer for ever.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, "is not a regular file"
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "cannot be read: " + cause(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, "cannot be read: " + cause(err)
	}
	if info.Mode().Perm()&forbidden != 0 {
		who := "others than its owner"
		if forbidden&0o070 == 0 {
			who = "the world"
		}
		return nil, "is open to " + who + " (mode " + info.Mode().Perm().String() + "); run: chmod 600 " + path
	}
	content, err = io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return nil, "cannot be read: " + cause(err)
	}
	if len(content) > maxSecretFile {
		return nil, "is larger than any secret"
	}
	if strings.TrimSpace(string(content)) == "" {
		return nil, "is empty"
	}
	return content, ""
}

// cause says why a file cannot be read without repeating its path.
func cause(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// decodeKey reads hex or base64 of either alphabet, padded or not.
func decodeKey(text string) ([]byte, bool) {
	text = strings.TrimSpace(text)
	if key, err := hex.DecodeString(text); err == nil {
		return key, true
	}
	text = strings.TrimRight(text, "=")
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := alphabet.DecodeString(text); err == nil {
			return key, true
		}
	}
	return nil, false
}

// looksPasted tells a secret that stands where its file should be named from
// the path of a file. What exists is a path, whatever it looks like.
func looksPasted(value string) bool {
	if _, err := os.Stat(value); err == nil {
		return false
	}
	if strings.Contains(value, "://") || strings.Contains(value, "password=") || strings.Contains(value, "-----BEGIN") {
		return true
	}
	key, ok := decodeKey(value)
	// Slashes are letters of base64 too: an absolute path has to fit exactly.
	return ok && (len(key) == rootKeySize || len(key) >= rootKeySize/2 && !strings.HasPrefix(value, "/"))
}
