package templates

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/text/language"
)

//go:embed messages/*/*.json
var messageFiles embed.FS

// Chinese and English are the languages that every page speaks.
var (
	Chinese = language.MustParse("zh-CN")
	English = language.MustParse("en")
)

// beijing is the zone of every time shown. It has no daylight saving, so the
// time-zone database is not needed.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// catalogue is the words of one language.
type catalogue struct {
	tag   language.Tag
	words map[string]string
}

// catalogues reads the embedded message files, Chinese first. A language has one
// file an area; a key stands in one of them.
func catalogues() ([]catalogue, error) {
	tags := []language.Tag{Chinese, English}
	all := make([]catalogue, 0, len(tags))
	for _, tag := range tags {
		c := catalogue{tag: tag, words: make(map[string]string)}
		files, err := fs.Glob(messageFiles, "messages/"+tag.String()+"/*.json")
		if err != nil {
			return nil, fmt.Errorf("list messages: %w", err)
		}
		for _, file := range files {
			if err := c.read(file); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		all = append(all, c)
	}
	return all, nil
}

func (c catalogue) read(file string) error {
	raw, err := messageFiles.ReadFile(file)
	if err != nil {
		return err
	}
	var words map[string]string
	if err := json.Unmarshal(raw, &words); err != nil {
		return err
	}
	for key, text := range words {
		if _, twice := c.words[key]; twice {
			return fmt.Errorf("message %s stands in two files", key)
		}
		c.words[key] = text
	}
	return nil
}

// say gives the message key with its places filled. A key without a message
// shows itself: ugly, but never empty.
func (c catalogue) say(key string, args ...any) string {
	msg, ok := c.words[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return msg
	}
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		pairs = append(pairs, fmt.Sprintf("{%d}", i), fmt.Sprint(a))
	}
	return strings.NewReplacer(pairs...).Replace(msg)
}

// text is say for a Text; arguments that are themselves Texts are said first.
func (c catalogue) text(t Text) string {
	if !t.Says() {
		return ""
	}
	args := make([]any, len(t.Args))
	for i, a := range t.Args {
		if inner, ok := a.(Text); ok {
			a = c.text(inner)
		}
		args[i] = a
	}
	return c.say(t.Key, args...)
}

// named is the message group.name, or name itself if there is none: for values
// that come from data, such as relations and claims.
func (c catalogue) named(group, name string) string {
	if msg, ok := c.words[group+"."+name]; ok {
		return msg
	}
	return name
}

// when is t in Beijing time, day and minute.
func (c catalogue) when(t time.Time) string { return t.In(beijing).Format(c.words["format.time"]) }

// day is t's date in Beijing.
func (c catalogue) day(t time.Time) string { return t.In(beijing).Format(c.words["format.day"]) }

// Match picks the language for a person who prefers the given tags, best first
// (BCP 47, quality values already sorted). ok is false if none of them is near
// one that we speak; the tag is then Chinese.
func (r *Renderer) Match(preferred ...language.Tag) (tag language.Tag, ok bool) {
	_, i, confidence := r.matcher.Match(preferred...)
	if confidence == language.No {
		return Chinese, false
	}
	return r.at(i).catalogue.tag, true
}

// Languages are the tags that Render speaks, the default first.
func (r *Renderer) Languages() []language.Tag {
	tags := make([]language.Tag, len(r.sets))
	for i, s := range r.sets {
		tags[i] = s.catalogue.tag
	}
	return tags
}

// Say gives a message in the language nearest to tag, for places outside pages
// such as a text message or a response's description.
func (r *Renderer) Say(tag language.Tag, t Text) string { return r.set(tag).catalogue.text(t) }
