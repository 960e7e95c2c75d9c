-- What the administration interface has done under a key that its client chose,
-- so that a request sent twice is done once; where others want to be told of
-- changes, and what was told to them; hours of the trail, added up for the desk's
-- front page.

-- +goose Up
CREATE TABLE interface_deeds (
    client_id  TEXT NOT NULL,
    key        TEXT NOT NULL,
    request    TEXT NOT NULL,
    object     TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, key)
);
CREATE INDEX interface_deeds_expires_at ON interface_deeds (expires_at);

CREATE TABLE webhook_endpoints (
    id           TEXT PRIMARY KEY,
    client_id    TEXT NOT NULL,
    url          TEXT NOT NULL,
    events       TEXT NOT NULL,
    secret       TEXT NOT NULL,
    former       TEXT NOT NULL,
    former_until BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX webhook_endpoints_client_id ON webhook_endpoints (client_id);

CREATE TABLE webhook_deliveries (
    id          TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    event       TEXT NOT NULL,
    account_id  TEXT NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts    BIGINT NOT NULL,
    status      BIGINT NOT NULL,
    problem     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    tried_at    BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_endpoint_id ON webhook_deliveries (endpoint_id, created_at);
CREATE INDEX webhook_deliveries_account_id ON webhook_deliveries (account_id) WHERE account_id <> '';
CREATE INDEX webhook_deliveries_expires_at ON webhook_deliveries (expires_at);

CREATE TABLE glance_hours (
    hour   BIGINT NOT NULL,
    kind   TEXT NOT NULL,
    reason TEXT NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (hour, kind, reason)
);
