-- +goose Up

-- What holders asked for and is not done yet, one of a kind for an account. The
-- new number or address is sealed.
CREATE TABLE errands (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('asked', 'held')),
    target     TEXT NOT NULL,
    old_gone   BOOLEAN NOT NULL,
    proved     BOOLEAN NOT NULL,
    old_proved BOOLEAN NOT NULL,
    rename     BOOLEAN NOT NULL,
    asked_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX errands_account_id_key ON errands (account_id, kind);
CREATE INDEX errands_expires_at ON errands (expires_at);

-- Accounts that will be closed, unless their holders sign in before.
CREATE TABLE endings (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    asked_at   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL
);
CREATE INDEX endings_due_at ON endings (due_at);

-- What became of accounts that nobody used for long.
CREATE TABLE account_uses (
    account_id  TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    doubted     BOOLEAN NOT NULL,
    trusted_at  BIGINT NOT NULL,
    reminded_at BIGINT NOT NULL,
    disabled_at BIGINT NOT NULL
);

-- Units that ended, and what they were merged into.
CREATE TABLE unit_ends (
    unit_id   TEXT PRIMARY KEY REFERENCES units (id) ON DELETE CASCADE,
    how       TEXT NOT NULL,
    successor TEXT NOT NULL,
    ended_at  BIGINT NOT NULL
);

-- What was told to whom, for the one it was about.
CREATE INDEX audit_released ON audit (actor, client_id) WHERE kind = 'claims.released';
