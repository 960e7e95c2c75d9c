package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/templates"
)

// How much of the trail one page shows and looks through.
const (
	trailPage = 50
	trailSpan = 200000
)

// day is how browsers send a field of type date.
const day = time.DateOnly

// filterNames are the fields of a search, which are its query as well.
var filterNames = [...]string{"since", "until", "kind", "actor", "object", "client", "request", "result"}

// filterOf reads a search; a date that is none blames its field.
func filterOf(q url.Values) (audit.Filter, error) {
	get := func(name string) string { return short(q.Get(name)) }
	f := audit.Filter{
		Kind: get("kind"), Actor: get("actor"), Object: get("object"), Client: get("client"), RequestID: get("request"), Result: get("result"),
	}
	for name, to := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		text := get(name)
		if text == "" {
			continue
		}
		t, err := time.ParseInLocation(day, text, beijing)
		if err != nil {
			return f, &fault.Error{Kind: fault.Invalid, Field: name, Msg: "desk.error.date"}
		}
		*to = t
	}
	if !f.Until.IsZero() {
		f.Until = f.Until.AddDate(0, 0, 1) // the day itself belongs to it
	}
	return f, nil
}

func filterFields(q url.Values) []templates.DeskField {
	var out []templates.DeskField
	for _, name := range filterNames {
		f := templates.DeskField{Name: name, Value: short(q.Get(name)), Free: true, Max: 128}
		switch name {
		case "since", "until":
			f.Type = "date"
		case "result":
			f.Type = "select"
			f.Options = []templates.DeskOption{{Text: templates.T("desk.any")}}
			for _, r := range []string{"ok", "refused", "failed"} {
				f.Options = append(f.Options, templates.DeskOption{Value: r, Text: templates.Text{Key: "desk.result." + r}})
			}
		case "kind":
			f.Hint = templates.T("desk.hint.kind")
		}
		out = append(out, f)
	}
	return out
}

// filterLines shows what an export would hold.
func filterLines(what string) (out []templates.Fact) {
	q, err := url.ParseQuery(jsonText(what))
	if err != nil {
		return nil
	}
	for _, name := range filterNames {
		if v := q.Get(name); v != "" {
			out = append(out, templates.Fact{Label: name, Value: v})
		}
	}
	return out
}

// jsonText is the text that a JSON string holds.
func jsonText(s string) (out string) {
	_ = json.Unmarshal([]byte(s), &out) // what is no string is no filter
	return out
}

