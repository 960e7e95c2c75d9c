package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/integrator"
	"kejitong/provider/keys"
)

var _ integrator.Store = (*DB)(nil)

const (
	projectColumns = `p.id, p.unit_id, p.person_id, p.state, p.form, p.sandbox, p.production, p.reason, p.decider, p.created_at,
    p.submitted_at, p.decided_at, p.version`

	addProject = `
INSERT INTO integrator_projects (id, unit_id, person_id, state, form, sandbox, production, reason, decider, created_at,
    submitted_at, decided_at, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectProject = `SELECT ` + projectColumns + ` FROM integrator_projects p WHERE p.id = ?`

	saveProject = `
UPDATE integrator_projects SET state = ?, form = ?, production = ?, reason = ?, decider = ?, submitted_at = ?, decided_at = ?,
    version = version + 1
WHERE id = ? AND version = ?`

	projectsOf = `
SELECT ` + projectColumns + `, m.role FROM integrator_members m JOIN integrator_projects p ON p.id = m.project_id
WHERE m.account_id = ? ORDER BY p.created_at DESC, p.id LIMIT 1000`

	countOfUnit = `SELECT COUNT(*) FROM integrator_projects WHERE unit_id = ? AND state <> 'rejected'`

	countOfPerson = `SELECT COUNT(*) FROM integrator_projects WHERE unit_id = '' AND person_id = ? AND state <> 'rejected'`

	projectsInState = `
SELECT ` + projectColumns + ` FROM integrator_projects p WHERE p.state = ? ORDER BY p.submitted_at, p.id LIMIT ?`

	projectByClient = `
SELECT ` + projectColumns + ` FROM integrator_projects p WHERE p.sandbox <> '' AND p.sandbox = ?
UNION ALL
SELECT ` + projectColumns + ` FROM integrator_projects p WHERE p.production <> '' AND p.production = ?`

	selectMembers = `
SELECT project_id, account_id, role, since FROM integrator_members WHERE project_id = ?
ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'developer' THEN 1 ELSE 2 END, since, account_id`

	roleOf = `SELECT role FROM integrator_members WHERE project_id = ? AND account_id = ?`

	putMember = `
INSERT INTO integrator_members (project_id, account_id, role, since) VALUES (?, ?, ?, ?)
ON CONFLICT (project_id, account_id) DO UPDATE SET role = excluded.role`

	dropMember = `DELETE FROM integrator_members WHERE project_id = ? AND account_id = ?`

	inviteColumns = `id, project_id, login, role, made_by, expires_at`

	addInvite = `
INSERT INTO integrator_invites (id, project_id, login, role, made_by, expires_at, blind, key_no) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

	dropInviteTo = `DELETE FROM integrator_invites WHERE project_id = ? AND blind IN (?, ?)`

	selectInvites = `SELECT ` + inviteColumns + ` FROM integrator_invites WHERE project_id = ? AND expires_at > ? ORDER BY expires_at, id`

	invitesFor = `SELECT ` + inviteColumns + ` FROM integrator_invites WHERE blind IN (?, ?) AND expires_at > ? ORDER BY expires_at, id LIMIT 50`

	dropInvite = `DELETE FROM integrator_invites WHERE project_id = ? AND id = ?`
)

// AddProject implements integrator.Store.
func (d *DB) AddProject(ctx context.Context, p integrator.Project, owner integrator.Member) error {
	form, err := d.sealForm(p)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, addProject, p.ID, p.UnitID, string(p.Person), string(p.State), form, p.Sandbox, p.Production,
			p.Reason, p.Decider, millis(p.CreatedAt), millis(p.SubmitAt), millis(p.DecidedAt), p.Version); err != nil {
			return err
		}
		return d.PutMember(ctx, owner)
	})
	if err != nil {
		return fmt.Errorf("add project: %w", err)
	}
	return nil
}

// Project implements integrator.Store.
func (d *DB) Project(ctx context.Context, id string) (integrator.Project, error) {
	return d.project(ctx, selectProject, clip(id))
}

