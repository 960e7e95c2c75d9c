-- What became of each entry of the catalogue, whoever changed it and however.

-- +goose Up
CREATE TABLE system_changes (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       BIGINT NOT NULL,
    system   TEXT NOT NULL,
    was      TEXT NOT NULL,
    became   TEXT NOT NULL,
    actor    TEXT NOT NULL,
    proposer TEXT NOT NULL,
    reason   TEXT NOT NULL
);
CREATE INDEX system_changes_system ON system_changes (system, id);
