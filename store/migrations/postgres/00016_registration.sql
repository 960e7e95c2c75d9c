-- +goose Up

-- Initial access tokens (RFC 7591 §1.2). uses grows by compare-and-swap.
CREATE TABLE initial_tokens (
    id         TEXT PRIMARY KEY,
    digest     TEXT NOT NULL,
    note       TEXT NOT NULL,
    policy     TEXT NOT NULL,
    max_uses   BIGINT NOT NULL,
    uses       BIGINT NOT NULL,
    revoked    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX initial_tokens_digest_key ON initial_tokens (digest);

-- The clients that registered themselves, with the initial access token whose
-- policy they are held to. digest is that of the registration access token.
CREATE TABLE registrations (
    client_id  TEXT PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    initial_id TEXT NOT NULL REFERENCES initial_tokens (id),
    digest     TEXT NOT NULL
);
CREATE INDEX registrations_initial_id ON registrations (initial_id);
