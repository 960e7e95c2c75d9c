package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/integrator"
)

// meeting lets all racers have read what they decide about before one writes.
type meeting struct {
	integrator.Store
	at  string // what they read: project, proposal or client
	met *sync.WaitGroup
}

func (m meeting) meet(what string) {
	if what != m.at {
		return
	}
	m.met.Done()
	done := make(chan struct{})
	go func() { m.met.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second): // somebody stayed away; the count of winners will say
	}
}

func (m meeting) Project(ctx context.Context, id string) (integrator.Project, error) {
	p, err := m.Store.Project(ctx, id)
	m.meet("project")
	return p, err
}

func (m meeting) ClientProposal(ctx context.Context, id string) (integrator.Proposal, error) {
	p, err := m.Store.ClientProposal(ctx, id)
	m.meet("proposal")
	return p, err
}

func (m meeting) Client(ctx context.Context, id string) (*client.Client, error) {
	c, err := m.Store.Client(ctx, id)
	m.meet("client")
	return c, err
}

// carelessConsole writes over whatever stands there.
type carelessConsole struct {
	meeting
	all integrator.Store
}

func (c carelessConsole) SaveProject(ctx context.Context, p integrator.Project) (bool, error) {
	for {
		now, err := c.all.Project(ctx, p.ID)
		if err != nil {
			return false, err
		}
		p.Version = now.Version
		if ok, err := c.all.SaveProject(ctx, p); ok || err != nil {
			return ok, err
		}
	}
}

func (c carelessConsole) SettleClientProposal(ctx context.Context, id string, to integrator.ProposalState, reason, decider string, now time.Time) (bool, error) {
	_, err := c.all.SettleClientProposal(ctx, id, to, reason, decider, now)
	return err == nil, err
}

func (c carelessConsole) AmendClient(ctx context.Context, changed *client.Client, ev audit.Event) (bool, error) {
	for {
		now, err := c.all.Client(ctx, changed.ID)
		if err != nil {
			return false, err
		}
		fresh := *changed
		fresh.Version = now.Version
		if ok, err := c.all.AmendClient(ctx, &fresh, ev); ok || err != nil {
			return ok, err
		}
	}
}

// An application is decided once, a proposal takes effect once, and of those who
// rotate a secret at once one is told the secret that counts, however many have
// read the same. The control: a store that writes without looking lets all win.
func TestConsoleRaces(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		const many = 6
		ctx := context.WithoutCancel(t.Context())
		who := integrator.Asker{Account: r.person("b").Account, Units: r.person("b").Units(r.clock.now())}
		owner, s := who.Account.ID, r.app.console
		by := func(i int) integrator.Reviewer { return integrator.Reviewer{ID: fmt.Sprintf("op-%d", i)} }
		// submitted is a project that waits, approved one that is in earnest.
		submitted := func() integrator.Mine {
			p, err := s.Apply(ctx, who, r.person("b").Unit.ID, integrator.Form{Name: "竞态系统", Purpose: "测试", RedirectURIs: []string{consoleCallback}, Contacts: []string{"dev@example.com"}})
			if err == nil {
				err = s.Submit(ctx, who, p.ID, p.Version)
			}
			if err != nil {
				t.Fatal(err)
			}
			return r.project(p.ID)
		}
		approved := func() integrator.Mine {
			p := submitted()
			if err := s.Decide(ctx, by(0), p.ID, p.Version, integrator.Approve, ""); err != nil {
				t.Fatal(err)
			}
			return r.project(p.ID)
		}
		for _, row := range []struct {
			name, at string
			kind     audit.Kind
			prepare  func() func(s *integrator.Service, i int) error
		}{
			{"one application decided by many", "project", audit.ProjectDecided, func() func(*integrator.Service, int) error {
				p := submitted()
				return func(s *integrator.Service, i int) error {
					return s.Decide(ctx, by(i), p.ID, p.Version, []integrator.Decision{integrator.Approve, integrator.Reject}[i%2], "…")
				}
			}},
			{"one proposal decided by many", "proposal", audit.ClientDecided, func() func(*integrator.Service, int) error {
				p := approved()
				c, err := r.app.db.Client(ctx, p.Production)
				if err != nil {
					t.Fatal(err)
				}
				want := c.Metadata
				want.Name = "新名称"
				if _, err := s.Change(ctx, owner, p.Production, c.Version, want); err != nil {
					t.Fatal(err)
				}
				open, err := r.app.db.ClientProposals(ctx, p.ID, 1)
				if err != nil || len(open) != 1 {
					t.Fatal(open, err)
				}
				return func(s *integrator.Service, i int) error {
					return s.DecideChange(ctx, by(i), open[0].ID, []integrator.Decision{integrator.Reject, integrator.Approve}[i%2], "…")
				}
			}},
			{"one secret rotated by many", "client", audit.ClientSecretMade, func() func(*integrator.Service, int) error {
				p := approved()
				return func(s *integrator.Service, _ int) error {
					_, err := s.NewSecret(ctx, owner, p.Production, true)
					return err
				}
			}},
		} {
			for _, careless := range []bool{true, false} {
				try, met := row.prepare(), &sync.WaitGroup{}
				met.Add(many)
				racing, before := *s, r.audited(row.kind)
				gathered := meeting{s.Store, row.at, met}
				racing.Store = gathered
				if careless {
					racing.Store = carelessConsole{gathered, s.Store}
				}
				won := atOnce(t, many, func(i int) error { return try(&racing, i) }, fault.Conflict)
				deeds := r.audited(row.kind) - before
				if careless && won < 2 {
					t.Errorf("%s: %d won at a careless store: the race sees nothing", row.name, won)
				}
				if !careless && (won != 1 || deeds != 1) {
					t.Errorf("%s: %d won, %d in the trail, want 1", row.name, won, deeds)
				}
			}
		}
	})
}
