package main

import (
	"context"

	"kejitong/provider/audit"
	"kejitong/provider/operator"
)

// demoOperator is one person at the demonstration's review desk.
type demoOperator struct {
	Role     string `json:"role"`
	Username string `json:"username"`
	Password string `json:"password"`
	Factor   string `json:"totp_secret"`
}

// demoDesk is who works there: of each role one, of reviewers two, since appeals
// need two.
var demoDesk = [...]struct {
	login string
	role  operator.Role
}{
	{"sysadmin", operator.SystemAdmin}, {"secadmin", operator.SecurityAdmin}, {"auditor", operator.Auditor}, {"reviewer", operator.Reviewer}, {"reviewer2", operator.Reviewer},
}

func deskPassword(login string) string { return "desk/" + login }
func deskFactor(login string) string   { return "desk-totp/" + login }

// deskSecrets makes the operators' passwords and second factors, and what the
// former platform needs, that the folder lacks, and tells whether there was any.
func (s *performance) deskSecrets() (bool, error) {
	made := s.legacySecrets()
	made = s.adminSecrets() || made
	for _, o := range demoDesk {
		if s.Secrets[deskPassword(o.login)] != "" {
			continue
		}
		secret, err := (&app{}).deskCodes().NewSecret()
		if err != nil {
			return made, err
		}
		s.Secrets[deskPassword(o.login)], s.Secrets[deskFactor(o.login)], made = "Desk-"+randomText(9)+"-7b", secret, true
	}
	return made, nil
}

// operators lists them for scripts.
func (s *performance) operators() []demoOperator {
	out := make([]demoOperator, 0, len(demoDesk))
	for _, o := range demoDesk {
		out = append(out, demoOperator{string(o.role), o.login, s.Secrets[deskPassword(o.login)], s.Secrets[deskFactor(o.login)]})
	}
	return out
}

// seedDesk enters them, enrolled already; a kept folder is left as it is. It costs
// a password hash each, so tests that need no desk do without.
func (s *performance) seedDesk(ctx context.Context, a *app) error {
	if there, err := a.db.Operators(ctx); err != nil || len(there) > 0 {
		return err
	}
	for _, o := range s.operators() {
		phc, err := a.hasher.Hash(ctx, o.Password)
		if err != nil {
			return err
		}
		t := a.clock()
		row := operator.Operator{
			ID: operator.NewID(), LoginName: o.Username, LoginKey: o.Username, Role: operator.Role(o.Role), State: operator.Active,
			Password: phc, Factor: o.Factor, PasswordAt: t, CreatedAt: t, UpdatedAt: t,
		}
		if err := a.db.AddOperator(ctx, row, audit.Event{Kind: audit.OperatorAdded, Actor: "demo", Object: row.ID, Detail: o.Role}); err != nil {
			return err
		}
	}
	return nil
}
