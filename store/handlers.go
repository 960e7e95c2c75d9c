package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/keys"
	"kejitong/provider/mandate"
)

var _ mandate.Store = (*DB)(nil)

const addInvitation = `
INSERT INTO mandate_invitations (id, unit_id, inviter_id, person_id, relation, scope, detail, valid_until, state, asked_at, answer_by,
    answered_at, ended_at, ended_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '')`

const invitations = `
SELECT i.id, i.unit_id, i.inviter_id, i.person_id, i.relation, i.scope, i.detail, i.valid_until, i.state, i.asked_at, i.answer_by, i.answered_at,
    i.ended_at, i.ended_by, u.name, u.uscc
FROM mandate_invitations i JOIN units u ON u.id = i.unit_id`

const (
	invitationByID = invitations + ` WHERE i.id = ?`

	invitationsOf = invitations + ` WHERE i.unit_id = ? ORDER BY i.asked_at DESC, i.id LIMIT ?`

	invitationsTo = invitations + ` WHERE i.person_id = ? AND i.person_id <> '' ORDER BY i.asked_at DESC, i.id LIMIT ?`

	unanswered = invitations + ` WHERE i.state = 'offered' AND i.answer_by <= ? ORDER BY i.answer_by LIMIT ?`

	runOut = invitations + ` WHERE i.state = 'active' AND i.valid_until <= ? ORDER BY i.valid_until LIMIT ?`

	// Of any number of callers one finds the state that it names.
	moveInvitation = `
UPDATE mandate_invitations SET state = ?, answered_at = ?, ended_at = ?, ended_by = ? WHERE id = ? AND state = ?`

	endingSoon = `
SELECT ` + mandateColumns + ` FROM mandates
WHERE valid_until > 0 AND valid_until > ? AND valid_until <= ? AND state IN ('pending', 'active', 'suspended') AND state = 'active' AND NOT EXISTS (
    SELECT 1 FROM mandate_reminders r WHERE r.mandate_id = mandates.id AND r.valid_until = mandates.valid_until AND r.stage >= ?)
ORDER BY valid_until LIMIT ?`

	noteEndTold = `
INSERT INTO mandate_reminders AS r (mandate_id, valid_until, stage) VALUES (?, ?, ?)
ON CONFLICT (mandate_id) DO UPDATE SET valid_until = excluded.valid_until, stage = excluded.stage
WHERE r.valid_until <> excluded.valid_until OR r.stage < excluded.stage`

	asksActor = `SELECT asks_actor FROM units WHERE id = ?`

	putAsksActor = `UPDATE units SET asks_actor = ? WHERE id = ?`

	putAsksActorDone = `WITH done AS (` + putAsksActor + ` RETURNING id)` + auditDone
)

func detailPlace(id string) string { return "mandate_invitations.detail|" + id }

// invitationDetail is what of an invitation is about a person.
type invitationDetail struct {
	Name string `json:"n"`
	Who  string `json:"w,omitempty"`
	Note string `json:"t,omitempty"`
}

// Standing implements mandate.Store.
func (d *DB) Standing(ctx context.Context, id account.ID) (mandate.Standing, error) {
	p, err := d.ByAccount(ctx, id)
	return mandate.Standing(p), err
}

// HeldUnit implements mandate.Store.
func (d *DB) HeldUnit(ctx context.Context, id string) (account.Unit, error) {
	var u account.Unit
	query := unitByID
	if d.postgres && d.unit(ctx) != nil {
		query = unitByID + locked
	}
	found, err := d.row(ctx, query, []any{clip(id)}, unitDest(&u)...)
	if err != nil {
		return account.Unit{}, fmt.Errorf("hold unit: %w", err)
	}
	if !found {
		return account.Unit{}, missing("unit")
	}
	return u, nil
}

// MandatesOf implements mandate.Store.
func (d *DB) MandatesOf(ctx context.Context, unit string) ([]entitlement.Mandate, error) {
	all, err := list(ctx, d, mandatesForUnit, []any{clip(unit), 1000}, d.mandateRow)
	if err != nil {
		return nil, fmt.Errorf("mandates of a unit: %w", err)
	}
	var out []entitlement.Mandate
	for _, m := range all {
		if m.State.Open() {
			out = append(out, m)
		}
	}
	return out, nil
}

