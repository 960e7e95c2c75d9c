-- What 账号检索 is asked for by those who try a sandbox: keys of the ranges that
-- nobody real is in, one for each outcome, with the accounts that stand for it.
-- known: for I0, that the number has an account here. since: what happened before
-- is forgotten.

-- +goose Up
CREATE TABLE test_keys (
    key        TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES integrator_projects (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    main_id    TEXT NOT NULL,
    beside_id  TEXT NOT NULL,
    known      BOOLEAN NOT NULL,
    since      BIGINT NOT NULL
);
CREATE UNIQUE INDEX test_keys_project ON test_keys (project_id, name);
CREATE INDEX test_keys_main ON test_keys (main_id) WHERE main_id <> '';
CREATE INDEX test_keys_beside ON test_keys (beside_id) WHERE beside_id <> '';
