-- Whether an endpoint is told anything, and since when it fails; deliveries that
-- are held until it is resumed.

-- +goose Up
ALTER TABLE webhook_endpoints ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE webhook_endpoints ADD COLUMN standing TEXT NOT NULL DEFAULT 'active' CHECK (standing IN ('active', 'paused', 'disabled'));
ALTER TABLE webhook_endpoints ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook_endpoints ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook_endpoints ADD COLUMN failing_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook_endpoints ADD COLUMN skipped BIGINT NOT NULL DEFAULT 0;

ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_state_check;
ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_state_check CHECK (state IN ('pending', 'delivered', 'failed', 'held'));
CREATE INDEX webhook_deliveries_held ON webhook_deliveries (endpoint_id) WHERE state = 'held';