// AddInvitation implements mandate.Store.
func (d *DB) AddInvitation(ctx context.Context, i mandate.Invitation, ev audit.Event) error {
	plain, err := json.Marshal(invitationDetail{i.Name, i.Who, i.Note})
	if err != nil {
		return fmt.Errorf("seal invitation: %w", err)
	}
	sealed, err := d.seal(keys.Personal, detailPlace(i.ID), plain)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, addInvitation, i.ID, i.Unit, string(i.Inviter), string(i.Person), string(i.Relation), encoded(i.Scope), sealed,
			millis(i.Until), string(i.State), millis(i.AskedAt), millis(i.AnswerBy)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("add invitation: %w", err)
	}
	return nil
}

func (d *DB) invitationRow(rows *sqlx.Rows, i *mandate.Invitation) error {
	var sealed string
	if err := rows.Scan(&i.ID, &i.Unit, &i.Inviter, &i.Person, &i.Relation, &document{&i.Scope}, &sealed, &instant{&i.Until}, &i.State,
		&instant{&i.AskedAt}, &instant{&i.AnswerBy}, &instant{&i.AnsweredAt}, &instant{&i.EndedAt}, &i.EndedBy, &i.UnitName, &i.UnitUSCC); err != nil {
		return err
	}
	plain, err := d.unseal(keys.Personal, detailPlace(i.ID), sealed)
	if err != nil {
		return fmt.Errorf("invitation %s: %w", i.ID, err)
	}
	var more invitationDetail
	if err := json.Unmarshal(plain, &more); err != nil {
		return fmt.Errorf("invitation %s: not the JSON of a detail", i.ID) // the cause would quote it
	}
	i.Name, i.Who, i.Note = more.Name, more.Who, more.Note
	return nil
}

func (d *DB) invitations(ctx context.Context, query string, args ...any) ([]mandate.Invitation, error) {
	out, err := list(ctx, d, query, args, d.invitationRow)
	if err != nil {
		return nil, fmt.Errorf("read invitations: %w", err)
	}
	return out, nil
}

// Invitation implements mandate.Store.
func (d *DB) Invitation(ctx context.Context, id string) (mandate.Invitation, error) {
	all, err := d.invitations(ctx, invitationByID, clip(id))
	if err != nil || len(all) == 0 {
		if err == nil {
			err = missing("invitation")
		}
		return mandate.Invitation{}, err
	}
	return all[0], nil
}

// InvitationsOf implements mandate.Store.
func (d *DB) InvitationsOf(ctx context.Context, unit string, limit int) ([]mandate.Invitation, error) {
	return d.invitations(ctx, invitationsOf, unit, limit)
}

// InvitationsTo implements mandate.Store.
func (d *DB) InvitationsTo(ctx context.Context, id account.ID, limit int) ([]mandate.Invitation, error) {
	return d.invitations(ctx, invitationsTo, string(id), limit)
}

// Unanswered implements mandate.Store.
func (d *DB) Unanswered(ctx context.Context, now time.Time, limit int) ([]mandate.Invitation, error) {
	return d.invitations(ctx, unanswered, millis(now), limit)
}

// RunOut implements mandate.Store.
func (d *DB) RunOut(ctx context.Context, now time.Time, limit int) ([]mandate.Invitation, error) {
	return d.invitations(ctx, runOut, millis(now), limit)
}

// MoveInvitation implements mandate.Store.
func (d *DB) MoveInvitation(ctx context.Context, i mandate.Invitation, was mandate.State, ev audit.Event) (won bool, err error) {
	err = d.InTx(ctx, func(ctx context.Context) (err error) {
		won, err = d.won(ctx, "move invitation", moveInvitation, string(i.State), millis(i.AnsweredAt), millis(i.EndedAt), i.EndedBy, i.ID, string(was))
		if err != nil || !won {
			return err
		}
		return d.Record(ctx, ev)
	})
	return won, err
}

