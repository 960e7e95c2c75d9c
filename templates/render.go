package templates

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

//go:embed */*.html
var pageFiles embed.FS

// ErrNoPage is what Render answers for a page that has no template.
var ErrNoPage = errors.New("no such page")

// Renderer draws pages. It is built once by New and is safe for concurrent use.
type Renderer struct {
	options Options
	matcher language.Matcher
	sets    []set // one a language, the default first
	static  *static
}

// set is every page in one language.
type set struct {
	catalogue catalogue
	pages     map[string]*template.Template
}

// view is what a template sees: the frame, the page, and what the deployment
// says of itself.
type view struct {
	F       Frame
	P       Page
	O       Options
	Lang    string
	CSS, JS string
	Icon    string
	files   *static
}

// Asset is where a file below static/ is served, "" if there is no such file.
func (v view) Asset(name string) string { return v.files.url(name) }

// New parses every page in every language.
func New(o Options) (*Renderer, error) {
	st, err := newStatic()
	if err != nil {
		return nil, err
	}
	all, err := catalogues()
	if err != nil {
		return nil, err
	}
	r := &Renderer{options: o, static: st}
	tags := make([]language.Tag, 0, len(all))
	for _, c := range all {
		pages, err := parse(c)
		if err != nil {
			return nil, err
		}
		r.sets = append(r.sets, set{catalogue: c, pages: pages})
		tags = append(tags, c.tag)
	}
	// Readers of traditional characters are nearer to Chinese than the matcher
	// thinks; the extra tag leads to the first set.
	r.matcher = language.NewMatcher(append(tags, language.TraditionalChinese))
	return r, nil
}

// parse makes every page of one language: the layout's files plus the page's.
func parse(c catalogue) (map[string]*template.Template, error) {
	layout, err := template.New("document").Funcs(template.FuncMap{
		"t":     c.say,
		"text":  c.text,
		"named": c.named,
		"when":  c.when,
		"day":   c.day,
		"part":  func(v view, data any) part { return part{view: v, D: data} },
	}).Option("missingkey=error").ParseFS(pageFiles, "layout/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	pages := make(map[string]*template.Template)
	files, err := fs.Glob(pageFiles, "*/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	for _, file := range files {
		if strings.HasPrefix(file, "layout/") {
			continue
		}
		own, err := layout.Clone()
		if err != nil {
			return nil, fmt.Errorf("clone layout: %w", err)
		}
		if own, err = own.ParseFS(pageFiles, file); err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		pages[strings.TrimSuffix(file, ".html")] = own.Lookup("document.html")
	}
	return pages, nil
}

// part is what a shared part of a page sees: the whole view and its own datum.
type part struct {
	view
	D any
}

// Render draws p inside f to w. It may have written something when it fails:
// draw to a buffer where that matters.
func (r *Renderer) Render(w io.Writer, f Frame, p Page) error {
	if c, ok := p.(Checked); ok {
		if err := c.Check(); err != nil {
			return fmt.Errorf("page %s: %w", p.Name(), err)
		}
	}
	s := r.set(f.Locale)
	page, ok := s.pages[p.Name()]
	if !ok {
		return fmt.Errorf("page %s: %w", p.Name(), ErrNoPage)
	}
	c := s.catalogue
	f.Locale = c.tag
	platform := r.options.Platform
	if c.tag == English {
		platform = r.options.PlatformEN
	}
	f.Platform = first(f.Platform, platform, c.words["platform.name"])
	f.SupportPhone = first(f.SupportPhone, r.options.SupportPhone, c.words["platform.phone"])
	f.SupportHours = first(f.SupportHours, r.options.SupportHours, c.words["platform.hours"])
	err := page.Execute(w, view{
		F: f, P: p, O: r.options, Lang: c.tag.String(),
		CSS: r.static.url("app.css"), JS: r.static.url("app.js"), Icon: r.static.url("mark.svg"), files: r.static,
	})
	if err != nil {
		return fmt.Errorf("page %s: %w", p.Name(), err)
	}
	return nil
}

// Static serves the stylesheet, the script and the mark below StaticPath.
func (r *Renderer) Static() http.Handler { return r.static }

// set is the pages in the language nearest to tag.
func (r *Renderer) set(tag language.Tag) set {
	for _, s := range r.sets {
		if s.catalogue.tag == tag {
			return s
		}
	}
	_, i, _ := r.matcher.Match(tag)
	return r.at(i)
}

// at is the set of the matcher's i-th tag.
func (r *Renderer) at(i int) set {
	if i >= len(r.sets) {
		return r.sets[0]
	}
	return r.sets[i]
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
