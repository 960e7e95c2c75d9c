-- +goose Up

-- A registration, or a search for a forgotten login name, on its way. What it
-- knows is sealed; key and browser are digests.
CREATE TABLE signup_flows (
    key        TEXT PRIMARY KEY,
    purpose    TEXT NOT NULL,
    browser    TEXT NOT NULL,
    data       TEXT NOT NULL,
    tries      BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL,
    proved_at  BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX signup_flows_expires_at ON signup_flows (expires_at);

-- The terms that an account's owner agreed to, by version.
CREATE TABLE agreements (
    account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    version      TEXT NOT NULL,
    age_declared BOOLEAN NOT NULL,
    agreed_at    BIGINT NOT NULL,
    PRIMARY KEY (account_id, version)
);

-- One legal account for each name of a unit, whatever its spelling. Units of
-- before get their key at their next change; until then their names are compared
-- as they are written.
ALTER TABLE units ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX units_name_key_key ON units (name_key) WHERE name_key <> '' AND account_id <> '' AND state <> 'closed';
