package relyingparty

import (
	"fmt"
	"hash/fnv"
)

// look is the colour by which one system is told from another and from the
// platform: a band behind white text, and an accent on light and dark paper.
type look struct{ name, band, light, dark string }

func lookOf(code string) look {
	switch code {
	case "hightech_enterprise":
		return look{"teal", "#0b5c55", "#0b6b62", "#5fd0c2"}
	case "tech_sme":
		return look{"plum", "#6a2c78", "#7a3b86", "#dca5e8"}
	}
	others := []look{
		{"amber", "#7a4310", "#8a4b0f", "#f0b878"},
		{"moss", "#3d561d", "#48661f", "#b4d98a"},
		{"wine", "#862243", "#9b2c4d", "#f2a0b8"},
		{"slate", "#37465c", "#405270", "#a9bddb"},
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(code))
	return others[h.Sum32()%uint32(len(others))]
}

func (l look) stylesheet() []byte {
	base, err := files.ReadFile("pages/style.css")
	if err != nil {
		panic(err) // embedded: it is there
	}
	return fmt.Appendf(nil, ":root{--band:%s;--accent:%s;--on:#fff}\n@media (prefers-color-scheme:dark){:root{--accent:%s;--on:#14110f}}\n%s", l.band, l.light, l.dark, base)
}
