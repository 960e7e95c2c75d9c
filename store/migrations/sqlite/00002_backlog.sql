-- +goose Up

-- Up to which code_exp unspent grants were swept. No index may stand on a
-- grant's state, so the sweep walks along code_exp and looks at each row once.
INSERT INTO counters (name, n) VALUES ('unspent_grants', 0);
CREATE INDEX grants_code_exp ON grants (code_exp);

-- Whose task it is, so that a slow receiver delays its own tasks alone.
ALTER TABLE outbox ADD COLUMN key TEXT NOT NULL DEFAULT '';
