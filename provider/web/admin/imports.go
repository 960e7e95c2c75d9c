package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
	"kejitong/templates"
)

const (
	importPath    = "/admin/import"
	conflictsPath = "/admin/import/conflicts"
	recordsPath   = "/admin/import/records/"
	batchesMost   = 100
	badRowsMost   = 200
)

// mayFind tells whether the role may search records and look at them: whoever may
// search accounts.
func (h *Handler) mayFind(v visit) bool { return h.may(v.operator.Role, conflictsPath) }

func searchKey(text string) []templates.DeskField {
	return []templates.DeskField{{Name: "q", Value: text, Max: 40, Hint: templates.T("desk.hint.torch_key")}}
}

// showImports is GET /admin/import: the batches, and what a search found.
func (h *Handler) showImports(w http.ResponseWriter, r *http.Request, v visit) {
	p, err := h.importsPage(r.Context(), v)
	if err == nil && h.mayFind(v) {
		p.Fields = searchKey("")
		p.Found, p.Searched, err = h.recordsFound(r.Context(), v, r.URL.Query().Get("found"))
	}
	if fault.Is(err, fault.Gone) {
		h.Web.Problem(w, r, http.StatusBadRequest, templates.T("desk.error.page"))
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

func (h *Handler) importsPage(ctx context.Context, v visit) (templates.DeskImports, error) {
	p := templates.DeskImports{Desk: h.frame(v, "imports")}
	batches, err := h.Imports.Books.Batches(ctx, batchesMost)
	if err != nil {
		return p, err
	}
	for _, b := range batches {
		p.Batches = append(p.Batches, batchLine(b))
	}
	wrap, err := h.Imports.Wrapping(ctx, batches)
	if err != nil {
		return p, err
	}
	p.Wrap = wrapped(wrap)
	if h.mayFind(v) && len(batches) > 0 {
		p.Heaps = heaps("")
	}
	return p, nil
}

func batchLine(b torch.Batch) templates.DeskBatchLine {
	return templates.DeskBatchLine{
		URL: batchURL(b.ID), ID: b.ID, File: b.File, By: b.By, State: string(b.State), Rows: b.Staged, Bad: b.Bad, At: b.CreatedAt, CommittedAt: b.CommittedAt,
		RevertedAt: b.RevertedAt, Reversible: b.Reversible(), LookedAt: b.LookedAt,
	}
}

func batchURL(id string) string { return importPath + "/batches/" + url.PathEscape(id) }

func wrapped(w torch.Wrapping) templates.DeskWrap {
	out := templates.DeskWrap{All: w.All, Done: w.Done(), Left: w.Left}
	if w.All > 0 {
		out.Percent = int(out.Done * 100 / w.All)
	}
	if w.Rate > 0 {
		out.Rate, out.Takes = fmt.Sprintf("%.1f", w.Rate), templates.T("import.takes.minutes", int(w.Takes/time.Minute)+1)
		if w.Takes >= 2*time.Hour {
			out.Takes = templates.T("import.takes.hours", int(w.Takes.Round(time.Hour)/time.Hour))
		}
	}
	return out
}

// heaps are the links to what stays to be settled.
func heaps(here torch.Heap) (out []templates.DeskHeap) {
	for _, heap := range torch.Heaps() {
		out = append(out, templates.DeskHeap{Code: string(heap), URL: heapURL(heap), Here: heap == here})
	}
	return out
}

func heapURL(heap torch.Heap) string {
	return conflictsPath + "?" + url.Values{"heap": {string(heap)}}.Encode()
}

// showBatch is GET /admin/import/batches/{id}.
func (h *Handler) showBatch(w http.ResponseWriter, r *http.Request, v visit) {
	ctx := r.Context()
	b, err := h.Imports.Books.Batch(ctx, mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.DeskBatch{Desk: h.frame(v, "imports"), Of: batchLine(b)}
	err = h.fillPlan(ctx, v, b, &p)
	if err == nil {
		err = h.fillBad(ctx, b, &p)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

func (h *Handler) fillPlan(ctx context.Context, v visit, b torch.Batch, p *templates.DeskBatch) error {
	plan, ok, err := h.Imports.Books.BatchPlan(ctx, b.ID)
	if err != nil || !ok {
		return err
	}
	p.Planned = true
	most := int64(1)
	for _, n := range plan.Outcomes {
		most = max(most, n)
	}
	for _, code := range torch.Codes() {
		n := plan.Outcomes[code]
		if n == 0 {
			continue
		}
		o := templates.DeskOutcome{Code: string(code), N: n, Width: max(1, int(n*100/most))}
		if b.State == torch.Committed && len(code.Snags()) > 0 && h.mayFind(v) {
			o.URL = heapURL(torch.Heap(code))
		}
		p.Outcomes = append(p.Outcomes, o)
	}
	p.Sums = []templates.DeskSum{
		{Key: "made", N: plan.Made}, {Key: "grants", N: plan.Grants}, {Key: "passwords", N: plan.Legacy}, {Key: "suffixed", N: plan.Suffixed}, {Key: "rivals", N: plan.Rivals},
		{Key: "known", N: plan.Known},
	}
	for _, s := range plan.Samples {
		p.Samples = append(p.Samples, templates.DeskSample{Row: s.Row, Code: string(s.Outcome), Key: s.Key, LoginName: s.LoginName, Suffixed: s.Suffixed, Rival: s.Rival})
	}
	return nil
}

func (h *Handler) fillBad(ctx context.Context, b torch.Batch, p *templates.DeskBatch) error {
	counts, err := h.Imports.Books.BadCounts(ctx, b.ID)
	if err != nil {
		return err
	}
	kept := int64(0)
	for _, c := range counts {
		kept += c.N
		p.Kinds = append(p.Kinds, templates.DeskBad{Field: c.Field, Why: templates.Text{Key: c.Msg}, N: c.N})
	}
	rows, err := h.Imports.Books.BadRows(ctx, b.ID, badRowsMost)
	for _, e := range rows {
		p.BadRows = append(p.BadRows, templates.DeskBad{Row: e.Row, Field: e.Field, Why: templates.Text{Key: e.Msg}})
	}
	p.BadMore = kept > badRowsMost
	return err
}

// showConflicts is GET /admin/import/conflicts: the records of a heap that are not
// settled.
func (h *Handler) showConflicts(w http.ResponseWriter, r *http.Request, v visit) {
	q := r.URL.Query()
	heap := torch.Heap(q.Get("heap"))
	if !slices.Contains(torch.Heaps(), heap) {
		heap = torch.Heaps()[0]
	}
	after, err := h.placeOf(v, heap, q.Get("page"))
	if err != nil {
		h.Web.Problem(w, r, http.StatusBadRequest, templates.T("desk.error.page"))
		return
	}
	entries, next, err := h.Imports.Unsettled(r.Context(), heap, after, queuePage)
	p := templates.DeskConflicts{Desk: h.frame(v, "imports"), Heaps: heaps(heap), Code: string(heap)}
	if err == nil && next != (torch.Place{}) {
		var token string
		token, err = h.placeToken(v, heap, next)
		p.Next = conflictsPath + "?" + url.Values{"heap": {string(heap)}, "page": {token}}.Encode()
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, e := range entries {
		p.Entries = append(p.Entries, entryLine(e))
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// heapPlace binds the token of a page to the operator and the heap (S83).
func heapPlace(v visit, heap torch.Heap) string {
	return "records of " + string(heap) + " for " + v.operator.ID
}

func (h *Handler) placeToken(v visit, heap torch.Heap, p torch.Place) (string, error) {
	return h.sealPage(heapPlace(v, heap), p)
}

func (h *Handler) placeOf(v visit, heap torch.Heap, token string) (p torch.Place, err error) {
	if token != "" {
		err = h.openPage(heapPlace(v, heap), token, &p)
	}
	return p, err
}

// entryLine is a record, masked (C29).
func entryLine(e torch.Entry) templates.DeskEntryLine {
	line := templates.DeskEntryLine{
		URL: recordsPath + e.ID, Batch: e.Place.Batch, BatchURL: batchURL(e.Place.Batch), Row: e.Place.Row, Code: string(e.Outcome), Suffixed: e.Suffixed,
		Key: account.MaskLogin(e.Record.Key),
	}
	if e.Account.ID != "" {
		line.Account, line.LoginName = "/admin/accounts/"+string(e.Account.ID), account.MaskLogin(e.Account.LoginName)
	}
	for _, s := range e.Open() {
		line.Open = append(line.Open, string(s))
	}
	return line
}
