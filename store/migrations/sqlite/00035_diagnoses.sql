-- +goose Up

-- Why requests of clients failed. Values are cleaned before they come here; they
-- hold no secrets, tokens or numbers of persons.
CREATE TABLE diagnoses (
    id         TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    at         BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    endpoint   TEXT NOT NULL,
    error      TEXT NOT NULL,
    expected   TEXT NOT NULL,
    received   TEXT NOT NULL,
    request_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX diagnoses_client_id ON diagnoses (client_id, kind, id);
CREATE INDEX diagnoses_expires_at ON diagnoses (expires_at);
