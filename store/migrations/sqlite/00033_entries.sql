-- +goose Up

-- Which version of a unit's data was confirmed by whom before a system was entered
-- for it the first time.
CREATE TABLE entry_confirmations (
    account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    unit_id      TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    system       TEXT NOT NULL REFERENCES systems (id) ON DELETE CASCADE,
    version      TEXT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, unit_id, system)
);

-- What people who act for a unit asked of it. One open request for each account,
-- unit and system.
CREATE TABLE entry_requests (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    unit_id    TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    system     TEXT NOT NULL REFERENCES systems (id) ON DELETE CASCADE,
    actions    TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'granted', 'declined', 'withdrawn')),
    asked_at   BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    decided_by TEXT NOT NULL,
    grant_id   TEXT NOT NULL
);
CREATE UNIQUE INDEX entry_requests_open ON entry_requests (account_id, unit_id, system) WHERE state = 'open';
CREATE INDEX entry_requests_unit_id ON entry_requests (unit_id, asked_at);
CREATE INDEX entry_requests_account_id ON entry_requests (account_id, asked_at);
