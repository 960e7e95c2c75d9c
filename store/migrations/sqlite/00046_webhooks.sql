-- Whether an endpoint is told anything, and since when it fails; deliveries that
-- are held until it is resumed.

-- +goose Up
ALTER TABLE webhook_endpoints ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE webhook_endpoints ADD COLUMN standing TEXT NOT NULL DEFAULT 'active' CHECK (standing IN ('active', 'paused', 'disabled'));
ALTER TABLE webhook_endpoints ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook_endpoints ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook_endpoints ADD COLUMN failing_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook_endpoints ADD COLUMN skipped BIGINT NOT NULL DEFAULT 0;

CREATE TABLE webhook_deliveries_now (
    id          TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    event       TEXT NOT NULL,
    account_id  TEXT NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'held')),
    attempts    BIGINT NOT NULL,
    status      BIGINT NOT NULL,
    problem     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    tried_at    BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
INSERT INTO webhook_deliveries_now SELECT id, endpoint_id, event, account_id, body, state, attempts, status, problem, created_at, tried_at, expires_at
FROM webhook_deliveries;
DROP TABLE webhook_deliveries;
ALTER TABLE webhook_deliveries_now RENAME TO webhook_deliveries;
CREATE INDEX webhook_deliveries_endpoint_id ON webhook_deliveries (endpoint_id, created_at);
CREATE INDEX webhook_deliveries_account_id ON webhook_deliveries (account_id) WHERE account_id <> '';
CREATE INDEX webhook_deliveries_expires_at ON webhook_deliveries (expires_at);
CREATE INDEX webhook_deliveries_held ON webhook_deliveries (endpoint_id) WHERE state = 'held';
