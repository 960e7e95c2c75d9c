package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/operator"
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
		line, err := h.batchLine(ctx, b)
		if err != nil {
			return p, err
		}
		p.Batches = append(p.Batches, line)
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

func (h *Handler) batchLine(ctx context.Context, b torch.Batch) (templates.DeskBatchLine, error) {
	back, err := h.Imports.Reversible(ctx, b)
	return templates.DeskBatchLine{
		URL: batchURL(b.ID), ID: b.ID, File: b.File, By: b.By, State: string(b.State), Rows: b.Staged, Bad: b.Bad, At: b.CreatedAt, CommittedAt: b.CommittedAt,
		RevertedAt: b.RevertedAt, Reversible: back,
	}, err
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
	p := templates.DeskBatch{Desk: h.frame(v, "imports")}
	if p.Of, err = h.batchLine(ctx, b); err == nil {
		err = h.fillPlan(ctx, v, b, &p)
	}
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
	plain, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return h.Keys().Seal(keys.Page, heapPlace(v, heap), plain)
}

func (h *Handler) placeOf(v visit, heap torch.Heap, token string) (p torch.Place, err error) {
	if token == "" {
		return p, nil
	}
	plain, err := h.Keys().Open(keys.Page, heapPlace(v, heap), token)
	if err == nil {
		err = json.Unmarshal(plain, &p)
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

// findRecords is POST /admin/import: numbers must not stand in addresses, so what
// was found comes back as a sealed token.
func (h *Handler) findRecords(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, text := r.Context(), short(r.PostForm.Get("q"))
	token, err := h.recordsToken(ctx, v, text)
	if err == nil {
		see(w, importPath+"?"+url.Values{"found": {token}}.Encode())
		return
	}
	p, failed := h.importsPage(ctx, v)
	p.Fields = searchKey(text)
	why, ok := blame(p.Fields, err)
	if failed != nil || !ok {
		h.Web.Fail(w, r, err)
		return
	}
	if why.Says() {
		p.Fields[0].Why = why
	}
	h.Web.Show(w, r, statusOf(err), p)
}

// recordsToken searches and says so in the trail, without what was searched for.
func (h *Handler) recordsToken(ctx context.Context, v visit, text string) (string, error) {
	if err := h.countSearch(ctx, v); err != nil {
		return "", err
	}
	entries, err := h.Imports.Find(ctx, text)
	if err != nil {
		return "", atQuery(err)
	}
	found := foundAccounts{Until: h.Now().Add(foundFor).Unix()}
	for _, e := range entries {
		found.IDs = append(found.IDs, account.ID(e.ID))
	}
	if err := h.Trail.Record(ctx, audit.Event{Kind: audit.AccountsSearched, Actor: v.operator.ID, Object: "torch records"}); err != nil {
		return "", err
	}
	plain, err := json.Marshal(found)
	if err != nil {
		return "", err
	}
	return h.Keys().Seal(keys.Page, recordsPlace(v), plain)
}

func recordsPlace(v visit) string { return "records found by " + v.operator.ID }

// recordsFound opens what recordsToken sealed; fault.Gone if it is not of this
// operator or too old.
func (h *Handler) recordsFound(ctx context.Context, v visit, token string) (out []templates.DeskEntryLine, searched bool, err error) {
	if token == "" {
		return nil, false, nil
	}
	var found foundAccounts
	plain, err := h.Keys().Open(keys.Page, recordsPlace(v), token)
	if err == nil {
		err = json.Unmarshal(plain, &found)
	}
	if err != nil || h.Now().Unix() > found.Until {
		return nil, false, fault.New(fault.Gone, "no result of this operator's")
	}
	for _, id := range found.IDs {
		e, err := h.Imports.Books.Entry(ctx, string(id))
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		out = append(out, entryLine(e))
	}
	return out, true, nil
}

// record gives the record of the path; where there is none, it has answered.
func (h *Handler) record(w http.ResponseWriter, r *http.Request) (torch.Entry, bool) {
	id, err := account.ParseID(mux.Vars(r)["id"])
	if err != nil {
		h.Web.NotFound().ServeHTTP(w, r)
		return torch.Entry{}, false
	}
	e, err := h.Imports.Books.Entry(r.Context(), string(id))
	if err != nil {
		h.Web.Fail(w, r, err)
		return torch.Entry{}, false
	}
	return e, true
}

// showRecord is GET /admin/import/records/{id}.
func (h *Handler) showRecord(w http.ResponseWriter, r *http.Request, v visit) {
	e, ok := h.record(w, r)
	if !ok {
		return
	}
	if err := h.Trail.Record(r.Context(), audit.Event{Kind: audit.AccountViewed, Actor: v.operator.ID, Object: e.ID, Detail: "torch record, masked"}); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, h.recordPage(e, v))
}

// recordSecrets are the fields of a record that are masked until they are revealed.
var recordSecrets = [...]struct {
	label  string
	of     func(torch.Record) string
	masked func(string) string
}{
	{"contact", func(r torch.Record) string { return r.Contact }, account.MaskName},
	{"mobile", func(r torch.Record) string { return r.Mobile }, account.MaskMobile},
	{"id_number", func(r torch.Record) string { return r.IDNumber }, account.MaskID},
	{"email", func(r torch.Record) string { return r.Email }, account.MaskEmail},
}

func ownRecord(v visit, e torch.Entry) bool {
	return slices.ContainsFunc([]torch.Party{e.Account, e.Holder, e.Rival}, func(p torch.Party) bool { return p.ID != "" && v.operator.Owns(p.ID) })
}

func (h *Handler) recordPage(e torch.Entry, v visit) templates.DeskRecord {
	p := templates.DeskRecord{Desk: h.frame(v, "imports"), ID: e.ID, Of: entryLine(e), At: e.DecidedAt, Mine: ownRecord(v, e)}
	if e.Record.UnitName != "" {
		p.Facts = append(p.Facts, templates.DeskFact{Label: "unit_name", Value: e.Record.UnitName})
	}
	var hidden []templates.DeskOption
	for _, f := range recordSecrets {
		if value := f.of(e.Record); value != "" {
			p.Facts = append(p.Facts, templates.DeskFact{Label: f.label, Value: f.masked(value)})
			hidden = append(hidden, templates.DeskOption{Value: f.label, Text: templates.Text{Key: "desk.fact." + f.label}})
		}
	}
	if len(hidden) > 0 && !p.Mine {
		p.Reveal = []templates.DeskField{{Name: "field", Type: "select", Options: hidden}, groundField("")}
	}
	made := "kept"
	if e.Outcome.Makes().Kind != "" {
		made = "made"
	}
	for _, x := range []struct {
		key string
		who torch.Party
	}{{made, e.Account}, {"holder", e.Holder}, {"rival", e.Rival}} {
		if x.who.ID != "" {
			p.Parties = append(p.Parties, templates.DeskParty{
				Key: x.key, URL: "/admin/accounts/" + string(x.who.ID), Login: account.MaskLogin(x.who.LoginName), Type: string(x.who.Kind), State: string(x.who.State), RealName: x.who.RealName,
			})
		}
	}
	open := e.Open()
	all := e.Outcome.Snags()
	if e.Rival.ID != "" {
		all = append(all, torch.SnagRival)
	}
	for _, s := range all {
		snag := templates.DeskSnag{Key: string(s), Open: slices.Contains(open, s)}
		if (s == torch.SnagName || s == torch.SnagElsewhere || s == torch.SnagThird) && h.may(v.operator.Role, "/admin/appeals") {
			snag.URL = "/admin/appeals"
		}
		p.Snags = append(p.Snags, snag)
	}
	return p
}

// revealRecord is POST /admin/import/records/{id}/reveal: as with accounts, one
// field, in this answer alone, with a reason and a row of the trail.
func (h *Handler) revealRecord(w http.ResponseWriter, r *http.Request, v visit) {
	e, ok := h.record(w, r)
	if !ok {
		return
	}
	p := h.recordPage(e, v)
	fact, err := h.recordField(r.Context(), v, e, r.PostForm.Get("field"), r.PostForm.Get("ground"))
	if err != nil {
		text, ok := blame(p.Reveal, err)
		if !ok {
			h.Web.Fail(w, r, err)
			return
		}
		p.Error = text
		h.Web.Show(w, r, statusOf(err), p)
		return
	}
	p.Revealed = &fact
	h.Web.Show(w, r, http.StatusOK, p)
}

func (h *Handler) recordField(ctx context.Context, v visit, e torch.Entry, field, ground string) (templates.DeskFact, error) {
	if ownRecord(v, e) {
		return templates.DeskFact{}, &fault.Error{Kind: fault.Refused, Msg: operator.MsgOwnCase}
	}
	for _, f := range recordSecrets {
		if value := f.of(e.Record); f.label == field && value != "" {
			return h.unmask(ctx, v, e.ID, templates.DeskFact{Label: field, Value: value}, ground)
		}
	}
	return templates.DeskFact{}, &fault.Error{Kind: fault.Invalid, Field: "field", Msg: "desk.error.field"}
}
