package templates_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"kejitong/templates"
)

var screens = flag.String("screens", "", "folder for pictures of every page, taken in Chromium at 1280 and 375 px, light and dark")

var only = flag.String("only", "", "with -screens: regular expression of the samples to draw")

// TestScreens draws every sample in a real browser and writes a picture of it,
// to be looked at after every change of the pages or the stylesheet. A page
// that is wider than the window fails. Without -screens there is nothing to do.
func TestScreens(t *testing.T) {
	if *screens == "" {
		return
	}
	r, pages := renderer(t), samples()
	mux := http.NewServeMux()
	mux.Handle(templates.StaticPath, r.Static())
	mux.HandleFunc("/page/{lang}/{page}", func(w http.ResponseWriter, req *http.Request) {
		p := pages[req.PathValue("page")]
		f := frame(templates.Chinese)
		if req.PathValue("lang") == "en" {
			f = frame(templates.English)
		}
		if !p.Interaction() {
			f.Person, f.Unit = "王*", longName
		}
		var body strings.Builder
		if err := r.Render(&body, f, p); err != nil {
			t.Error(err)
		}
		// Stay on the page that would leave at once.
		still := strings.NewReplacer(`http-equiv="refresh"`, "", "HTMLFormElement", "void ").Replace(body.String())
		if _, err := w.Write([]byte(still)); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	ctx, leave := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(chromedp.NoSandbox, chromedp.DisableGPU))
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	for name := range pages {
		if !wanted.MatchString(name) {
			continue
		}
		for _, lang := range []string{"zh-CN", "en"} {
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int64{1280, 375} {
					dark := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
						_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
							Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
						})
						return err
					})
					err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 720), dark, chromedp.Navigate(server.URL+"/page/"+lang+"/"+name))
					if err != nil {
						t.Fatal(err)
					}
					wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
					if err != nil {
						t.Fatal(err)
					}
					picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					if wide > width {
						t.Errorf("%s in %s is %d px wide in a window of %d", name, lang, wide, width)
					}
					file := strings.Join([]string{name, lang, scheme, map[int64]string{1280: "wide", 375: "phone"}[width]}, "_") + ".png"
					if err := os.WriteFile(filepath.Join(*screens, file), picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
