-- +goose Up

-- root names the root key that sealed is under, without giving it away. While the
-- root key is being changed, former is the same key under the root key before.
-- A spent key makes and finds nothing any more, and goes when its rows are gone.
ALTER TABLE keys ADD COLUMN root TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN former TEXT NOT NULL DEFAULT '';
ALTER TABLE keys DROP CONSTRAINT keys_state_check;
ALTER TABLE keys ADD CONSTRAINT keys_state_check CHECK (state IN ('next', 'active', 'retired', 'spent'));

-- The root keys that open the rows of keys: one, or two until a change is
-- confirmed.
CREATE TABLE key_roots (
    id    TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('active', 'former')),
    since BIGINT NOT NULL
);
CREATE UNIQUE INDEX key_roots_state_key ON key_roots (state);

-- The number of the key that made the row's digests.
ALTER TABLE account_lookups ADD COLUMN key_no BIGINT NOT NULL DEFAULT 1;
ALTER TABLE proved_documents ADD COLUMN key_no BIGINT NOT NULL DEFAULT 1;
ALTER TABLE register_entries ADD COLUMN key_no BIGINT NOT NULL DEFAULT 1;
ALTER TABLE torch_records ADD COLUMN key_no BIGINT NOT NULL DEFAULT 1;
ALTER TABLE integrator_invites ADD COLUMN key_no BIGINT NOT NULL DEFAULT 1;

-- While the key is being changed a proved document stands under both.
DROP INDEX proved_documents_account_id_key;
CREATE UNIQUE INDEX proved_documents_account_id_key ON proved_documents (account_id, key_no);

-- The digests of an appeal's number: mobile under the keys with odd numbers,
-- mobile_even under those with even ones.
ALTER TABLE appeals ADD COLUMN mobile_even TEXT NOT NULL DEFAULT '';
DROP INDEX appeals_mobile_key;
CREATE UNIQUE INDEX appeals_mobile_key ON appeals (mobile) WHERE open AND mobile <> '';
CREATE UNIQUE INDEX appeals_mobile_even_key ON appeals (mobile_even) WHERE open AND mobile_even <> '';