// ProjectByClient implements integrator.Store.
func (d *DB) ProjectByClient(ctx context.Context, clientID string) (integrator.Project, error) {
	return d.project(ctx, projectByClient, clip(clientID), clip(clientID))
}

func (d *DB) project(ctx context.Context, query string, args ...any) (integrator.Project, error) {
	var p integrator.Project
	var form string
	found, err := d.row(ctx, query, args, projectDest(&p, &form)...)
	if err == nil && found {
		err = d.openForm(&p, form)
	}
	if err != nil {
		return integrator.Project{}, fmt.Errorf("read project: %w", err)
	}
	if !found {
		return integrator.Project{}, missing("project")
	}
	return p, nil
}

// SaveProject implements integrator.Store.
func (d *DB) SaveProject(ctx context.Context, p integrator.Project) (bool, error) {
	form, err := d.sealForm(p)
	if err != nil {
		return false, err
	}
	n, err := d.exec(ctx, saveProject, string(p.State), form, p.Production, p.Reason, p.Decider, millis(p.SubmitAt),
		millis(p.DecidedAt), p.ID, p.Version)
	if err != nil {
		return false, fmt.Errorf("save project: %w", err)
	}
	return n > 0, nil
}

// ProjectsOf implements integrator.Store.
func (d *DB) ProjectsOf(ctx context.Context, id account.ID) ([]integrator.Mine, error) {
	all, err := list(ctx, d, projectsOf, []any{string(id)}, func(rows *sqlx.Rows, m *sealedProject) error {
		return rows.Scan(append(projectDest(&m.Project, &m.form), &m.Role)...)
	})
	if err == nil {
		err = d.openForms(all)
	}
	if err != nil {
		return nil, fmt.Errorf("projects of a member: %w", err)
	}
	out := make([]integrator.Mine, len(all))
	for i, p := range all {
		out[i] = p.Mine
	}
	return out, nil
}

// CountProjects implements integrator.Store.
func (d *DB) CountProjects(ctx context.Context, unitID string, person account.ID) (int, error) {
	query, of := countOfUnit, unitID
	if unitID == "" {
		query, of = countOfPerson, string(person)
	}
	var n int
	if _, err := d.row(ctx, query, []any{of}, &n); err != nil {
		return 0, fmt.Errorf("count projects: %w", err)
	}
	return n, nil
}

// ProjectsIn implements integrator.Store.
func (d *DB) ProjectsIn(ctx context.Context, s integrator.State, limit int) ([]integrator.Project, error) {
	all, err := list(ctx, d, projectsInState, []any{string(s), limit}, func(rows *sqlx.Rows, p *sealedProject) error {
		return rows.Scan(projectDest(&p.Project, &p.form)...)
	})
	if err == nil {
		err = d.openForms(all)
	}
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	out := make([]integrator.Project, len(all))
	for i, p := range all {
		out[i] = p.Project
	}
	return out, nil
}

// TeamOf implements integrator.Store.
func (d *DB) TeamOf(ctx context.Context, project string) ([]integrator.Member, error) {
	all, err := list(ctx, d, selectMembers, []any{clip(project)}, func(rows *sqlx.Rows, m *integrator.Member) error {
		return rows.Scan(&m.Project, &m.Account, &m.Role, &instant{&m.Since})
	})
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	return all, nil
}

// RoleOf implements integrator.Store.
func (d *DB) RoleOf(ctx context.Context, project string, id account.ID) (integrator.Role, error) {
	var role integrator.Role
	found, err := d.row(ctx, roleOf, []any{clip(project), string(id)}, &role)
	if err != nil {
		return "", fmt.Errorf("read a role: %w", err)
	}
	if !found {
		return "", missing("project")
	}
	return role, nil
}

// PutMember implements integrator.Store.
func (d *DB) PutMember(ctx context.Context, m integrator.Member) error {
	if _, err := d.exec(ctx, putMember, m.Project, string(m.Account), string(m.Role), millis(m.Since)); err != nil {
		return fmt.Errorf("put member: %w", err)
	}
	return nil
}

