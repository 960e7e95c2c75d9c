package admin

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/realname"
	"kejitong/templates"
)

// Whose cases a queue shows.
const (
	chargeMe     = "me"
	chargeNobody = "nobody"
)

// queueFields are the filters of a queue; states are message keys of group.
func queueFields(q url.Values, group string, states []string) []templates.DeskField {
	kind := templates.DeskField{Name: "kind", Type: "select", Value: q.Get("kind"), Options: []templates.DeskOption{{Text: templates.T("desk.any")},
		{Value: string(account.NaturalPerson), Text: templates.T("account_type.natural_person")},
		{Value: string(account.LegalEntity), Text: templates.T("account_type.legal_entity")}}}
	state := templates.DeskField{Name: "state", Type: "select", Value: q.Get("state")}
	for _, s := range states {
		state.Options = append(state.Options, templates.DeskOption{Value: s, Text: templates.Text{Key: group + "." + s}})
	}
	charge := templates.DeskField{Name: "charge", Type: "select", Value: q.Get("charge"), Options: []templates.DeskOption{{Text: templates.T("desk.any")},
		{Value: chargeMe, Text: templates.T("desk.cases.me")}, {Value: chargeNobody, Text: templates.T("desk.cases.nobody")}}}
	age := templates.DeskField{Name: "age", Type: "select", Value: q.Get("age"), Options: []templates.DeskOption{{Text: templates.T("desk.any")}}}
	for _, a := range ages {
		age.Options = append(age.Options, templates.DeskOption{Value: a.name, Text: templates.Text{Key: "desk.older." + a.name}})
	}
	return []templates.DeskField{kind, state, charge, age}
}

var ages = [...]struct {
	name string
	than time.Duration
}{{"day", soon}, {"two", late}, {"three", over}}

func olderThan(name string) time.Duration {
	for _, a := range ages {
		if a.name == name {
			return a.than
		}
	}
	return 0
}

// caseStates are the states that the queue of real names is filtered by.
var caseStates = []string{string(realname.ManualReview), string(realname.Verified), string(realname.Rejected), string(realname.Failed)}

const queuePage = 50

// cases is GET /admin/cases: what waits, the oldest first.
func (h *Handler) cases(w http.ResponseWriter, r *http.Request, v visit) {
	q := r.URL.Query()
	f := realname.Filter{Older: olderThan(q.Get("age")), After: q.Get("after"), Limit: queuePage}
	if k := account.Kind(q.Get("kind")); k.Known() {
		f.Kind = k
	}
	if slices.Contains(caseStates, q.Get("state")) {
		f.State = realname.State(q.Get("state"))
	}
	switch q.Get("charge") {
	case chargeMe:
		f.Reviewer = v.operator.ID
	case chargeNobody:
		f.Reviewer = realname.Unassigned
	}
	items, err := h.Cases.Queue(r.Context(), f)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	names, err := h.names(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.DeskCases{Desk: h.frame(v, "cases"), Heap: "cases", Fields: queueFields(q, "realname.state", caseStates)}
	now := h.Now()
	for _, c := range items {
		since := c.PapersAt
		if since.IsZero() {
			since = c.SentAt
		}
		line := templates.DeskCaseLine{
			URL: "/admin/cases/" + c.ID, Number: c.Number, Type: string(c.Kind), Stated: templates.Text{Key: "realname.state." + string(c.State)},
			Since: since, Age: ageText(since, now), Mine: c.Reviewer == v.operator.ID,
		}
		if c.State == realname.ManualReview {
			line.Badge = ageBadge(since, now)
		}
		if c.Reviewer != "" {
			line.Charge = called(names, c.Reviewer)
		}
		p.Cases = append(p.Cases, line)
	}
	if len(items) == queuePage {
		p.Next = nextOf("/admin/cases", q, items[len(items)-1].Cursor)
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// nextOf is the address of what comes after a cursor in a queue.
func nextOf(path string, q url.Values, after string) string {
	next := url.Values{"after": {after}}
	for _, name := range []string{"kind", "state", "charge", "age"} {
		if v := q.Get(name); v != "" {
			next.Set(name, v)
		}
	}
	return path + "?" + next.Encode()
}