// query is a search as it was asked for, without what we do not know.
func query(q url.Values) url.Values {
	out := url.Values{}
	for _, name := range filterNames {
		if v := short(q.Get(name)); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

// searchTrail is GET /admin/audit.
func (h *Handler) searchTrail(w http.ResponseWriter, r *http.Request, v visit) {
	h.trailPage(w, r, v, r.URL.Query(), nil, nil)
}

func (h *Handler) trailPage(w http.ResponseWriter, r *http.Request, v visit, q url.Values, report *audit.Report, wrong error) {
	ctx := r.Context()
	p := templates.DeskAudit{Desk: h.frame(v, "audit"), Fields: filterFields(q), Filter: map[string]string{}, Exact: len(query(q)) > 0}
	for name, value := range query(q) {
		p.Filter[name] = value[0]
	}
	if q.Get("done") == "asked" {
		p.Done = templates.T("desk.audit.asked")
	}
	f, err := filterOf(q)
	before := int64(0)
	if err == nil {
		before, err = h.pageOf(v, query(q), q.Get("page"))
	}
	if wrong == nil {
		wrong = err
	}
	status := http.StatusOK
	if wrong != nil {
		text, ok := blame(p.Fields, wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		if p.Error, status = text, statusOf(wrong); status == http.StatusOK {
			status = http.StatusBadRequest
		}
	}
	if err == nil {
		if err := h.fillTrail(ctx, v, &p, q, f, before); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
	}
	if err := h.fillChain(ctx, v, &p, report); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, status, p)
}

func (h *Handler) fillTrail(ctx context.Context, v visit, p *templates.DeskAudit, q url.Values, f audit.Filter, before int64) error {
	rows, reached, err := h.Trail.SearchAudit(ctx, f, before, trailSpan, trailPage)
	if err != nil {
		return err
	}
	names, err := h.names(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		p.Rows = append(p.Rows, templates.DeskRow{
			ID: row.ID, At: row.At, Kind: string(row.Kind), Actor: called(names, row.Actor), Object: called(names, row.Object), Client: row.Client,
			Result: row.Result, Detail: row.Detail, IP: row.IP, RequestID: row.RequestID, Agent: row.UserAgent,
		})
	}
	if reached > 0 {
		next := query(q)
		token, err := h.pageToken(v, next, reached)
		if err != nil {
			return err
		}
		p.Partial = len(rows) < trailPage
		next.Set("page", token)
		p.Next = "/admin/audit?" + next.Encode()
	}
	return nil
}

func (h *Handler) fillChain(ctx context.Context, v visit, p *templates.DeskAudit, report *audit.Report) error {
	head, err := h.Chain.Store.ChainHead(ctx)
	if err != nil {
		return err
	}
	p.Chain.Blocks = head.Seq
	if head.Seq > 0 {
		last, err := h.Chain.Store.Blocks(ctx, head.Seq-1, 1)
		if err != nil {
			return err
		}
		if len(last) == 1 {
			p.Chain.At = last[0].At
		}
	}
	if report != nil {
		p.Chain.Checked, p.Chain.Rows, p.Chain.Unsealed, p.Chain.Problems = true, report.Rows, report.Unsealed, report.Problems
	}
	all, err := h.Desk.Store.Proposals(ctx, heap)
	if err != nil {
		return err
	}
	names, err := h.names(ctx)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.Matter == operator.Export && x.By == v.operator.ID && len(p.Exports) < 5 {
			p.Exports = append(p.Exports, h.proposal(x, names, v))
		}
	}
	return nil
}

func pagePlace(v visit, q url.Values) string {
	return "page of the trail for " + v.operator.ID + " of " + q.Encode()
}

func (h *Handler) pageToken(v visit, q url.Values, before int64) (string, error) {
	return h.sealPage(pagePlace(v, q), before)
}

func (h *Handler) pageOf(v visit, q url.Values, token string) (before int64, err error) {
	if token == "" {
		return 0, nil
	}
	if h.openPage(pagePlace(v, q), token, &before) != nil {
		return 0, &fault.Error{Kind: fault.Invalid, Msg: "desk.error.page"}
	}
	return before, nil
}

// verifyFor bounds the check of the whole trail within a request; longer ones are
// for the command line.
const verifyFor = 20 * time.Second

// verifyTrail is POST /admin/audit/verify.
func (h *Handler) verifyTrail(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, cancel := context.WithTimeout(r.Context(), verifyFor)
	defer cancel()
	report, err := h.Chain.Verify(ctx, nil)
	if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
		h.trailPage(w, r, v, url.Values{}, nil, &fault.Error{Kind: fault.Invalid, Msg: "desk.error.verify_long"})
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.trailPage(w, r, v, url.Values{}, &report, nil)
}

// askExport is POST /admin/audit/exports: somebody else has to agree (S80).
func (h *Handler) askExport(w http.ResponseWriter, r *http.Request, v visit) {
	q := query(r.PostForm)
	if _, err := filterOf(q); err != nil {
		h.trailPage(w, r, v, q, nil, err)
		return
	}
	if err := h.Desk.ProposeExport(r.Context(), v.operator, q.Encode()); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	q.Set("done", "asked")
	see(w, "/admin/audit?"+q.Encode())
}

// maxExport bounds the rows of one export.
const maxExport = 200000

// fetchExport is POST /admin/audit/exports/{id}: the approved export, once.
func (h *Handler) fetchExport(w http.ResponseWriter, r *http.Request, v visit) {
	ctx := r.Context()
	x, err := h.Desk.Fetch(ctx, v.operator, mux.Vars(r)["id"])
	if fault.Is(err, fault.Conflict) {
		h.trailPage(w, r, v, url.Values{}, nil, err)
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	q, err := url.ParseQuery(jsonText(x.What))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	f, err := filterOf(q)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/csv; charset=utf-8")
	head.Set("Content-Disposition", `attachment; filename="audit-`+h.Now().In(beijing).Format("20060102-1504")+`.csv"`)
	head.Set("Cache-Control", "no-store")
	// A long trail takes longer than a page may.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute)) // not every writer can
	if err := h.writeTrail(ctx, audit.NewTable(w), f); err != nil {
		h.Log.ErrorContext(ctx, "export of the trail broke off", "error", err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}

func (h *Handler) writeTrail(ctx context.Context, t *audit.Table, f audit.Filter) error {
	for before, n := int64(0), 0; n < maxExport; {
		rows, reached, err := h.Trail.SearchAudit(ctx, f, before, trailSpan, 2000)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := t.Write(row); err != nil {
				return err
			}
		}
		if n += len(rows); reached == 0 {
			break
		}
		before = reached
	}
	return t.Flush()
}
