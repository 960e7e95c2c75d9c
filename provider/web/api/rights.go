package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// systemView is a business system.
type systemView struct {
	Code     entitlement.SystemID `json:"code"`
	NameZH   string               `json:"name_zh"`
	NameEN   string               `json:"name_en"`
	Owner    string               `json:"owner"`
	EntryURL string               `json:"entry_url"`
	Kinds    []account.Kind       `json:"account_kinds"` // empty: both
	Types    []string             `json:"unit_types"`    // empty: all
	Level    string               `json:"level"`
	Actions  []string             `json:"actions"`
	Earned   bool                 `json:"earned"` // verification alone brings a grant
	Closed   bool                 `json:"closed"` // admits nobody new
}

func viewSystem(s entitlement.System) systemView {
	v := systemView{s.ID, s.NameZH, s.NameEN, s.Owner, s.EntryURL, s.AccountKinds, s.UnitTypes, s.Level, s.Actions, s.Earned, s.Closed}
	if v.Kinds == nil {
		v.Kinds = []account.Kind{}
	}
	if v.Types == nil {
		v.Types = []string{}
	}
	if v.Actions == nil {
		v.Actions = []string{}
	}
	return v
}

// tagOf makes the version of what has none of its own out of how it looks.
func tagOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return `"?"`
	}
	return `"` + digest(string(raw))[:22] + `"`
}

func (h *Handler) system(ctx context.Context, code string) (entitlement.System, error) {
	all, err := h.Rights.Systems(ctx)
	if err != nil {
		return entitlement.System{}, err
	}
	i := slices.IndexFunc(all, func(s entitlement.System) bool { return string(s.ID) == code })
	if i < 0 {
		return entitlement.System{}, fault.New(fault.NotFound, "there is no such system")
	}
	return all[i], nil
}

// listSystems is GET /systems: the catalogue, which is short.
func (h *Handler) listSystems(w http.ResponseWriter, r *http.Request, _ visit) error {
	if err := known(r); err != nil {
		return err
	}
	all, err := h.Rights.Systems(r.Context())
	if err != nil {
		return err
	}
	out := list[systemView]{Items: []systemView{}}
	for _, s := range all {
		out.Items = append(out.Items, viewSystem(s))
	}
	return say(w, http.StatusOK, out)
}

