package entitlement

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Revision is a change of one entry of the catalogue, with what it was drafted
// against: it is made as long as the entry still says that. It is kept as JSON
// while it waits for a second person.
type Revision struct {
	Was      *System `json:"was,omitempty"` // nil: the entry is new
	Next     System  `json:"next"`
	Reason   string  `json:"reason,omitempty"`
	Proposer string  `json:"proposer,omitempty"` // "": nobody but who makes it
}

// SystemChange is a line of the history of an entry. Identifiers, codes and the
// reason only.
type SystemChange struct {
	At       time.Time
	Was      *System // nil when it was entered
	Now      System
	Actor    string
	Proposer string
	Reason   string
}

// What is wrong with a revision, as message keys.
const (
	MsgSystemChanged = "desk.error.changed"         // somebody changed the entry meanwhile
	MsgSystemThere   = "desk.error.system_there"    // the code is taken
	MsgSystemSame    = "desk.error.nothing_changes" // it says what the entry says
	MsgReason        = "desk.error.reason"          // why is missing, or too long
)

// MaxReason is how many characters a reason has at most.
const MaxReason = 200

// Reason gives a reason as it is kept, or fault.Invalid at field reason.
func Reason(text string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" || len([]rune(text)) > MaxReason || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", &fault.Error{Kind: fault.Invalid, Field: "reason", Msg: MsgReason}
	}
	return text, nil
}

