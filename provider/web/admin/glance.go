package admin

import (
	"context"
	"slices"
	"strings"

	"kejitong/provider/operator"
	"kejitong/templates"
)

// Glancer gives the state of the platform at a glance; *operator.Watch is it.
type Glancer interface {
	Look(ctx context.Context) (operator.Glance, error)
}

// bars is how many lines a plot has at most; the rest is one more.
const bars = 8

// plots makes the plots of the front page.
func (h *Handler) plots(ctx context.Context, v visit) ([]templates.Plot, error) {
	if h.Glance == nil {
		return nil, nil
	}
	g, err := h.Glance.Look(ctx)
	if err != nil {
		return nil, err
	}
	ages := []string{"1", "3", "7", "more"}
	imports := plot("imports", g.Imports, asItIs)
	if h.may(v.operator.Role, importPath) {
		imports.URL = importPath
	}
	return []templates.Plot{
		plot("day", g.Day, outcome), plot("month", g.Month, outcome), plot("tokens", g.Tokens, asItIs),
		plot("waiting", inOrder(g.Waiting, ages), worded("glance.age.")), plot("ending", inOrder(g.Ending, []string{"7", "14", "30"}), worded("glance.left.")),
		imports,
	}, nil
}

// inOrder gives a count for each of keys, in their order.
func inOrder(all []operator.Count, keys []string) []operator.Count {
	var out []operator.Count
	for _, k := range keys {
		c := operator.Count{Key: k}
		if i := slices.IndexFunc(all, func(c operator.Count) bool { return c.Key == k }); i >= 0 {
			c.N = all[i].N
		}
		out = append(out, c)
	}
	return out
}

func asItIs(key string) (templates.Text, string, string) { return templates.Text{}, key, "" }

func worded(prefix string) func(string) (templates.Text, string, string) {
	return func(key string) (templates.Text, string, string) {
		tone := ""
		if key == "more" || prefix == "glance.left." && key == "7" {
			tone = "bad"
		}
		return templates.Text{Key: prefix + key}, "", tone
	}
}

// outcome names what came of a sign-in: its kind in words, and the reason's code.
func outcome(key string) (templates.Text, string, string) {
	kind, reason, _ := strings.Cut(key, " ")
	tone := map[string]string{"succeeded": "ok", "failed": "bad", "throttled": "warn"}[kind]
	return templates.Text{Key: "glance.sign_in." + kind}, reason, tone
}

func plot(key string, counts []operator.Count, name func(string) (templates.Text, string, string)) templates.Plot {
	p := templates.Plot{Key: key}
	most, rest := int64(0), int64(0)
	for i, c := range counts {
		p.Total += c.N
		if i >= bars {
			rest += c.N
			continue
		}
		most = max(most, c.N)
		text, code, tone := name(c.Key)
		p.Bars = append(p.Bars, templates.Bar{Text: text, Code: code, N: c.N, Tone: tone})
	}
	if rest > 0 {
		most = max(most, rest)
		p.Bars = append(p.Bars, templates.Bar{Text: templates.T("glance.rest"), N: rest})
	}
	for i := range p.Bars {
		if b := &p.Bars[i]; b.N > 0 {
			b.Width = max(1, int(b.N*100/most))
		}
	}
	return p
}
