package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/keys"
)

// sealedColumn is a column that holds what seal made. Its name opens the place of
// every value in it. A new sealed column is entered in sealedColumns, else its
// values would keep an old key from ever retiring, or be lost with it;
// TestEverySealedColumnIsKnown finds those that were forgotten.
type sealedColumn struct {
	name    string // table.column
	purpose keys.Purpose
	place   func(key string) string
	// waits says that the value is on its way to another column, whose place it has.
	waits bool
	// first, if there is one, is done before a batch is taken.
	first string
	// rows reads key and value where the key is greater than ?, not greater than ?, and
	// the value not sealed under the kid ?, ordered by key, at most ?.
	rows string
	// page gives the last of the ? keys that follow ?, "" if none does. It bounds what
	// one statement looks at, however few of the rows it wants.
	page string
	// swap sets the value to ? where the key is ? and the value still ?.
	swap string
	// held counts the values by kid.
	held string
}

// sealedColumns is where every sealed value of the database stands. A sealed text
// is "s1.", a kid of 16 characters, a dot and the rest.
func sealedColumns() []sealedColumn {
	return append(append(append(factorColumns(), append(recoveryColumns(), append(integratorColumns(), hookColumns()...)...)...), deskColumn(), handlerColumn()), []sealedColumn{
		{
			name: "accounts.profile", purpose: keys.Personal, place: func(key string) string { return profilePlace(account.ID(key)) },
			rows: `SELECT id, profile FROM accounts WHERE id > ? AND id <= ? AND profile <> '' AND substr(profile, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM accounts WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE accounts SET profile = ? WHERE id = ? AND profile = ?`,
			held: `SELECT substr(profile, 4, 16), COUNT(*) FROM accounts WHERE profile <> '' GROUP BY 1`,
		},
		{
			name: "credentials.phc", purpose: keys.Pepper, place: func(key string) string { return passwordPlace(account.ID(key)) },
			rows: `SELECT account_id, phc FROM credentials WHERE account_id > ? AND account_id <= ? AND phc <> '' AND substr(phc, 4, 16) <> ? ORDER BY account_id LIMIT ?`,
			page: `SELECT COALESCE(MAX(account_id), '') FROM (SELECT account_id FROM credentials WHERE account_id > ? ORDER BY account_id LIMIT ?) p`,
			swap: `UPDATE credentials SET phc = ? WHERE account_id = ? AND phc = ?`,
			held: `SELECT substr(phc, 4, 16), COUNT(*) FROM credentials WHERE phc <> '' GROUP BY 1`,
		},
		{
			name: "documents.dek", purpose: keys.Documents, place: dekPlace,
			rows: `SELECT id, dek FROM documents WHERE id > ? AND id <= ? AND dek <> '' AND substr(dek, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM documents WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE documents SET dek = ? WHERE id = ? AND dek = ?`,
			held: `SELECT substr(dek, 4, 16), COUNT(*) FROM documents WHERE dek <> '' GROUP BY 1`,
		},
		{
			name: "credentials.legacy", purpose: keys.Legacy, place: func(key string) string { return legacyPlace(account.ID(key)) },
			rows: `SELECT account_id, legacy FROM credentials WHERE account_id > ? AND account_id <= ? AND legacy <> '' AND substr(legacy, 4, 16) <> ? ORDER BY account_id LIMIT ?`,
			page: `SELECT COALESCE(MAX(account_id), '') FROM (SELECT account_id FROM credentials WHERE account_id > ? ORDER BY account_id LIMIT ?) p`,
			swap: `UPDATE credentials SET legacy = ? WHERE account_id = ? AND legacy = ?`,
			held: `SELECT substr(legacy, 4, 16), COUNT(*) FROM credentials WHERE legacy <> '' GROUP BY 1`,
		},
		{
			name: "torch_records.record", purpose: keys.Personal, place: torchPlace,
			rows: `SELECT id, record FROM torch_records WHERE id > ? AND id <= ? AND record <> '' AND substr(record, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM torch_records WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE torch_records SET record = ? WHERE id = ? AND record = ?`,
			held: `SELECT substr(record, 4, 16), COUNT(*) FROM torch_records WHERE record <> '' GROUP BY 1`,
		},
		{
			name: "torch_batches.plan", purpose: keys.Personal, place: planPlace,
			rows: `SELECT id, plan FROM torch_batches WHERE id > ? AND id <= ? AND plan <> '' AND substr(plan, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM torch_batches WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE torch_batches SET plan = ? WHERE id = ? AND plan = ?`,
			held: `SELECT substr(plan, 4, 16), COUNT(*) FROM torch_batches WHERE plan <> '' GROUP BY 1`,
		},
		{ // waits to become accounts.profile
			name: "torch_records.profile", waits: true, purpose: keys.Personal, place: func(key string) string { return profilePlace(account.ID(key)) },
			rows: `SELECT id, profile FROM torch_records WHERE id > ? AND id <= ? AND profile <> '' AND substr(profile, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM torch_records WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE torch_records SET profile = ? WHERE id = ? AND profile = ?`,
			held: `SELECT substr(profile, 4, 16), COUNT(*) FROM torch_records WHERE profile <> '' GROUP BY 1`,
		},
		{ // waits to become credentials.legacy
			name: "torch_records.legacy", waits: true, purpose: keys.Legacy, place: func(key string) string { return legacyPlace(account.ID(key)) },
			rows: `SELECT id, legacy FROM torch_records WHERE id > ? AND id <= ? AND legacy <> '' AND substr(legacy, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM torch_records WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE torch_records SET legacy = ? WHERE id = ? AND legacy = ?`,
			held: `SELECT substr(legacy, 4, 16), COUNT(*) FROM torch_records WHERE legacy <> '' GROUP BY 1`,
		},
		{
			name: "clients.secret_sealed", purpose: keys.SharedSecret, place: client.SecretPlace,
			rows: `SELECT id, secret_sealed FROM clients WHERE id > ? AND id <= ? AND secret_sealed <> '' AND substr(secret_sealed, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM clients WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE clients SET secret_sealed = ? WHERE id = ? AND secret_sealed = ?`,
			held: `SELECT substr(secret_sealed, 4, 16), COUNT(*) FROM clients WHERE secret_sealed <> '' GROUP BY 1`,
		},
		{
			name: "signup_flows.data", purpose: keys.Personal, place: signUpPlace,
			rows: `SELECT key, data FROM signup_flows WHERE key > ? AND key <= ? AND data <> '' AND substr(data, 4, 16) <> ? ORDER BY key LIMIT ?`,
			page: `SELECT COALESCE(MAX(key), '') FROM (SELECT key FROM signup_flows WHERE key > ? ORDER BY key LIMIT ?) p`,
			swap: `UPDATE signup_flows SET data = ? WHERE key = ? AND data = ?`,
			held: `SELECT substr(data, 4, 16), COUNT(*) FROM signup_flows WHERE data <> '' GROUP BY 1`,
		},
		{
			name: "realname_cases.entry", purpose: keys.Personal, place: entryPlace,
			rows: `SELECT id, entry FROM realname_cases WHERE id > ? AND id <= ? AND entry <> '' AND substr(entry, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM realname_cases WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE realname_cases SET entry = ? WHERE id = ? AND entry = ?`,
			held: `SELECT substr(entry, 4, 16), COUNT(*) FROM realname_cases WHERE entry <> '' GROUP BY 1`,
		},
		{
			name: "realname_cases.remark", purpose: keys.Personal, place: remarkPlace,
			rows: `SELECT id, remark FROM realname_cases WHERE id > ? AND id <= ? AND remark <> '' AND substr(remark, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM realname_cases WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE realname_cases SET remark = ? WHERE id = ? AND remark = ?`,
			held: `SELECT substr(remark, 4, 16), COUNT(*) FROM realname_cases WHERE remark <> '' GROUP BY 1`,
		},
		{
			name: "register_entries.data", purpose: keys.Personal, place: registerPlace,
			rows: `SELECT key, data FROM register_entries WHERE key > ? AND key <= ? AND data <> '' AND substr(data, 4, 16) <> ? ORDER BY key LIMIT ?`,
			page: `SELECT COALESCE(MAX(key), '') FROM (SELECT key FROM register_entries WHERE key > ? ORDER BY key LIMIT ?) p`,
			swap: `UPDATE register_entries SET data = ? WHERE key = ? AND data = ?`,
			held: `SELECT substr(data, 4, 16), COUNT(*) FROM register_entries WHERE data <> '' GROUP BY 1`,
		},
		{
			name: "messages.body", purpose: keys.Personal, place: messagePlace,
			rows: `SELECT id, body FROM messages WHERE id > ? AND id <= ? AND body <> '' AND substr(body, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE messages SET body = ? WHERE id = ? AND body = ?`,
			held: `SELECT substr(body, 4, 16), COUNT(*) FROM messages WHERE body <> '' GROUP BY 1`,
		},
		{
			name: "errands.target", purpose: keys.Personal, place: errandPlace,
			rows: `SELECT id, target FROM errands WHERE id > ? AND id <= ? AND target <> '' AND substr(target, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM errands WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE errands SET target = ? WHERE id = ? AND target = ?`,
			held: `SELECT substr(target, 4, 16), COUNT(*) FROM errands WHERE target <> '' GROUP BY 1`,
		},
	}...)
}

