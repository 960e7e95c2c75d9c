-- +goose Up

-- Second factors of accounts and operators.
CREATE TABLE factors (
    id         TEXT PRIMARY KEY,
    realm      TEXT NOT NULL,
    subject    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    secret     TEXT NOT NULL,
    handle     TEXT NOT NULL,
    counter    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX factors_subject ON factors (subject, realm);
CREATE UNIQUE INDEX factors_kind_key ON factors (subject, realm) WHERE kind = 'totp';
CREATE UNIQUE INDEX factors_handle_key ON factors (handle) WHERE handle <> '';

-- Digests alone: a code is shown once.
CREATE TABLE recovery_codes (
    digest  TEXT PRIMARY KEY,
    realm   TEXT NOT NULL,
    subject TEXT NOT NULL,
    used_at BIGINT NOT NULL
);
CREATE INDEX recovery_codes_subject ON recovery_codes (subject, realm);

-- Challenges and enrolments under way.
CREATE TABLE ceremonies (
    key        TEXT PRIMARY KEY,
    realm      TEXT NOT NULL,
    subject    TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    binding    TEXT NOT NULL,
    state      TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ceremonies_expires_at ON ceremonies (expires_at);

-- When a second factor was last shown in the session; 0 if never.
ALTER TABLE sessions ADD COLUMN factor_at BIGINT NOT NULL DEFAULT 0;
