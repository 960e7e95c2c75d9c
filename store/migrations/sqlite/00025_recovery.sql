-- +goose Up

-- One browser's way through a recovery. Ids are keyed digests, what was typed is
-- sealed.
CREATE TABLE recovery_flows (
    key        TEXT PRIMARY KEY,
    browser    TEXT NOT NULL,
    way        TEXT NOT NULL,
    step       TEXT NOT NULL,
    account_id TEXT NOT NULL,
    seen       BIGINT NOT NULL,
    appeal_id  TEXT NOT NULL,
    data       TEXT NOT NULL,
    sends      BIGINT NOT NULL,
    tries      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX recovery_flows_expires_at ON recovery_flows (expires_at);

-- Appeals. What the parties say, names, numbers and reasons, is sealed in claim;
-- mobile is the blind index of the new number, and one number has one open appeal.
CREATE TABLE appeals (
    id           TEXT PRIMARY KEY,
    number       TEXT NOT NULL,
    kind         TEXT NOT NULL,
    state        TEXT NOT NULL,
    open         BOOLEAN NOT NULL,
    account_id   TEXT NOT NULL,
    secret       TEXT NOT NULL,
    mobile       TEXT NOT NULL,
    claim        TEXT NOT NULL,
    assignee     TEXT NOT NULL,
    reviewer     TEXT NOT NULL,
    seconder     TEXT NOT NULL,
    objected     BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    effective_at BIGINT NOT NULL,
    keep_until   BIGINT NOT NULL,
    version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX appeals_number_key ON appeals (number);
CREATE UNIQUE INDEX appeals_mobile_key ON appeals (mobile) WHERE open;
CREATE INDEX appeals_open_created_at ON appeals (created_at, id) WHERE open;
CREATE INDEX appeals_created_at ON appeals (created_at, id);
CREATE INDEX appeals_account_id ON appeals (account_id) WHERE account_id <> '';
CREATE INDEX appeals_expires_at ON appeals (expires_at) WHERE open;
CREATE INDEX appeals_keep_until ON appeals (keep_until) WHERE NOT open;

-- Sensitive acts of an account wait until then.
CREATE TABLE holds (
    account_id TEXT PRIMARY KEY,
    reason     TEXT NOT NULL,
    until_at   BIGINT NOT NULL
);
CREATE INDEX holds_until_at ON holds (until_at);

-- When an account last signed in, for sessions that are swept.
CREATE TABLE last_sign_ins (
    account_id TEXT PRIMARY KEY,
    at         BIGINT NOT NULL
);