// stepOver leaves rows alone that somebody is changing at this moment; whoever
// does seals them anew himself or leaves them for the next round.
const stepOver = ` FOR UPDATE SKIP LOCKED`

type sealedValue struct{ key, text string }

// resealPage is how many rows of a column are looked at by one statement.
const resealPage = 5000

// Reseal looks once through every sealed column and seals what is not under the
// current key of its purpose anew, at most batch values in one short transaction. It
// gives how many there were; call it again until it gives 0, for what somebody was
// holding was left alone. It changes no meaning: a value that somebody writes
// meanwhile stays his. Any number of processes may do it at once.
func (d *DB) Reseal(ctx context.Context, batch int) (int, error) {
	done := 0
	for _, c := range sealedColumns() {
		n, err := d.resealColumn(ctx, c, batch)
		done += n
		if err != nil {
			return done, fmt.Errorf("seal %s anew: %w", c.name, err)
		}
	}
	return done, nil
}

// resealColumn goes along the keys of a column, a page at a time, so that it comes
// by each row once.
func (d *DB) resealColumn(ctx context.Context, c sealedColumn, batch int) (done int, err error) {
	for after, till := "", ""; ; after = till {
		if _, err := d.row(ctx, c.page, []any{after, resealPage}, &till); err != nil || till == "" {
			return done, err
		}
		for {
			n, last, err := d.resealSome(ctx, c, after, till, batch)
			if err != nil {
				return done, err
			}
			done += n
			if last == "" {
				break
			}
			after = last
		}
	}
}

