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
	"text/template/parse"
	"time"

	"golang.org/x/text/language"
)

//go:embed admin/*.html console/*.html demo/*.html enroll/*.html handlers/*.html help/*.html
//go:embed interact/*.html layout/*.html lookup/*.html portal/*.html recover/*.html
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
		pages, err := pagesIn(c)
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

// pagesIn makes every page of one language: its own file and what that draws of
// the layout's. Each page is a set of its own, for all define "content", and a
// set keeps copies of its trees: with every part of the layout in every page
// they were two hundred megabytes, which the garbage collector walked each time.
func pagesIn(c catalogue) (map[string]*template.Template, error) {
	empty := template.New("document.html").Funcs(template.FuncMap{
		"t":     c.say,
		"text":  c.text,
		"named": c.named,
		"when":  c.when,
		"day":   c.day,
		"last":  func(until time.Time) string { return c.day(until.Add(-time.Second)) }, // what holds until midnight ends the day before
		"part":  func(v view, data any) part { return part{view: v, D: data} },
	}).Option("missingkey=error")
	layout, err := empty.Clone()
	if err != nil {
		return nil, fmt.Errorf("clone no template: %w", err)
	}
	if layout, err = layout.ParseFS(pageFiles, "layout/*.html"); err != nil {
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
		own, err := empty.Clone()
		if err != nil {
			return nil, fmt.Errorf("clone no template: %w", err)
		}
		if own, err = own.ParseFS(pageFiles, file); err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		if err := borrow(own, layout); err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		pages[strings.TrimSuffix(file, ".html")] = own.Lookup("document.html")
	}
	return pages, nil
}

// borrow gives a page the layout's document and whatever it and the page draw
// of the layout. Trees are copied: escaping rewrites them in place.
func borrow(own, layout *template.Template) error {
	seen := make(map[string]bool)
	for todo := []string{"document.html"}; len(todo) > 0; {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[name] {
			continue
		}
		seen[name] = true
		t := own.Lookup(name)
		if t == nil || t.Tree == nil {
			from := layout.Lookup(name)
			if from == nil || from.Tree == nil {
				return fmt.Errorf("there is no template %q", name)
			}
			var err error
			if t, err = own.AddParseTree(name, from.Tree.Copy()); err != nil {
				return fmt.Errorf("add template %q: %w", name, err)
			}
		}
		todo = append(todo, drawnBy(t.Tree.Root)...)
	}
	return nil
}

// drawnBy names the templates that a node draws, itself or below it.
func drawnBy(n parse.Node) []string {
	switch n := n.(type) {
	case *parse.TemplateNode:
		return []string{n.Name}
	case *parse.IfNode:
		return drawnByBranch(&n.BranchNode)
	case *parse.RangeNode:
		return drawnByBranch(&n.BranchNode)
	case *parse.WithNode:
		return drawnByBranch(&n.BranchNode)
	case *parse.ListNode:
		var names []string
		if n != nil {
			for _, in := range n.Nodes {
				names = append(names, drawnBy(in)...)
			}
		}
		return names
	}
	return nil
}

func drawnByBranch(n *parse.BranchNode) []string {
	return append(drawnBy(n.List), drawnBy(n.ElseList)...)
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
