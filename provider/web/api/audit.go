package api

import (
	"net/http"
	"strconv"
	"time"

	"kejitong/provider/audit"
)

// How much of the trail one page looks through, the desk's bound.
const trailSpan = 200000

// rowView is a row of the trail.
type rowView struct {
	ID        int64     `json:"id"`
	At        time.Time `json:"at"`
	Kind      string    `json:"kind"`
	Actor     string    `json:"actor"`
	Object    string    `json:"object"`
	Client    string    `json:"client_id"`
	Result    string    `json:"result"`
	Detail    string    `json:"detail"`
	IP        string    `json:"ip"`
	UserAgent string    `json:"user_agent"`
	RequestID string    `json:"request_id"`
}

var trailParameters = []string{"since", "until", "kind", "actor", "object", "client", "request", "result"}

// searchAudit is GET /audit: the newest rows first. A page may hold fewer rows than
// asked for, even none, and still have a next one: each looks through a bounded
// part of the trail.
func (h *Handler) searchAudit(w http.ResponseWriter, r *http.Request, v visit) error {
	n, from, err := h.paging(r, v, trailParameters...)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	f := audit.Filter{
		Kind: q.Get("kind"), Actor: q.Get("actor"), Object: q.Get("object"), Client: q.Get("client"), RequestID: q.Get("request"), Result: q.Get("result"),
	}
	for name, to := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if text := q.Get(name); text != "" {
			if *to, err = time.Parse(time.RFC3339, text); err != nil {
				return invalid(name, "is no time such as 2026-11-27T00:00:00+08:00")
			}
		}
	}
	before := int64(0)
	if from != "" {
		if before, err = strconv.ParseInt(from, 10, 64); err != nil {
			return invalid("cursor", "is not one of this list for this client")
		}
	}
	rows, reached, err := h.Trail.SearchAudit(r.Context(), f, before, trailSpan, n)
	if err != nil {
		return err
	}
	out := list[rowView]{Items: []rowView{}}
	for _, x := range rows {
		out.Items = append(out.Items, rowView{x.ID, x.At.UTC(), string(x.Kind), x.Actor, x.Object, x.Client, x.Result, x.Detail, x.IP, x.UserAgent, x.RequestID})
	}
	if reached > 0 {
		if out.Next, err = h.cursor(v, r, strconv.FormatInt(reached, 10)); err != nil {
			return err
		}
	}
	return say(w, http.StatusOK, out)
}
