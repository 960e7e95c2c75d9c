package store

import "context"

// What an import gives is written by statements of whole batches; its history
// follows in the same way, its MACs in pieces.
const (
	rememberTorchMandates = `
INSERT INTO right_changes (at, kind, right_id, account_id, unit_id, what, actions, state_from, state_to, source, valid_until, actor, reason)
SELECT CAST(? AS BIGINT), 'mandate', m.id, m.account_id, m.unit_id, m.relation, '', '', m.state, m.source, 0, CAST(? AS TEXT), 'import ' || CAST(? AS TEXT)
FROM mandates m JOIN torch_records r ON r.id = m.account_id WHERE r.batch_id = ? AND r.outcome IN ('E4', 'E5')`

	rememberTorchGrants = `
INSERT INTO right_changes (at, kind, right_id, account_id, unit_id, what, actions, state_from, state_to, source, valid_until, actor, reason)
SELECT CAST(? AS BIGINT), 'grant', e.id, e.account_id, e.unit_id, e.system, e.actions, '', e.state, e.source, 0, CAST(? AS TEXT), 'import ' || CAST(? AS TEXT)
FROM entitlements e JOIN torch_records r ON r.id = e.account_id WHERE r.batch_id = ? AND r.outcome IN ('E4', 'E5')`

	torchMandates = `
SELECT m.id, m.account_id, m.unit_id, m.relation, m.state, m.source, m.valid_from, m.valid_until, m.mac
FROM torch_records r JOIN mandates m ON m.account_id = r.id
WHERE r.batch_id = ? AND r.row_no > ? AND r.row_no <= ? AND r.outcome IN ('E4', 'E5')`

	torchGrants = `
SELECT e.id, e.account_id, e.unit_id, e.system, e.actions, e.state, e.source, e.valid_from, e.valid_until, e.mac
FROM torch_records r JOIN entitlements e ON e.account_id = r.id
WHERE r.batch_id = ? AND r.row_no > ? AND r.row_no <= ? AND r.outcome IN ('E4', 'E5')`
)

// macTorch gives what the batch brought its MACs. The accounts were made in this
// transaction, so nobody else can have put anything beside.
func (d *DB) macTorch(ctx context.Context, batch string) error {
	var last int64
	if _, err := d.returning(ctx, lastTorchRow, []any{batch}, &last); err != nil {
		return err
	}
	for from := int64(-1); from < last; from += macBatch {
		args := []any{batch, from, from + macBatch}
		mandates, err := returned(ctx, d, torchMandates, args, scanMandate)
		if err != nil {
			return err
		}
		grants, err := returned(ctx, d, torchGrants, args, scanGrant)
		if err != nil {
			return err
		}
		if err := d.macMandates(ctx, mandates); err != nil {
			return err
		}
		if err := d.macGrants(ctx, grants); err != nil {
			return err
		}
	}
	return nil
}
