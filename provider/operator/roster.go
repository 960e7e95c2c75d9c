package operator

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Deed is a change of the roster.
type Deed string

// The deeds. Reset takes password and second factor away and invites anew.
const (
	Add     Deed = "add"
	Disable Deed = "disable"
	Enable  Deed = "enable"
	Reset   Deed = "reset"
	SetRole Deed = "role"
)

// Change is one deed and whom it concerns.
type Change struct {
	Deed     Deed   `json:"deed"`
	Operator string `json:"operator,omitempty"` // id; empty for Add
	Login    string `json:"login,omitempty"`    // Add: the new one's login name
	Role     Role   `json:"role,omitempty"`     // Add and SetRole
}

// Check refuses what cannot be done, and gives the operator concerned as he is (for
// Add: as he would be).
func (s *Service) Check(ctx context.Context, c Change) (Operator, error) {
	if (c.Deed == Add || c.Deed == SetRole) && !c.Role.Known() {
		return Operator{}, &fault.Error{Kind: fault.Invalid, Field: "role", Msg: MsgRole}
	}
	if c.Deed == Add {
		return s.draft(ctx, c)
	}
	o, err := s.Store.Operator(ctx, c.Operator)
	if err != nil {
		return Operator{}, err
	}
	same := c.Deed == SetRole && o.Role == c.Role || c.Deed == Disable && o.State == Disabled || c.Deed == Enable && o.State != Disabled
	switch {
	case same:
		return o, &fault.Error{Kind: fault.Invalid, Field: "deed", Msg: MsgSame}
	case c.Deed != SetRole && c.Deed != Disable && c.Deed != Enable && c.Deed != Reset:
		return o, fault.New(fault.Invalid, "no such deed")
	}
	return o, nil
}

// draft is the operator that Add would make.
func (s *Service) draft(ctx context.Context, c Change) (Operator, error) {
	key, err := account.NormaliseLogin(c.Login)
	if err != nil {
		return Operator{}, err
	}
	if err := account.CheckNewLogin(c.Login, account.NaturalPerson, ""); err != nil {
		return Operator{}, err
	}
	if _, err := s.Store.OperatorByLogin(ctx, key); err == nil {
		return Operator{}, &fault.Error{Kind: fault.Conflict, Field: "login_name", Msg: MsgLogin}
	} else if !fault.Is(err, fault.NotFound) {
		return Operator{}, err
	}
	now := s.Now()
	return Operator{ID: NewID(), LoginName: key, LoginKey: key, Role: c.Role, State: Invited, CreatedAt: now, UpdatedAt: now}, nil
}

// Apply does the deed for actor. Of Add and Reset it gives the one-time secret for
// enrolment, which is kept nowhere. Every deed ends the operator's sessions.
func (s *Service) Apply(ctx context.Context, c Change, actor string) (o Operator, secret string, err error) {
	if o, err = s.Check(ctx, c); err != nil {
		return o, "", err
	}
	now := s.Now()
	switch c.Deed {
	case Add, Reset:
		secret = random(20)
		o.State, o.Password, o.Factor, o.Offered = Invited, "", "", ""
		o.Invite, o.InviteUntil = s.Digest(secret), now.Add(InviteLife)
	case Disable:
		o.State, o.Invite, o.InviteUntil = Disabled, "", time.Time{}
	case Enable:
		if o.State = Active; o.Password == "" || o.Factor == "" {
			return o, "", &fault.Error{Kind: fault.Invalid, Field: "deed", Msg: MsgInvite}
		}
	case SetRole:
		o.Role = c.Role
	}
	o.UpdatedAt = now
	ev := audit.Event{Kind: audit.OperatorChanged, Actor: actor, Object: o.ID, Detail: string(c.Deed)}
	if c.Deed == Add || c.Deed == SetRole {
		ev.Detail += " " + string(c.Role)
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if c.Deed == Add {
			ev.Kind = audit.OperatorAdded
			return s.Store.AddOperator(ctx, o, ev)
		}
		if err := s.Store.EndDesks(ctx, o.ID, "", now); err != nil {
			return err
		}
		return s.changed(s.Store.ChangeOperator(ctx, o, ev))
	})
	if fault.Is(err, fault.Conflict) && c.Deed == Add {
		err = &fault.Error{Kind: fault.Conflict, Field: "login_name", Msg: MsgLogin}
	}
	return o, secret, err
}
