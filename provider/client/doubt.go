package client

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Doubt is a reason for whoever reviews a client to look twice at its name.
type Doubt string

// The doubts.
const (
	SameName      Doubt = "same_name"      // another one reads alike
	MixedScripts  Doubt = "mixed_scripts"  // letters of several alphabets that look alike
	OfficialWords Doubt = "official_words" // it sounds like an authority, and its address is not one's
)

// official are words by which a name claims to be an authority's.
var official = []string{
	"国务院", "人民政府", "政府", "政务", "科技部", "科学技术部", "工信部", "工业和信息化部", "火炬", "公安", "税务", "海关", "法院", "中央", "统一身份", "单点登录",
	"government", "ministry", "gov.cn",
}

// Doubts looks at the client's name beside those of others, which include the
// platform's own. It is for eyes, not for rules: registration goes on.
func (m Metadata) Doubts(others ...string) []Doubt {
	var out []Doubt
	mine := skeleton(m.Name)
	if mine != "" && slices.ContainsFunc(others, func(o string) bool { return skeleton(o) == mine }) {
		out = append(out, SameName)
	}
	alphabets := 0
	for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee} {
		if strings.ContainsFunc(m.Name, func(r rune) bool { return unicode.Is(script, r) }) {
			alphabets++
		}
	}
	if alphabets > 1 {
		out = append(out, MixedScripts)
	}
	if !m.authority() && slices.ContainsFunc(official, func(w string) bool { return strings.Contains(mine, skeleton(w)) }) {
		out = append(out, OfficialWords)
	}
	return out
}

// Names are what systems other than the own ones are called, for Doubts: their
// names and the legal names behind them.
func Names(all []Client, own func(*Client) bool) []string {
	var out []string
	for i := range all {
		if !own(&all[i]) {
			out = append(out, all[i].Metadata.Name, all[i].Metadata.LegalName)
		}
	}
	return out
}

// authority tells whether everything that the client redirects to is in the
// domain of China's authorities.
func (m Metadata) authority() bool {
	for _, raw := range m.RedirectURIs {
		u, err := url.Parse(raw)
		if err != nil || !strings.HasSuffix(strings.ToLower(u.Hostname()), ".gov.cn") {
			return false
		}
	}
	return len(m.RedirectURIs) > 0
}

// looksLike are letters of other alphabets that pass for Latin ones, small.
var looksLike = strings.NewReplacer(
	"а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "у", "y", "х", "x", "і", "i", "ѕ", "s", "ј", "j", "һ", "h", "ԁ", "d", "ո", "n", "ν", "v", "ο", "o", "α", "a", "ρ", "p", "ι", "i", "κ", "k", "τ", "t",
	"0", "o", "1", "l",
)

// skeleton is what a name looks like at a glance: compatibility forms, case,
// blanks and punctuation do not count.
func skeleton(name string) string {
	folded := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, strings.ToLower(norm.NFKC.String(name)))
	return looksLike.Replace(folded)
}
