package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/session"
)

const (
	selectStrangers = `SELECT id, account_id, created_at, user_agent FROM sessions WHERE strange ORDER BY created_at LIMIT ?`

	noteStranger = `UPDATE sessions SET strange = FALSE WHERE id = ? AND strange`
)

// Strangers implements holder.Store. Of a session it gives who, when and with what.
func (d *DB) Strangers(ctx context.Context, limit int) ([]session.Session, error) {
	out, err := list(ctx, d, selectStrangers, []any{limit}, func(r *sqlx.Rows, s *session.Session) error {
		return r.Scan(&s.ID, &s.Account, &instant{&s.CreatedAt}, &s.UserAgent)
	})
	if err != nil {
		return nil, fmt.Errorf("sign-ins with unknown browsers: %w", err)
	}
	return out, nil
}

// NoteStranger implements holder.Store.
func (d *DB) NoteStranger(ctx context.Context, sessionID string) (bool, error) {
	return d.won(ctx, "note an unknown browser", noteStranger, sessionID)
}
