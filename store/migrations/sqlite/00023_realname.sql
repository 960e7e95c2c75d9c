-- +goose Up

-- Cases of real-name verification. entry is what somebody entered and remark what
-- the reviewer wrote, both sealed; reasons are fields and codes alone.
CREATE TABLE realname_cases (
    id         TEXT PRIMARY KEY,
    number     TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'verified', 'failed', 'manual_review', 'rejected')),
    entry      TEXT NOT NULL,
    reasons    TEXT NOT NULL,
    remark     TEXT NOT NULL,
    method     TEXT NOT NULL,
    check_id   TEXT NOT NULL,
    checker    TEXT NOT NULL,
    reviewer   TEXT NOT NULL,
    folder     TEXT NOT NULL,
    opened_at  BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL,
    papers_at  BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE UNIQUE INDEX realname_cases_number_key ON realname_cases (number);
-- Of an account there is one case at most that is not verified.
CREATE UNIQUE INDEX realname_cases_account_id_key ON realname_cases (account_id) WHERE state <> 'verified';
CREATE INDEX realname_cases_account ON realname_cases (account_id, opened_at);
CREATE INDEX realname_cases_queue ON realname_cases (state, sent_at, id);

-- The extract of the authorities' registers. key is a keyed digest of document
-- type and number, or of the USCC; data is sealed.
CREATE TABLE register_entries (
    key       TEXT PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('persons', 'units')),
    data      TEXT NOT NULL,
    loaded_at BIGINT NOT NULL
);
