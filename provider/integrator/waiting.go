package integrator

import (
	"context"
	"slices"

	"kejitong/provider/client"
)

// Waiting is a proposal as it waits for an operator.
type Waiting struct {
	Proposal
	System string         // the name of the project
	Doubts []client.Doubt // why to look at it twice (S69)
}

// Waiting gives the proposals that wait, the oldest first.
func (s *Service) Waiting(ctx context.Context, limit int) ([]Waiting, error) {
	open, err := s.Store.OpenProposals(ctx, limit)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	all, err := s.Store.Clients(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Waiting, 0, len(open))
	for _, pr := range open {
		p, err := s.Store.Project(ctx, pr.Project)
		if err != nil {
			return nil, err
		}
		w := Waiting{Proposal: pr, System: p.Form.Name}
		for i := range all {
			if all[i].ID != pr.Client {
				continue
			}
			after, err := overlaid(all[i].Metadata, pr.Edits)
			if err != nil {
				return nil, err
			}
			w.Doubts = after.Doubts(s.others(p, all)...)
		}
		out = append(out, w)
	}
	return out, nil
}

// Doubts are why an operator should look twice at the name of a project (S69).
func (s *Service) Doubts(ctx context.Context, p Project) ([]client.Doubt, error) {
	all, err := s.Store.Clients(ctx)
	if err != nil {
		return nil, err
	}
	return (client.Metadata{Name: p.Form.Name, RedirectURIs: p.Form.RedirectURIs}).Doubts(s.others(p, all)...), nil
}

// others are the names that no client of the project should pass for. Its own
// legal name is none of them: several systems of one unit have it.
func (s *Service) others(p Project, all []client.Client) []string {
	out := slices.Clone(s.Platform)
	for _, name := range client.Names(all, func(c *client.Client) bool { return p.Has(c.ID) }) {
		if name != p.LegalName {
			out = append(out, name)
		}
	}
	return out
}