// EndingSoon implements mandate.Store.
func (d *DB) EndingSoon(ctx context.Context, now, before time.Time, stage, limit int) ([]entitlement.Mandate, error) {
	out, err := list(ctx, d, endingSoon, []any{millis(now), millis(before), stage, limit}, d.mandateRow)
	if err != nil {
		return nil, fmt.Errorf("mandates that end: %w", err)
	}
	return out, nil
}

// NoteEndTold implements mandate.Store.
func (d *DB) NoteEndTold(ctx context.Context, m entitlement.Mandate, stage int) (bool, error) {
	return d.won(ctx, "note reminder", noteEndTold, m.ID, millis(m.Until), stage)
}

// AsksActor implements mandate.Store.
func (d *DB) AsksActor(ctx context.Context, unit string) (asks bool, err error) {
	if _, err := d.row(ctx, asksActor, []any{unit}, &asks); err != nil {
		return false, fmt.Errorf("read whether a unit asks who acts: %w", err)
	}
	return asks, nil
}

// PutAsksActor implements mandate.Store.
func (d *DB) PutAsksActor(ctx context.Context, unit string, asks bool, ev audit.Event) error {
	ok, err := d.deed(ctx, putAsksActorDone, putAsksActor, ev, asks, unit)
	if err == nil && !ok {
		err = missing("unit")
	}
	if err != nil {
		return fmt.Errorf("put whether a unit asks who acts: %w", err)
	}
	return nil
}

// What ends with a mandate beside its holder's own tokens: the sessions of the
// unit's own account in which he acts, with their tokens, and the invitation that
// the mandate came from.
const (
	actingForUnit = `SELECT id FROM sessions WHERE account_id = ? AND actor_id = ? AND actor_id <> '' AND ended_at = 0`

	endActingForUnit = `
UPDATE grants SET state = 2 WHERE account_id = ? AND account_id <> '' AND actor_id = ? AND actor_id <> '' AND state <> 2
RETURNING client_id, session_id`

	closeInvitation = `
UPDATE mandate_invitations SET state = 'ended', ended_at = ?, ended_by = 'system' WHERE unit_id = ? AND person_id = ? AND state = 'active'`

	closeInvitations = `
UPDATE mandate_invitations SET state = CASE WHEN state = 'active' THEN 'ended' ELSE 'withdrawn' END, ended_at = ?, ended_by = 'system'
WHERE unit_id = ? AND state IN ('offered', 'active')`
)

// endWithMandate is what else ends when somebody acts for a unit no more. It runs
// within ctx's transaction.
func (d *DB) endWithMandate(ctx context.Context, m entitlement.Mandate, now time.Time, why audit.Event) error {
	if _, err := d.exec(ctx, closeInvitation, millis(now), m.Unit.ID, string(m.Account)); err != nil {
		return err
	}
	var own account.ID
	if _, err := d.row(ctx, accountOfUnit, []any{m.Unit.ID}, &own); err != nil || own == "" {
		return err
	}
	why.Detail = "acting handler ended"
	if err := d.endThose(ctx, actingForUnit, []any{string(own), string(m.Account)}, now, why); err != nil {
		return err
	}
	_, err := d.endTokens(ctx, own, endActingForUnit, []any{string(own), string(m.Account)}, now)
	return err
}

// handlerColumn is where the details of invitations stand sealed.
func handlerColumn() sealedColumn {
	return sealedColumn{
		name: "mandate_invitations.detail", purpose: keys.Personal, place: detailPlace,
		rows: `SELECT id, detail FROM mandate_invitations WHERE id > ? AND id <= ? AND detail <> '' AND substr(detail, 4, 16) <> ? ORDER BY id LIMIT ?`,
		page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM mandate_invitations WHERE id > ? ORDER BY id LIMIT ?) p`,
		swap: `UPDATE mandate_invitations SET detail = ? WHERE id = ? AND detail = ?`,
		held: `SELECT substr(detail, 4, 16), COUNT(*) FROM mandate_invitations WHERE detail <> '' GROUP BY 1`,
	}
}
