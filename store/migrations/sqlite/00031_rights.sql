-- What the catalogue of business systems knows beyond names: whether it admits new
-- users, and who gets a grant by verification alone. An empty list of unit types
-- stands for every type.

-- +goose Up
ALTER TABLE systems ADD COLUMN state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed'));
ALTER TABLE systems ADD COLUMN unit_types TEXT NOT NULL DEFAULT '[]';
ALTER TABLE systems ADD COLUMN earned BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE systems SET earned = TRUE, unit_types = '["enterprise"]' WHERE id IN ('hightech_enterprise', 'tech_sme');

-- A keyed digest of the row, without which it gives nothing. Rows that were here
-- before get theirs once, when a program with the keys first opens the database;
-- row_macs remembers that, and the audit trail.
ALTER TABLE mandates ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE entitlements ADD COLUMN mac TEXT NOT NULL DEFAULT '';
CREATE TABLE row_macs (
    name TEXT PRIMARY KEY,
    mac  TEXT NOT NULL
);
INSERT INTO row_macs (name, mac) VALUES ('rights', '');

-- What became of each mandate and grant. Identifiers only; nothing is changed here.
CREATE TABLE right_changes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          BIGINT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('mandate', 'grant')),
    right_id    TEXT NOT NULL,
    account_id  TEXT NOT NULL,
    unit_id     TEXT NOT NULL,
    what        TEXT NOT NULL,
    actions     TEXT NOT NULL,
    state_from  TEXT NOT NULL,
    state_to    TEXT NOT NULL,
    source      TEXT NOT NULL,
    valid_until BIGINT NOT NULL,
    actor       TEXT NOT NULL,
    reason      TEXT NOT NULL
);
CREATE INDEX right_changes_right_id ON right_changes (right_id);
CREATE INDEX right_changes_account_id ON right_changes (account_id);

-- What runs out.
CREATE INDEX mandates_due ON mandates (valid_until) WHERE valid_until > 0 AND state IN ('pending', 'active', 'suspended');
CREATE INDEX entitlements_due ON entitlements (valid_until) WHERE valid_until > 0 AND state IN ('pending', 'active', 'suspended');
