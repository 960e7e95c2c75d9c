-- +goose Up

-- Whether a document may be shown: empty if it may, 'waiting' until the scanner has
-- looked at it, 'quarantined' if that found something.
ALTER TABLE documents ADD COLUMN scan TEXT NOT NULL DEFAULT '';

CREATE INDEX documents_waiting ON documents (created_at) WHERE scan = 'waiting' AND state = 1;
