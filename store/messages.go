package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"kejitong/provider/keys"
	"kejitong/provider/notify"
	"kejitong/provider/outbox"
)

var _ notify.Store = (*DB)(nil)

const promiseMessage = `
INSERT INTO messages (id, body, state, created_at, settled_at, expires_at) VALUES (?, ?, 'promised', ?, 0, ?)
ON CONFLICT (id) DO NOTHING`

const selectMessage = `SELECT body FROM messages WHERE id = ? AND state = 'promised'`

const settleMessage = `UPDATE messages SET body = '', state = ?, settled_at = ? WHERE id = ? AND state = 'promised'`

// messageKept is how long the id of a message stays known after its end.
const messageKept = 30 * 24 * time.Hour

// messageLanes is how many messages a process delivers at once: a gateway that
// hangs keeps no worker from the other tasks.
const messageLanes = 4

// PromiseMessage implements notify.Store. The runner is woken when the
// transaction has committed.
func (d *DB) PromiseMessage(ctx context.Context, m notify.Message, now time.Time) (promised bool, err error) {
	plain, err := json.Marshal(m)
	if err != nil {
		return false, fmt.Errorf("message: %w", err)
	}
	body, err := d.seal(keys.Personal, messagePlace(m.ID), plain)
	if err != nil {
		return false, fmt.Errorf("seal message: %w", err)
	}
	payload, err := json.Marshal(outbox.Note{Message: m.ID})
	if err != nil {
		return false, fmt.Errorf("message task: %w", err)
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, promiseMessage, m.ID, body, millis(now), millis(m.Until.Add(messageKept)))
		promised = n > 0
		if err != nil || !promised {
			return err
		}
		lane := "message " + strconv.Itoa(int(body[len(body)-3])%messageLanes) // the tag of a seal is random
		if _, err := d.exec(ctx, queueTask, m.ID, string(outbox.Message), lane, string(payload), millis(now), millis(now)); err != nil {
			return err
		}
		d.unit(ctx).promised = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("promise message: %w", err)
	}
	return promised, nil
}

// Message implements notify.Store.
func (d *DB) Message(ctx context.Context, id string) (notify.Message, bool, error) {
	var m notify.Message
	var body string
	found, err := d.row(ctx, selectMessage, []any{id}, &body)
	if err != nil || !found {
		return m, false, err
	}
	plain, err := d.unseal(keys.Personal, messagePlace(id), body)
	if err != nil {
		return m, false, fmt.Errorf("open message: %w", err)
	}
	if err := json.Unmarshal(plain, &m); err != nil {
		return m, false, fmt.Errorf("read message: %w", err)
	}
	return m, true, nil
}

// SettleMessage implements notify.Store.
func (d *DB) SettleMessage(ctx context.Context, id string, how notify.Outcome, now time.Time) error {
	if _, err := d.exec(ctx, settleMessage, string(how), millis(now), id); err != nil {
		return fmt.Errorf("settle message: %w", err)
	}
	return nil
}

func messagePlace(id string) string { return "messages|body|" + id }
