package entitlement

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bound is what the MAC over a grant's row covers, as names and values in turn.
// Values that are empty are left out, so that a column which comes later does not
// make the rows from before worthless: its default must be empty.
func (g Grant) Bound() []string {
	return bound("id", g.ID, "account", string(g.Account), "unit", g.UnitID, "system", string(g.System), "actions", listed(g.Actions),
		"state", string(g.State), "source", string(g.Source), "from", at(g.From), "until", at(g.Until))
}

// Bound is Grant.Bound for a mandate; of the unit the id alone is its own. What a
// mandate learns to say beyond this is added at the end.
func (m Mandate) Bound() []string {
	return bound("id", m.ID, "account", string(m.Account), "unit", m.Unit.ID, "relation", string(m.Relation),
		"state", string(m.State), "source", string(m.Source), "from", at(m.From), "until", at(m.Until))
}

func bound(pairs ...string) []string {
	out := make([]string, 0, len(pairs))
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, pairs[i], pairs[i+1])
		}
	}
	return out
}

// listed writes codes, which hold no comma, in an order of their own.
func listed(codes []string) string {
	sorted := slices.Clone(codes)
	slices.Sort(sorted)
	return strings.Join(sorted, ",")
}

// at is a time as it is kept: in milliseconds.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
