package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// What accounts are searched by.
const (
	byLogin    = "login"
	byUSCC     = "uscc"
	byMobile   = "mobile"
	byDocument = "document"
)

func searchFields(by, text string) []templates.DeskField {
	var ways []templates.DeskOption
	for _, way := range []string{byLogin, byUSCC, byMobile, byDocument} {
		ways = append(ways, templates.DeskOption{Value: way, Text: templates.Text{Key: "desk.by." + way}})
	}
	return []templates.DeskField{{Name: "by", Type: "select", Value: by, Options: ways}, {Name: "q", Value: text, Max: 128}}
}

func foundPlace(v visit) string { return "accounts found by " + v.operator.ID }

// searchAccounts is GET /admin/accounts.
func (h *Handler) searchAccounts(w http.ResponseWriter, r *http.Request, v visit) {
	p := templates.DeskAccounts{Desk: h.frame(v, "accounts"), Fields: searchFields(byLogin, "")}
	if token := r.URL.Query().Get("found"); token != "" {
		ids, err := h.openFound(foundPlace(v), token)
		if err != nil {
			h.Web.Problem(w, r, http.StatusBadRequest, templates.T("desk.error.page"))
			return
		}
		p.Searched = true
		for _, id := range ids {
			who, err := h.Principals.ByAccount(r.Context(), id)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				h.Web.Fail(w, r, err)
				return
			}
			p.Found = append(p.Found, accountLine(who))
		}
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

func accountLine(who principal.Principal) templates.DeskAccountLine {
	a := who.Account
	return templates.DeskAccountLine{
		URL: "/admin/accounts/" + string(a.ID), Login: visitor.LoginName(a), Type: string(a.Kind), Name: visitor.Name(who), State: string(a.State),
		RealName: a.RealName.Status, Since: a.CreatedAt,
	}
}

// findAccounts is POST /admin/accounts.
func (h *Handler) findAccounts(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, by, text := r.Context(), r.PostForm.Get("by"), short(r.PostForm.Get("q"))
	fields := searchFields(by, text)
	ids, err := h.found(ctx, v, by, text)
	if err != nil {
		why, ok := blame(fields, err)
		if !ok {
			h.Web.Fail(w, r, err)
			return
		}
		if why.Says() {
			fields[1].Why = why
		}
		h.Web.Show(w, r, statusOf(err), templates.DeskAccounts{Desk: h.frame(v, "accounts"), Fields: fields})
		return
	}
	token, err := h.sealFound(foundPlace(v), ids)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	see(w, "/admin/accounts?"+url.Values{"found": {token}}.Encode())
}

// found searches and says so in the trail, without what was searched for.
func (h *Handler) found(ctx context.Context, v visit, by, text string) ([]account.ID, error) {
	if err := h.countSearch(ctx, v); err != nil {
		return nil, err
	}
	ids, err := h.lookUp(ctx, by, text)
	if fault.Is(err, fault.NotFound) {
		ids, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ids, h.Trail.Record(ctx, audit.Event{Kind: audit.AccountsSearched, Actor: v.operator.ID, Object: "accounts", Detail: by})
}

// countSearch counts a search of the operator's; fault.Throttled beyond the limit.
func (h *Handler) countSearch(ctx context.Context, v visit) error {
	n, end, err := h.Desk.Store.CountTry(ctx, "desk search "+v.operator.ID, time.Hour, h.Now())
	if err == nil && n > h.Limits.searches() {
		err = &fault.Error{Kind: fault.Throttled, Field: "q", Msg: operator.MsgReveals, RetryAfter: end.Sub(h.Now())}
	}
	return err
}

func (h *Handler) lookUp(ctx context.Context, by, text string) ([]account.ID, error) {
	switch by {
	case byLogin:
		key, err := account.NormaliseLogin(text)
		if err != nil {
			return nil, atQuery(err)
		}
		a, err := h.Accounts.AccountByLogin(ctx, key)
		if err != nil {
			return nil, err
		}
		return []account.ID{a.ID}, nil
	case byUSCC:
		return h.lookUpUnit(ctx, text)
	case byMobile:
		m, err := account.ParseMobile(text)
		if err != nil {
			return nil, atQuery(err)
		}
		return h.Accounts.AccountsBy(ctx, account.ByPhone, m.E164())
	case byDocument:
		number := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text))
		if rid, err := account.ParseResidentID(text, h.Now()); err == nil {
			number = string(rid)
		}
		return h.Accounts.AccountsBy(ctx, account.ByDocument, number)
	}
	return nil, &fault.Error{Kind: fault.Invalid, Field: "by", Msg: "desk.error.by"}
}

// lookUpUnit gives the unit's own account, and the one that has its code for a
// login name.
func (h *Handler) lookUpUnit(ctx context.Context, text string) ([]account.ID, error) {
	code, err := account.ParseUSCC(text)
	if err != nil {
		return nil, atQuery(err)
	}
	var ids []account.ID
	u, err := h.Accounts.UnitByUSCC(ctx, code)
	if err == nil && u.AccountID != "" {
		ids = append(ids, u.AccountID)
	} else if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	a, err := h.Accounts.AccountByLogin(ctx, strings.ToLower(string(code)))
	if err == nil && (len(ids) == 0 || ids[0] != a.ID) {
		ids = append(ids, a.ID)
	} else if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	return ids, nil
}

// atQuery puts what is wrong with an identifier to the box that it was typed into.
func atQuery(err error) error {
	_, text, ok := told(err)
	if !ok {
		return err
	}
	return &fault.Error{Kind: fault.Invalid, Field: "q", Msg: text.Key}
}
