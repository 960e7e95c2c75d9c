package admin

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/torch"
	"kejitong/templates"
)

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
	if err := h.Trail.Record(ctx, audit.Event{Kind: audit.AccountsSearched, Actor: v.operator.ID, Object: "torch records"}); err != nil {
		return "", err
	}
	ids := make([]account.ID, len(entries))
	for i, e := range entries {
		ids[i] = account.ID(e.ID)
	}
	return h.sealFound(recordsPlace(v), ids)
}

func recordsPlace(v visit) string { return "records found by " + v.operator.ID }

// recordsFound opens what recordsToken sealed.
func (h *Handler) recordsFound(ctx context.Context, v visit, token string) (out []templates.DeskEntryLine, searched bool, err error) {
	if token == "" {
		return nil, false, nil
	}
	ids, err := h.openFound(recordsPlace(v), token)
	if err != nil {
		return nil, false, err
	}
	for _, id := range ids {
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
	h.showRevealed(w, r, p.Reveal, err, func(why templates.Text) templates.Page {
		if p.Error = why; err == nil {
			p.Revealed = &fact
		}
		return p
	})
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