// resealSome does one batch of a page and gives the last key of the batch, "" if
// there is none.
func (d *DB) resealSome(ctx context.Context, c sealedColumn, after, till string, batch int) (n int, last string, err error) {
	if d.Seal == nil {
		return 0, "", errNoRing
	}
	// One snapshot for the whole batch: what it calls current is what it seals under.
	ring := d.Seal()
	args := []any{after, till, ring.Current(c.purpose).Kid, batch}
	scan := func(rows *sqlx.Rows, v *sealedValue) error { return rows.Scan(&v.key, &v.text) }
	some, err := list(ctx, d, c.rows, args, scan)
	if err != nil || len(some) == 0 {
		return 0, "", err
	}
	last = some[len(some)-1].key
	err = d.InTx(ctx, func(ctx context.Context) error {
		n = 0
		if c.first != "" {
			if _, err := d.exec(ctx, c.first); err != nil {
				return err
			}
		}
		// Those of the same keys that nobody holds.
		values, err := returned(ctx, d, d.pick(c.rows+stepOver, c.rows), []any{after, last, args[2], batch}, scan)
		if err != nil {
			return err
		}
		for _, v := range values {
			place := c.place(v.key)
			plain, err := ring.Open(c.purpose, place, v.text)
			if err != nil {
				return fmt.Errorf("row %s: %w", v.key, err)
			}
			anew, err := ring.Seal(c.purpose, place, plain)
			if err != nil {
				return err
			}
			swapped, err := d.exec(ctx, c.swap, anew, v.key, v.text)
			if err != nil {
				return err
			}
			n += int(swapped)
		}
		return nil
	})
	return n, last, err
}

// SealedUnder counts the sealed values of the whole database by the kid of their
// key. It looks at every row there is and takes its time.
func (d *DB) SealedUnder(ctx context.Context) (map[string]int64, error) {
	p, done, err := d.patient()
	if err != nil {
		return nil, err
	}
	defer func() { _ = done() }()
	return p.sealedUnder(ctx)
}

func (d *DB) sealedUnder(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	type group struct {
		kid string
		n   int64
	}
	for _, c := range sealedColumns() {
		groups, err := list(ctx, d, c.held, nil, func(rows *sqlx.Rows, g *group) error { return rows.Scan(&g.kid, &g.n) })
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", c.name, err)
		}
		for _, g := range groups {
			out[g.kid] += g.n
		}
	}
	return out, nil
}

// SealedPlaces gives the place of the row key in every sealed column.
func SealedPlaces(key string) []string {
	var out []string
	for _, c := range sealedColumns() {
		if !c.waits {
			out = append(out, c.place(key))
		}
	}
	return out
}
