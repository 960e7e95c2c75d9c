package templates_test

import (
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"kejitong/templates"
)

func TestStatic(t *testing.T) {
	r := renderer(t)
	page := draw(t, r, frame(templates.Chinese), templates.Problem{Status: 404})
	paths := regexp.MustCompile(`/static/[\w.]+`).FindAllString(page, -1)
	if len(paths) != 3 {
		t.Fatalf("page links %v", paths)
	}
	ask := func(method, path string, header ...string) *http.Response {
		req := httptest.NewRequest(method, path, nil)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		r.Static().ServeHTTP(w, req)
		return w.Result()
	}
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/static/app.css", 404},
		{"GET", "/static/app.0000000000000000.css", 404},
		{"GET", "/static/../render.go", 404},
		{"GET", "/static/", 404},
		{"POST", paths[0], 405},
	} {
		if got := ask(row.method, row.path).StatusCode; got != row.status {
			t.Errorf("%s %s gives %d", row.method, row.path, got)
		}
	}
	for _, p := range paths {
		plain, zipped := ask("GET", p), ask("GET", p, "Accept-Encoding", "br, gzip")
		for _, res := range []*http.Response{plain, zipped} {
			if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || res.Header.Get("ETag") == "" {
				t.Errorf("%s: %d %v", p, res.StatusCode, res.Header)
			}
		}
		if plain.Header.Get("ETag") == zipped.Header.Get("ETag") {
			t.Errorf("%s: two codings share a tag", p)
		}
		z, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		a, err := io.ReadAll(plain.Body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if len(a) == 0 || string(a) != string(b) {
			t.Errorf("%s: codings differ", p)
		}
		if got := ask("GET", p, "If-None-Match", plain.Header.Get("ETag")).StatusCode; got != 304 {
			t.Errorf("%s: known tag gives %d", p, got)
		}
		if got := ask("GET", p, "Accept-Encoding", "gzip;q=0").Header.Get("Content-Encoding"); got != "" {
			t.Errorf("%s: refused coding is sent: %s", p, got)
		}
	}
}

// TestContrast computes WCAG 2.2 contrast for the pairs that text is set in:
// 4.5 for text (1.4.3), 3 for the edges of fields (1.4.11).
func TestContrast(t *testing.T) {
	raw, err := os.ReadFile("static/css/10-core.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, ok := strings.Cut(string(raw), "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "/* Ground */")
	token := regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{6})`)
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colour := make(map[string]float64)
		for _, m := range token.FindAllStringSubmatch(css, -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		for _, row := range []struct {
			fore, back string
			min        float64
		}{
			{"ink", "paper", 4.5}, {"ink", "ground", 4.5}, {"ink", "warn-soft", 4.5}, {"ink", "bad-soft", 4.5}, {"ink", "brand-soft", 4.5},
			{"ink-2", "paper", 4.5}, {"ink-2", "ground", 4.5}, {"ink-2", "bad-soft", 4.5}, {"ink-2", "brand-soft", 4.5},
			{"ink-3", "paper", 4.5}, {"ink-3", "ground", 4.5},
			{"brand", "paper", 4.5}, {"brand", "ground", 4.5}, {"brand", "brand-soft", 4.5}, {"brand-press", "paper", 4.5},
			{"brand-ink", "brand", 4.5}, {"brand-ink", "brand-press", 4.5},
			{"ok", "ok-soft", 4.5}, {"warn", "warn-soft", 4.5}, {"bad", "bad-soft", 4.5}, {"bad", "paper", 4.5},
			{"edge", "paper", 3}, {"edge", "ground", 3},
		} {
			f, okF := colour[row.fore]
			b, okB := colour[row.back]
			if !okF || !okB {
				t.Errorf("%s: no token %s or %s", scheme, row.fore, row.back)
				continue
			}
			ratio := (math.Max(f, b) + .05) / (math.Min(f, b) + .05)
			if ratio < row.min {
				t.Errorf("%s: %s on %s is %.2f, wants %.1f", scheme, row.fore, row.back, ratio, row.min)
			}
		}
	}
}

// luminance is WCAG's relative luminance of an sRGB colour.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
