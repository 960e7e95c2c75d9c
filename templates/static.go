package templates

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// StaticPath is where Renderer.Static must be mounted.
const StaticPath = "/static/"

//go:embed static/*.svg static/css/*.css static/js/*.js static/help
var staticFiles embed.FS

// static serves the embedded files. Their addresses carry a hash of the
// content, so a browser may keep them for good and a new release is seen at
// once.
type static struct {
	byPath map[string]*staticFile
	byName map[string]*staticFile
}

type staticFile struct {
	path, kind, etag string
	plain, zipped    []byte
}

var staticKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
}

// newStatic reads the files. The stylesheet and the script are kept in parts, one
// an area, and served as one file each, in the order of the parts' names.
func newStatic() (*static, error) {
	s := &static{byPath: make(map[string]*staticFile), byName: make(map[string]*staticFile)}
	for name, pattern := range map[string]string{"app.css": "static/css/*.css", "app.js": "static/js/*.js", "mark.svg": "static/mark.svg"} {
		parts, err := fs.Glob(staticFiles, pattern)
		if err != nil {
			return nil, fmt.Errorf("static file %s: %w", name, err)
		}
		var body []byte
		for _, part := range parts {
			b, err := staticFiles.ReadFile(part)
			if err != nil {
				return nil, fmt.Errorf("static file %s: %w", name, err)
			}
			body = append(body, b...)
		}
		if err := s.add(name, body); err != nil {
			return nil, fmt.Errorf("static file %s: %w", name, err)
		}
	}
	return s, s.addPictures()
}

// addPictures adds the pictures of the manual, by their path below static/.
func (s *static) addPictures() error {
	pictures, err := fs.Glob(staticFiles, "static/help/*.png")
	if err != nil {
		return fmt.Errorf("static pictures: %w", err)
	}
	for _, name := range pictures {
		body, err := staticFiles.ReadFile(name)
		if err == nil {
			err = s.add(strings.TrimPrefix(name, "static/"), body)
		}
		if err != nil {
			return fmt.Errorf("static file %s: %w", name, err)
		}
	}
	return nil
}

func (s *static) add(name string, body []byte) error {
	ext := path.Ext(name)
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:8])
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(body); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	f := &staticFile{
		path:  StaticPath + strings.TrimSuffix(name, ext) + "." + hash + ext,
		kind:  staticKinds[ext],
		etag:  hash,
		plain: body, zipped: zipped.Bytes(),
	}
	s.byPath[f.path], s.byName[name] = f, f
	return nil
}

// url is where name is served, "" if there is no such file.
func (s *static) url(name string) string {
	if f, ok := s.byName[name]; ok {
		return f.path
	}
	return ""
}

// ServeHTTP answers GET and HEAD; an address with an old hash is not found,
// because its content is gone.
func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := s.byPath[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	body, etag := f.plain, `"`+f.etag+`"`
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		// RFC 9110 §8.8.3: another coding is another representation.
		body, etag = f.zipped, `"`+f.etag+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", etag)
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	// A reader that goes away is nobody's error.
	_, _ = w.Write(body)
}

func acceptsGzip(accept string) bool {
	for _, coding := range strings.Split(accept, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
