package integrator

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// Body is whose system is connected: a unit, or (UnitID empty) the asker.
type Body struct {
	UnitID string
	Name   string
}

// Bodies are those for whom the asker may connect systems: verified units whose
// account, legal representative or administrator it is, and itself if an operator
// has approved the person.
func (s *Service) Bodies(ctx context.Context, who Asker) ([]Body, error) {
	var out []Body
	if who.Account.Sandbox != "" || !who.Account.Usable() {
		return nil, nil
	}
	for _, m := range who.Units {
		rules := m.Relation == entitlement.Self || m.Relation == entitlement.Admin || m.Relation == entitlement.LegalRep
		if rules && m.Live(s.Now()) && verified(who.Account, m) {
			out = append(out, Body{m.Unit.ID, m.Unit.Name})
		}
	}
	if who.Account.Kind != account.NaturalPerson || !who.Account.RealName.Verified() {
		return out, nil
	}
	ok, err := s.Store.Admitted(ctx, who.Account.ID)
	if err == nil && ok {
		out = append(out, Body{"", who.Account.Profile.Name})
	}
	return out, err
}

// Uses tells whether the console is of use to the asker: to connect systems, as a
// member of a team, or to answer an invitation.
func (s *Service) Uses(ctx context.Context, who Asker) (bool, error) {
	bodies, err := s.Bodies(ctx, who)
	if err != nil || len(bodies) > 0 {
		return err == nil, err
	}
	mine, err := s.Store.ProjectsOf(ctx, who.Account.ID)
	if err != nil || len(mine) > 0 {
		return err == nil, err
	}
	invites, err := s.Store.TeamInvitesFor(ctx, who.Account.LoginKey, s.Now())
	return len(invites) > 0, err
}

// verified: the unit's own verification counts, and for its account that of the
// account.
func verified(a account.Account, m entitlement.Mandate) bool {
	if m.Relation == entitlement.Self {
		return a.RealName.Verified()
	}
	return m.Unit.RealName.Verified() || !m.Unit.VerifiedAt.IsZero()
}

func (s *Service) body(ctx context.Context, who Asker, unitID string) (Body, error) {
	all, err := s.Bodies(ctx, who)
	if err != nil {
		return Body{}, err
	}
	if i := slices.IndexFunc(all, func(b Body) bool { return b.UnitID == unitID }); i >= 0 {
		return all[i], nil
	}
	return Body{}, &fault.Error{Kind: fault.Refused, Field: "body", Msg: MsgBody}
}

// Check tidies a description and says what is wrong with it.
func (s *Service) Check(ctx context.Context, f Form) (Form, error) {
	f.Name, f.Purpose = strings.TrimSpace(f.Name), strings.TrimSpace(f.Purpose)
	wrong := func(field, msg string) (Form, error) {
		return f, &fault.Error{Kind: fault.Invalid, Field: field, Msg: msg}
	}
	switch {
	case f.Name == "":
		return wrong("name", MsgEmpty)
	case utf8.RuneCountInString(f.Name) > 64:
		return wrong("name", MsgLong)
	case f.Purpose == "":
		return wrong("purpose", MsgEmpty)
	case utf8.RuneCountInString(f.Purpose) > 200:
		return wrong("purpose", MsgLong)
	case len(f.RedirectURIs) == 0:
		return wrong("redirect_uris", MsgEmpty)
	case len(f.Contacts) == 0:
		return wrong("contacts", MsgEmpty)
	}
	for i, w := range f.Wishes {
		f.Wishes[i].Reason = strings.TrimSpace(w.Reason)
		switch {
		case !slices.Contains(client.SignInScopes(), w.Scope):
			return wrong("wishes", MsgScope)
		case w.Scope != "openid" && f.Wishes[i].Reason == "":
			return wrong("reason_"+w.Scope, MsgWhy)
		case utf8.RuneCountInString(w.Reason) > 200:
			return wrong("reason_"+w.Scope, MsgLong)
		case hidden(w.Reason):
			return wrong("reason_"+w.Scope, MsgHidden)
		}
	}
	known, err := s.Store.Systems(ctx)
	if err != nil {
		return f, err
	}
	for _, id := range f.Systems {
		if !slices.ContainsFunc(known, func(k entitlement.System) bool { return k.ID == id }) {
			return wrong("systems", MsgSystem)
		}
	}
	for _, raw := range f.RedirectURIs {
		if u, err := url.Parse(raw); err != nil || u.Scheme != "https" || u.Host == "" {
			return wrong("redirect_uris", MsgRedirect)
		}
	}
	// The rules of registration have the last word.
	_, err = s.Vet(ctx, policy(false, client.Metadata{}), described(Project{Form: f}, client.Metadata{RedirectURIs: f.RedirectURIs}))
	var refused *fault.Error
	if errors.As(err, &refused) && refused.Field == "client_name" { // which is called otherwise here
		return wrong("name", refused.Msg)
	}
	return f, err
}

