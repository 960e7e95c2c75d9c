package admin

import (
	"context"
	"net/http"
	"time"

	"kejitong/provider/operator"
	"kejitong/provider/realname"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

// What was promised to those who wait, in the desk's colours.
const (
	soon = 24 * time.Hour     // a day waited: due
	late = 2 * 24 * time.Hour // two: nearly too late
	over = 3 * 24 * time.Hour // three working days are what is promised (R30)
)

// heap is how many are counted for the front page.
const heap = 100

// ageBadge is the colour of something that waits since a moment.
func ageBadge(since, now time.Time) string {
	switch d := now.Sub(since); {
	case since.IsZero(), d < soon:
		return ""
	case d < late:
		return "due"
	case d < over:
		return "warn"
	}
	return "bad"
}

// ageText says how long something waits.
func ageText(since, now time.Time) templates.Text {
	d := now.Sub(since)
	switch {
	case d < time.Hour:
		return templates.T("desk.age.minutes", max(int(d/time.Minute), 0))
	case d < 48*time.Hour:
		return templates.T("desk.age.hours", int(d/time.Hour))
	}
	return templates.T("desk.age.days", int(d/(24*time.Hour)))
}

// home is GET /admin: what waits for this role.
func (h *Handler) home(w http.ResponseWriter, r *http.Request, v visit) {
	p := templates.DeskHome{Desk: h.frame(v, "home")}
	var err error
	switch v.operator.Role {
	case operator.Reviewer:
		p.Tiles, err = h.waiting(r.Context(), v)
	case operator.SystemAdmin:
		p.Tiles, err = h.silent(r.Context())
	case operator.SecurityAdmin, operator.Auditor:
		p.Tiles, err = h.unapproved(r.Context(), v)
	}
	if err == nil {
		p.Plots, err = h.plots(r.Context(), v)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

func (h *Handler) waiting(ctx context.Context, v visit) ([]templates.DeskTile, error) {
	all, err := h.Cases.Queue(ctx, realname.Filter{Limit: heap})
	if err != nil {
		return nil, err
	}
	cases := templates.DeskTile{Key: "cases", URL: "/admin/cases"}
	free := templates.DeskTile{Key: "free", URL: "/admin/cases?charge=nobody"}
	mine := templates.DeskTile{Key: "mine", URL: "/admin/cases?charge=me"}
	for _, c := range all {
		h.count(&cases, c.PapersAt)
		switch c.Reviewer {
		case "":
			h.count(&free, c.PapersAt)
		case v.operator.ID:
			h.count(&mine, c.PapersAt)
		}
	}
	cases.More = len(all) == heap
	open, err := h.Appeals.Appeals(ctx, recovery.Filter{Open: true, Limit: heap})
	if err != nil {
		return nil, err
	}
	appeals := templates.DeskTile{Key: "appeals", URL: "/admin/appeals"}
	second := templates.DeskTile{Key: "second", URL: "/admin/appeals?state=seconding"}
	for _, a := range open {
		if a.State != recovery.Approved && a.State.Open() {
			h.count(&appeals, a.CreatedAt)
		}
		if a.State == recovery.Seconding && a.First != v.operator.ID {
			h.count(&second, a.CreatedAt)
		}
	}
	appeals.More = len(open) == heap
	return []templates.DeskTile{cases, free, mine, appeals, second}, nil
}

// count adds one that waits since a moment.
func (h *Handler) count(t *templates.DeskTile, since time.Time) {
	t.Count++
	if t.Since.IsZero() || !since.IsZero() && since.Before(t.Since) {
		t.Since, t.Age = since, ageBadge(since, h.Now())
	}
}

func (h *Handler) unapproved(ctx context.Context, v visit) ([]templates.DeskTile, error) {
	all, err := h.Desk.Store.Proposals(ctx, heap)
	if err != nil {
		return nil, err
	}
	t := templates.DeskTile{Key: "approvals", URL: "/admin/approvals"}
	for _, p := range all {
		if p.MayDecide(v.operator, h.Now()) {
			h.count(&t, p.At)
		}
	}
	return []templates.DeskTile{t}, nil
}
