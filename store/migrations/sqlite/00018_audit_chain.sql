-- +goose Up

-- The chain over the audit trail: blocks that seal rows, where it ends, and what
-- stands for blocks that were removed for their age.
CREATE TABLE audit_blocks (
    seq   BIGINT PRIMARY KEY,
    at    BIGINT NOT NULL,
    spans TEXT NOT NULL,
    hash  TEXT NOT NULL
);
CREATE TABLE audit_head (
    one   BIGINT PRIMARY KEY CHECK (one = 1),
    seq   BIGINT NOT NULL,
    hash  TEXT NOT NULL,
    top   BIGINT NOT NULL,
    holes TEXT NOT NULL
);
INSERT INTO audit_head (one, seq, hash, top, holes) VALUES (1, 0, '', 0, '[]');
CREATE TABLE audit_anchor (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL,
    top  BIGINT NOT NULL,
    at   BIGINT NOT NULL,
    mac  TEXT NOT NULL
);

-- Rows of the last 180 days (Cybersecurity Law, article 21: six months) are never
-- deleted; older ones only by "audit prune".
DROP TRIGGER audit_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN OLD.at > (CAST(strftime('%s', 'now') AS INTEGER) - 180 * 86400) * 1000
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
-- +goose StatementEnd
