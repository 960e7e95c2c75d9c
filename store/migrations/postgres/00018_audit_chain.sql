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
-- deleted; older ones only by whoever has the right to, see "audit prune".
-- +goose StatementBegin
CREATE FUNCTION audit_keeps_six_months() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.at > (EXTRACT(EPOCH FROM clock_timestamp()) - 180 * 86400) * 1000 THEN
        RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
DROP TRIGGER audit_no_change ON audit;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_no_early_end BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_keeps_six_months();
