-- +goose Up

-- A password of the former platform as it came, sealed under a key of its own,
-- until it lies under argon2id in phc.
ALTER TABLE credentials ADD COLUMN legacy TEXT NOT NULL DEFAULT '';
CREATE INDEX credentials_legacy ON credentials (account_id) WHERE legacy <> '';

-- Files of the former platform's accounts, each brought over as a whole.
CREATE TABLE torch_batches (
    id           TEXT PRIMARY KEY,
    digest       TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('staging', 'staged', 'committed', 'reverted')),
    staged       BIGINT NOT NULL,
    bad          BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    reverted_at  BIGINT NOT NULL
);

-- One account of the former platform, and what became of it. id is that of the
-- account that it makes, if it makes one. key_text is the key in the clear until
-- the batch is committed (for good if it is a USCC, which is public); profile and
-- legacy wait for the account.
CREATE TABLE torch_records (
    id           TEXT PRIMARY KEY,
    batch_id     TEXT NOT NULL REFERENCES torch_batches (id),
    row_no       BIGINT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('unit', 'person')),
    key_digest   TEXT NOT NULL,
    key_text     TEXT NOT NULL,
    doc_digest   TEXT NOT NULL,
    phone_digest TEXT NOT NULL,
    record       TEXT NOT NULL,
    profile      TEXT NOT NULL,
    legacy       TEXT NOT NULL,
    unit_id      TEXT NOT NULL,
    unit_name    TEXT NOT NULL,
    unit_type    TEXT NOT NULL,
    unit_region  TEXT NOT NULL,
    unit_office  TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    facts        BIGINT NOT NULL,
    outcome      TEXT NOT NULL,
    name_no      BIGINT NOT NULL,
    account_id   TEXT NOT NULL,
    made         BOOLEAN NOT NULL,
    unit_made    BOOLEAN NOT NULL,
    rival        TEXT NOT NULL,
    decided_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX torch_records_row_key ON torch_records (batch_id, row_no);
CREATE UNIQUE INDEX torch_records_staged_key ON torch_records (batch_id, kind, key_digest);
CREATE UNIQUE INDEX torch_records_decided_key ON torch_records (kind, key_digest) WHERE decided_at > 0;
CREATE INDEX torch_records_account_id ON torch_records (account_id) WHERE account_id <> '';

-- The decision tables, written anew by each import from the functions that are
-- their one home.
CREATE TABLE torch_rules (
    kind    TEXT NOT NULL,
    facts   BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    makes   TEXT NOT NULL,
    named   BOOLEAN NOT NULL,
    grants  BOOLEAN NOT NULL,
    PRIMARY KEY (kind, facts)
);
