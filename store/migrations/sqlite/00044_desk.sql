-- What became of each entry of the catalogue, whoever changed it and however; and
-- what the desk shows of webhooks: whether they rest, how they fare, when a
-- delivery is tried again.

-- +goose Up
CREATE TABLE system_changes (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       BIGINT NOT NULL,
    system   TEXT NOT NULL,
    was      TEXT NOT NULL,
    became   TEXT NOT NULL,
    actor    TEXT NOT NULL,
    proposer TEXT NOT NULL,
    reason   TEXT NOT NULL
);
CREATE INDEX system_changes_system ON system_changes (system, id);

ALTER TABLE webhook_endpoints ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE webhook_endpoints ADD COLUMN succeeded_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook_endpoints ADD COLUMN failed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook_endpoints ADD COLUMN failing BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook_deliveries ADD COLUMN next_at BIGINT NOT NULL DEFAULT 0;
