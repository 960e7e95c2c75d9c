package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"kejitong/provider/fault"
	"kejitong/templates"
)

const (
	maxAcceptLanguage = 256 // bytes; longer ones are ignored
	languageParam     = "lang"
	languageLife      = 365 * 24 * time.Hour
)

type localeKey struct{}

// WithLocale makes the pages of ctx speak the nearest to the preferred tags,
// best first: the ui_locales of a parked request. Tags that we do not speak
// change nothing.
func WithLocale(ctx context.Context, preferred ...language.Tag) context.Context {
	if len(preferred) == 0 {
		return ctx
	}
	return context.WithValue(ctx, localeKey{}, preferred)
}

// ParseLocales reads a ui_locales parameter: BCP 47 tags between spaces
// (OpenID Connect Core §3.1.2.1). What is no tag is left out.
func ParseLocales(uiLocales string) []language.Tag {
	if len(uiLocales) > maxAcceptLanguage {
		return nil
	}
	var tags []language.Tag
	for _, field := range strings.Fields(uiLocales) {
		if tag, err := language.Parse(field); err == nil {
			tags = append(tags, tag)
		}
	}
	return tags
}

// Locale is the language for the pages of a request: a switch made on this
// very page, the interaction's ui_locales, the cookie of an earlier switch,
// Accept-Language, Chinese.
func Locale(ctx context.Context) language.Tag {
	v := visitOf(ctx)
	if v == nil || v.kit.Render == nil {
		return templates.Chinese
	}
	render, r := v.kit.Render, v.request
	if strings.Contains(r.URL.RawQuery, languageParam+"=") {
		if tag, ok := v.kit.spoken(r.URL.Query().Get(languageParam)); ok {
			return tag
		}
	}
	if preferred, ok := ctx.Value(localeKey{}).([]language.Tag); ok {
		if tag, ok := render.Match(preferred...); ok {
			return tag
		}
	}
	if value, ok := v.kit.Cookie(r, LanguageCookie); ok {
		if tag, ok := v.kit.spoken(value); ok {
			return tag
		}
	}
	if accept := r.Header.Get("Accept-Language"); accept != "" && len(accept) <= maxAcceptLanguage {
		if tags, _, err := language.ParseAcceptLanguage(accept); err == nil {
			if tag, ok := render.Match(tags...); ok {
				return tag
			}
		}
	}
	return templates.Chinese
}

// spoken is the language written exactly as one of ours.
func (k *Kit) spoken(name string) (language.Tag, bool) {
	for _, tag := range k.Render.Languages() {
		if name == tag.String() {
			return tag, true
		}
	}
	return language.Tag{}, false
}

// Language is the route /lang?to=en&return_to=/path: it keeps the choice in a
// cookie and goes back. The path gets a parameter lang, which wins over
// ui_locales on that page: a person who has just clicked knows best.
func (k *Kit) Language() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			k.problem(w, r, templates.Problem{Status: http.StatusMethodNotAllowed})
			return
		}
		query := r.URL.Query()
		tag, known := k.spoken(query.Get("to"))
		back, same := SamePath(query.Get("return_to"))
		if !known || !same {
			k.Fail(w, r, fault.New(fault.Invalid, "unknown language or return path"))
			return
		}
		k.SetCookie(w, LanguageCookie, tag.String(), languageLife)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Location", withLanguage(back, tag))
		w.WriteHeader(http.StatusSeeOther)
	})
}

// withLanguage sets the parameter lang of a same-origin path.
func withLanguage(path string, tag language.Tag) string {
	path, query, _ := strings.Cut(path, "?")
	if query = without(query, languageParam); query != "" {
		query += "&"
	}
	return path + "?" + query + languageParam + "=" + url.QueryEscape(tag.String())
}

// ownNames are the languages' names for themselves.
var ownNames = map[string]string{"zh-CN": "中文", "en": "English"}

// switches are the links to the path in the other languages.
func (k *Kit) switches(now language.Tag, path string) []templates.Switch {
	if _, ok := SamePath(path); !ok {
		path = "/"
	}
	var links []templates.Switch
	for _, tag := range k.Render.Languages() {
		if tag == now {
			continue
		}
		links = append(links, templates.Switch{
			Tag: tag, Name: ownNames[tag.String()],
			URL: "/lang?to=" + url.QueryEscape(tag.String()) + "&return_to=" + url.QueryEscape(path),
		})
	}
	return links
}