// DropMember implements integrator.Store.
func (d *DB) DropMember(ctx context.Context, project string, id account.ID) (bool, error) {
	n, err := d.exec(ctx, dropMember, project, string(id))
	if err != nil {
		return false, fmt.Errorf("drop member: %w", err)
	}
	return n > 0, nil
}

// AddTeamInvite implements integrator.Store.
func (d *DB) AddTeamInvite(ctx context.Context, i integrator.Invite) error {
	blind, other, err := d.either("login", i.Login)
	if err != nil {
		return err
	}
	sealed, err := d.seal(keys.Personal, invitePlace(i.ID), []byte(i.Login))
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, dropInviteTo, i.Project, blind.text, other.text); err != nil {
			return err
		}
		_, err := d.exec(ctx, addInvite, i.ID, i.Project, sealed, string(i.Role), string(i.By), millis(i.Until), blind.text, blind.number)
		return err
	})
	if err != nil {
		return fmt.Errorf("add invitation: %w", err)
	}
	return nil
}

// TeamInvites implements integrator.Store.
func (d *DB) TeamInvites(ctx context.Context, project string, now time.Time) ([]integrator.Invite, error) {
	return d.invites(ctx, selectInvites, clip(project), millis(now))
}

// TeamInvitesFor implements integrator.Store.
func (d *DB) TeamInvitesFor(ctx context.Context, login string, now time.Time) ([]integrator.Invite, error) {
	blind, other, err := d.either("login", login)
	if err != nil {
		return nil, err
	}
	return d.invites(ctx, invitesFor, blind.text, other.text, millis(now))
}

func (d *DB) invites(ctx context.Context, query string, args ...any) ([]integrator.Invite, error) {
	all, err := list(ctx, d, query, args, func(rows *sqlx.Rows, i *integrator.Invite) error {
		return rows.Scan(&i.ID, &i.Project, &i.Login, &i.Role, &i.By, &instant{&i.Until})
	})
	for k := range all {
		if err == nil {
			var plain []byte
			plain, err = d.unseal(keys.Personal, invitePlace(all[k].ID), all[k].Login)
			all[k].Login = string(plain)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return all, nil
}

// DropTeamInvite implements integrator.Store.
func (d *DB) DropTeamInvite(ctx context.Context, project, id string) (bool, error) {
	n, err := d.exec(ctx, dropInvite, clip(project), clip(id))
	if err != nil {
		return false, fmt.Errorf("drop invitation: %w", err)
	}
	return n > 0, nil
}

func formPlace(id string) string   { return "integrator_projects.form|" + id }
func invitePlace(id string) string { return "integrator_invites.login|" + id }

// described is what is sealed of a project: the legal name may be a person's.
type described struct {
	integrator.Form
	LegalName string `json:"l"`
}

// sealedProject is a project as it was read, whose form is still sealed.
type sealedProject struct {
	integrator.Mine
	form string
}

func (d *DB) openForms(all []sealedProject) error {
	for i := range all {
		if err := d.openForm(&all[i].Project, all[i].form); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) sealForm(p integrator.Project) (string, error) {
	plain, err := json.Marshal(described{p.Form, p.LegalName})
	if err != nil {
		return "", fmt.Errorf("seal a project: %w", err)
	}
	return d.seal(keys.Personal, formPlace(p.ID), plain)
}

func (d *DB) openForm(p *integrator.Project, sealed string) error {
	if sealed == "" { // its person closed the account
		return nil
	}
	plain, err := d.unseal(keys.Personal, formPlace(p.ID), sealed)
	if err != nil {
		return err
	}
	var of described
	err = json.Unmarshal(plain, &of)
	p.Form, p.LegalName = of.Form, of.LegalName
	return err
}

func projectDest(p *integrator.Project, form *string) []any {
	return []any{&p.ID, &p.UnitID, &p.Person, &p.State, form, &p.Sandbox, &p.Production, &p.Reason, &p.Decider,
		&instant{&p.CreatedAt}, &instant{&p.SubmitAt}, &instant{&p.DecidedAt}, &p.Version}
}
