-- +goose Up

-- Device authorization requests (RFC 8628). Polls change polled_at, interval_ms
-- and hasty alone, which stand in no index.
CREATE TABLE device_requests (
    key         TEXT PRIMARY KEY,
    user_key    TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    form        TEXT NOT NULL,
    state       BIGINT NOT NULL,
    grant_id    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    polled_at   BIGINT NOT NULL,
    interval_ms BIGINT NOT NULL,
    hasty       BOOLEAN NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX device_requests_user_key ON device_requests (user_key);
CREATE INDEX device_requests_expires_at ON device_requests (expires_at);

-- Which grant with offline access a client redeemed last for a subject: what its
-- own JWT may speak for (RFC 7523 section 2.1).
CREATE TABLE spoken_for (
    client_id  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    grant_id   TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, subject)
);
CREATE INDEX spoken_for_expires_at ON spoken_for (expires_at);
