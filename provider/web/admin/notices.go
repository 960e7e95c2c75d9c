package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/templates"
)

// beijing is the zone of the times that operators type.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// minute is how browsers send a field of type datetime-local.
const minute = "2006-01-02T15:04"

func (h *Handler) noticeFields(n operator.Notice) []templates.DeskField {
	shown := func(t time.Time) string { return t.In(beijing).Format(minute) }
	severities := []templates.DeskOption{}
	for _, s := range []operator.Severity{operator.Info, operator.Warning, operator.Urgent} {
		severities = append(severities, templates.DeskOption{Value: string(s), Text: templates.Text{Key: "desk.severity." + string(s)}})
	}
	return []templates.DeskField{
		{Name: "text_zh", Type: "textarea", Value: n.TextZH, Max: 200}, {Name: "text_en", Type: "textarea", Value: n.TextEN, Max: 200},
		{Name: "severity", Type: "select", Value: string(n.Severity), Options: severities},
		{Name: "from", Type: "datetime-local", Value: shown(n.From), Hint: templates.T("desk.hint.beijing")}, {Name: "until", Type: "datetime-local", Value: shown(n.Until)},
	}
}

// showNotices is GET /admin/notices.
func (h *Handler) showNotices(w http.ResponseWriter, r *http.Request, v visit) {
	now := h.Now()
	h.noticesPage(w, r, v, operator.Notice{From: now, Until: now.Add(7 * 24 * time.Hour), Severity: operator.Info}, nil)
}

func (h *Handler) noticesPage(w http.ResponseWriter, r *http.Request, v visit, draft operator.Notice, wrong error) {
	p := templates.DeskNotices{Desk: h.frame(v, "notices"), Fields: h.noticeFields(draft)}
	if wrong != nil {
		text, ok := blame(p.Fields, wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error = text
	}
	all, err := h.Board.Store.RecentNotices(r.Context(), 20)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	names, err := h.names(r.Context())
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	now := h.Now()
	for _, n := range all {
		line := templates.DeskNotice{
			ID: n.ID, TextZH: n.TextZH, TextEN: n.TextEN, Severity: string(n.Severity), From: n.From, Until: n.Until, By: called(names, n.By),
			State: "over", Open: n.EndedAt.IsZero() && now.Before(n.Until),
		}
		switch {
		case n.Shown(now):
			line.State = "shown"
		case line.Open:
			line.State = "waits"
		}
		p.Notices = append(p.Notices, line)
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// postNotice is POST /admin/notices.
func (h *Handler) postNotice(w http.ResponseWriter, r *http.Request, v visit) {
	f := r.PostForm
	n := operator.Notice{TextZH: f.Get("text_zh"), TextEN: f.Get("text_en"), Severity: operator.Severity(f.Get("severity"))}
	var errs [2]error
	n.From, errs[0] = time.ParseInLocation(minute, f.Get("from"), beijing)
	n.Until, errs[1] = time.ParseInLocation(minute, f.Get("until"), beijing)
	err := errors.Join(errs[:]...)
	if err != nil {
		err = &fault.Error{Kind: fault.Invalid, Field: "until", Msg: operator.MsgNoticeTimes}
	} else {
		err = h.Board.Post(r.Context(), v.operator, n)
	}
	if err != nil {
		h.noticesPage(w, r, v, n, err)
		return
	}
	see(w, "/admin/notices")
}

// endNotice is POST /admin/notices/{id}.
func (h *Handler) endNotice(w http.ResponseWriter, r *http.Request, v visit) {
	if err := h.Board.End(r.Context(), v.operator, mux.Vars(r)["id"]); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	see(w, "/admin/notices")
}
