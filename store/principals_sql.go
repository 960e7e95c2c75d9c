package store

// The three readings of a principal share their parts; only the names of the
// JSON functions differ between the databases. The order of the columns is
// that of accountDest, unitDest, grantDest and openPrincipal.

const unitValues = `u.id, u.uscc, u.name, u.type, u.region, u.registration_authority, u.status, u.state, u.account_id, u.verified_at,
        u.realname_status, u.realname_level, u.realname_method, u.realname_verified_at, u.process_id, u.check_id, u.check_organization`

const mandateValues = `m.id, m.relation, m.state, m.source, m.valid_from, m.valid_until, m.mac, ` + unitValues

const entitlementValues = `e.id, e.unit_id, e.system, e.actions, e.state, e.source, e.valid_from, e.valid_until, e.mac`

const actorValues = `h.id, h.kind, h.state, h.login_name, h.login_key, h.unit_id, h.realname_status, h.realname_level, h.realname_method,
        h.realname_verified_at, h.process_id, h.check_id, h.check_organization, h.profile, h.locale, h.created_at, h.updated_at,
        h.password_changed_at, h.version, h.sandbox`

const sessionColumns = `s.key, s.id, s.account_id, s.actor_id, s.unit_id, s.auth_time, s.amr, s.acr, s.factor_at, s.created_at, s.seen_at, s.expires_at,
    s.ended_at, s.shared, s.ip, s.user_agent`

// ownPostgres and ownSQLite are the account's unit, mandates and entitlements.
const ownPostgres = `
    CASE WHEN a.unit_id <> '' THEN (SELECT json_build_array(` + unitValues + `) FROM units u WHERE u.id = a.unit_id) END,
    (SELECT json_agg(json_build_array(` + mandateValues + `) ORDER BY m.id)
        FROM mandates m JOIN units u ON u.id = m.unit_id WHERE m.account_id = a.id),
    (SELECT json_agg(json_build_array(` + entitlementValues + `) ORDER BY e.id) FROM entitlements e WHERE e.account_id = a.id)`

const ownSQLite = `
    CASE WHEN a.unit_id <> '' THEN (SELECT json_array(` + unitValues + `) FROM units u WHERE u.id = a.unit_id) END,
    (SELECT json_group_array(json_array(` + mandateValues + `) ORDER BY m.id)
        FROM mandates m JOIN units u ON u.id = m.unit_id WHERE m.account_id = a.id),
    (SELECT json_group_array(json_array(` + entitlementValues + `) ORDER BY e.id) FROM entitlements e WHERE e.account_id = a.id)`

const byAccountFrom = `
FROM accounts a WHERE a.id = ?`

const byAccountPostgres = `SELECT ` + accountColumns + `,` + ownPostgres + byAccountFrom

const byAccountSQLite = `SELECT ` + accountColumns + `,` + ownSQLite + byAccountFrom

const visitColumns = sessionColumns + `, COALESCE(c.scopes, ''), COALESCE(c.given_at, 0),
    EXISTS (SELECT 1 FROM factors f WHERE f.subject = s.account_id AND f.realm = 'account' AND f.kind = 'totp'),
    EXISTS (SELECT 1 FROM factors f WHERE f.subject = s.account_id AND f.realm = 'account' AND f.kind = 'passkey'),
    EXISTS (SELECT 1 FROM units q WHERE q.id = a.unit_id AND a.unit_id <> '' AND q.asks_actor)`

// What was confirmed before systems were entered, in the order in which ByCookie
// reads it.
const entryValues = `n.unit_id, n.system, n.version`

const enteredPostgres = `
    (SELECT json_agg(json_build_array(` + entryValues + `)) FROM entry_confirmations n WHERE n.account_id = a.id)`

const enteredSQLite = `
    (SELECT json_group_array(json_array(` + entryValues + `)) FROM entry_confirmations n WHERE n.account_id = a.id)`

const byCookieFrom = `
FROM sessions s JOIN accounts a ON a.id = s.account_id
    LEFT JOIN consents c ON c.account_id = s.account_id AND c.client_id = ?
WHERE s.key = ?`

const byCookiePostgres = `SELECT ` + visitColumns + `,
    CASE WHEN s.actor_id <> '' THEN (SELECT json_build_array(` + actorValues + `) FROM accounts h WHERE h.id = s.actor_id) END,
    ` + accountColumns + `,` + ownPostgres + `,` + enteredPostgres + byCookieFrom

const byCookieSQLite = `SELECT ` + visitColumns + `,
    CASE WHEN s.actor_id <> '' THEN (SELECT json_array(` + actorValues + `) FROM accounts h WHERE h.id = s.actor_id) END,
    ` + accountColumns + `,` + ownSQLite + `,` + enteredSQLite + byCookieFrom

// heldColumns ends with when the grant's session is over: 0 if it ended or its
// row is gone, else its absolute end.
const heldColumns = grantColumns + `,
    CASE WHEN s.ended_at = 0 THEN s.expires_at ELSE 0 END`

const byGrantFrom = `
FROM grants g JOIN accounts a ON a.id = g.account_id LEFT JOIN sessions s ON s.id = g.session_id AND g.session_id <> ''
WHERE g.id = ?`

const byGrantPostgres = `SELECT ` + heldColumns + `,
    CASE WHEN g.actor_id <> '' THEN (SELECT json_build_array(` + actorValues + `) FROM accounts h WHERE h.id = g.actor_id) END,
    ` + accountColumns + `,` + ownPostgres + byGrantFrom

const byGrantSQLite = `SELECT ` + heldColumns + `,
    CASE WHEN g.actor_id <> '' THEN (SELECT json_array(` + actorValues + `) FROM accounts h WHERE h.id = g.actor_id) END,
    ` + accountColumns + `,` + ownSQLite + byGrantFrom
