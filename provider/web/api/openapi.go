package api

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
)

// document describes the interface (OpenAPI 3.1).
//
//go:embed openapi.json
var document []byte

// Document gives what describes the interface, for tests and tools.
func Document() []byte { return document }

// serveDocument is GET /openapi.json.
func (h *Handler) serveDocument(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256(document)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	head := w.Header()
	head.Set("ETag", tag)
	head.Set("Cache-Control", "public, max-age=3600")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", "application/json")
	if r.Method != http.MethodHead {
		_, _ = w.Write(document) // a reader that goes away is nobody's error
	}
}
