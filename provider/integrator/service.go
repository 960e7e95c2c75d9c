package integrator

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// Bounds of one owner and one project.
const (
	MaxProjects = 20
	MaxTeam     = 30
	Overlap     = 72 * time.Hour // how long a secret that was rotated is good
)

// Service does what integrators and operators ask for. All fields must be set.
type Service struct {
	Store Store
	Queue notify.Queue
	Now   func() time.Time
	// Vet holds metadata as a whole to the rules of registration, to what is
	// offered here, and to the addresses that may be called.
	Vet func(ctx context.Context, p client.Policy, m client.Metadata) (client.Metadata, error)
	// Rotate gives c the secret; the one before stays good until then, or, if that
	// is zero, no longer.
	Rotate func(c *client.Client, secret string, until time.Time) error
	// Hash makes what is stored of a password.
	Hash func(ctx context.Context, password string) (string, error)
	// Changed is called when clients have changed.
	Changed func()
	// TestCode is the code that stands for an SMS to a number of sandboxes, E.164.
	TestCode func(to string) string
	// Platform is what the platform itself is called: no other system may pass for it.
	Platform []string
}

// MayRead tells whether the account is of the team of the client: whoever may
// not, and whatever does not exist, are the same.
func (s *Service) MayRead(ctx context.Context, id account.ID, clientID string) (bool, error) {
	p, err := s.Store.ProjectByClient(ctx, clientID)
	if err == nil {
		_, err = s.Store.RoleOf(ctx, p.ID, id)
	}
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// enter gives the project to a member of its team. To everybody else there is no
// such project; a member with too weak a role is refused.
func (s *Service) enter(ctx context.Context, who account.ID, project string, need Role) (Mine, error) {
	role, err := s.Store.RoleOf(ctx, project, who)
	if err != nil {
		return Mine{}, err
	}
	if !role.AtLeast(need) {
		return Mine{}, &fault.Error{Kind: fault.Refused, Msg: MsgRole}
	}
	p, err := s.Store.Project(ctx, project)
	return Mine{p, role}, err
}

// Project gives a project to a member of its team.
func (s *Service) Project(ctx context.Context, who account.ID, project string) (Mine, error) {
	return s.enter(ctx, who, project, Viewer)
}

// ByClient gives the project of a client to a member of its team, and the client.
func (s *Service) ByClient(ctx context.Context, who account.ID, clientID string) (Mine, *client.Client, error) {
	return s.client(ctx, who, clientID, Viewer)
}

func (s *Service) client(ctx context.Context, who account.ID, clientID string, need Role) (Mine, *client.Client, error) {
	p, err := s.Store.ProjectByClient(ctx, clientID)
	if err != nil {
		return Mine{}, nil, err
	}
	m, err := s.enter(ctx, who, p.ID, need)
	if err != nil {
		return Mine{}, nil, err
	}
	c, err := s.Store.Client(ctx, clientID)
	return m, c, err
}

func event(ctx context.Context, kind audit.Kind, actor, object, detail string) audit.Event {
	return audit.From(ctx, audit.Event{Kind: kind, Actor: actor, Object: object, Detail: detail})
}

func clientEvent(ctx context.Context, kind audit.Kind, actor, id, detail string) audit.Event {
	ev := event(ctx, kind, actor, id, detail)
	ev.Client = id
	return ev
}

// note adds a line of history.
func (s *Service) note(ctx context.Context, project, clientID, actor, what string, edits ...Edit) error {
	return s.Store.AddClientChange(ctx, Change{ID: NewID(), Project: project, Client: clientID, Actor: actor, What: what, Edits: edits, At: s.Now()})
}

// save is SaveProject where another change meanwhile is fault.Conflict.
func (s *Service) save(ctx context.Context, p Project) error {
	ok, err := s.Store.SaveProject(ctx, p)
	if err == nil && !ok {
		err = &fault.Error{Kind: fault.Conflict, Msg: MsgChanged}
	}
	return err
}

// changed passes err on and lets this process see changes of clients at once.
func (s *Service) changed(err error) error {
	if err == nil && s.Changed != nil {
		s.Changed()
	}
	return err
}

// tell sends the owners of a project a notice. They look it up at the console:
// nothing of the case stands in it but the name of the system.
func (s *Service) tell(ctx context.Context, p Project, purpose, occasion string) error {
	team, err := s.Store.TeamOf(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, m := range team {
		if m.Role != Owner {
			continue
		}
		a, err := s.Store.HeldAccount(ctx, m.Account)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, msg := range ways(a) {
			msg.ID, msg.Purpose, msg.Args, msg.Locale = purpose+"|"+occasion+"|"+string(m.Account)+"|"+string(msg.Channel), purpose, []string{p.Form.Name}, a.Locale
			if err := s.Queue.Queue(ctx, msg); err != nil {
				return err
			}
		}
	}
	return nil
}

// ways are the proved addresses of an account.
func ways(a account.Account) []notify.Message {
	var out []notify.Message
	p := a.Profile
	if number := p.ProvedMobile(); number != "" {
		out = append(out, notify.Message{Channel: notify.SMS, To: number})
	}
	if p.Email != "" && p.EmailVerified {
		out = append(out, notify.Message{Channel: notify.Email, To: p.Email})
	}
	return out
}
