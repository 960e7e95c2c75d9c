package web

import (
	"bytes"
	"html"
	"log/slog"
	"net/http"
	"strconv"

	"kejitong/templates"
)

// Option is an extra of Show.
type Option func(*showing)

type showing struct {
	person, unit string
	formAction   []string
	back         string // where a switch of language leads: this very page
}

// FormAction adds sources to the page's form-action, for a form that ends in a
// redirect to a client; RedirectSources makes them.
func FormAction(sources ...string) Option {
	return func(s *showing) { s.formAction = append(s.formAction, sources...) }
}

// As names who is signed in and which unit they stand for (empty if none).
func As(person, unit string) Option {
	return func(s *showing) { s.person, s.unit = person, unit }
}

// Show answers with a page: drawn whole before the first byte is sent, never
// stored by caches, under a policy of its own. A page that cannot be drawn
// becomes a plain one with the request number.
func (k *Kit) Show(w http.ResponseWriter, r *http.Request, status int, p templates.Page, opts ...Option) {
	var s showing
	for _, o := range opts {
		o(&s)
	}
	ctx := r.Context()
	tag := Locale(ctx)
	s.back = r.URL.EscapedPath()
	if query := without(r.URL.RawQuery, languageParam); query != "" {
		s.back += "?" + query
	}
	frame := templates.Frame{
		Locale: tag, Nonce: random(16), RequestID: RequestID(ctx), Person: s.person, Unit: s.unit,
		Version: k.Version,
	}
	if k.Notices != nil {
		frame.Notices = k.Notices()
	}
	h := w.Header()
	var body bytes.Buffer
	if err := k.draw(&body, w, r, &frame, p, s); err != nil {
		k.log().LogAttrs(ctx, slog.LevelError, "page not drawn",
			slog.String("request_id", frame.RequestID), slog.String("page", p.Name()), slog.String("error", err.Error()))
		status = http.StatusInternalServerError
		body.Reset()
		plainPage(&body, frame.RequestID)
	}
	var pictures []string
	if with, ok := p.(templates.Pictured); ok {
		pictures = with.Pictures()
	}
	var frames []string
	if with, ok := p.(templates.Framing); ok {
		frames = with.FrameSources()
	}
	h.Set("Content-Security-Policy", pagePolicy(frame.Nonce, s.formAction, pictures, frames))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", tag.String())
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	if !p.Interaction() {
		// Steps of a sign-in may run in a popup that its opener watches.
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	w.WriteHeader(status)
	// A reader that goes away is nobody's error.
	_, _ = w.Write(body.Bytes())
}

// draw renders the page, a panicking template included.
func (k *Kit) draw(body *bytes.Buffer, w http.ResponseWriter, r *http.Request, f *templates.Frame, p templates.Page, s showing) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = panicked{cause}
		}
	}()
	f.Switches = k.switches(f.Locale, s.back)
	if bare, ok := p.(templates.Formless); !ok || !bare.Formless() {
		f.FormToken = k.FormToken(k.Browser(w, r))
	}
	return k.Render.Render(body, *f, p)
}

// plainPage is shown when not even the error page can be drawn.
func plainPage(body *bytes.Buffer, requestID string) {
	body.WriteString(`<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>500</title></head><body><h1>系统出错了</h1><p lang="en">Something went wrong on our side.</p><p>`)
	body.WriteString(html.EscapeString(requestID))
	body.WriteString("</p></body></html>\n")
}