// Version names what the entry says: another one with each change.
func (s System) Version() string {
	text, err := json.Marshal(bare(s))
	if err != nil {
		return "" // strings and lists of them: it never fails
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// System gives an entry; fault.NotFound if there is none.
func (s *Service) System(ctx context.Context, id SystemID) (System, error) {
	all, err := s.Store.Systems(ctx)
	if err != nil {
		return System{}, err
	}
	i := slices.IndexFunc(all, func(y System) bool { return y.ID == id })
	if i < 0 {
		return System{}, fault.New(fault.NotFound, "there is no such system")
	}
	return all[i], nil
}

// Draft is the revision by which the entry that had version when it was read comes
// to say next ("" for one that is not there yet), or all that is wrong with it.
func (s *Service) Draft(ctx context.Context, version string, next System, reason string) (Revision, []error) {
	r := Revision{Next: next}
	wrong := next.Check()
	var err error
	if r.Reason, err = Reason(reason); err != nil {
		wrong = append(wrong, err)
	}
	present, err := s.System(ctx, next.ID)
	switch {
	case fault.Is(err, fault.NotFound) && version == "":
	case err != nil && !fault.Is(err, fault.NotFound):
		return r, []error{err}
	case version == "":
		wrong = append(wrong, &fault.Error{Kind: fault.Conflict, Field: "code", Msg: MsgSystemThere})
	case err != nil || present.Version() != version:
		wrong = append([]error{&fault.Error{Kind: fault.Conflict, Msg: MsgSystemChanged}}, wrong...)
	case same(present, next):
		wrong = append(wrong, &fault.Error{Kind: fault.Invalid, Msg: MsgSystemSame})
	}
	if err == nil {
		r.Was = &present
	}
	return r, wrong
}

// Revise makes a revision, with a line of the history and an audit row.
// fault.Conflict if the entry is not what it was drafted against; what says the
// same as before changes nothing.
func (s *Service) Revise(ctx context.Context, r Revision, by string) error {
	if wrong := r.Next.Check(); len(wrong) > 0 {
		return wrong[0]
	}
	if r.Was != nil && same(*r.Was, r.Next) {
		return nil
	}
	ev := audit.Event{Kind: audit.SystemChanged, Actor: by, Object: string(r.Next.ID), Detail: r.Kind()}
	return s.Store.ReviseSystem(ctx, r, func(present *System) error {
		switch {
		case present == nil && r.Was == nil:
			return nil
		case present != nil && r.Was == nil:
			return &fault.Error{Kind: fault.Conflict, Field: "code", Msg: MsgSystemThere}
		case present == nil || !same(*present, *r.Was):
			return &fault.Error{Kind: fault.Conflict, Msg: MsgSystemChanged}
		}
		return nil
	}, audit.From(ctx, ev))
}

// Stale tells whether the entry is not any more what r was drafted against.
func (s *Service) Stale(ctx context.Context, r Revision) (bool, error) {
	present, err := s.System(ctx, r.Next.ID)
	if fault.Is(err, fault.NotFound) {
		return r.Was != nil, nil
	}
	return err == nil && (r.Was == nil || !same(present, *r.Was)), err
}

// ReadRevision reads one that was kept as JSON.
func ReadRevision(text string) (r Revision, err error) {
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("read a revision: %w", err)
	}
	return r, nil
}

// Kind is a revision in one word: entered, changed, closed or reopened.
func (r Revision) Kind() string {
	switch {
	case r.Was == nil:
		return "entered"
	case !r.Was.Closed && r.Next.Closed:
		return "closed"
	case r.Was.Closed && !r.Next.Closed:
		return "reopened"
	}
	return "changed"
}

// Edit is one field that a revision gives another value, named as in the file of
// the catalogue.
type Edit struct{ Field, Before, After string }

// Edits lists what changes from was (nil: nothing was there) to next.
func Edits(was *System, next System) []Edit {
	var out []Edit
	before := System{}
	if was != nil {
		before = *was
	}
	old, now := before.fields(), next.fields()
	for i, f := range now {
		if f[1] != old[i][1] && (was != nil || f[1] != "false") {
			out = append(out, Edit{Field: f[0], Before: old[i][1], After: f[1]})
		}
	}
	if was == nil {
		for i := range out {
			out[i].Before = ""
		}
	}
	return out
}

// fields are the entry's fields and their values, in order.
func (s System) fields() [][2]string {
	kinds := make([]string, len(s.AccountKinds))
	for i, k := range s.AccountKinds {
		kinds[i] = string(k)
	}
	return [][2]string{
		{"code", string(s.ID)}, {"name_zh", s.NameZH}, {"name_en", s.NameEN}, {"owner", s.Owner}, {"entry_url", s.EntryURL},
		{"account_types", strings.Join(kinds, ", ")}, {"unit_types", strings.Join(s.UnitTypes, ", ")}, {"level", s.Level},
		{"actions", strings.Join(s.Actions, ", ")}, {"earned", strconv.FormatBool(s.Earned)}, {"closed", strconv.FormatBool(s.Closed)},
	}
}

// Effect is what a revision means for those who hold something already.
type Effect string

// The effects. None of them touches a grant or a token that is there: the catalogue
// decides what may be granted, the grants decide who enters.
const (
	EffectCloses      Effect = "closes"       // no new grants; what there is goes on
	EffectReopens     Effect = "reopens"      // grants are made again
	EffectActionsLost Effect = "actions_lost" // grants that name them keep them until they are ended
	EffectActionsMore Effect = "actions_more" // grants that are there do not get them
	EffectNarrower    Effect = "narrower"     // those who no longer qualify keep what they hold
	EffectWider       Effect = "wider"        // who qualifies now gets nothing by that alone
	EffectLevelUp     Effect = "level_up"     // the services page offers it to fewer; clients ask for levels of their own
	EffectEarned      Effect = "earned"       // who is verified gets it, who was verified before when they next enter or open their services
	EffectNotEarned   Effect = "not_earned"   // who got it by verification keeps it
	EffectEntry       Effect = "entry"        // the services page leads elsewhere at once
)

// Effects lists what r means for those who hold something.
func (r Revision) Effects() (out []Effect) {
	if r.Was == nil {
		if r.Next.Earned && !r.Next.Closed {
			out = append(out, EffectEarned)
		}
		return out
	}
	was, next := *r.Was, r.Next
	say := func(e Effect, when bool) {
		if when {
			out = append(out, e)
		}
	}
	say(EffectCloses, !was.Closed && next.Closed)
	say(EffectReopens, was.Closed && !next.Closed)
	say(EffectActionsLost, lacks(next.Actions, was.Actions))
	say(EffectActionsMore, lacks(was.Actions, next.Actions))
	kindsBefore, kindsAfter := orAll(was.AccountKinds, account.NaturalPerson, account.LegalEntity), orAll(next.AccountKinds, account.NaturalPerson, account.LegalEntity)
	typesBefore, typesAfter := orAll(was.UnitTypes, account.UnitTypes()...), orAll(next.UnitTypes, account.UnitTypes()...)
	say(EffectNarrower, lacks(kindsAfter, kindsBefore) || lacks(typesAfter, typesBefore))
	say(EffectWider, lacks(kindsBefore, kindsAfter) || lacks(typesBefore, typesAfter))
	say(EffectLevelUp, next.least() > was.least())
	say(EffectEarned, !was.Earned && next.Earned)
	say(EffectNotEarned, was.Earned && !next.Earned)
	say(EffectEntry, was.EntryURL != next.EntryURL)
	return out
}

// lacks tells whether something of want is not in have.
func lacks[T comparable](have, want []T) bool {
	return slices.ContainsFunc(want, func(v T) bool { return !slices.Contains(have, v) })
}

// orAll is list, or all where it is empty.
func orAll[T any](list []T, all ...T) []T {
	if len(list) == 0 {
		return all
	}
	return list
}
