package entitlement

import (
	"context"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// RequestState is where a request for a grant stands.
type RequestState string

// The states of a request; all but RequestOpen are final.
const (
	RequestOpen      RequestState = "open"
	RequestGranted   RequestState = "granted"
	RequestDeclined  RequestState = "declined"
	RequestWithdrawn RequestState = "withdrawn"
)

// Request is what somebody who acts for a unit asks of it: to enter a system.
type Request struct {
	ID        string
	Account   account.ID
	UnitID    string
	System    SystemID
	Actions   []string
	State     RequestState
	AskedAt   time.Time
	DecidedAt time.Time
	DecidedBy account.ID
	GrantID   string // what it led to
}

// RequestStore keeps requests.
type RequestStore interface {
	// AddRequest inserts r with ev unless the account has an open one for the same
	// unit and system, which is fault.Conflict, or asked most times since already,
	// which is fault.Throttled. Requests of one account come one after another.
	AddRequest(ctx context.Context, r Request, since time.Time, most int, ev audit.Event) error
	// Request gives one; fault.NotFound if there is none.
	Request(ctx context.Context, id string) (Request, error)
	// RequestsFor gives those to a unit, RequestsBy those of an account, the newest
	// first.
	RequestsFor(ctx context.Context, unitID string, limit int) ([]Request, error)
	RequestsBy(ctx context.Context, who account.ID, limit int) ([]Request, error)
	// SettleRequest gives an open request the state, decider and grant of r; false if
	// it is not open any more.
	SettleRequest(ctx context.Context, r Request, ev audit.Event) (bool, error)
}

// What requests are bounded by.
const (
	AskedPerDay = 5
	// LongestTerm is how long a grant that was asked for holds at most.
	LongestTerm = 366 * 24 * time.Hour
)

// The notices of requests; see Herald.
const (
	NoticeAsked    = "entry_asked"    // to those who decide for the unit
	NoticeGranted  = "entry_granted"  // to who asked
	NoticeDeclined = "entry_declined" // to who asked
)

// What is wrong with a request, as message keys.
const (
	MsgAskNothing  = "ask.error.nothing"
	MsgAskTwice    = "ask.error.twice"
	MsgAskTooOften = "ask.error.too_often"
	MsgAskNotHeld  = "ask.error.not_held"
)

// Asking is how people ask their unit for a grant, and how it decides. All fields
// must be set.
type Asking struct {
	Store  RequestStore
	Rights Store
	Herald Herald
	Now    func() time.Time
}

// Decides tells whether by decides for the unit who enters what: its verified legal
// account does, and so do its legal representative and administrators.
func (s *Asking) Decides(ctx context.Context, by account.ID, unitID string) (bool, error) {
	ruler, name, err := s.Rights.Ruler(ctx, unitID)
	if err != nil || ruler == by && name.Verified() {
		return err == nil, err
	}
	return s.acts(ctx, by, unitID, Admin, LegalRep)
}

// deciders are all for whom Decides holds.
func (s *Asking) deciders(ctx context.Context, unitID string) ([]account.ID, error) {
	var out []account.ID
	ruler, name, err := s.Rights.Ruler(ctx, unitID)
	if err != nil {
		return nil, err
	}
	if ruler != "" && name.Verified() {
		out = append(out, ruler)
	}
	mandates, _, err := s.Rights.RightsFor(ctx, unitID, heldAtMost)
	if err != nil {
		return nil, err
	}
	for _, m := range mandates {
		if (m.Relation == Admin || m.Relation == LegalRep) && live(m.State, m.From, m.Until, s.Now()) && !slices.Contains(out, m.Account) {
			out = append(out, m.Account)
		}
	}
	return out, nil
}

// Offered are the actions of a system that the unit has itself and can hand on.
func (s *Asking) Offered(ctx context.Context, unitID string, system SystemID) ([]string, error) {
	ruler, _, err := s.Rights.Ruler(ctx, unitID)
	if err != nil || ruler == "" {
		return nil, err
	}
	_, grants, err := s.Rights.RightsOf(ctx, ruler)
	if err != nil {
		return nil, err
	}
	if held := Together(For(grants, unitID, []SystemID{system}, true, s.Now())); len(held) > 0 {
		return held[0].Actions, nil
	}
	return nil, nil
}

// acts tells whether the account acts for the unit by a mandate that holds, of one
// of the relations if any are named.
func (s *Asking) acts(ctx context.Context, who account.ID, unitID string, as ...Relation) (bool, error) {
	mandates, _, err := s.Rights.RightsOf(ctx, who)
	return slices.ContainsFunc(mandates, func(m Mandate) bool {
		return m.Unit.ID == unitID && live(m.State, m.From, m.Until, s.Now()) && (len(as) == 0 || slices.Contains(as, m.Relation))
	}), err
}

// Ask files the request of a verified person for actions of a system, and tells
// those who decide. What the unit has not itself it cannot be asked for.
func (s *Asking) Ask(ctx context.Context, who account.Account, unitID string, system SystemID, actions []string) error {
	acts, err := s.acts(ctx, who.ID, unitID)
	if err != nil {
		return err
	}
	if who.Kind != account.NaturalPerson || !who.RealName.Verified() || !acts {
		return fault.New(fault.Refused, "only verified persons who act for the unit ask for its systems")
	}
	offered, err := s.Offered(ctx, unitID, system)
	if err != nil {
		return err
	}
	actions = narrowed(actions, offered)
	switch {
	case len(offered) == 0:
		return &fault.Error{Kind: fault.Refused, Msg: MsgAskNotHeld}
	case len(actions) == 0:
		return &fault.Error{Kind: fault.Invalid, Field: "action", Msg: MsgAskNothing}
	}
	now := s.Now()
	r := Request{ID: string(account.NewID()), Account: who.ID, UnitID: unitID, System: system, Actions: actions, State: RequestOpen, AskedAt: now}
	return s.Rights.InTx(ctx, func(ctx context.Context) error {
		ev := audit.From(ctx, audit.Event{Kind: audit.EntryAsked, Actor: string(who.ID), Object: r.ID, Detail: string(system)})
		if err := s.Store.AddRequest(ctx, r, now.Add(-24*time.Hour), AskedPerDay, ev); err != nil {
			return err
		}
		deciders, err := s.deciders(ctx, unitID)
		if err != nil {
			return err
		}
		return s.tell(ctx, NoticeAsked, unitID, deciders...)
	})
}

func (s *Asking) tell(ctx context.Context, purpose, unitID string, to ...account.ID) error {
	name, err := s.Rights.UnitName(ctx, unitID)
	if err != nil {
		return err
	}
	for _, id := range to {
		if err := s.Herald.Tell(ctx, id, purpose, name); err != nil {
			return err
		}
	}
	return nil
}

// narrowed leaves of asked what is among offered.
func narrowed(asked, offered []string) []string {
	var out []string
	for _, a := range asked {
		if slices.Contains(offered, a) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// Withdraw takes an open request of who back.
func (s *Asking) Withdraw(ctx context.Context, who account.ID, id string) error {
	r, err := s.Store.Request(ctx, id)
	if err != nil {
		return err
	}
	if r.Account != who {
		return fault.New(fault.NotFound, "no such request")
	}
	r.State, r.DecidedAt, r.DecidedBy = RequestWithdrawn, s.Now(), who
	return s.settle(ctx, r, "withdrawn")
}

// Decline refuses an open request in the unit's name.
func (s *Asking) Decline(ctx context.Context, by account.ID, id string) error {
	r, err := s.toDecide(ctx, by, id)
	if err != nil {
		return err
	}
	r.State = RequestDeclined
	return s.Rights.InTx(ctx, func(ctx context.Context) error {
		if err := s.settle(ctx, r, "declined"); err != nil {
			return err
		}
		return s.tell(ctx, NoticeDeclined, r.UnitID, r.Account)
	})
}

// Grant grants what was asked for in an open request, or the part of it that
// actions names, for the term: the unit delegates it (R36). The person must still
// act for the unit, and the unit must still have it.
func (s *Asking) Grant(ctx context.Context, by account.ID, id string, actions []string, term time.Duration) error {
	r, err := s.toDecide(ctx, by, id)
	if err != nil {
		return err
	}
	return s.Rights.InTx(ctx, func(ctx context.Context) error {
		unit, err := s.Rights.HeldUnit(ctx, r.UnitID)
		if err != nil {
			return err
		}
		_, own, err := s.Rights.RightsOf(ctx, unit.AccountID)
		if err != nil {
			return err
		}
		acts, err := s.acts(ctx, r.Account, r.UnitID)
		if err != nil {
			return err
		}
		now := s.Now()
		g := Grant{
			ID: string(account.NewID()), Account: r.Account, UnitID: r.UnitID, System: r.System, Actions: narrowed(r.Actions, actions),
			State: Active, Source: Delegated, From: now, Until: now.Add(min(max(term, 24*time.Hour), LongestTerm)),
		}
		g, left := g.Bounded(own, now)
		if !acts || !left || unit.AccountID == "" {
			return &fault.Error{Kind: fault.Refused, Msg: MsgAskNotHeld}
		}
		r.State, r.GrantID = RequestGranted, g.ID
		if err := s.settle(ctx, r, "granted"); err != nil {
			return err
		}
		ev := audit.From(ctx, audit.Event{Kind: audit.EntitlementMade, Actor: string(by), Object: g.ID, Detail: string(g.System)})
		if err := s.Rights.PutGrant(ctx, g, ev); err != nil {
			return err
		}
		return s.tell(ctx, NoticeGranted, r.UnitID, r.Account)
	})
}

// toDecide gives the request, marked as decided by by now. Nobody decides on his
// own.
func (s *Asking) toDecide(ctx context.Context, by account.ID, id string) (Request, error) {
	r, err := s.Store.Request(ctx, id)
	if err != nil {
		return r, err
	}
	may, err := s.Decides(ctx, by, r.UnitID)
	if err != nil {
		return r, err
	}
	if !may || r.Account == by {
		return r, fault.New(fault.NotFound, "no such request")
	}
	r.DecidedAt, r.DecidedBy = s.Now(), by
	return r, nil
}

// settle is done by one of any number of deciders.
func (s *Asking) settle(ctx context.Context, r Request, how string) error {
	ev := audit.From(ctx, audit.Event{Kind: audit.EntryAnswered, Actor: string(r.DecidedBy), Object: r.ID, Detail: how})
	won, err := s.Store.SettleRequest(ctx, r, ev)
	if err == nil && !won {
		return fault.New(fault.Conflict, "the request was decided already")
	}
	return err
}

// listedAtMost is how many requests a page shows.
const listedAtMost = 100

// Of gives what the account asked for.
func (s *Asking) Of(ctx context.Context, who account.ID) ([]Request, error) {
	return s.Store.RequestsBy(ctx, who, listedAtMost)
}

// To gives what by, who decides for the unit, was asked; nothing to anybody else.
func (s *Asking) To(ctx context.Context, by account.ID, unitID string) ([]Request, error) {
	may, err := s.Decides(ctx, by, unitID)
	if err != nil || !may {
		return nil, err
	}
	return s.Store.RequestsFor(ctx, unitID, listedAtMost)
}
