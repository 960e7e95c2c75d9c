-- +goose Up

-- The browser was not known when somebody signed in with it, and the owner of the
-- account was not told yet.
ALTER TABLE sessions ADD COLUMN strange BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX sessions_strange ON sessions (created_at) WHERE strange;

-- What expires is swept along these.
CREATE INDEX proposals_until_at ON proposals (until_at);
