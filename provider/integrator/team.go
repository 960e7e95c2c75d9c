package integrator

import (
	"context"
	"slices"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Overview is a project as a member of its team sees it.
type Overview struct {
	Mine
	Team    []Member
	Invites []Invite          // to owners alone: those that are open
	Tests   []account.Account // of the sandbox, those for the claims
	Trials  []Trial           // its look-up outcomes
	History []Change
	Ready   bool // the client in earnest can prove itself
}

// Overview gives a project to a member of its team.
func (s *Service) Overview(ctx context.Context, who account.ID, project string) (Overview, error) {
	m, err := s.enter(ctx, who, project, Viewer)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Mine: m}
	if o.Team, err = s.Store.TeamOf(ctx, project); err != nil {
		return o, err
	}
	if m.Role.AtLeast(Owner) {
		if o.Invites, err = s.Store.TeamInvites(ctx, project, s.Now()); err != nil {
			return o, err
		}
	}
	if o.Tests, err = s.Store.TestAccounts(ctx, project); err != nil {
		return o, err
	}
	if o.Trials, err = s.trials(ctx, project, o.Tests); err != nil {
		return o, err
	}
	o.Tests = slices.DeleteFunc(o.Tests, func(a account.Account) bool { return !slices.Contains(Parts(), partOf(a)) })
	slices.SortFunc(o.Tests, func(a, b account.Account) int { return indexOf(partOf(a)) - indexOf(partOf(b)) })
	if m.Production != "" {
		c, err := s.Store.Client(ctx, m.Production)
		if err != nil {
			return o, err
		}
		o.Ready = c.SecretDigest != "" || !c.Metadata.HasSecret()
	}
	o.History, err = s.Store.ClientChanges(ctx, project, 100)
	return o, err
}

// Invite asks whoever has the login name into the team. Whether anybody has it is
// not told (settled for S49): the invitation stands there in either case.
func (s *Service) Invite(ctx context.Context, who account.ID, project, login string, role Role) error {
	if _, err := s.enter(ctx, who, project, Owner); err != nil {
		return err
	}
	key, err := account.NormaliseLogin(login)
	switch {
	case err != nil || key == "":
		return &fault.Error{Kind: fault.Invalid, Field: "login", Msg: MsgLogin}
	case !role.Known():
		return &fault.Error{Kind: fault.Invalid, Field: "role", Msg: MsgEmpty}
	}
	team, err := s.Store.TeamOf(ctx, project)
	if err != nil {
		return err
	}
	waiting, err := s.Store.TeamInvites(ctx, project, s.Now())
	if err != nil {
		return err
	}
	if len(team)+len(waiting) >= MaxTeam {
		return &fault.Error{Kind: fault.Refused, Msg: MsgTeamFull}
	}
	now := s.Now()
	i := Invite{ID: NewID(), Project: project, Login: key, Role: role, By: who, Until: now.Add(InviteLife)}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.AddTeamInvite(ctx, i); err != nil {
			return err
		}
		if err := s.note(ctx, project, "", string(who), WhatInvited); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.TeamInvited, string(who), project, string(role)))
	})
}

// Invited gives the invitations that wait for the asker, with the projects.
func (s *Service) Invited(ctx context.Context, a account.Account) ([]Invite, map[string]Project, error) {
	all, err := s.Store.TeamInvitesFor(ctx, a.LoginKey, s.Now())
	if err != nil {
		return nil, nil, err
	}
	projects := map[string]Project{}
	for _, i := range all {
		if projects[i.Project], err = s.Store.Project(ctx, i.Project); err != nil {
			return nil, nil, err
		}
	}
	return all, projects, nil
}

// Answer accepts or declines an invitation of the asker's own.
func (s *Service) Answer(ctx context.Context, a account.Account, invite string, accept bool) (string, error) {
	mine, err := s.Store.TeamInvitesFor(ctx, a.LoginKey, s.Now())
	if err != nil {
		return "", err
	}
	for _, i := range mine {
		if i.ID == invite {
			return i.Project, s.answer(ctx, a, i, accept)
		}
	}
	return "", fault.New(fault.NotFound, "no such invitation")
}

func (s *Service) answer(ctx context.Context, a account.Account, i Invite, accept bool) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		gone, err := s.Store.DropTeamInvite(ctx, i.Project, i.ID)
		if err == nil && !gone {
			err = fault.New(fault.NotFound, "no such invitation")
		}
		if err != nil {
			return err
		}
		if !accept {
			return s.Store.Record(ctx, event(ctx, audit.TeamInviteEnded, string(a.ID), i.Project, "declined"))
		}
		// Who is of the team already keeps what he is: no invitation makes an owner less.
		if _, err := s.Store.RoleOf(ctx, i.Project, a.ID); err == nil {
			return s.Store.Record(ctx, event(ctx, audit.TeamInviteEnded, string(a.ID), i.Project, "member already"))
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := s.Store.PutMember(ctx, Member{Project: i.Project, Account: a.ID, Role: i.Role, Since: s.Now()}); err != nil {
			return err
		}
		if err := s.note(ctx, i.Project, "", string(a.ID), WhatJoined); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.TeamJoined, string(a.ID), i.Project, string(i.Role)))
	})
}

// Uninvite takes an invitation back.
func (s *Service) Uninvite(ctx context.Context, who account.ID, project, invite string) error {
	if _, err := s.enter(ctx, who, project, Owner); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		gone, err := s.Store.DropTeamInvite(ctx, project, invite)
		if err == nil && !gone {
			err = fault.New(fault.NotFound, "no such invitation")
		}
		if err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.TeamInviteEnded, string(who), project, "taken back"))
	})
}

// SetRole gives a member another role; an empty role ends the membership. Owners
// do it to anybody, others may leave. The last owner stays one: of two who go at
// once one does.
func (s *Service) SetRole(ctx context.Context, who account.ID, project string, member account.ID, role Role) error {
	need := Owner
	if who == member && role == "" {
		need = Viewer
	}
	if role != "" && !role.Known() {
		return &fault.Error{Kind: fault.Invalid, Field: "role", Msg: MsgEmpty}
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.enter(ctx, who, project, need)
		if err != nil {
			return err
		}
		if err := s.save(ctx, p.Project); err != nil { // excludes other changes of the team until the end
			return err
		}
		team, err := s.Store.TeamOf(ctx, project)
		if err != nil {
			return err
		}
		old, owners := Role(""), 0
		for _, m := range team {
			if m.Account == member {
				old = m.Role
			}
			if m.Role == Owner {
				owners++
			}
		}
		switch {
		case old == "":
			return &fault.Error{Kind: fault.NotFound, Msg: MsgMember}
		case old == Owner && role != Owner && owners == 1:
			return &fault.Error{Kind: fault.Conflict, Msg: MsgLastOwner}
		}
		if role == "" {
			_, err = s.Store.DropMember(ctx, project, member)
		} else {
			err = s.Store.PutMember(ctx, Member{Project: project, Account: member, Role: role, Since: s.Now()})
		}
		if err != nil {
			return err
		}
		if err := s.note(ctx, project, "", string(who), WhatTeam); err != nil {
			return err
		}
		ev := event(ctx, audit.TeamChanged, string(who), project, string(role))
		if role == "" {
			ev.Detail = "left"
		}
		ev.Detail += " " + string(member)
		return s.Store.Record(ctx, ev)
	})
}
