package mandate

import (
	"context"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/entitlement"
	"kejitong/provider/notify"
)

// Invitation is what a unit offers a person, and what became of it.
type Invitation struct {
	ID         string
	Unit       string     // id
	UnitName   string     // filled when read
	UnitUSCC   string     // filled when read
	Inviter    account.ID // who invited: the unit's account, or a person who rules for it
	Person     account.ID // who is invited; empty where nobody was found
	Name       string     // as the unit wrote it; it was the person's verified one where there is a person
	Who        string     // how the unit called the person, masked
	Note       string
	Relation   entitlement.Relation
	Scope      []entitlement.Scope
	Until      time.Time // of what is offered
	State      State
	AskedAt    time.Time
	AnswerBy   time.Time // an offer that nobody answered lapses then
	AnsweredAt time.Time
	EndedAt    time.Time
	EndedBy    string // "unit", "person", or "system" with the reason in the trail
}

// Standing is an account with its unit, mandates and entitlements, in whatever
// state they are.
type Standing struct {
	Account  account.Account
	Unit     *account.Unit // a legal account's own
	Mandates []entitlement.Mandate
	Grants   []entitlement.Grant
}

// Store keeps invitations, and reads and writes what they are about.
type Store interface {
	// InTx runs fn in a transaction that rides in the ctx it is given.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// CountTry counts a try under key and gives how many there were in the window,
	// and when that ends. It commits by itself.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error)
	// Hold gives until when sensitive acts of the account wait; zero if they do not.
	Hold(ctx context.Context, id account.ID) (time.Time, error)

	// AccountByLogin, AccountsBy and ProvedBy find accounts; fault.NotFound, or
	// nothing, where there is none.
	AccountByLogin(ctx context.Context, loginKey string) (account.Account, error)
	AccountsBy(ctx context.Context, by account.By, value string) ([]account.ID, error)
	ProvedBy(ctx context.Context, idType, number string) (account.ID, error)
	// Standing gives an account; fault.NotFound if there is none.
	Standing(ctx context.Context, id account.ID) (Standing, error)
	// HeldUnit gives a unit and on PostgreSQL locks its row until the transaction
	// ends, so that of two changes of who acts for it the later sees the earlier;
	// fault.NotFound if there is none.
	HeldUnit(ctx context.Context, id string) (account.Unit, error)

	// PutMandate and PutGrant insert or replace; what is taken takes its tokens.
	PutMandate(ctx context.Context, m entitlement.Mandate, ev audit.Event) error
	PutGrant(ctx context.Context, g entitlement.Grant, ev audit.Event) error
	// MandatesOf gives everybody's mandates for a unit that are not over.
	MandatesOf(ctx context.Context, unit string) ([]entitlement.Mandate, error)

	// AddInvitation inserts i.
	AddInvitation(ctx context.Context, i Invitation, ev audit.Event) error
	// Invitation gives one; fault.NotFound if there is none.
	Invitation(ctx context.Context, id string) (Invitation, error)
	// MoveInvitation takes the invitation from state was to i.State with the times
	// and the word of i, and records ev; false, and nothing happens, if it is in
	// another state by now: of any number of callers one wins.
	MoveInvitation(ctx context.Context, i Invitation, was State, ev audit.Event) (bool, error)
	// InvitationsOf gives a unit's invitations, the newest first; InvitationsTo a
	// person's.
	InvitationsOf(ctx context.Context, unit string, limit int) ([]Invitation, error)
	InvitationsTo(ctx context.Context, id account.ID, limit int) ([]Invitation, error)
	// Unanswered gives offers whose time to answer is over.
	Unanswered(ctx context.Context, now time.Time, limit int) ([]Invitation, error)

	// EndingSoon gives live mandates that end before the time and of whose end the
	// stage was not told yet.
	EndingSoon(ctx context.Context, now, before time.Time, stage, limit int) ([]entitlement.Mandate, error)
	// NoteEndTold notes that it was told; false if it was.
	NoteEndTold(ctx context.Context, m entitlement.Mandate, stage int) (bool, error)
	// RunOut gives active invitations whose term is over; what they gave says so by
	// itself (package entitlement).
	RunOut(ctx context.Context, now time.Time, limit int) ([]Invitation, error)

	// AsksActor tells whether the unit wants to know who acts in its account's
	// sessions, and PutAsksActor says so.
	AsksActor(ctx context.Context, unit string) (bool, error)
	PutAsksActor(ctx context.Context, unit string, asks bool, ev audit.Event) error
}

// Bounds of what is offered.
const (
	AnswerWithin = 14 * 24 * time.Hour
	DefaultTerm  = 12 // months
	longestWho   = 64
	longestNote  = 200
	window       = 24 * time.Hour
)

// Terms are the months that may be offered.
func Terms() []int { return []int{1, 3, 6, 12, 24, 36} }

// Service invites, confirms and ends. All fields but Limit must be set; ending takes
// Store and Now alone.
type Service struct {
	Store    Store
	Captchas challenge.Captchas
	Codes    challenge.Codes
	Queue    notify.Queue
	Limit    int // invitations of one unit in a day; 20 if zero
	Now      func() time.Time
}

// MayName tells whether somebody who stands so to a unit may give another one the
// role: admins name no admins, and handlers nobody (S62).
func MayName(by, role entitlement.Relation) bool {
	switch role {
	case entitlement.LegalRep:
		return by == entitlement.Self
	case entitlement.Admin:
		return by == entitlement.Self || by == entitlement.LegalRep
	case entitlement.Handler:
		return by == entitlement.Self || by == entitlement.LegalRep || by == entitlement.Admin
	}
	return false
}

// Holds is what a unit's own account holds for it at now: the most that anybody can
// be given.
func Holds(own Standing, unit string, now time.Time) []entitlement.Scope {
	return entitlement.Together(slices.DeleteFunc(slices.Clone(own.Grants), func(g entitlement.Grant) bool { return g.UnitID != unit || !g.Live(now) }))
}

// Within tells whether all of asked is among held.
func Within(asked, held []entitlement.Scope) bool {
	for _, a := range asked {
		at := slices.IndexFunc(held, func(h entitlement.Scope) bool { return h.System == a.System })
		if at < 0 {
			return false
		}
		for _, action := range a.Actions {
			if !slices.Contains(held[at].Actions, action) {
				return false
			}
		}
	}
	return true
}

// standsTo gives how somebody stands to a unit at now; false if not at all.
func (s Standing) standsTo(unit string, now time.Time) (entitlement.Relation, bool) {
	if !s.Account.Usable() {
		return "", false
	}
	if s.Unit != nil && s.Unit.ID == unit && s.Account.Kind == account.LegalEntity {
		return entitlement.Self, s.Unit.Usable() && s.Account.RealName.Verified()
	}
	for _, m := range s.Mandates {
		if m.Unit.ID == unit && m.Live(now) {
			return m.Relation, true
		}
	}
	return "", false
}

// eligible tells whether a person may be named at all.
func (s Standing) eligible() bool {
	return s.Account.Kind == account.NaturalPerson && s.Account.Usable() && s.Account.RealName.Verified()
}
