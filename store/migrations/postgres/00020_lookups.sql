-- +goose Up

-- What accounts are found by: keyed digests of verified contacts and of document
-- numbers. Accounts of before get theirs at their next change.
CREATE TABLE account_lookups (
    kind       TEXT NOT NULL,
    blind      TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, blind, account_id)
);
CREATE INDEX account_lookups_account_id ON account_lookups (account_id);

-- One document is proved on one account.
CREATE TABLE proved_documents (
    blind      TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX proved_documents_account_id_key ON proved_documents (account_id);