// hidden tells whether a text has characters that nobody sees, which rearrange
// what an operator reads (S69).
func hidden(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
	})
}

// described lays what the project says over metadata.
func described(p Project, m client.Metadata) client.Metadata {
	m.Name, m.Purpose, m.LegalName, m.Scope = p.Form.Name, p.Form.Purpose, p.LegalName, p.Form.Scope()
	m.BusinessSystems, m.Contacts = p.Form.Systems, p.Form.Contacts
	m.GrantTypes = []string{client.GrantCode, client.GrantRefresh}
	return m
}

// Apply describes a system and opens its sandbox.
func (s *Service) Apply(ctx context.Context, who Asker, unitID string, f Form) (Project, error) {
	b, err := s.body(ctx, who, unitID)
	if err != nil {
		return Project{}, err
	}
	if f, err = s.Check(ctx, f); err != nil {
		return Project{}, err
	}
	if n, err := s.Store.CountProjects(ctx, unitID, who.Account.ID); err != nil || n >= MaxProjects {
		return Project{}, firstOf(err, &fault.Error{Kind: fault.Refused, Msg: MsgMany})
	}
	now := s.Now()
	p := Project{
		ID: NewID(), UnitID: unitID, Person: who.Account.ID, LegalName: b.Name, State: Testing, Form: f, Sandbox: client.FreshID("sbx-"),
		CreatedAt: now, Version: 1,
	}
	c, err := s.made(ctx, p, p.Sandbox, true)
	if err != nil {
		return Project{}, err
	}
	actor := string(who.Account.ID)
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.AddProject(ctx, p, Member{Project: p.ID, Account: who.Account.ID, Role: Owner, Since: now}); err != nil {
			return err
		}
		fresh := *c
		if err := s.Store.PutClient(ctx, &fresh, clientEvent(ctx, audit.ClientCreated, actor, c.ID, "sandbox")); err != nil {
			return err
		}
		if err := s.note(ctx, p.ID, "", actor, WhatMade); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.ProjectMade, actor, p.ID, ""))
	})
	return p, s.changed(err)
}

func firstOf(err error, other error) error {
	if err != nil {
		return err
	}
	return other
}

// made is a client of a project as it comes into being. That of the sandbox may
// be sent to the developer's own machine, where nobody but test accounts arrives.
func (s *Service) made(ctx context.Context, p Project, id string, sandbox bool) (*client.Client, error) {
	m := described(p, client.Metadata{RedirectURIs: p.Form.RedirectURIs})
	m, err := s.Vet(ctx, policy(sandbox, m), m)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	c := &client.Client{ID: id, Metadata: m, State: client.Active, Reviewed: true, CreatedAt: now, UpdatedAt: now}
	if sandbox {
		c.Sandbox = p.ID
	}
	return c, nil
}

// Describe changes the description, as long as nobody looks at it.
func (s *Service) Describe(ctx context.Context, who Asker, project string, version int64, f Form) error {
	m, err := s.enter(ctx, who.Account.ID, project, Developer)
	if err != nil {
		return err
	}
	if !m.State.Editable() {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgNotEditable}
	}
	if f, err = s.Check(ctx, f); err != nil {
		return err
	}
	p := m.Project
	p.Form, p.Version = f, version
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.save(ctx, p); err != nil {
			return err
		}
		if err := s.note(ctx, p.ID, "", string(who.Account.ID), WhatDescribed); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.ProjectChanged, string(who.Account.ID), p.ID, "description"))
	})
}

// Submit asks an operator to decide. Whoever submits must still be allowed to
// connect systems for the unit, whose name is taken anew.
func (s *Service) Submit(ctx context.Context, who Asker, project string, version int64) error {
	m, err := s.enter(ctx, who.Account.ID, project, Owner)
	if err != nil {
		return err
	}
	if !m.State.Editable() {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgNotEditable}
	}
	b, err := s.body(ctx, who, m.UnitID)
	if err != nil {
		return err
	}
	if m.UnitID == "" && m.Person != who.Account.ID {
		return &fault.Error{Kind: fault.Refused, Msg: MsgBody}
	}
	p := m.Project
	p.State, p.LegalName, p.SubmitAt, p.Version = Submitted, b.Name, s.Now(), version
	if p.Form, err = s.Check(ctx, p.Form); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.save(ctx, p); err != nil {
			return err
		}
		if err := s.note(ctx, p.ID, "", string(who.Account.ID), WhatSubmitted); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.ProjectSubmitted, string(who.Account.ID), p.ID, ""))
	})
}