// getSystem is GET /systems/{id}.
func (h *Handler) getSystem(w http.ResponseWriter, r *http.Request, _ visit) error {
	s, err := h.system(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	return tagged(w, http.StatusOK, tagOf(viewSystem(s)), viewSystem(s))
}

// putSystem is PUT /systems/{id}: it enters the system, or replaces the one that
// If-Match names.
func (h *Handler) putSystem(w http.ResponseWriter, r *http.Request, v visit) error {
	code := mux.Vars(r)["id"]
	var q systemView
	if _, err := body(r, &q); err != nil {
		return err
	}
	if q.Code != "" && string(q.Code) != code {
		return invalid("code", "is another than in the address")
	}
	status := http.StatusOK
	err := h.Deeds.InTx(r.Context(), func(ctx context.Context) error {
		s, err := h.system(ctx, code)
		switch {
		case fault.Is(err, fault.NotFound) && match(r) == "":
			status = http.StatusCreated
		case fault.Is(err, fault.NotFound):
			return &fault.Error{Kind: fault.Conflict, Msg: client.MsgVersion}
		case err != nil:
			return err
		case r.Header.Get("If-Match") == "":
			return errPrecondition
		case match(r) != "" && match(r) != tagOf(viewSystem(s)):
			return &fault.Error{Kind: fault.Conflict, Msg: client.MsgVersion}
		}
		s.ID, s.NameZH, s.NameEN, s.Owner, s.EntryURL = entitlement.SystemID(code), q.NameZH, q.NameEN, q.Owner, q.EntryURL
		s.AccountKinds, s.UnitTypes, s.Level, s.Actions, s.Earned, s.Closed = q.Kinds, q.Types, q.Level, q.Actions, q.Earned, q.Closed
		if wrong := s.Check(); len(wrong) > 0 {
			return wrong[0]
		}
		return h.Rights.PutSystem(ctx, s, audit.Event{Kind: audit.SystemChanged, Actor: v.by(), Object: code})
	})
	if err != nil {
		return err
	}
	s, err := h.system(r.Context(), code)
	if err != nil {
		return err
	}
	return tagged(w, status, tagOf(viewSystem(s)), viewSystem(s))
}

// grantView is a grant.
type grantView struct {
	ID      string               `json:"id"`
	Account account.ID           `json:"account_id"`
	Unit    string               `json:"unit_id"` // "": the account itself
	System  entitlement.SystemID `json:"system"`
	Actions []string             `json:"actions"`
	State   entitlement.State    `json:"state"`
	Source  entitlement.Source   `json:"source"`
	From    time.Time            `json:"from"`
	Until   *time.Time           `json:"until"` // null: without end
	Holds   bool                 `json:"holds"` // now
}

func (h *Handler) viewGrant(g entitlement.Grant) grantView {
	v := grantView{ID: g.ID, Account: g.Account, Unit: g.UnitID, System: g.System, Actions: g.Actions, State: g.State, Source: g.Source, From: g.From.UTC(), Holds: g.Live(h.Now())}
	if v.Actions == nil {
		v.Actions = []string{}
	}
	if !g.Until.IsZero() {
		until := g.Until.UTC()
		v.Until = &until
	}
	return v
}

// listGrants is GET /grants, of an account, for a unit, or both.
func (h *Handler) listGrants(w http.ResponseWriter, r *http.Request, v visit) error {
	n, after, err := h.paging(r, v, "account_id", "unit_id")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	who, unit := account.ID(q.Get("account_id")), q.Get("unit_id")
	if who == "" && unit == "" {
		return invalid("account_id", "name an account or a unit_id")
	}
	all, err := h.Rights.GrantsAfter(r.Context(), who, unit, after, n+1)
	if err != nil {
		return err
	}
	return sayPage(h, w, r, v, all, n, h.viewGrant, func(g entitlement.Grant) string { return g.ID })
}

// getGrant is GET /grants/{id}.
func (h *Handler) getGrant(w http.ResponseWriter, r *http.Request, _ visit) error {
	g, err := h.Rights.Grant(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	return tagged(w, http.StatusOK, tagOf(h.viewGrant(g)), h.viewGrant(g))
}

// newGrant is what a grant is made of.
type newGrant struct {
	Account account.ID           `json:"account_id"`
	Unit    string               `json:"unit_id"`
	System  entitlement.SystemID `json:"system"`
	Actions []string             `json:"actions"`
	Until   *time.Time           `json:"until"`
}

// addGrant is POST /grants.
func (h *Handler) addGrant(w http.ResponseWriter, r *http.Request, v visit) error {
	var q newGrant
	raw, err := body(r, &q)
	if err != nil {
		return err
	}
	id, again, err := h.once(r, v, raw, nothing, func(ctx context.Context) (string, error) {
		g, err := h.made(ctx, q)
		if err != nil {
			return "", err
		}
		return g.ID, h.Rights.PutGrant(ctx, g, audit.Event{Kind: audit.EntitlementMade, Actor: v.by(), Object: g.ID, Detail: string(g.System)})
	})
	if err != nil {
		return err
	}
	g, err := h.Rights.Grant(r.Context(), id)
	if err != nil {
		return err
	}
	if again {
		w.Header().Set("Idempotent-Replayed", "true")
	} else {
		h.Outbox.Wake()
	}
	w.Header().Set("Location", Base+"/grants/"+g.ID)
	return tagged(w, http.StatusCreated, tagOf(h.viewGrant(g)), h.viewGrant(g))
}

// made holds a new grant to the catalogue and to what the account may act for: one
// that could never take effect is a mistake.
func (h *Handler) made(ctx context.Context, q newGrant) (entitlement.Grant, error) {
	var none entitlement.Grant
	who, err := h.Principals.ByAccount(ctx, q.Account)
	if fault.Is(err, fault.NotFound) {
		return none, invalid("account_id", "is no account")
	}
	if err != nil {
		return none, err
	}
	s, err := h.system(ctx, string(q.System))
	if fault.Is(err, fault.NotFound) {
		return none, invalid("system", "is not in the catalogue")
	}
	if err != nil {
		return none, err
	}
	now := h.Now()
	g := entitlement.Grant{
		ID: string(account.NewID()), Account: q.Account, UnitID: q.Unit, System: q.System, Actions: q.Actions, State: entitlement.Active,
		Source: entitlement.Direct, From: now,
	}
	if g.UnitID == "" {
		g.UnitID = who.Account.UnitID // a legal account's own unit
	}
	if len(g.Actions) == 0 || slices.ContainsFunc(g.Actions, func(a string) bool { return !slices.Contains(s.Actions, a) }) {
		return none, invalid("actions", "want some of those of the system")
	}
	if s.Closed {
		return none, invalid("system", "admits nobody new")
	}
	if !s.Admits(who.Account.Kind, "") {
		return none, invalid("account_id", "is of a kind that the system does not admit")
	}
	if _, ok := who.ActsFor(g.UnitID, now); g.UnitID != "" && !ok {
		return none, invalid("unit_id", "is none that the account acts for")
	}
	if q.Until != nil {
		if g.Until = *q.Until; !g.Until.After(now) {
			return none, invalid("until", "is over")
		}
	}
	return g, nil
}

// changeGrant is POST /grants/{id}/suspend, resume and end. Tokens that rest on the
// grant die with the deed.
func (h *Handler) changeGrant(deed entitlement.Deed) func(http.ResponseWriter, *http.Request, visit) error {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		id := mux.Vars(r)["id"]
		ev := audit.Event{Kind: audit.EntitlementSet, Actor: v.by(), Object: id, Detail: string(deed)}
		if deed == entitlement.Revoke {
			ev.Kind = audit.EntitlementEnded
		}
		err := h.Altering.AlterGrant(r.Context(), id, func(g entitlement.Grant) (entitlement.Grant, error) {
			if tag := match(r); tag != "" && tag != tagOf(h.viewGrant(g)) {
				return g, &fault.Error{Kind: fault.Conflict, Msg: client.MsgVersion}
			}
			return g.After(deed, h.Now())
		}, ev)
		if err != nil {
			return err
		}
		h.Outbox.Wake()
		g, err := h.Rights.Grant(r.Context(), id)
		if err != nil {
			return err
		}
		return tagged(w, http.StatusOK, tagOf(h.viewGrant(g)), h.viewGrant(g))
	}
}
