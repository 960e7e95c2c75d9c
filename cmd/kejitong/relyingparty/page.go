package relyingparty

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"time"
)

//go:embed pages/*.html pages/style.css
var files embed.FS

type pages map[string]*template.Template

func parsePages() pages {
	all := pages{}
	for _, name := range []string{"welcome", "home", "signedout", "refusal"} {
		all[name] = template.Must(template.ParseFS(files, "pages/frame.html", "pages/"+name+".html"))
	}
	return all
}

// frame is what every page shows around its own matter.
type frame struct {
	System
	Mark  string // first character of the name, drawn as the badge
	Style string // URL of the stylesheet
	Page  any
}

func (v *server) render(w http.ResponseWriter, r *http.Request, status int, name string, page any) {
	f := frame{System: System{Name: v.Name, NameEN: v.NameEN, Code: v.Code, Issuer: v.Issuer, ClientID: v.ClientID}, Style: "/style.css?" + v.look.name, Page: page}
	for _, c := range v.Name {
		f.Mark = string(c)
		break
	}
	var b bytes.Buffer
	if err := v.pages[name].ExecuteTemplate(&b, "frame", f); err != nil {
		v.Log.ErrorContext(r.Context(), "page", "name", name, "err", err)
		http.Error(w, "本系统出错了", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// refuse shows a refusal under a number that the log has, too.
func (v *server) refuse(w http.ResponseWriter, r *http.Request, why *refusal) {
	n := make([]byte, 4)
	_, _ = rand.Read(n)
	number := hex.EncodeToString(n)
	cause := ""
	if why.cause != nil {
		cause = cut(why.cause.Error(), 200)
	}
	v.Log.WarnContext(r.Context(), "refused", "client", v.ClientID, "request", number, "path", r.URL.Path, "status", why.Status, "what", why.English, "cause", cause)
	if why.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	v.render(w, r, why.Status, "refusal", struct {
		*refusal
		Number string
	}{why, number})
}

func (v *server) stylesheet(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(v.css)
}

func (v *server) icon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="` + v.look.band + `" d="M0 0h32v32H0z"/><path fill="#fff" d="M8 8h16v4H8zm0 6h10v4H8zm0 6h16v4H8z"/></svg>`))
}

var china = time.FixedZone("UTC+8", 8*60*60)

// beijing writes a time as people here read it.
func beijing(t time.Time) string { return t.In(china).Format("2006-01-02 15:04:05") }
