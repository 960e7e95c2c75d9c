package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
)

// accountView is an account with everything personal masked (C29): what a program
// needs in the clear, its users release to it.
type accountView struct {
	ID        account.ID   `json:"id"`
	Kind      account.Kind `json:"kind"`
	State     string       `json:"state"`
	LoginName string       `json:"login_name"`
	Name      string       `json:"name"`
	Mobile    string       `json:"mobile"`
	Email     string       `json:"email"`
	IDNumber  string       `json:"id_number"`
	RealName  struct {
		Status string `json:"status"`
		Level  string `json:"level"`
	} `json:"realname"`
	Unit      *unitView `json:"unit"` // of a legal account
	Units     []actsFor `json:"acts_for"`
	CreatedAt time.Time `json:"created_at"`
}

type unitView struct {
	ID    string       `json:"id"`
	USCC  account.USCC `json:"uscc"`
	Name  string       `json:"name"`
	State string       `json:"state"`
}

type actsFor struct {
	Unit     unitView `json:"unit"`
	Relation string   `json:"relation"`
	State    string   `json:"state"`
}

func viewUnit(u account.Unit) unitView { return unitView{u.ID, u.USCC, u.Name, string(u.State)} }

func viewAccount(who principal.Principal) accountView {
	a := who.Account
	v := accountView{
		ID: a.ID, Kind: a.Kind, State: string(a.State), LoginName: visitor.LoginName(a), Name: visitor.Name(who), Units: []actsFor{}, CreatedAt: a.CreatedAt.UTC(),
		Mobile: account.MaskMobile(a.Profile.Phone), Email: account.MaskEmail(a.Profile.Email), IDNumber: account.MaskID(a.Profile.IDNumber),
	}
	v.RealName.Status, v.RealName.Level = a.RealName.Status, a.RealName.Level
	if who.Unit != nil {
		u := viewUnit(*who.Unit)
		v.Unit = &u
	}
	for _, m := range who.Mandates {
		v.Units = append(v.Units, actsFor{viewUnit(m.Unit), string(m.Relation), string(m.State)})
	}
	return v
}

// searchAccounts is POST /accounts/search: posted, since numbers must not stand in
// addresses. The trail keeps that there was a search, not for what.
func (h *Handler) searchAccounts(w http.ResponseWriter, r *http.Request, v visit) error {
	var q struct {
		By    string `json:"by"`
		Value string `json:"value"`
	}
	if _, err := body(r, &q); err != nil {
		return err
	}
	ctx := r.Context()
	ids, err := h.lookUp(ctx, q.By, q.Value)
	if fault.Is(err, fault.NotFound) {
		ids, err = nil, nil
	}
	if err != nil {
		return err
	}
	if err := h.Trail.Record(ctx, audit.Event{Kind: audit.AccountsSearched, Actor: v.by(), Object: "accounts", Detail: q.By}); err != nil {
		return err
	}
	out := list[accountView]{Items: []accountView{}}
	for _, id := range ids {
		who, err := h.Principals.ByAccount(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		out.Items = append(out.Items, viewAccount(who))
	}
	return say(w, http.StatusOK, out)
}

func (h *Handler) lookUp(ctx context.Context, by, text string) ([]account.ID, error) {
	switch by {
	case "login":
		key, err := account.NormaliseLogin(text)
		if err != nil {
			return nil, invalid("value", "is no login name")
		}
		a, err := h.Accounts.AccountByLogin(ctx, key)
		return []account.ID{a.ID}, err
	case "uscc":
		code, err := account.ParseUSCC(text)
		if err != nil {
			return nil, invalid("value", "is no 统一社会信用代码")
		}
		u, err := h.Accounts.UnitByUSCC(ctx, code)
		if err != nil || u.AccountID == "" {
			return nil, err
		}
		return []account.ID{u.AccountID}, nil
	case "mobile":
		m, err := account.ParseMobile(text)
		if err != nil {
			return nil, invalid("value", "is no mobile number")
		}
		return h.Accounts.AccountsBy(ctx, account.ByPhone, m.E164())
	case "document":
		number := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text))
		if number == "" || len(number) > 64 {
			return nil, invalid("value", "is no number of a document")
		}
		return h.Accounts.AccountsBy(ctx, account.ByDocument, number)
	}
	return nil, invalid("by", "want login, uscc, mobile or document")
}

func (h *Handler) account(ctx context.Context, text string) (principal.Principal, error) {
	id, err := account.ParseID(text)
	if err != nil {
		return principal.Principal{}, fault.New(fault.NotFound, "there is no such account")
	}
	return h.Principals.ByAccount(ctx, id)
}

// getAccount is GET /accounts/{id}.
func (h *Handler) getAccount(w http.ResponseWriter, r *http.Request, v visit) error {
	who, err := h.account(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	ev := audit.Event{Kind: audit.AccountViewed, Actor: v.by(), Object: string(who.Account.ID), Detail: "masked"}
	if err := h.Trail.Record(r.Context(), ev); err != nil {
		return err
	}
	return say(w, http.StatusOK, viewAccount(who))
}

const (
	freeze   = "freeze"
	unfreeze = "unfreeze"
)

// grounds are why somebody acts on an account, the desk's words.
var grounds = [...]string{"case", "call", "abuse", "authority", "owner"}

// moveAccount is POST /accounts/{id}/freeze and unfreeze.
func (h *Handler) moveAccount(deed string) func(http.ResponseWriter, *http.Request, visit) error {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		var q struct {
			Ground string `json:"ground"`
		}
		if _, err := body(r, &q); err != nil {
			return err
		}
		if !slices.Contains(grounds[:], q.Ground) {
			return invalid("ground", "want one of case, call, abuse, authority, owner")
		}
		ctx := r.Context()
		who, err := h.account(ctx, mux.Vars(r)["id"])
		if err != nil {
			return err
		}
		ev := audit.Event{Kind: audit.AccountChanged, Actor: v.by(), Object: string(who.Account.ID), Detail: deed + " " + q.Ground}
		if deed == freeze {
			err = h.Accounts.HoldAccount(ctx, who.Account.ID, h.Now(), ev)
		} else {
			err = h.Accounts.ReleaseAccount(ctx, who.Account.ID, ev)
		}
		if err != nil {
			return err
		}
		h.Outbox.Wake() // clients are owed a logout
		if who, err = h.Principals.ByAccount(ctx, who.Account.ID); err != nil {
			return err
		}
		return say(w, http.StatusOK, viewAccount(who))
	}
}
